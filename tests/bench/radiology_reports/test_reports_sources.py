import csv
import gzip
import io
import json
from collections import Counter

import pytest
from PIL import Image

from bimedix2_core.bench.radiology_reports.sizes import size_remark
from bimedix2_core.data.image_store import ImageStore
from bimedix2_core.data.sources import BadRows
from bimedix2_core.data.sources.reports import (
    GENERATION,
    NO_FINDINGS,
    NO_IMPRESSION,
    NOT_FINAL,
    SEVERAL,
    SUMMARISATION,
    TOGETHER,
    MimicCxr,
    iu_xray,
    mimic_cxr,
    mimic_iii,
)
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row, message, n_images, text_of

STUDIES = [
    # subject, study, dicoms with view, split, report; ids are made up
    ("10000001", "50000001", [("dicom-a1", "PA"), ("dicom-a2", "LATERAL")], "test", "\n FINDINGS: Clear lungs.\n"),
    ("10000001", "50000002", [("dicom-b1", "AP")], "test", "\n FINDINGS: Left effusion.\n IMPRESSION: Effusion.\n"),
    ("10000002", "50000003", [("dicom-c1", "AP")], "test", "\n IMPRESSION: Normal.\n"),
    ("10000002", "50000004", [("dicom-d1", "AP")], "test", "\n FINDINGS AND IMPRESSION: Normal.\n"),
    ("10000003", "50000005", [("dicom-e1", "PA")], "train", "\n FINDINGS: A training report.\n"),
]  # fmt: skip


def write_csv_gz(path, columns, rows):
    text = io.StringIO()
    table = csv.writer(text)
    table.writerows([columns, *rows])
    with gzip.open(path, "wt", encoding="utf-8", newline="") as file:
        file.write(text.getvalue())


@pytest.fixture
def mimic(tmp_path):
    """A tree of MIMIC-CXR's layout with five studies."""
    split, metadata = [], []
    for number, (subject, study, views, part, report) in enumerate(STUDIES):
        folder = tmp_path / f"files/p{subject[:2]}/p{subject}"
        (folder / f"s{study}").mkdir(parents=True)
        (folder / f"s{study}.txt").write_text(report)
        for shade, (dicom, view) in enumerate(views):
            Image.new("L", (8, 8), 20 * number + shade).save(folder / f"s{study}/{dicom}.jpg")
            split.append([dicom, study, subject, part])
            metadata.append([dicom, subject, study, view])
    write_csv_gz(tmp_path / "mimic-cxr-2.0.0-split.csv.gz", ["dicom_id", "study_id", "subject_id", "split"], split)
    write_csv_gz(
        tmp_path / "mimic-cxr-2.0.0-metadata.csv.gz", ["dicom_id", "subject_id", "study_id", "ViewPosition"], metadata
    )
    return MimicCxr(
        reports=tmp_path,
        split_file=tmp_path / "mimic-cxr-2.0.0-split.csv.gz",
        images=tmp_path,
        metadata_file=tmp_path / "mimic-cxr-2.0.0-metadata.csv.gz",
    )


def test_the_test_studies_with_findings_become_rows_with_one_image_for_each_view(mimic, tmp_path):
    store, left_out = ImageStore(tmp_path / "store"), Counter()

    rows = list(mimic_cxr(mimic, bad_rows=BadRows(0), store=store, rule="ours", left_out=left_out))

    assert [text_of(row.messages[-1]) for row in rows] == ["Clear lungs.", "Left effusion."]
    assert [len(row.images) for row in rows] == [n_images(row.messages) for row in rows] == [2, 1]
    assert all(row.task == GENERATION and store.open(row.images[0]).size == (8, 8) for row in rows)
    assert left_out == {NO_FINDINGS: 1, TOGETHER: 1}


def test_the_published_rule_counts_findings_and_impression_together_as_no_findings(mimic):
    left_out = Counter()

    rows = list(mimic_cxr(mimic, bad_rows=BadRows(0), left_out=left_out))

    assert len(rows) == 2
    assert left_out == {NO_FINDINGS: 2}


def test_published_ids_are_nowhere_in_a_row_unless_they_are_allowed(mimic):
    hashed = list(mimic_cxr(mimic, bad_rows=BadRows(0)))
    raw = list(mimic_cxr(mimic, bad_rows=BadRows(0), raw_ids=True))

    written = json.dumps([row.as_json() for row in hashed])
    assert not any(id in written for subject, study, views, _, _ in STUDIES for id in (subject, study, views[0][0]))
    assert all(set(row.facts) == {"study_id", "patient_id"} for row in hashed)
    assert [row.facts for row in raw] == [
        {"study_id": "50000001", "patient_id": "10000001"},
        {"study_id": "50000002", "patient_id": "10000001"},
    ]


