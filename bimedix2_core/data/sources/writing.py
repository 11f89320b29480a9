"""Writing: benchmark rows in the published layouts, so that loaders of the English sets read the Arabic ones.

What `read_source` reads from such a file are the rows that were written. Benchmarks are small, so a file is made whole
and then put in its place.
"""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bimedix2_core.data.sources.benchmarks import MBENCH_FACTS, MBENCH_TEXTS
from bimedix2_core.data.sources.catalogue import source_named
from bimedix2_core.data.sources.multiple_choice import LETTERS, Parts, parts_of
from bimedix2_core.data.sources.questions import DECISIONS, MEDMCQA_FACTS, MMLU_COLUMNS, PUBMEDQA_FACTS
from bimedix2_core.data.sources.reading import Place
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row, text_of
from bimedix2_core.runs import json_lines, write_atomic


def write_bimed_mbench(rows: Iterable[Row], path: Path) -> Path:
    """Write BiMed-MBench rows as BiMed-MBench publishes them: JSON Lines, without an image marker in the question.

    Ids, `type`, domain flags and every other fact are written as they were read; what may differ from the English file
    is what was translated: question, reference answer, caption, label and mentions.

    Returns:
        The path written.

    Raises:
        DataError: a row is no BiMed-MBench row.

    Source:
        shared/notes/formats.md, "LLaVA-Med visual-chat questions".
    """
    return write_atomic(path, json_lines(bimed_mbench_record(row) for row in rows))


def write_mcq(rows: Iterable[Row], path: Path, source_id: str) -> Path:
    """Write multiple-choice rows in the layout of a source, so that ``read_source(source_id, path)`` reads them.

    PubMedQA writes yes, no or maybe by the letter, however the options are worded. MMLU and MedQA (GBaker's layout)
    publish no ids; their rows are found by file name and position, which must fit, or twins would be torn apart.

    Args:
        rows: all rows of the file, in order, and in the language of the source.
        path: the file; for MMLU and MedQA named like the English twin, such as ``anatomy_test.csv``.
        source_id: one of `LAYOUTS`.

    Returns:
        The path written.

    Raises:
        DataError: no layout of that name, a row of another task or language, an id that the layout cannot keep, or
            messages that no longer hold what the file needs.
    """
    if source_id not in LAYOUTS:
        raise DataError(f"no layout to write {source_id!r} in; known: {', '.join(LAYOUTS)}")
    language = source_named(source_id).language
    rows = list(rows)
    for row in rows:
        if (row.task, row.language) != ("mcq", language):
            raise DataError(f"row {row.id!r} is {row.task} in {row.language!r}; {source_id} holds mcq in {language!r}")
    return write_atomic(path, LAYOUTS[source_id](rows, path))


def bimed_mbench_record(row: Row) -> dict[str, Any]:
    """A BiMed-MBench row as BiMed-MBench publishes it: one line of its file.

    Raises:
        DataError: the row is no BiMed-MBench row.
    """
    if row.task != "judge" or "domain" not in row.facts:
        raise DataError(f"row {row.id!r} of {row.source} is no BiMed-MBench row: it has no domain flags")
    question, answer = map(text_of, row.messages)
    facts = {name: _published(name, row.facts[name]) for name in MBENCH_FACTS if name in row.facts}
    said = {"question_id": int(row.id), "text": question, "gpt4_answer": answer, "in_text_mention": None}
    return said | facts


def _published(name: str, fact: str) -> Any:
    """The value of a fact as the file had it; an empty text stays one (the Arabic file has it for null)."""
    return fact if name in MBENCH_TEXTS or not fact else json.loads(fact)


def _mmlu(rows: Sequence[Row], path: Path) -> str:
    return _csv([MMLU_COLUMNS, *([*_mmlu_texts(row), LETTERS.index(row.answer)] for row in _in_place(rows, path))])


def _mmlu_ar(rows: Sequence[Row], path: Path) -> str:
    return _csv([*_mmlu_texts(row), row.answer] for row in _in_place(rows, path))


