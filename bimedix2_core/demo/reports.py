"""Reports: synthetic report sets in the layouts of MIMIC-CXR 2.x, MIMIC-III and IU X-ray, made of chest phantoms.

    phantom truth -> findings and impression in the grammar's words -> the published files

No word of them is a patient's: every report says PHANTOM, image ids begin with it, and the numbers that a published
table wants are of a range that neither MIMIC has. The sets hold what readers must leave out, too: other splits, reports
without findings, notes of other categories, notes marked as errors.

The reports that go with an image are in the words the demo model was taught, as only images are asked about. The
findings to be summed up are in wordings kept back from training, and their impressions in the words it was taught.

Source:
    Field names and folders: shared/notes/formats.md.
"""

import csv
import gzip
import io
import json
import random
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from bimedix2_core.demo import corpus
from bimedix2_core.demo.phantoms import FINDINGS, Truth, all_truths, draw
from bimedix2_core.errors import DataError
from bimedix2_core.records import LANGUAGES
from bimedix2_core.runs import json_lines, write_atomic

REPORT_SEEDS = 5_000_000
"""Phantoms of reports are drawn with seeds that no training or test image of the demo has."""
SEEDS_PER_SET = 10_000

FIRST_SUBJECT, FIRST_STUDY, FIRST_NOTE = 99_000_001, 99_500_001, 990_000_001
"""MIMIC's own numbers begin lower: its subjects with 1, its studies with 5, its notes below three million."""

NOTICE = "PHANTOM: drawn by a program, no patient"
LINE_WIDTH = 78
NOTE_COLUMNS = (
    "ROW_ID", "SUBJECT_ID", "HADM_ID", "CHARTDATE", "CHARTTIME", "STORETIME", "CATEGORY", "DESCRIPTION", "CGID",
    "ISERROR", "TEXT",
)  # fmt: skip

Words = Mapping[str, str]
"""A text by language."""


@dataclass(frozen=True)
class ReportFiles:
    """Where the sets lie, each as its publisher lays it out."""

    mimic_cxr_reports: Path
    """Folder with ``files/p99/p99000001/s99500001.txt``."""
    mimic_cxr_images: Path
    """Folder with ``files/p99/p99000001/s99500001/<dicom_id>.jpg``."""
    mimic_cxr_split: Path
    mimic_cxr_metadata: Path
    mimic_iii_notes: Path
    iu_xray: Path
    """A JSON list of id, image, findings, impression."""
    iu_xray_ar: Path
    """The Arabic twins of the same ids and images: the same fields and ``language``, one object a line."""
    iu_xray_images: Path
    truths: Mapping[str, Truth]
    """What a report tells, by study id, note id or IU X-ray id as published, of every report that can be scored."""


@dataclass(frozen=True)
class _Report:
    """One report of a truth, in both languages."""

    truth: Truth
    findings: Words
    impression: Words


def write_reports(folder: Path, *, n: int, seed: int) -> ReportFiles:
    """Write the three sets; each has ``n`` reports that can be scored, in MIMIC-CXR all of them in the test split.

    Args:
        folder: where; files of the same names are replaced.
        n: reports of each set, findings shared out evenly.
        seed: another seed gives other images and words.

    Raises:
        DataError: ``n`` is below 1 or larger than the range of seeds.
    """
    if not 1 <= n <= SEEDS_PER_SET // 4:
        raise DataError(f"{n} demo reports were asked for; expected from 1 to {SEEDS_PER_SET // 4}")
    cxr, iii, iu = folder / "mimic-cxr-jpg", folder / "mimic-iii", folder / "iu-xray"
    first_seed = REPORT_SEEDS + 2 * SEEDS_PER_SET * seed
    studies = _draw_reports("mimic-cxr", n, seed, held_out=False)
    notes = _draw_reports("mimic-iii", n, seed, held_out=True)
    public = _draw_reports("iu-xray", n, seed, held_out=False)
    _write_studies(folder / "mimic-cxr", cxr, studies, first_seed=first_seed)
    names = _write_iu_images(iu / "images", public, first_seed=first_seed + SEEDS_PER_SET)
    return ReportFiles(
        folder / "mimic-cxr",
        cxr,
        cxr / "mimic-cxr-2.0.0-split.csv.gz",
        cxr / "mimic-cxr-2.0.0-metadata.csv.gz",
        _write_table(iii / "NOTEEVENTS.csv.gz", NOTE_COLUMNS, _notes(notes)),
        write_atomic(iu / "annotation.json", json.dumps(_iu_records(public, names, "en"), indent=1) + "\n"),
        write_atomic(iu / "annotation.ar.jsonl", json_lines(_iu_records(public, names, "ar"))),
        iu / "images",
        {
            **{str(FIRST_STUDY + number): one.truth for number, one in enumerate(studies)},
            **{str(FIRST_NOTE + number): one.truth for number, one in enumerate(notes)},
            **{_iu_id(number): one.truth for number, one in enumerate(public)},
        },
    )


# --- words -----------------------------------------------------------------------------------------------------------


def _draw_reports(name: str, n: int, seed: int, *, held_out: bool) -> list[_Report]:
    """``n`` reports, the chest findings in turn and then shuffled, sides and sizes at random."""
    rng = random.Random(f"reports {name} {seed}")
    findings = list(FINDINGS["cxr"])
    truths = [
        rng.choice([one for one in all_truths() if (one.modality, one.finding) == ("cxr", findings[k % len(findings)])])
        for k in range(n)
    ]
    rng.shuffle(truths)
    return [_Report(truth, _findings(truth, rng, held_out=held_out), _impression(truth, rng)) for truth in truths]


