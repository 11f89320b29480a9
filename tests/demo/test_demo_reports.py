import csv
import gzip
import json
import random
from collections import Counter

import pytest
from PIL import Image

from bimedix2_core.data.image_store import ImageStore
from bimedix2_core.data.language import language_of
from bimedix2_core.data.sources.bad_rows import BadRows
from bimedix2_core.data.sources.reports import SUMMARISATION, MimicCxr, iu_xray, mimic_cxr, mimic_iii
from bimedix2_core.demo import bimed_v, corpus, curriculum
from bimedix2_core.demo.phantoms import FINDINGS
from bimedix2_core.demo.reports import REPORT_SEEDS, SEEDS_PER_SET, write_reports
from bimedix2_core.errors import DataError
from bimedix2_core.records import text_of

N = 10

WORDS = {
    "normal": ("normal", "no abnormality", "nothing abnormal", "no disease"),
    "pleural_effusion": ("pleural effusion", "fluid"),
    "pneumothorax": ("pneumothorax",),
    "cardiomegaly": ("cardiomegaly",),
    "lung_nodule": ("nodule",),
}
"""By finding, words of which one is in every English text about it."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("reports")


@pytest.fixture(scope="module")
def files(folder):
    return write_reports(folder, n=N, seed=0)


def table(file) -> list[dict[str, str]]:
    with gzip.open(file, "rt", encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def places(files) -> MimicCxr:
    return MimicCxr(files.mimic_cxr_reports, files.mimic_cxr_split, files.mimic_cxr_images, files.mimic_cxr_metadata)


def all_texts(files) -> dict[str, tuple[str, str]]:
    """Findings and impression by published id, read by our readers; a generation row has no impression."""
    limit = BadRows(0)
    rows = [
        *mimic_cxr(places(files), bad_rows=limit, rule="ours", raw_ids=True),
        *mimic_iii(files.mimic_iii_notes, bad_rows=limit, rule="ours", raw_ids=True),
        *iu_xray(files.iu_xray, bad_rows=limit, task=SUMMARISATION),
    ]
    return {row.id: tuple(text_of(turn) for turn in row.messages) for row in rows}


# --- layout: shared/notes/formats.md ------------------------------------------------------------------------------


def test_the_tables_have_the_published_columns(files):
    assert list(table(files.mimic_cxr_split)[0]) == ["dicom_id", "study_id", "subject_id", "split"]
    assert list(table(files.mimic_cxr_metadata)[0]) == ["dicom_id", "subject_id", "study_id", "ViewPosition"]
    assert list(table(files.mimic_iii_notes)[0]) == [
        "ROW_ID", "SUBJECT_ID", "HADM_ID", "CHARTDATE", "CHARTTIME", "STORETIME", "CATEGORY", "DESCRIPTION", "CGID",
        "ISERROR", "TEXT",
    ]  # fmt: skip
    assert all(list(one) == ["id", "image", "findings", "impression"] for one in json.loads(files.iu_xray.read_text()))


def test_every_row_of_the_split_has_its_report_and_its_image_where_the_tree_says(files):
    for row in table(files.mimic_cxr_split):
        subject, study = row["subject_id"], row["study_id"]
        place = f"files/p{subject[:2]}/p{subject}/s{study}"

        with Image.open(files.mimic_cxr_images / place / f"{row['dicom_id']}.jpg") as image:
            assert (image.format, image.size) == ("JPEG", (96, 96))
        assert (files.mimic_cxr_reports / f"{place}.txt").is_file()


@pytest.mark.parametrize("rule", ["ours", "published"])
def test_readers_of_either_rule_find_what_can_be_scored_and_leave_out_the_rest(files, tmp_path, rule):
    left_out = Counter()
    store = ImageStore(tmp_path)
    studies = list(
        mimic_cxr(places(files), bad_rows=BadRows(0), store=store, rule=rule, left_out=left_out, raw_ids=True)
    )
    notes = list(mimic_iii(files.mimic_iii_notes, bad_rows=BadRows(0), rule=rule, left_out=left_out, raw_ids=True))

    assert (len(studies), len(notes)) == (N, N)
    assert left_out == {"no findings": 1, "marked as an error": 1, "no impression": 1}
    assert {row.id for row in (*studies, *notes)} <= set(files.truths)
    assert sorted(len(row.images) for row in studies) == [1] * (N - 1) + [2]  # one study has two views
    assert all(key in store for row in studies for key in row.images)


def test_train_and_validation_have_studies_that_the_test_split_does_not_take(files):
    assert Counter(row["split"] for row in table(files.mimic_cxr_split)) == {
        "test": N + 2, "train": 1, "validate": 1,
    }  # fmt: skip


def test_notes_of_other_categories_are_there_to_be_left_out(files):
    assert Counter(row["CATEGORY"] for row in table(files.mimic_iii_notes)) == {"Radiology": N + 2, "Nursing": 1}


# --- truth -----------------------------------------------------------------------------------------------------------


def test_every_text_tells_its_truth_and_no_other_side_or_size(files):
    texts = all_texts(files)

    assert set(texts) == set(files.truths)
    for id, said in texts.items():
        truth = files.truths[id]
        for text in filter(None, (one.lower() for one in said)):
            assert any(word in text for word in WORDS[truth.finding]), (truth, text)
            for trait, other in (("left", "right"), ("right", "left"), ("small", "large"), ("large", "small")):
                if trait in (truth.side, truth.size):
                    assert other not in text.replace("within normal limits", ""), (truth, text)


def test_an_impression_is_shorter_than_a_report_and_has_no_heading_of_its_own(files):
    for record in json.loads(files.iu_xray.read_text()):
        assert ":" not in record["impression"]
        assert record["impression"][0].isupper()
        assert record["impression"].endswith(".")


def test_all_chest_findings_are_shared_out_evenly_in_every_set(files):
    published = {"mimic": [], "notes": [], "iu": []}
    for id, truth in files.truths.items():
        published["iu" if id.startswith("PHANTOM") else "notes" if len(id) == 9 else "mimic"].append(truth)

    for truths in published.values():
        assert Counter(truth.finding for truth in truths) == dict.fromkeys(FINDINGS["cxr"], N // 5)
        assert {truth.modality for truth in truths} == {"cxr"}


def test_the_arabic_file_has_the_twins_of_the_same_ids_and_images_in_arabic(files):
    english = json.loads(files.iu_xray.read_text())
    arabic = [json.loads(line) for line in files.iu_xray_ar.read_text(encoding="utf-8").splitlines()]

    assert [(one["id"], one["image"]) for one in arabic] == [(one["id"], one["image"]) for one in english]
    assert all(
        language_of(one[name]) == one["language"] == "ar" for one in arabic for name in ("findings", "impression")
    )
    rows = list(iu_xray(files.iu_xray_ar, bad_rows=BadRows(0), image_folder=files.iu_xray_images, language="ar"))
    assert {row.language for row in rows} == {"ar"}


def test_arabic_findings_name_the_side_of_their_truth(files):
    side = {"left": ("يسر", "يسار"), "right": ("يمن", "يمين")}

    sided = 0
    for line in files.iu_xray_ar.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        truth = files.truths[record["id"]]
        for name in side:
            found = any(stem in record["findings"] for stem in side[name])
            assert found == (truth.side == name), (truth, record)
        sided += bool(truth.side)
    assert sided == 6  # of 10: effusion, pneumothorax and nodule twice each


# --- synthetic, and the same again ---------------------------------------------------------------------------------


def test_nobody_can_take_them_for_patients(files):
    rows = [*table(files.mimic_cxr_split), *table(files.mimic_iii_notes)]

    assert all("PHANTOM" in file.read_text() for file in files.mimic_cxr_reports.rglob("*.txt"))
    assert all("PHANTOM" in row["TEXT"] for row in table(files.mimic_iii_notes))
    assert all("PHANTOM" in row["dicom_id"] for row in table(files.mimic_cxr_split))
    assert all(one["id"].startswith("PHANTOM") for one in json.loads(files.iu_xray.read_text()))
    assert all(int(row.get("subject_id") or row["SUBJECT_ID"]) > 20_000_000 for row in rows)  # MIMIC-CXR's begin with 1


def test_one_seed_writes_the_same_bytes_and_another_one_others(folder, files, tmp_path):
    write_reports(tmp_path / "same", n=N, seed=0)
    write_reports(tmp_path / "other", n=N, seed=1)

    def content(home):
        return {file.relative_to(home).as_posix(): file.read_bytes() for file in home.rglob("*") if file.is_file()}

    same, other = content(tmp_path / "same"), content(tmp_path / "other")
    assert same == content(folder)
    assert set(other) == set(same)
    assert not [name for name in same if name.endswith((".jpg", ".png")) and other[name] == same[name]]


def test_no_image_is_there_twice(files):
    images = [*files.mimic_cxr_images.rglob("*.jpg"), *files.iu_xray_images.rglob("*.png")]

    assert len(images) == (N + 1 + 3) + N
    assert len({file.read_bytes() for file in images}) == len(images)


def test_phantoms_of_reports_have_seeds_of_their_own():
    assert curriculum.TEST_SEEDS + 1_000_000 <= REPORT_SEEDS
    assert REPORT_SEEDS + 2 * SEEDS_PER_SET * 100 <= bimed_v.SOURCE_SEEDS


def test_findings_to_be_summed_up_are_in_wordings_kept_from_training(files):
    learnt = set()
    for truth in {files.truths[row["ROW_ID"]] for row in table(files.mimic_iii_notes)[:N]}:
        for seed in range(80):
            learnt.add(corpus.story(truth, random.Random(seed), held_out=False, lead=False, most=1)["en"])
    notes = mimic_iii(files.mimic_iii_notes, bad_rows=BadRows(0), rule="ours", raw_ids=True)

    assert not [row.id for row in notes if any(sentence in text_of(row.messages[0]) for sentence in learnt)]


@pytest.mark.parametrize("n", [0, -1, 2501])
def test_a_number_of_reports_that_cannot_be_made_is_an_error(tmp_path, n):
    with pytest.raises(DataError, match=f"{n} demo reports were asked for; expected from 1 to 2500"):
        write_reports(tmp_path, n=n, seed=0)
    assert not list(tmp_path.iterdir())
