"""Text benchmarks: multiple choice in text, and UPHILL's claims."""

from collections.abc import Sequence
from pathlib import Path

from bimedix2_core.bench import uphill
from bimedix2_core.bench.answer_file import read_field
from bimedix2_core.bench.clinical_qa.examined import every_definition, own_reader
from bimedix2_core.bench.clinical_qa.reading import read_set
from bimedix2_core.bench.clinical_qa.sets import SETS
from bimedix2_core.bench.clinical_qa.tables import text_scores
from bimedix2_core.bench.statistics.conservation import check
from bimedix2_core.data.alignment import Audit, audit
from bimedix2_core.errors import DataError
from bimedix2_core.records import Row
from bimedix2_core.score.asked import Asked, Found, Scorer

MMLU_MEDICAL = "mmlu_medical"
"""The six subjects of medical MMLU together."""

GROUPS = {MMLU_MEDICAL: tuple(one.id for one in SETS.values() if one.form == "mmlu")}
"""Names that stand for several sets of one folder."""


def _clinical_rows(asked: Asked) -> list[Row]:
    return _sets(asked, asked.data, asked.language)


def _sets(asked: Asked, place: Path, language: str) -> list[Row]:
    names = GROUPS.get(asked.benchmark, (asked.benchmark,))
    return [row for name in names for row in read_set(name, place, language, allow_partial=asked.allow_partial)]


def _clinical(asked: Asked, rows: Sequence[Row], answered: Sequence[Row], texts: Sequence[str]) -> Found:
    checked = _audited(asked, rows)
    excluded = set(checked.not_translations) if checked else set()
    found = every_definition(text_scores(answered, texts, own_reader), excluded=excluded)
    if not excluded:
        return found, []
    how = "with its English rows" if asked.english else "alone (name the English set with --english for more)"
    return found, [
        f"alignment audit {how}: {len(excluded):,} of {len(rows):,} rows are no translations; "
        "metrics are given with and without them"
    ]


def _audited(asked: Asked, rows: Sequence[Row]) -> Audit | None:
    """The audit of an Arabic set; English ones are originals."""
    if asked.language != "ar":
        return None
    english = None
    if asked.english is not None:
        kept = {row.id for row in rows}
        english = [row for row in _sets(asked, asked.english, "en") if row.id in kept]
    return audit(english, rows)


def _claims(asked: Asked) -> list[Row]:
    return list(uphill.read(asked.data, allow_partial=asked.allow_partial))


def _uphill(asked: Asked, _: Sequence[Row], rows: Sequence[Row], answers: Sequence[str]) -> Found:
    if asked.label_field is None:
        judged = uphill.labelled_by_rule(rows, answers)
    else:
        if not asked.judge:
            raise DataError("labels were given without the name of who gave them; say it with --judge")
        if asked.by_position:
            raise DataError("labels are joined by id; leave out --by-position")
        labels = read_field(asked.predictions, asked.fields.id, asked.label_field)
        judged = uphill.labelled_elsewhere(rows, answers, [labels[row.id] for row in rows], judge=asked.judge)
    found = uphill.results(judged)
    accuracies = (uphill.FACTUAL, uphill.REFUTATION)
    check(uphill.scores(judged), [one for one in found if one.metric in accuracies and one.kind == "all"])
    return found, []


CLINICAL = Scorer(_clinical_rows, _clinical)
SCORERS = dict.fromkeys((*GROUPS, *SETS), CLINICAL) | {"uphill": Scorer(_claims, _uphill)}