def _findings(truth: Truth, rng: random.Random, *, held_out: bool) -> Words:
    """The truth in words; none that names its technique, since that is a heading of its own in a report."""
    while True:
        said = corpus.story(truth, rng, held_out=held_out, lead=False)
        if "technique:" not in said["en"].lower():
            return said


def _impression(truth: Truth, rng: random.Random) -> Words:
    """What the demo model was taught to sum such a report up with, without a heading of its own."""
    turns = corpus.report(truth, rng, held_out=False).turns
    replies = {language: turns[language][0][1].rpartition(": ")[2] for language in LANGUAGES}
    return {language: f"{reply[0].upper()}{reply[1:]}" for language, reply in replies.items()}


def _text(one: _Report, *, is_note: bool = False, without: Sequence[str] = ()) -> str:
    """A report as MIMIC prints it: headings and lines one space in, every section a paragraph."""
    parts = [
        ("EXAMINATION", "CHEST (PORTABLE AP)"),
        ("INDICATION", NOTICE),
        ("FINDINGS", one.findings["en"]),
        ("IMPRESSION", one.impression["en"]),
    ]
    above = "[**2199-1-1**] 9:00 AM\n CHEST (PORTABLE AP)\n Reason: PHANTOM\n ______\n" if is_note else ""
    sections = [f" {name}:\n{_paragraph(text)}" for name, text in parts if name not in without]
    return f"{above}{'FINAL REPORT':>45}\n" + "\n \n".join(sections) + "\n"


def _paragraph(text: str) -> str:
    return textwrap.fill(text, LINE_WIDTH, initial_indent=" ", subsequent_indent=" ", break_on_hyphens=False)


# --- MIMIC-CXR -------------------------------------------------------------------------------------------------------


def _write_studies(reports: Path, images: Path, scored: Sequence[_Report], *, first_seed: int) -> None:
    """All studies: those scored, the first with a second view; then one without findings, and one of each split."""
    extra = scored[0]
    others = [("test", ("FINDINGS",)), ("train", ()), ("validate", ())]
    planned = [(one, "test", ()) for one in scored] + [(extra, split, without) for split, without in others]
    splits, metadata, first_image = [], [], first_seed
    for number, (one, split, without) in enumerate(planned):
        subject, study = FIRST_SUBJECT + number, FIRST_STUDY + number
        place = f"files/p{str(subject)[:2]}/p{subject}"
        write_atomic(reports / f"{place}/s{study}.txt", _text(one, without=without))
        for view, position in enumerate(("PA", "AP") if number == 0 else ("PA",)):
            dicom = f"PHANTOM-{study}-{view}"
            picture = draw(one.truth, first_image)
            write_atomic(images / f"{place}/s{study}/{dicom}.jpg", _encoded(picture, "JPEG"))
            splits.append((dicom, study, subject, split))
            metadata.append((dicom, subject, study, position))
            first_image += 1
    _write_table(images / "mimic-cxr-2.0.0-split.csv.gz", ("dicom_id", "study_id", "subject_id", "split"), splits)
    _write_table(
        images / "mimic-cxr-2.0.0-metadata.csv.gz", ("dicom_id", "subject_id", "study_id", "ViewPosition"), metadata
    )


# --- MIMIC-III -------------------------------------------------------------------------------------------------------


def _notes(scored: Sequence[_Report]) -> list[tuple[object, ...]]:
    """The rows of NOTEEVENTS: those scored, then a nurse's note, an erroneous report, and one without impression."""
    extra = scored[0]
    texts = [("Radiology", "", _text(one, is_note=True)) for one in scored]
    texts += [
        ("Nursing", "", f"{NOTICE}. Resting."),
        ("Radiology", "1", _text(extra, is_note=True)),
        ("Radiology", "", _text(extra, is_note=True, without=("IMPRESSION",))),
    ]
    return [
        (FIRST_NOTE + number, FIRST_SUBJECT + number, "", "2199-01-01", "", "", category,
         "CHEST (PORTABLE AP)" if category == "Radiology" else "Report", "", is_error, text)
        for number, (category, is_error, text) in enumerate(texts)
    ]  # fmt: skip


# --- IU X-ray --------------------------------------------------------------------------------------------------------


def _iu_id(number: int) -> str:
    return f"PHANTOM{number + 1:04d}"


def _write_iu_images(folder: Path, scored: Sequence[_Report], *, first_seed: int) -> list[str]:
    """The image of each report; its name below the folder."""
    names = [f"{_iu_id(number)}/0.png" for number in range(len(scored))]
    for number, (name, one) in enumerate(zip(names, scored, strict=True)):
        write_atomic(folder / name, _encoded(draw(one.truth, first_seed + number), "PNG"))
    return names


def _iu_records(scored: Sequence[_Report], names: Sequence[str], language: str) -> list[dict[str, object]]:
    """The records of one language; the Arabic ones, which no publisher has, say so in a field of their own."""
    marked = {"language": language} if language != "en" else {}
    return [
        {
            "id": _iu_id(number),
            "image": [name],
            "findings": one.findings[language],
            "impression": one.impression[language],
            **marked,
        }
        for number, (name, one) in enumerate(zip(names, scored, strict=True))
    ]


# --- files -----------------------------------------------------------------------------------------------------------


def _write_table(file: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    """A compressed CSV file; the same rows give the same bytes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return write_atomic(file, gzip.compress(text.getvalue().encode(), mtime=0))


def _encoded(image: Image.Image, kind: str) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **({"quality": 95} if kind == "JPEG" else {}))
    return stream.getvalue()