def _mmlu_texts(row: Row) -> list[str]:
    if len(row.choices) != 4 or not row.answer:
        raise DataError(
            f"row {row.id!r}: {len(row.choices)} options, key {row.answer!r}; MMLU has four options and a key"
        )
    return [parts_of(row).question, *row.choices]


def _medmcqa(rows: Sequence[Row], path: Path) -> str:
    return json_lines(_medmcqa_record(row, parts_of(row)) for row in rows)


def _medmcqa_record(row: Row, parts: Parts) -> dict[str, Any]:
    if len(row.choices) != 4:
        raise DataError(f"row {row.id!r}: {len(row.choices)} options; MedMCQA has four")
    options = {f"op{letter}": choice for letter, choice in zip("abcd", row.choices, strict=True)}
    key = {"cop": LETTERS.index(row.answer) if row.answer else -1, "exp": parts.explanation or None}
    facts = {name: row.facts.get(name) for name in MEDMCQA_FACTS}
    return {"id": row.id, "question": parts.question} | options | key | facts


def _medqa(rows: Sequence[Row], path: Path) -> str:
    return json_lines(_medqa_record(row, parts_of(row)) for row in _in_place(rows, path))


def _medqa_record(row: Row, parts: Parts) -> dict[str, Any]:
    if not row.answer:
        raise DataError(f"row {row.id!r} has no key; MedQA has one in every row")
    options = dict(zip(LETTERS, row.choices, strict=False))
    record = {"question": parts.question, "answer": options[row.answer], "options": options}
    return record | {"meta_info": row.facts.get("meta_info"), "answer_idx": row.answer}


def _pubmedqa(rows: Sequence[Row], path: Path) -> str:
    records = {row.id: _pubmedqa_record(row, parts_of(row, with_contexts=True)) for row in rows}
    if len(records) != len(rows):
        raise DataError(f"{len(rows)} rows, but {len(records)} ids; PubMedQA's file is keyed by id: drop the doubles")
    return json.dumps(records, ensure_ascii=False, indent=4) + "\n"


def _pubmedqa_record(row: Row, parts: Parts) -> dict[str, Any]:
    facts = {name: row.facts.get(name) for name in PUBMEDQA_FACTS}
    facts |= {name: json.loads(fact) for name in ("LABELS", "MESHES") if (fact := facts[name]) is not None}
    labels = facts["LABELS"]
    if labels is not None and len(labels) != len(parts.contexts):
        raise DataError(
            f"row {row.id!r}: {len(parts.contexts)} contexts before the question, but {len(labels)} labels; "
            "keep one paragraph for each context, and the question in one"
        )
    if len(row.choices) != len(DECISIONS) or not row.answer:
        raise DataError(f"row {row.id!r}: {len(row.choices)} options, key {row.answer!r}; PubMedQA has three and a key")
    texts = {"QUESTION": parts.question, "CONTEXTS": list(parts.contexts)}
    decision = {"final_decision": DECISIONS[LETTERS.index(row.answer)], "LONG_ANSWER": parts.explanation}
    return texts | facts | decision


LAYOUTS = {
    "mmlu_medical": _mmlu,
    "mmlu_medical_ar": _mmlu_ar,
    "medmcqa": _medmcqa,
    "medmcqa_ar": _medmcqa,
    "medqa": _medqa,
    "medqa_ar": _medqa,
    "pubmedqa": _pubmedqa,
    "pubmedqa_ar": _pubmedqa,
}
"""Sources that can be written, and the function that makes the text of their file."""


def _in_place(rows: Sequence[Row], path: Path) -> Iterable[Row]:
    """The rows, each checked to have the id that a reader of this file will give it."""
    for number, row in enumerate(rows):
        expected = Place(path.name, "", number).id
        if row.id != expected:
            raise DataError(
                f"{path.name}, row {number}: the id {row.id!r} would be read back as {expected!r}, for the layout "
                "keeps no ids; name the file as the English twin is named and write all of its rows in order"
            )
        yield row


def _csv(rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
