"""Composing: exact counts, stated shortfalls, one order for one seed, whole shards or none."""

import itertools
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from bimedix2_core.data.compose import manifest
from bimedix2_core.data.compose.columns import row_of_stored
from bimedix2_core.data.compose.manifest import Count, PartCount
from bimedix2_core.data.compose.selection import Part
from bimedix2_core.data.compose.shards import compose
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row, message
from bimedix2_core.runs import root
from tests.data.compose.small_parts import part, row, rows

WANTED = {"medqa": 40, "medqa_ar": 20, "path_vqa": 10}
PARTS = [part("medqa", 60), part("medqa_ar", 60, "ar"), part("path_vqa", 10, images=1)]


def composed(folder: Path, parts=PARTS, wanted=WANTED, **settings):
    return compose(parts, wanted, folder=folder, **{"seed": 0, "rows_per_shard": 32} | settings)


def stored_rows(folder: Path) -> list[dict]:
    return [values for file in sorted(folder.glob("*.parquet")) for values in pq.read_table(file).to_pylist()]


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_each_part_has_exactly_the_wanted_rows(tmp_path):
    composition = composed(tmp_path)

    sources = [values["source"] for values in stored_rows(tmp_path)]
    assert {source: sources.count(source) for source in WANTED} == WANTED
    assert composition.parts == (
        PartCount("medqa", 40, 60, 40),
        PartCount("medqa_ar", 20, 60, 20),
        PartCount("path_vqa", 10, 10, 10),
    )
    assert composition.shortfalls == ()
    assert composition.counts == (
        Count("medqa", "en", "text", 40, 0, 0),
        Count("medqa_ar", "ar", "text", 20, 0, 0),
        Count("path_vqa", "en", "image_text", 10, 0, 0),
    )


def test_twins_are_in_the_data_set_together(tmp_path):
    composed(tmp_path, wanted=WANTED | {"medqa": 20})

    ids = {source: {v["id"] for v in stored_rows(tmp_path) if v["source"] == source} for source in WANTED}
    assert ids["medqa"] == ids["medqa_ar"]


def test_shards_are_named_and_filled_in_order_and_their_groups_are_small(tmp_path):
    composition = composed(tmp_path, [part("medqa", 9000)], {"medqa": 8500}, rows_per_shard=3000)

    assert [(shard.file, shard.rows) for shard in composition.shards] == [
        ("bimed_v-00000-of-00003.parquet", 3000),
        ("bimed_v-00001-of-00003.parquet", 3000),
        ("bimed_v-00002-of-00003.parquet", 2500),
    ]
    for shard in composition.shards:
        written = pq.read_metadata(tmp_path / shard.file)
        assert written.num_rows == shard.rows
        assert all(0 < written.row_group(i).num_rows <= 1000 for i in range(written.num_row_groups))
        assert written.row_group(0).column(0).compression == "ZSTD"
    assert len({values["id"] for values in stored_rows(tmp_path)}) == 8500


def test_another_data_set_has_its_own_name_and_a_new_one_takes_its_old_shards_away(tmp_path):
    for n_rows in (30, 10):
        composed(tmp_path, [part("medqa", 40)], {"medqa": n_rows}, rows_per_shard=10, name="bimed13m")

    assert [file.name for file in tmp_path.glob("*.parquet")] == ["bimed13m-00000-of-00001.parquet"]


def test_the_rows_of_all_parts_are_mixed(tmp_path):
    composed(tmp_path, [part("a", 3000), part("b", 3000)], {"a": 3000, "b": 3000}, rows_per_shard=6000)

    order = [(values["source"], int(values["id"][1:])) for values in stored_rows(tmp_path)]
    first = [source for source, _ in order[:1000]].count("a")
    rising = sum(one[1] < other[1] for one, other in itertools.pairwise(order))
    assert 430 <= first <= 570  # 500 in a fair shuffle, beyond 4 standard deviations (14.4)
    assert 2850 <= rising <= 3150  # half of the neighbours; three standard deviations are about 70


def test_neither_the_order_of_the_parts_nor_that_of_their_rows_changes_the_data_set(tmp_path):
    backwards = [Part(one.source_id, lambda one=one: reversed(list(one.rows()))) for one in reversed(PARTS)]

    assert composed(tmp_path / "a") == composed(tmp_path / "b", backwards)
    assert data_files(tmp_path / "a") == data_files(tmp_path / "b")


def data_files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def test_another_seed_gives_other_rows_in_another_order(tmp_path):
    composition = composed(tmp_path / "a")
    other = composed(tmp_path / "b", seed=1)

    assert composition.key != other.key
    assert composition.counts == other.counts