def test_hashed_ids_keep_who_belongs_together_and_are_the_same_for_everybody_with_the_data(mimic, tmp_path):
    first, second = mimic_cxr(mimic, bad_rows=BadRows(0))
    again, _ = mimic_cxr(mimic, bad_rows=BadRows(0))
    write_csv_gz(tmp_path / "other.csv.gz", ["dicom_id", "study_id", "subject_id", "split"],
                 [["dicom-a1", "50000001", "10000001", "test"]])  # fmt: skip
    [other] = mimic_cxr(MimicCxr(tmp_path, tmp_path / "other.csv.gz"), bad_rows=BadRows(0))

    assert first.facts["patient_id"] == second.facts["patient_id"]
    assert first.id == first.facts["study_id"] != second.id
    assert again.id == first.id
    assert other.id != first.id, "the key must come from the file, or numbers could be tried"


def test_views_are_chosen_by_the_metadata(mimic):
    left_out = Counter()

    rows = list(mimic_cxr(mimic, bad_rows=BadRows(0), views=("PA",), left_out=left_out))

    assert [n_images(row.messages) for row in rows] == [1]
    assert left_out == {"no image of these views": 3}


def test_another_split_is_read_on_request_and_an_unknown_one_refused(mimic):
    [row] = mimic_cxr(mimic, bad_rows=BadRows(0), split="train")

    assert text_of(row.messages[-1]) == "A training report."
    with pytest.raises(DataError, match="expected one of train, validate, test"):
        list(mimic_cxr(mimic, bad_rows=BadRows(0), split="dev"))


def test_a_missing_report_is_a_bad_row_that_does_not_tell_the_published_id(mimic):
    (mimic.reports / "files/p10/p10000001/s50000002.txt").unlink()
    bad_rows = BadRows(1)

    rows = list(mimic_cxr(mimic, bad_rows=bad_rows))

    assert len(rows) == 1
    assert "study 2 of split test" in str(bad_rows)
    assert "50000002" not in str(bad_rows)
    with pytest.raises(DataError, match="accepts 0"):
        list(mimic_cxr(mimic, bad_rows=BadRows(0)))


def test_a_truncated_image_is_a_bad_row_that_does_not_tell_the_published_id(mimic, tmp_path):
    image = mimic.reports / "files/p10/p10000001/s50000002/dicom-b1.jpg"
    image.write_bytes(image.read_bytes()[:100])
    bad_rows = BadRows(1)

    rows = list(mimic_cxr(mimic, bad_rows=bad_rows, store=ImageStore(tmp_path / "store")))

    assert len(rows) == 1
    assert "image" in str(bad_rows)
    assert "50000002" not in str(bad_rows)


def test_a_store_without_an_image_folder_and_a_missing_split_file_say_what_is_missing(mimic, tmp_path):
    with pytest.raises(DataError, match="no image folder"):
        list(mimic_cxr(MimicCxr(tmp_path, mimic.split_file), bad_rows=BadRows(0), store=ImageStore(tmp_path / "s")))
    with pytest.raises(DataError, match="no such data file"):
        list(mimic_cxr(MimicCxr(tmp_path, tmp_path / "nothing.csv.gz"), bad_rows=BadRows(0)))
    with pytest.raises(DataError, match="metadata"):
        list(mimic_cxr(MimicCxr(tmp_path, mimic.split_file), bad_rows=BadRows(0), views=("PA",)))


IU = [
    {"id": "CXR1", "image": ["CXR1/0.png", "CXR1/1.png"], "findings": "Clear  lungs.", "impression": "Normal."},
    {"id": "CXR2", "image": ["CXR2/0.png"], "findings": "Clear lungs.", "impression": ""},
    {"id": "CXR3", "image": ["CXR3/0.png"], "findings": None, "impression": "Normal."},
]


def test_an_iu_x_ray_list_is_read_for_both_tasks(tmp_path):
    file = tmp_path / "test.json"
    file.write_text(json.dumps(IU))
    left_out = Counter()

    generation = list(iu_xray(file, bad_rows=BadRows(0)))
    summaries = list(iu_xray(file, bad_rows=BadRows(0), task=SUMMARISATION, left_out=left_out))

    assert [(row.id, n_images(row.messages)) for row in generation] == [("CXR1", 2), ("CXR2", 1)]
    assert [[text_of(turn) for turn in row.messages] for row in summaries] == [["Clear lungs.", "Normal."]]
    assert left_out == {NO_IMPRESSION: 1, NO_FINDINGS: 1}


