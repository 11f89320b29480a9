import csv
import json

import pyarrow.parquet as pq

from bimedix2_core.demo.record_files import (
    write_csv,
    write_json_by_id,
    write_json_lines,
    write_json_list,
    write_parquet,
)

RECORDS = [{"id": "a", "said": "نعم, yes", "n": 1}, {"id": "b", "said": "no", "n": 2}]


def test_each_format_holds_the_records_as_they_are_in_their_order(tmp_path):
    listed = write_json_list(tmp_path / "list.json", RECORDS).read_text("utf-8")
    lines = write_json_lines(tmp_path / "lines.jsonl", RECORDS).read_text("utf-8")

    assert json.loads(listed) == [json.loads(line) for line in lines.splitlines()] == RECORDS
    assert "نعم" in listed
    assert "نعم" in lines
    assert pq.read_table(write_parquet(tmp_path / "t.parquet", RECORDS)).to_pylist() == RECORDS
    with write_csv(tmp_path / "t.csv", RECORDS).open(encoding="utf-8", newline="") as stream:
        assert list(csv.reader(stream)) == [["id", "said", "n"], ["a", "نعم, yes", "1"], ["b", "no", "2"]]


def test_by_id_the_records_are_without_their_ids(tmp_path):
    file = write_json_by_id(tmp_path / "by_id.json", RECORDS)

    assert json.loads(file.read_text("utf-8")) == {"a": {"said": "نعم, yes", "n": 1}, "b": {"said": "no", "n": 2}}


def test_a_broken_line_stays_broken(tmp_path):
    file = write_json_lines(tmp_path / "lines.jsonl", [{"id": "a"}, '{"id": "'])

    assert file.read_text("utf-8") == '{"id": "a"}\n{"id": "\n'
