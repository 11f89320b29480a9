"""Reading back: mapped from the disk, whole or refused, row by row."""

from dataclasses import replace

import pyarrow as pa
import pytest

from bimedix2_core.data.compose import manifest
from bimedix2_core.data.compose.reading import open_composed, row_at
from bimedix2_core.data.compose.selection import Part
from bimedix2_core.data.compose.shards import compose
from bimedix2_core.errors import DataError
from tests.data.compose.small_parts import part, row, rows


def composed(folder, n=30, seed=0):
    parts = [part("medqa_ar", n, "ar"), part("path_vqa", n, images=2)]
    return compose(parts, {"medqa_ar": n, "path_vqa": n}, folder=folder, seed=seed, rows_per_shard=25)


def test_every_row_comes_back_once(tmp_path):
    composed(tmp_path)

    dataset = open_composed(tmp_path)
    again = sorted((row_at(dataset, index) for index in range(len(dataset))), key=lambda one: (one.source, one.id))

    expected = [replace(one, source="medqa_ar") for one in rows(30, "ar")]
    expected += [replace(one, source="path_vqa") for one in rows(30, images=2)]
    assert again == sorted(expected, key=lambda one: (one.source, one.id))


def test_the_columns_are_those_of_a_row_with_modality_and_clean(tmp_path):
    composed(tmp_path)

    dataset = open_composed(tmp_path)

    assert dataset.column_names == [
        "id", "language", "task", "source", "messages", "images", "kind", "choices", "answer", "facts", "modality",
        "clean",
    ]  # fmt: skip
    vqa = next(values for values in dataset if values["source"] == "path_vqa")
    assert (vqa["modality"], vqa["clean"], vqa["images"]) == ("image_text", None, ["ab" * 32] * 2)


def test_an_opened_data_set_is_mapped_and_takes_no_memory_of_its_size(tmp_path):
    long = [replace(row(number), answer=f"{number} " * 20_000) for number in range(100)]
    compose([Part("qa", lambda: iter(long))], {"qa": 100}, folder=tmp_path, seed=0, rows_per_shard=100)
    open_composed(tmp_path)

    before = pa.total_allocated_bytes()
    dataset = open_composed(tmp_path)

    assert dataset.data.nbytes > 5_000_000
    assert pa.total_allocated_bytes() - before < 100_000
    assert dataset.cache_files[0]["filename"].startswith(str(tmp_path))


def test_a_data_set_that_was_composed_anew_is_read_anew(tmp_path):
    composed(tmp_path)
    open_composed(tmp_path)
    composed(tmp_path, n=20)

    assert len(open_composed(tmp_path)) == 40


def test_missing_and_changed_shards_are_one_error_that_names_them_all(tmp_path):
    composed(tmp_path)
    (tmp_path / "bimed_v-00000-of-00003.parquet").unlink()
    changed = tmp_path / "bimed_v-00002-of-00003.parquet"
    changed.write_bytes(changed.read_bytes()[:-1] + b"0")

    with pytest.raises(DataError) as caught:
        open_composed(tmp_path)

    assert str(caught.value) == (
        f"{tmp_path.name}: of 3 shards 1 missing: bimed_v-00000-of-00003.parquet; "
        "1 changed since it was written: bimed_v-00002-of-00003.parquet; fetch them again or compose it anew"
    )


def test_shards_without_a_manifest_are_no_data_set(tmp_path):
    composed(tmp_path)
    (tmp_path / manifest.MANIFEST).unlink()

    with pytest.raises(DataError, match=r"no dataset\.json, so there is no finished data set"):
        open_composed(tmp_path)
