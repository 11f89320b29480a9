"""Record files: a stand-in's records in the file formats that the published sets come in."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

from bimedix2_core.demo.stand_ins import Record
from bimedix2_core.runs import json_lines, write_atomic


def write_json_list(file: Path, records: Sequence[Record]) -> Path:
    """One JSON list, as LLaVA's training files and the files of Rad-VQA and SLAKE."""
    return write_atomic(file, json.dumps(records, ensure_ascii=False, indent=1) + "\n")


def write_json_by_id(file: Path, records: Sequence[Record]) -> Path:
    """One JSON object with the records by their ``id``, as PubMedQA."""
    keyed = {one["id"]: {name: value for name, value in one.items() if name != "id"} for one in records}
    return write_atomic(file, json.dumps(keyed, ensure_ascii=False, indent=1) + "\n")


def write_json_lines(file: Path, records: Sequence[Record | str]) -> Path:
    """One JSON object a line, as MedQA and MedMCQA; a record that is a text is a line as it stands, broken or not."""
    return write_atomic(file, "".join(f"{one}\n" if isinstance(one, str) else json_lines([one]) for one in records))


def write_csv(file: Path, records: Sequence[Record]) -> Path:
    """CSV whose columns are the fields of the first record, as PMC-VQA."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(records[0])
    writer.writerows(list(one.values()) for one in records)
    return write_atomic(file, text.getvalue())


def write_parquet(file: Path, records: Sequence[Record]) -> Path:
    """Parquet, as Path-VQA, which holds its images."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(records)), stream)
    return write_atomic(file, stream.getvalue())
