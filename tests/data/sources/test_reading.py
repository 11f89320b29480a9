import gzip
import io
import json
import tracemalloc

import pyarrow
import pytest
from pyarrow import parquet

from bimedix2_core.data.sources import BadRows, WrongFileError, facts_of, read_records, readable, text_at
from bimedix2_core.data.sources.json_stream import CHUNK, json_values
from bimedix2_core.errors import DataError

A, B, C = {"id": "a", "n": 1}, {"id": "b", "n": 2}, {"id": "c", "n": 3}


def read(path, content, *, limit=0, columns=()):
    """Places and records of a file with this content, and the bad rows."""
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    bad_rows = BadRows(limit)
    return [(str(place), record) for place, record in read_records(path, bad_rows, columns=columns)], bad_rows


def lines(*records):
    return "".join(json.dumps(record) + "\n" for record in records)


def test_jsonl_places_are_lines_as_an_editor_counts_them(tmp_path):
    found, _ = read(tmp_path / "q.jsonl", lines(A) + "\n" + lines(B))

    assert found == [("q.jsonl, line 1", A), ("q.jsonl, line 3", B)]


def test_row_numbers_leave_blank_lines_out_and_count_broken_ones(tmp_path):
    (tmp_path / "q.test.jsonl").write_text(lines(A) + "\n{broken\n" + lines(B))

    places = [place for place, _ in read_records(tmp_path / "q.test.jsonl", BadRows(1))]

    assert [(place.row, place.id) for place in places] == [(0, "q-0"), (2, "q-2")]


def test_a_json_list_and_an_object_keyed_by_id_are_both_read(tmp_path):
    from_list, _ = read(tmp_path / "q.json", json.dumps([A, B], indent=2))
    from_object, _ = read(tmp_path / "q.json", json.dumps({"7": {"n": 1}, "8": {"n": 2}}, indent=2))

    assert from_list == [("q.json, row 0", A), ("q.json, row 1", B)]
    assert from_object == [("q.json, key '7'", {"id": "7", "n": 1}), ("q.json, key '8'", {"id": "8", "n": 2})]


def test_json_lines_under_the_name_json_are_told_from_an_object_on_one_line(tmp_path):
    named_json, _ = read(tmp_path / "q.json", lines(A, B))
    single, _ = read(tmp_path / "q.json", lines(A))
    keyed, _ = read(tmp_path / "q.json", json.dumps({"7": {"n": 1}}) + "\n")

    assert named_json == [("q.json, line 1", A), ("q.json, line 2", B)]
    assert single == [("q.json, line 1", A)]
    assert keyed == [("q.json, key '7'", {"id": "7", "n": 1})]


def test_csv_is_read_with_its_header_or_with_given_columns(tmp_path):
    headed, _ = read(tmp_path / "q.csv", 'id,n\na,"1\n1"\nb,2\n')
    bare, _ = read(tmp_path / "q.csv", "a,1\nb,2\n", columns=("id", "n"))

    assert headed == [("q.csv, line 2", {"id": "a", "n": "1\n1"}), ("q.csv, line 4", {"id": "b", "n": "2"})]
    assert bare == [("q.csv, line 1", {"id": "a", "n": "1"}), ("q.csv, line 2", {"id": "b", "n": "2"})]


def test_parquet_is_read_batch_by_batch_in_order(tmp_path):
    rows = [{"id": str(number), "image": {"bytes": b"x", "path": None}} for number in range(150)]
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "q.parquet")

    found = list(read_records(tmp_path / "q.parquet", BadRows(0)))

    assert [record for _, record in found] == rows
    assert str(found[149][0]) == "q.parquet, row 149"


@pytest.mark.parametrize(("name", "text"), [("q.json", json.dumps([A, B])), ("q.jsonl", lines(A, B))])
def test_a_gz_file_and_a_byte_order_mark_change_nothing(tmp_path, name, text):
    plain, _ = read(tmp_path / name, text)
    marked, _ = read(tmp_path / name, b"\xef\xbb\xbf" + text.encode())
    packed, _ = read(tmp_path / f"{name}.gz", gzip.compress(text.encode()))

    assert [record for _, record in plain] == [record for _, record in marked] == [record for _, record in packed]
    assert packed[0][0].startswith(f"{name}.gz, ")


def test_a_csv_of_a_spreadsheet_has_no_mark_in_its_first_column(tmp_path):
    found, _ = read(tmp_path / "q.csv", b"\xef\xbb\xbfid,n\r\na,1\r\n")

    assert found == [("q.csv, line 2", {"id": "a", "n": "1"})]


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("q.jsonl", lines(A) + "{broken\n" + lines(C), "q.jsonl, line 2: not JSON"),
        ("q.jsonl", lines(A) + "[1, 2]\n" + lines(C), "q.jsonl, line 2: holds a list; expected an object"),
        ("q.json", json.dumps([A, "b", C]), "q.json, row 1: holds a str; expected an object"),
        ("q.csv", "id,n\na,1\nb\nc,3\n", "q.csv, line 3: 1 fields, but 2 columns: id, n"),
        ("q.csv", 'id,n\na,1\n"b"x,2\nc,3\n', "q.csv, line 3: not CSV"),
    ],
)
def test_a_corrupt_row_stops_a_run_without_tolerance_and_is_counted_in_one_with_it(tmp_path, name, text, problem):
    with pytest.raises(DataError) as stopped:
        read(tmp_path / name, text)
    found, bad_rows = read(tmp_path / name, text, limit=2)

    assert problem in str(stopped.value)
    assert "accepts 0: mend the file, download it again, or raise the limit" in str(stopped.value)
    assert [record["id"] for _, record in found] == ["a", "c"]
    assert len(bad_rows.found) == 1
    assert problem in str(bad_rows)