def test_an_iu_x_ray_record_without_images_is_a_bad_row(tmp_path):
    file = tmp_path / "test.json"
    file.write_text(json.dumps([{"id": "CXR1", "image": [], "findings": "Clear.", "impression": ""}]))

    with pytest.raises(DataError, match="expected a file name or a list"):
        list(iu_xray(file, bad_rows=BadRows(0)))


NOTE_COLUMNS = ["ROW_ID", "SUBJECT_ID", "HADM_ID", "CHARTDATE", "CHARTTIME", "STORETIME", "CATEGORY", "DESCRIPTION",
                "CGID", "ISERROR", "TEXT"]  # fmt: skip


def note(row_id, text, *, category="Radiology", error=""):
    return [row_id, "77", "1", "2101-01-01", "", "", category, "CT HEAD W/O CONTRAST", "", error, text]


FINAL = "[**2101-1-1**] CT HEAD\n ____________\n FINAL REPORT\n {}"
NOTES = [
    note("1", FINAL.format('\n FINDINGS: No [**Hospital 5**] "bleed".\n\n IMPRESSION: Normal.\n')),
    note("2", FINAL.format("\n FINDINGS: No bleed.\n")),
    note("3", "\n FINDINGS: No bleed.\n\n IMPRESSION: Normal.\n"),
    note("4", FINAL.format("\n FINDINGS: A.\n\n IMPRESSION: B.\n\n IMPRESSION: C.\n")),
    note("5", FINAL.format("\n FINDINGS: No bleed.\n\n IMPRESSION: Normal.\n"), category="Nursing"),
    note("6", FINAL.format("\n FINDINGS: No bleed.\n\n IMPRESSION: Normal.\n"), error="1"),
    note("7", FINAL.format("\n FINDINGS: Bleed.\n\n IMPRESSION: Bleed.\n")),
]


@pytest.fixture
def notes(tmp_path):
    write_csv_gz(tmp_path / "NOTEEVENTS.csv.gz", NOTE_COLUMNS, NOTES)
    return tmp_path / "NOTEEVENTS.csv.gz"


def test_radiology_notes_become_summaries_prepared_as_multimedeval_does(notes):
    left_out = Counter()

    rows = list(mimic_iii(notes, bad_rows=BadRows(0), left_out=left_out))

    assert [[text_of(turn) for turn in row.messages] for row in rows] == [
        ['no ___ "bleed".', "normal."],
        ["bleed.", "bleed."],
    ]
    assert left_out == {NO_IMPRESSION: 1, NOT_FINAL: 1, SEVERAL: 1, "marked as an error": 1}
    assert {row.facts["patient_id"] for row in rows} != {"77"}
    assert len({row.facts["patient_id"] for row in rows}) == 1


def test_our_rule_keeps_capitals_and_notes_without_the_words_final_report(notes):
    rows = list(mimic_iii(notes, bad_rows=BadRows(0), rule="ours", raw_ids=True))

    assert [row.id for row in rows] == ["1", "3", "4", "7"]
    assert text_of(rows[0].messages[0]) == 'No ___ "bleed".'


def test_the_list_of_a_split_says_which_notes_are_asked(notes):
    rows = list(mimic_iii(notes, bad_rows=BadRows(0), ids=[7, 2], raw_ids=True))

    assert [row.id for row in rows] == ["7"]


def test_a_cut_table_is_an_error_and_not_a_smaller_set(notes):
    notes.write_bytes(notes.read_bytes()[:-20])

    with pytest.raises(DataError, match=r"NOTEEVENTS\.csv\.gz"):
        list(mimic_iii(notes, bad_rows=BadRows(0)))


def rows_of(source, task, n):
    messages = [message("user", "x"), message("assistant", "y")]
    return [Row(str(index), "en", task, source, messages) for index in range(n)]


def test_a_set_of_another_size_is_remarked_on_and_the_published_sizes_are_not():
    assert size_remark(rows_of("mimic_cxr", GENERATION, 2_347)) == ""
    assert size_remark(rows_of("iu_xray", GENERATION, 590)) == size_remark(rows_of("iu_xray", GENERATION, 296)) == ""
    assert size_remark(rows_of("phantoms", GENERATION, 3)) == ""
    assert size_remark(rows_of("mimic_iii", SUMMARISATION, 13_053)) == (
        "mimic_iii: 13,053 reports read; published sizes are 13,054 (MultiMedEval)"
    )