def test_a_part_with_too_few_rows_is_a_stated_shortfall_and_nothing_is_repeated(tmp_path):
    composition = composed(tmp_path, wanted=WANTED | {"path_vqa": 25})

    assert composition.shortfalls == (PartCount("path_vqa", 25, 10, 10),)
    assert composition.shortfalls[0].shortfall == 15
    assert manifest.load(tmp_path).shortfalls == composition.shortfalls
    ids = [values["id"] for values in stored_rows(tmp_path) if values["source"] == "path_vqa"]
    assert sorted(ids) == sorted(f"q{number}" for number in range(10))


def test_a_wanted_source_that_nobody_has_is_a_stated_shortfall(tmp_path):
    composition = composed(tmp_path, PARTS[:2])

    assert composition.shortfalls == (PartCount("path_vqa", 10, 0, 0),)
    assert composition.n_rows == 60


def test_a_share_takes_the_scaled_counts(tmp_path):
    composition = composed(tmp_path, share=0.1)

    assert [one.taken for one in composition.parts] == [4, 2, 1]
    assert composition.share == "1/10"


def test_the_clean_flag_is_what_was_said_of_each_row_and_null_where_nothing_was(tmp_path):
    said = {"q0": True, "q1": False}
    composition = composed(tmp_path, PARTS[2:], {"path_vqa": 10}, is_clean=lambda row: said.get(row.id))

    assert {v["id"]: v["clean"] for v in stored_rows(tmp_path)} == {f"q{n}": said.get(f"q{n}") for n in range(10)}
    assert composition.counts == (Count("path_vqa", "en", "image_text", 10, n_clean=1, n_unclean=1),)


def test_without_a_check_the_clean_flag_is_null(tmp_path):
    composed(tmp_path)

    assert {values["clean"] for values in stored_rows(tmp_path)} == {None}


def test_a_row_comes_back_as_it_was_but_for_its_source(tmp_path):
    awkward = Row(
        id="π/1",
        language="ar",
        task="mcq",
        source="published",
        messages=[
            message("system", ""),
            message("user", 'أيّ؟\u2028\n"\\ \x00 2020-01-01', images=2),
            message("assistant", "🫁 A"),
        ],
        images=("ab" * 32, "cd" * 32),
        kind="single",
        choices=("1.5", "null", ""),
        answer="A",
        facts={"modality": "CT", "": "", "year": "2020"},
    )
    composed(tmp_path, [Part("medqa_ar", lambda: iter([awkward, row(1)]))], {"medqa_ar": 2})

    (again,) = [row_of_stored(values) for values in stored_rows(tmp_path) if values["id"] == "π/1"]
    assert again == replace(awkward, source="medqa_ar")


@pytest.mark.parametrize(
    ("bad", "found"),
    [
        (replace(row(3), answer="\ud800"), "surrogates not allowed"),
        (replace(row(3), facts={"count": 3}), "number"),
        (replace(row(3), answer=b"A"), "not JSON serializable"),
    ],
)
def test_a_value_that_is_no_text_is_an_error_that_names_the_row(tmp_path, bad, found):
    with pytest.raises(DataError, match=rf"part 'medqa', row 'q3' cannot be stored: (.|\n)*{found}(.|\n)*drop the row"):
        composed(tmp_path, [Part("medqa", lambda: iter([row(1), row(2), bad]))], {"medqa": 3})


@pytest.mark.parametrize(
    ("parts", "wanted", "found"),
    [
        ([*PARTS, PARTS[0]], WANTED, r"parts given twice: \['medqa'\]"),
        (PARTS, {"medqa": 40}, r"the recipe does not have: \['medqa_ar', 'path_vqa'\]; .* of: medqa"),
        ([], WANTED, "none of the 0 parts has a row that is wanted"),
    ],
)
def test_parts_that_do_not_fit_the_recipe_are_an_error(tmp_path, parts, wanted, found):
    with pytest.raises(DataError, match=found):
        composed(tmp_path, parts, wanted)


def test_no_rows_for_a_shard_is_an_error(tmp_path):
    with pytest.raises(DataError, match="0 rows for each shard"):
        composed(tmp_path, rows_per_shard=0)


def test_a_new_data_set_takes_the_place_of_the_old_and_leaves_other_files_alone(tmp_path):
    composed(tmp_path, rows_per_shard=10)
    (tmp_path / "README.md").write_text("card of the old one")
    (tmp_path / "notes.txt").write_text("mine")

    composed(tmp_path)

    assert names(tmp_path) == [
        "bimed_v-00000-of-00003.parquet", "bimed_v-00001-of-00003.parquet", "bimed_v-00002-of-00003.parquet",
        "dataset.json", "notes.txt",
    ]  # fmt: skip


