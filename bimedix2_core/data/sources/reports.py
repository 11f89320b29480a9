"""Reports: radiology reports as rows: MIMIC-CXR (images and findings), IU X-ray, and MIMIC-III (findings, impression).

The layouts are those of shared/notes/formats.md. They are trees and tables rather than one file of records, so they
are read by plain generators and not by `SOURCES`. A row holds what is asked about and what is expected, nothing else:

    report_generation      user: one image part for each view            assistant: findings
    report_summarisation   user: findings                                assistant: impression

The request itself ("Summarize the findings.") belongs to a protocol of `bench.radiology_reports`.

Ids of credentialed data are hashed with a key made of the data (the split file, the notes), so that everybody who has
the data gets the same ids, and nobody else can undo them by trying all numbers. Image stores hold the images as they
were published: keep the store as safe as the data.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bimedix2_core.data.image_store import ImageStore
from bimedix2_core.data.sources.bad_rows import BadRows
from bimedix2_core.data.sources.images import image_file
from bimedix2_core.data.sources.reading import Place, Record, read_records, readable, text_at
from bimedix2_core.data.sources.report_ids import Ids
from bimedix2_core.data.sources.report_sections import Rule, final_report, sections
from bimedix2_core.errors import DataError
from bimedix2_core.records import LANGUAGES, Row, message

GENERATION, SUMMARISATION = "report_generation", "report_summarisation"
MIMIC_CXR, MIMIC_III, IU_XRAY = "mimic_cxr", "mimic_iii", "iu_xray"
CREDENTIALED = (MIMIC_CXR, MIMIC_III)
"""Sources whose rows must not leave the machine (PhysioNet's data use agreement)."""

SPLITS = ("train", "validate", "test")
NO_FINDINGS, NO_IMPRESSION, TOGETHER = "no findings", "no impression", "findings and impression under one heading"
SEVERAL, NOT_FINAL = "several impressions", "no final report"


@dataclass(frozen=True)
class MimicCxr:
    """Where the parts of MIMIC-CXR 2.x lie."""

    reports: Path
    """Folder that holds ``files/p10/p10000032/s50414267.txt``."""
    split_file: Path
    """``mimic-cxr-2.0.0-split.csv.gz``."""
    images: Path | None = None
    """Folder that holds ``files/p10/p10000032/s50414267/<dicom_id>.jpg``."""
    metadata_file: Path | None = None
    """``mimic-cxr-2.0.0-metadata.csv.gz``; needed to choose views."""


def mimic_cxr(
    places: MimicCxr,
    *,
    bad_rows: BadRows,
    store: ImageStore | None = None,
    split: str = "test",
    views: Collection[str] = (),
    rule: Rule = "published",
    left_out: Counter[str] | None = None,
    raw_ids: bool = False,
) -> Iterator[Row]:
    """The studies of a split that have findings, one row each, in the order of the split file.

    Args:
        places: where the reports, tables and images are.
        bad_rows: takes note of studies without a report file or image, by their number in the split and not by their
            id, and of table rows that cannot be read.
        store: takes the images; without one a row keeps its image parts and has no key.
        split: ``train``, ``validate`` or ``test``.
        views: keep these values of ``ViewPosition`` only (``PA``, ``AP``, ...); all where none is named.
        rule: how sections are found; ``published`` gives MultiMedEval's set.
        left_out: counts the studies that are left out, by reason.
        raw_ids: keep the published ids, which the profile must allow.

    Raises:
        DataError: a file is missing or of another layout, an unknown split, or more bad rows than accepted.
    """
    if split not in SPLITS:
        raise DataError(f"MIMIC-CXR: split {split!r}; expected one of {', '.join(SPLITS)}")
    left_out = Counter() if left_out is None else left_out
    if store is not None and places.images is None:
        raise DataError("MIMIC-CXR: an image store is given, but no image folder; say which folder holds the images")
    ids = Ids(places.split_file, raw_ids=raw_ids)
    chosen = _views(places, views, bad_rows) if views else None
    studies = _studies(places.split_file, split, bad_rows)
    for number, ((subject, study), dicoms) in enumerate(studies.items(), start=1):
        place = f"{places.split_file.name}, study {number} of split {split}"
        kept = [dicom for dicom in dicoms if chosen is None or dicom in chosen]
        if not kept:
            left_out["no image of these views"] += 1
            continue
        folder = f"files/p{subject[:2]}/p{subject}"
        try:
            said = sections((places.reports / f"{folder}/s{study}.txt").read_text(encoding="utf-8"), rule)
        except (OSError, UnicodeDecodeError) as error:
            bad_rows.note(place, f"its report is missing or cannot be read ({type(error).__name__})")
            continue
        if not said.findings:
            left_out[TOGETHER if said.both else NO_FINDINGS] += 1
            continue
        try:
            keys = _stored([f"{folder}/s{study}/{dicom}.jpg" for dicom in kept], places.images, store)
        except DataError:  # its message has the published ids
            bad_rows.note(place, "one of its images is missing or cannot be read")
            continue
        yield _generation(ids(study), MIMIC_CXR, "en", len(kept), keys, said.findings, patient=ids(subject))


def iu_xray(
    file: Path,
    *,
    bad_rows: BadRows,
    image_folder: Path | None = None,
    store: ImageStore | None = None,
    language: str = "en",
    task: str = GENERATION,
    left_out: Counter[str] | None = None,
) -> Iterator[Row]:
    """The reports of an IU X-ray file as MedEvalKit keeps it: a JSON list of id, image, findings, impression.

    The data are public, so the published ids stay. A translated file of the same layout is read with its language.

    Args:
        file: the list.
        bad_rows: takes note of records that cannot be read.
        image_folder: the folder that the image names are relative to.
        store: takes the images; without one a row keeps its image parts and has no key.
        language: of the reports.
        task: `GENERATION` or `SUMMARISATION`.
        left_out: counts the records that are left out, by reason.

    Raises:
        DataError: the file cannot be read, an unknown language or task, or more bad rows than accepted.
    """
    if task not in (GENERATION, SUMMARISATION) or language not in LANGUAGES:
        raise DataError(f"IU X-ray: task {task!r} in {language!r}; expected {GENERATION} or {SUMMARISATION}, en or ar")
    left_out = Counter() if left_out is None else left_out

    def to_row(place: Place, record: Record) -> Row | None:
        id, names = text_at(record, "id"), _names(record["image"])
        findings, impression = (" ".join((record[name] or "").split()) for name in ("findings", "impression"))
        lacking = NO_FINDINGS if not findings else NO_IMPRESSION if task == SUMMARISATION and not impression else ""
        if lacking:
            left_out[lacking] += 1
            return None
        if task == SUMMARISATION:
            return _summarisation(id, IU_XRAY, language, findings, impression, patient="")
        keys = _stored(names, image_folder, store)
        return _generation(id, IU_XRAY, language, len(names), keys, findings, patient="")

    return readable(read_records(file, bad_rows), to_row, bad_rows)


def mimic_iii(
    notes: Path,
    *,
    bad_rows: BadRows,
    ids: Collection[str] | None = None,
    rule: Rule = "published",
    left_out: Counter[str] | None = None,
    raw_ids: bool = False,
) -> Iterator[Row]:
    """The radiology notes of ``NOTEEVENTS.csv.gz`` that have findings and one impression, one row each.

    Args:
        notes: the table; it is streamed.
        bad_rows: takes note of rows that cannot be read.
        ids: ``ROW_ID`` of the notes to keep: MultiMedEval's test split is a list of them (croyer/MIMIC-III-split).
        rule: ``published`` as MultiMedEval prepares them (final reports only, small letters); its table of 11 kinds of
            examination, under whose own headings it looks for findings too, is not repeated: `ids` say what is asked.
        left_out: counts the notes that are left out, by reason.
        raw_ids: keep the published ids, which the profile must allow.

    Raises:
        DataError: the file is missing or cut, or more bad rows than accepted.
    """
    left_out = Counter() if left_out is None else left_out
    wanted = None if ids is None else {str(id) for id in ids}
    name_of = Ids(notes, raw_ids=raw_ids)

    def to_row(place: Place, record: Record) -> Row | None:
        id = text_at(record, "ROW_ID").strip()
        if (wanted is not None and id not in wanted) or text_at(record, "CATEGORY").strip() != "Radiology":
            return None
        lacking, findings, impression = _summary_parts(record, rule)
        if lacking:
            left_out[lacking] += 1
            return None
        patient = name_of(text_at(record, "SUBJECT_ID").strip())
        return _summarisation(name_of(id), MIMIC_III, "en", findings, impression, patient=patient)

    return readable(read_records(notes, bad_rows), to_row, bad_rows)


def _summary_parts(record: Record, rule: Rule) -> tuple[str, str, str]:
    """Why a note is left out, or "", its findings and its impression."""
    text = text_at(record, "TEXT")
    if str(record.get("ISERROR") or "").strip() in ("1", "1.0"):
        return "marked as an error", "", ""
    if rule == "published" and "FINAL REPORT" not in text:
        return NOT_FINAL, "", ""
    said = sections(final_report(text), rule)
    findings, impression = said.findings, said.impression
    if rule == "published":
        findings, impression = findings.lower(), impression.lower()
        if said.n_impressions > 1:
            return SEVERAL, "", ""
    if findings and impression:
        return "", findings, impression
    if said.both:
        return TOGETHER, "", ""
    return NO_IMPRESSION if findings else NO_FINDINGS, "", ""


def _generation(
    id: str, source: str, language: str, n_views: int, keys: tuple[str, ...], findings: str, *, patient: str
) -> Row:
    messages = [message("user", "", images=n_views), message("assistant", findings)]
    return Row(id, language, GENERATION, source, messages, keys, facts=_facts(id, patient))


def _summarisation(id: str, source: str, language: str, findings: str, impression: str, *, patient: str) -> Row:
    messages = [message("user", findings), message("assistant", impression)]
    return Row(id, language, SUMMARISATION, source, messages, facts=_facts(id, patient))


def _facts(study: str, patient: str) -> dict[str, str]:
    return {"study_id": study} | ({"patient_id": patient} if patient else {})


def _studies(file: Path, split: str, bad_rows: BadRows) -> dict[tuple[str, str], list[str]]:
    """The images of each study of a split, by subject and study."""

    def image_of(place: Place, record: Record) -> tuple[str, str, str] | None:
        found = tuple(text_at(record, name).strip() for name in ("subject_id", "study_id", "dicom_id"))
        return found if record["split"] == split else None

    studies: dict[tuple[str, str], list[str]] = defaultdict(list)
    for subject, study, dicom in readable(read_records(file, bad_rows), image_of, bad_rows):
        studies[subject, study].append(dicom)
    return studies


def _views(places: MimicCxr, views: Collection[str], bad_rows: BadRows) -> set[str]:
    """The images of these views."""
    if places.metadata_file is None:
        raise DataError(f"MIMIC-CXR: views {', '.join(views)} are asked for; name the metadata file, which has them")

    def image_of(place: Place, record: Record) -> str | None:
        return text_at(record, "dicom_id").strip() if record["ViewPosition"] in views else None

    return set(readable(read_records(places.metadata_file, bad_rows), image_of, bad_rows))


def _stored(names: Sequence[str], folder: Path | None, store: ImageStore | None) -> tuple[str, ...]:
    """The keys of image files, stored under way; none without a store."""
    return tuple(store.add(image_file(name, folder), name=name) for name in names) if store is not None else ()


def _names(image: object) -> Sequence[str]:
    names = [image] if isinstance(image, str) else image
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise DataError(f"image is {image!r:.80}; expected a file name or a list of them")
    return names
