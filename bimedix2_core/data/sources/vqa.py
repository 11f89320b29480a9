"""Visual question answering: Rad-VQA, SLAKE, Path-VQA and PMC-VQA, each in its published layouts.

Rad-VQA and SLAKE were read from the published files (shared/data/README.md), the hub's parquet copies from their cards
(shared/notes/formats.md), PMC-VQA's two layouts from the card of RadGenome/PMC-VQA and from MedEvalKit's loader. A
question's row has the published short answer in `answer` and in its assistant turn, and ``open`` or ``closed`` as kind.
"""

from collections import Counter
from pathlib import Path

from bimedix2_core.data.sources.card import Reading, Source, SourceCard
from bimedix2_core.data.sources.images import embedded_image, named_images, with_image
from bimedix2_core.data.sources.multiple_choice import LETTERS, multiple_choice
from bimedix2_core.data.sources.reading import BadRows, Place, Record, facts_of, read_records, text_at
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row, message

KINDS = ("open", "closed")

RAD_VQA_FACTS = ("image_organ", "modality", "phrase_type")
SLAKE_FACTS = ("img_id", "answer_type", "content_type", "modality", "location", "base_type", "triple")
PMC_VQA_FACTS = ("Answer", "Caption", "split")

YES_OR_NO = {"en": ("yes", "no"), "ar": ("\u0646\u0639\u0645", "\u0644\u0627")}
"""Answers of a closed question where the file does not say which are; the published files are English."""

RESPELT = {"PRSE": "PRES", "ATRIB": "ATTRIB", "Other": "OTHER"}
"""Question types that Rad-VQA's training file misspells."""


def rad_vqa(place: Place, record: Record, reading: Reading) -> Row:
    """A question on a MedPix image, from the authors' JSON or from the hub's parquet copy.

    Put right: ten answers are numbers, two answer types end with a space, six question types are misspelt. A question
    may have several types, as published with a comma between.
    """
    if "image" in record:
        return embedded_question(place, record, reading)
    name = text_at(record, "image_name")
    answer_type = text_at(record, "answer_type").strip()
    types = [part.strip() for part in text_at(record, "question_type").split(",")]
    cleaned = {"answer_type": answer_type, "question_type": ", ".join(RESPELT.get(part, part) for part in types)}
    return _question(
        record,
        reading,
        id=str(record["qid"]),
        kind=answer_type.lower(),
        keys=named_images([name], reading),
        facts={"image": name} | facts_of(record, RAD_VQA_FACTS) | cleaned,
    )


def slake(place: Place, record: Record, reading: Reading) -> Row | None:
    """A question on a radiological image; None for another language than the reading's, English by default.

    The published languages are ``en`` and ``zh``; `slake_languages` counts what is left out.
    """
    if text_at(record, "q_lang") != reading.language:
        return None
    name = text_at(record, "img_name")
    return _question(
        record,
        reading,
        id=str(record["qid"]),
        kind=text_at(record, "answer_type").strip().lower(),
        keys=named_images([name], reading),
        facts={"image": name} | facts_of(record, SLAKE_FACTS),
    )


def slake_languages(file: Path, *, bad_rows: BadRows) -> Counter[str]:
    """Questions of a SLAKE file by `q_lang`: what a reader of one language keeps and leaves out.

    Raises:
        DataError: the file cannot be read, or has more bad rows than accepted.
    """
    return Counter(str(record.get("q_lang")) for _, record in read_records(file, bad_rows))


def embedded_question(place: Place, record: Record, reading: Reading) -> Row:
    """A question of a parquet copy, whose record holds the image itself; yes and no answer a closed question.

    The id is made of the file and the number of the row: the copies publish none.
    """
    published = record["image"]
    path = published.get("path") if isinstance(published, dict) else None
    return _question(
        record,
        reading,
        id=place.id,
        kind="closed" if _answer(record).lower() in YES_OR_NO[reading.language] else "open",
        keys=embedded_image(published, reading),
        facts={"image": path} if path else {},
    )


def pmc_vqa(place: Place, record: Record, reading: Reading) -> Row | None:
    """A multiple choice on a figure, from version 1 (``Answer_label``) or version 2 (``Answer`` is the letter).

    Options are published as ``A:text``; the letters are taken off. None for another split, where the file names it.
    """
    if reading.split and record.get("split") and record["split"] != reading.split:
        return None
    name = text_at(record, "Figure_path").strip()
    letter = "Answer_label" if "Answer_label" in record else "Answer"
    row = multiple_choice(
        id=place.id,
        language=reading.language,
        source=reading.source,
        question=text_at(record, "Question").strip(),
        choices=[_option(record, option) for option in LETTERS[:4]],
        answer=text_at(record, letter).strip(),
        facts={"image": name} | facts_of(record, [fact for fact in PMC_VQA_FACTS if fact != letter]),
    )
    return with_image(row, named_images([name], reading))


def _question(
    record: Record, reading: Reading, *, id: str, kind: str, keys: tuple[str, ...], facts: dict[str, str]
) -> Row:
    if kind not in KINDS:
        raise DataError(f"answer_type is {kind!r}; expected one of {', '.join(KINDS)} in capitals")
    answer = _answer(record)
    row = Row(
        id=id,
        language=reading.language,
        task="vqa",
        source=reading.source,
        messages=[message("user", text_at(record, "question").strip()), message("assistant", answer)],
        kind=kind,
        answer=answer,
        facts=facts,
    )
    return with_image(row, keys)


def _answer(record: Record) -> str:
    """The short answer as text; Rad-VQA publishes counts as numbers."""
    answer = record["answer"]
    if isinstance(answer, int) and not isinstance(answer, bool):
        return str(answer)
    return text_at(record, "answer").strip()


def _option(record: Record, letter: str) -> str:
    option = text_at(record, f"Choice {letter}").strip().removeprefix(f"{letter}:").strip()
    if not option:
        raise DataError(f"Choice {letter} is {record[f'Choice {letter}']!r}; expected text after the letter")
    return option


SOURCES = (
    Source(
        SourceCard(
            "rad_vqa",
            "Rad-VQA",
            "flaviagiammarino/vqa-rad",
            "CC0 1.0",
            "Lau et al., Scientific Data 2018",
            "All 203 images of the test file occur in the training file. The hub's copy has fewer training rows and "
            "none of the fields beside question and answer.",
        ),
        rad_vqa,
        language="en",
    ),
    Source(
        SourceCard(
            "slake_vqa",
            "SLAKE",
            "BoKelvin/SLAKE",
            "CC BY 4.0",
            "Liu et al., SLAKE, ISBI 2021, arXiv 2102.09542",
            "English and Chinese; only the English half is read.",
        ),
        slake,
        language="en",
    ),
    Source(
        SourceCard(
            "path_vqa",
            "Path-VQA",
            "flaviagiammarino/path-vqa",
            "MIT (hub copy); its card: images and captions belong to the textbooks and to the PEIR library",
            "He et al., PathVQA, arXiv 2003.10286",
        ),
        embedded_question,
        language="en",
    ),
    Source(
        SourceCard(
            "pmc_vqa",
            "PMC-VQA",
            "RadGenome/PMC-VQA",
            "CC BY-SA; the articles CC0 or CC BY",
            "Zhang et al., PMC-VQA, arXiv 2305.10415",
            "Version 1: train.csv, test.csv, test_clean.csv; version 2, no compound figures: train_2.csv, test_2.csv.",
        ),
        pmc_vqa,
        language="en",
    ),
)