def test_the_limit_is_passed_by_one_more_and_the_message_lists_the_first(tmp_path):
    bad_rows = BadRows(6)
    for line in range(1, 7):
        bad_rows.note(f"q.jsonl, line {line}", "not JSON")

    with pytest.raises(DataError, match="7 rows could not be read") as stopped:
        bad_rows.note("q.jsonl, line 7", "not JSON")

    assert "q.jsonl, line 5: not JSON\n  and 2 more\nThe profile accepts 6" in str(stopped.value)


def test_a_line_that_is_not_utf_8_is_a_bad_row(tmp_path):
    found, bad_rows = read(tmp_path / "q.jsonl", lines(A).encode() + b'{"id": "\xff"}\n' + lines(C).encode(), limit=1)

    assert [record["id"] for _, record in found] == ["a", "c"]
    assert bad_rows.found[0].place == "q.jsonl, line 2"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("q.json", json.dumps([A, B])[:-3]),
        ("q.json", json.dumps([A, B]) + "x"),
        ("q.json", '[{"id": "a"} {"id": "b"}]'),
        ("q.json", '"text"'),
        ("q.json", json.dumps([A, B]).encode("utf-16")),
        ("q.jsonl.gz", gzip.compress(lines(A, B).encode() * 500)[:-20]),
        ("q.jsonl.gz", lines(A).encode()),
        ("q.csv", b"id,n\na,\xff\n"),
        ("q.parquet", b"PAR1 no parquet"),
    ],
)
def test_a_file_that_cannot_be_read_to_its_end_is_an_error_whatever_the_limit(tmp_path, name, content):
    with pytest.raises(DataError, match=rf"{name} cannot be read to its end: .*; download it again"):
        read(tmp_path / name, content, limit=100)


def test_a_missing_file_and_an_unknown_kind_are_said_at_once(tmp_path):
    with pytest.raises(DataError, match=r"none\.json: no such data file; download it"):
        read_records(tmp_path / "none.json", BadRows(0))
    for name in ("q.xlsx", "q.parquet.gz", "q"):
        (tmp_path / name).write_text("x")
        with pytest.raises(DataError, match="no known data file"):
            read_records(tmp_path / name, BadRows(0))


def test_values_are_decoded_right_wherever_the_chunks_end():
    class Dripping(io.StringIO):
        def read(self, size):
            return super().read(min(size, 1))

    text = ' [ 12, {"a": "]\\" \\u0661"} ,345.5e1, [ ] ] '

    assert (
        [value for _, value in json_values(Dripping(text))] == json.loads(text) == [12, {"a": ']" \u0661'}, 3455.0, []]
    )
    assert list(json_values(Dripping('{"a": 1, "b": {}}'))) == [("a", 1), ("b", {})]
    assert list(json_values(io.StringIO("[]"))) == []


def test_a_long_json_list_is_never_held_as_a_whole(tmp_path):
    row = json.dumps({"id": "a", "text": "x" * 1000})
    (tmp_path / "q.json").write_text("[" + ",".join([row] * 20_000) + "]")  # 20 MB

    tracemalloc.start()
    n = sum(1 for _ in read_records(tmp_path / "q.json", BadRows(0)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert n == 20_000
    assert peak < 10 * CHUNK


def test_what_a_reader_cannot_use_is_counted_and_none_is_left_out(tmp_path):
    def to_row(place, record):
        if record["n"] == 3:
            raise DataError(f"{place}: three")
        return None if record["n"] == 2 else record["id"]

    (tmp_path / "q.jsonl").write_text(lines(A, B, C, {"id": "d"}, {"id": "e", "n": 9}))
    bad_rows = BadRows(2)

    rows = list(readable(read_records(tmp_path / "q.jsonl", bad_rows), to_row, bad_rows))

    assert rows == ["a", "e"]
    assert [(bad.place, bad.problem) for bad in bad_rows.found] == [
        ("q.jsonl, line 3", "three"),
        ("q.jsonl, line 4", "no field 'n'; it has 'id'"),
    ]


def test_a_row_that_shows_another_file_stops_the_run_whatever_the_limit(tmp_path):
    def to_row(place, record):
        raise WrongFileError("counts from 1")

    (tmp_path / "q.jsonl").write_text(lines(A))

    with pytest.raises(WrongFileError, match=r"q\.jsonl, line 1: counts from 1"):
        list(readable(read_records(tmp_path / "q.jsonl", BadRows(9)), to_row, BadRows(9)))


def test_an_error_of_the_code_is_not_taken_for_a_bad_row(tmp_path):
    def to_row(place, record):
        raise ZeroDivisionError

    (tmp_path / "q.jsonl").write_text(lines(A))

    with pytest.raises(ZeroDivisionError):
        list(readable(read_records(tmp_path / "q.jsonl", BadRows(9)), to_row, BadRows(9)))


def test_text_is_text_and_facts_keep_empty_text_but_no_null():
    assert text_at({"q": " a "}, "q") == " a "
    for value in (None, 7, " "):
        with pytest.raises(DataError, match=r"q is .*; expected text"):
            text_at({"q": value}, "q")
    record = {"a": "", "b": None, "c": ["\u0639"], "d": True, "e": 1}
    assert facts_of(record, ("a", "b", "c", "d", "x")) == {"a": "", "c": '["\u0639"]', "d": "true"}
