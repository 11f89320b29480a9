"""Questions of BiMed-MBench, what a judge is sent about them, and how its words become numbers."""

from collections.abc import Sequence
from decimal import Decimal
from statistics import fmean

from bimedix2_core.bench import mbench
from bimedix2_core.bench.judge import attacks
from bimedix2_core.bench.mbench import Questions
from bimedix2_core.paper.set_titles import title_of
from bimedix2_core.paper.tables import Table, language_name
from bimedix2_core.records import LANGUAGES, Row

TITLES = {
    "all": "overall", "conversation": "conversation", "detailed_description": "description", "chest_xray": "CXR",
    "mri": "MRI", "histology": "histology", "gross": "gross", "ct_scan": "CT",
}  # fmt: skip
"""Kinds of result in words."""

IMAGINED = ((10.0, 5.0), (8.0, 8.0), (2.0, 4.0))
"""Scores of reference and answer on three questions that anyone can imagine."""

ATTACK = "forged_tags"
"""The attack that a reader sees."""

SAID = (
    "8 7\nThe first is more complete.", "8, 7", "8  7", "\u0668 \u0667", "8 7 6", "11 10", "Both are good.", "",
    "I cannot judge medical images.",
)  # fmt: skip
"""What a judge may say."""


def audit_table(questions: Questions) -> Table:
    """What is odd in the question files, by language."""
    counts = questions.audit.counts()
    rows = tuple(
        (name, *(counts.get((name, language), 0) for language in LANGUAGES))
        for name in mbench.FINDINGS
        if any((name, language) in counts for language in LANGUAGES)
    )
    n_images = len({mbench.image_of(row) for row in questions.rows})
    caption = f"{title_of(questions.rows)}: {len(questions.rows):,} questions on {n_images:,} images; what to know"
    return Table(("finding", *map(language_name, LANGUAGES)), rows, caption)


def size_table(questions: Questions) -> Table:
    """How many questions each type and domain has, by our rules and by the published ones.

    Ours read a translated type, and count a question with two domains in both; the published script loses the first,
    and counts the second once.
    """
    rows = []
    for name in mbench.TYPES:
        counts = [sum(mbench.kind(row) == name for row in questions.of(language)) for language in LANGUAGES]
        papers = [
            sum(mbench.kind(row, mbench.PAPER) == name for row in questions.of(language)) for language in LANGUAGES
        ]
        rows.append((TITLES[name], *_interleaved(counts, papers)))
    for name in mbench.DOMAINS:
        counts = [sum(name in mbench.domains(row) for row in questions.of(language)) for language in LANGUAGES]
        papers = [
            sum(name in mbench.domains(row, mbench.FIRST_FLAG) for row in questions.of(language))
            for language in LANGUAGES
        ]
        rows.append((TITLES[name], *_interleaved(counts, papers)))
    columns = [f"{language_name(language)}, {rule}" for language in LANGUAGES for rule in ("ours", "as published")]
    return Table(("questions", *columns), tuple(rows), f"{title_of(questions.rows)}: questions by type and domain")


def lost_line(questions: Questions) -> str:
    """How many descriptions the published script drops from their mean, by language."""
    parts = []
    for language in LANGUAGES:
        described = [row for row in questions.of(language) if mbench.kind(row) == "detailed_description"]
        lost = sum(not mbench.kind(row, mbench.PAPER) for row in described)
        parts.append(f"{lost} of {len(described)} {language_name(language)} descriptions")
    return f"as published, {' and '.join(parts)} stand in no mean by type"


def question_table(rows: Sequence[Row], image: str) -> Table:
    """All questions about one image, with the reference answers, English before Arabic."""
    shown = tuple(
        (TITLES[row.kind], mbench.question_of(row), mbench.reference_of(row))
        for row in rows
        if mbench.image_of(row) == image
    )
    return Table(("type", "question", "reference answer"), shown, f"{title_of(rows)}, one image: {image}")


def prompt_table(rows: Sequence[Row]) -> Table:
    """What a judge would be sent, by language, for an answer that claims the verdict for itself; nothing is sent."""
    attack = next(one for one in attacks() if one.name == ATTACK)
    prompts = mbench.pairwise_prompts()
    judge = mbench.PairwiseJudge("a judge", prompts)
    first = {row.language: row for row in reversed(rows)}
    shown = []
    for language in (one for one in LANGUAGES if one in first):
        row = first[language]
        request = judge.requests([row], [mbench.reference_of(row) + " " + attack.texts[language]])[0]
        shown.append((language_name(language), "\n\n".join(turn["content"] for turn in request.messages)))
    return Table(("language", "what a judge would be sent"), tuple(shown), f"Prompts of version {prompts.version}")


def verdict_table() -> Table:
    """What is read from some first lines, by us and by the published script."""
    rows = []
    for text in SAID:
        ours, theirs = mbench.strict_scores(text, ""), mbench.original_scores(text, "")
        rows.append((repr(text), *(_read(one) for one in (ours, theirs))))
    return Table(("verdict", "read here", "published script"), tuple(rows), "What counts as a verdict")


def mean_table() -> Table:
    """Two means of the same verdicts: three imagined questions."""
    rows = [(f"question {n}", _one(a), _one(b), _one(100 * b / a)) for n, (a, b) in enumerate(IMAGINED, start=1)]
    references, answers = (fmean(scores) for scores in zip(*IMAGINED, strict=True))
    rows += [
        ("mean of ratios (the paper's)", None, None, _one(100 * fmean(b / a for a, b in IMAGINED))),
        ("ratio of means", _one(references), _one(answers), _one(100 * answers / references)),
    ]
    columns = ("", "reference", "answer", "relative score")
    return Table(columns, tuple(rows), "The same verdicts, two numbers")


def _one(number: float) -> Decimal:
    """A number with one decimal."""
    return round(Decimal(number), 1)


def _read(scores: mbench.Scores) -> str:
    if scores.first is None:
        return f"unscored: {scores.problem}"
    return f"{scores.first:g} and {scores.second:g}"


def _interleaved(first: Sequence[int], second: Sequence[int]) -> list[int]:
    return [count for pair in zip(first, second, strict=True) for count in pair]