def test_a_composition_that_fails_leaves_the_old_data_set(tmp_path):
    composed(tmp_path)
    before = data_files(tmp_path)

    with pytest.raises(DataError, match="twice"):
        composed(tmp_path, [Part("medqa", lambda: iter([row(1), row(1)]))])
    with pytest.raises(DataError, match="cannot be stored"):
        composed(tmp_path, [Part("medqa", lambda: iter([replace(row(1), answer="\ud800")]))])

    assert data_files(tmp_path) == before
    assert names(tmp_path) == sorted(before)


CHILD = """
import os, signal, sys
from pathlib import Path
from bimedix2_core.data.compose.selection import Part
from tests.data.compose.test_compose_shards import PARTS, composed
from tests.data.compose.small_parts import rows

folder, when, number = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
left = [number]

def die():
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)

def dying_rows():
    for row in rows(60):
        if when == "row":
            die()
        yield row

def on_rename(event, arguments):
    if when == "rename" and event == "os.rename":
        die()

sys.addaudithook(on_rename)
composed(folder, [Part("medqa", dying_rows), *PARTS[1:]], seed=7)
"""


def run_child(folder: Path, when: str, number: int, hash_seed: str = "0") -> int:
    command = [sys.executable, "-c", CHILD, str(folder), when, str(number)]
    environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(root())}
    return subprocess.run(command, env=environment, cwd=root(), check=False).returncode


@pytest.mark.parametrize(("when", "number"), [("row", 30), ("row", 90), ("rename", 0)])
def test_killed_before_the_exchange_the_old_data_set_stays(tmp_path, when, number):
    before = composed(tmp_path / "again", seed=0)

    assert run_child(tmp_path / "again", when, number) == -signal.SIGKILL

    assert manifest.load(tmp_path / "again") == before
    manifest.check(tmp_path / "again", before)


@pytest.mark.parametrize("n_moved", [0, 1, 3])
def test_killed_in_the_exchange_there_is_no_data_set_and_composing_again_makes_it_whole(tmp_path, n_moved):
    composed(tmp_path / "killed", seed=0)
    whole = composed(tmp_path / "whole", seed=7)

    assert run_child(tmp_path / "killed", "rename", 1 + n_moved) == -signal.SIGKILL

    assert len(list((tmp_path / "killed").glob("*.parquet"))) == n_moved
    with pytest.raises(DataError, match=r"killed: no dataset.json, so there is no finished data set.*compose it again"):
        manifest.load(tmp_path / "killed")
    assert composed(tmp_path / "killed", seed=7) == whole
    assert data_files(tmp_path / "killed") == data_files(tmp_path / "whole")


def test_every_process_makes_the_same_data_set_whatever_its_hash_seed(tmp_path):
    composed(tmp_path / "here", seed=7)

    for hash_seed in ("1", "2"):
        assert run_child(tmp_path / hash_seed, "never", 0, hash_seed) == 0
        assert data_files(tmp_path / hash_seed) == data_files(tmp_path / "here")


def test_the_manifest_reads_back_and_refuses_what_it_does_not_know(tmp_path):
    composition = composed(tmp_path)
    assert manifest.load(tmp_path) == composition

    record = json.loads((tmp_path / "dataset.json").read_text())
    (tmp_path / "dataset.json").write_text(json.dumps(record | {"seed": "0"}))
    with pytest.raises(DataError, match=r"dataset\.json: seed: Input should be a valid integer; compose it again"):
        manifest.load(tmp_path)


def test_rows_are_counted_by_source_language_and_modality(tmp_path):
    composition = composed(tmp_path)

    assert composition.n_rows == composition.rows() == 70
    assert composition.rows(language="en") == 50
    assert composition.rows(language="en", modality="text") == 40
    assert composition.rows(source="path_vqa") == 10
    assert composition.rows(source="slake_vqa") == 0


def test_rows_do_not_stay_in_memory(tmp_path):
    alive, most = set(), 0

    class Watched(Row):
        def __del__(self):
            alive.discard(id(self))

    def watched():
        nonlocal most
        for one in rows(2000):
            new = Watched(**vars(one))
            alive.add(id(new))
            most = max(most, len(alive))
            yield new

    composed(tmp_path, [Part("medqa", watched)], {"medqa": 2000}, rows_per_shard=500)

    assert 0 < most <= 3
