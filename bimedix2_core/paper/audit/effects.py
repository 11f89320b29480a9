"""Effects: each gain the papers claim over another model, with the sampling error it carries."""

from collections.abc import Sequence
from dataclasses import dataclass

from bimedix2_core.paper.audit.sampling import difference, largest_spread
from bimedix2_core.paper.audit.sources import (
    CLINICAL,
    MBENCH_AR,
    MBENCH_EN,
    MBENCH_QUESTIONS,
    TEST_SIZES,
    UPHILL,
    V1_ARABIC,
    V1_BILINGUAL,
    V1_ENGLISH,
    V1_TEST_SIZES,
    cells,
    label_of,
    name_of,
    printed,
)
from bimedix2_core.paper.reported import read
from bimedix2_core.paper.tables import Table

WORDS = {"avg": "average", "uphill_overall_accuracy": "UPHILL overall", "overall": "Overall", "usmle": "USMLE"}
"""Columns as a reader knows them."""

NOT_A_SHARE = "mean of judge scores, spread not printed"
NO_COUNT = "number of queries not stated"

BOTH_LANGUAGES = {column: 2 * n for column, n in V1_TEST_SIZES.items()}
"""Questions behind a bilingual cell: the mean of an English and an Arabic score on as many each [inferred]."""


@dataclass(frozen=True)
class _Gain:
    """A gain as claimed: which row over which, in which columns."""

    claim_id: str
    table: str
    row: str
    other: str
    claimed: float
    """Points the papers claim: more than, or about, so many."""
    column: str
    """The column that prints the score."""
    sizes: dict[str, int] | None = None
    """Columns averaged into the score and their questions; None where the score is no share, or n is not known."""
    n_judged: int | None = None
    """Questions behind a judge's score."""


GAINS = (
    _Gain("C01_mbench_en_gain", MBENCH_EN, "bimedix2_8b", "dragonfly_med", 9, "overall", n_judged=MBENCH_QUESTIONS),
    _Gain("C02_mbench_ar_gain", MBENCH_AR, "bimedix2_8b", "dragonfly_med", 20, "overall", n_judged=MBENCH_QUESTIONS),
    _Gain("C04_uphill_gain", UPHILL, "bimedix2_70b", "gpt_4", 9, "uphill_overall_accuracy"),
    _Gain("C06_usmle_gain", CLINICAL, "bimedix2_70b", "gpt_4", 8, "usmle", {"usmle": TEST_SIZES["usmle"]}),
    _Gain("C07_clinical_best_average", CLINICAL, "bimedix2_70b", "llama3_med42_70b", 0, "average", TEST_SIZES),
    _Gain("C09_gain_over_base_70b", CLINICAL, "bimedix2_70b", "llama_3_1_70b", 0, "average", TEST_SIZES),
    _Gain("O01_readme_gpt4_9_points", CLINICAL, "bimedix2_70b", "gpt_4", 9, "average", TEST_SIZES),
    _Gain("B04_gain_over_med42_meditron", V1_ENGLISH, "bimedix_v1_english", "med42_70b", 2.5, "avg", V1_TEST_SIZES),
    _Gain("B04_gain_over_med42_meditron", V1_ENGLISH, "bimedix_v1_english", "meditron_70b", 4.1, "avg", V1_TEST_SIZES),
    _Gain("B05_arabic_gain_over_jais", V1_ARABIC, "bimedix_v1_bilingual", "jais_30b", 10, "avg", V1_TEST_SIZES),
    _Gain("B06_bilingual_gain_over_jais", V1_BILINGUAL, "bimedix_v1_bilingual", "jais_30b", 15, "avg", BOTH_LANGUAGES),
    _Gain(
        "B07_bilingual_gain_over_mixtral", V1_BILINGUAL, "bimedix_v1_bilingual", "mixtral_8x7b", 10, "avg",
        BOTH_LANGUAGES,
    ),
)  # fmt: skip
"""The gains in the order of the claims."""


@dataclass(frozen=True)
class Effect:
    """A claimed gain, recomputed in points, with what is known of its sampling error."""

    claim_id: str
    name: str
    """Which model over which."""
    metric: str
    points: float
    """The difference: of the cells' means where an interval is given, otherwise of the printed scores."""
    claimed: float
    n: int | None
    """Questions behind each of the two scores; None if not known."""
    low: float | None
    high: float | None
    """The 95% interval, for models that answered different questions; None where it cannot be computed."""
    detectable: float | None
    """The smallest true difference seen in 80 of 100 such tests at 5%; None where it cannot be computed."""
    largest_spread: float | None
    """For a judge's score: the standard deviation of single scores up to which ``points`` is detectable."""
    without_interval: str
    """Why there is no interval; empty if there is one."""


def effects() -> tuple[Effect, ...]:
    """Every gain the papers claim over another model, in the order of the claims."""
    return tuple(_effect(gain) for gain in GAINS)


def effect_table(found: Sequence[Effect]) -> Table:
    """The gains with interval and smallest detectable difference, in points; what is missing is said in words."""
    columns = (
        "claim",
        "gain",
        "where",
        "claimed",
        "points",
        "95% interval",
        "smallest detectable",
        "n",
        "what to know",
    )
    rows = [
        (
            effect.claim_id, effect.name, effect.metric, f"{effect.claimed:g}", f"{effect.points:+.1f}",
            "" if effect.low is None else f"{effect.low:+.1f} to {effect.high:+.1f}",
            "" if effect.detectable is None else f"{effect.detectable:.1f}", effect.n, _note(effect),
        )
        for effect in found
    ]  # fmt: skip
    return Table(columns, tuple(rows), "Claimed gains with the sampling error the papers do not print, in points")


def _note(effect: Effect) -> str:
    """Why there is no interval, or whether zero lies in it."""
    if effect.largest_spread is not None:
        return (
            f"{effect.without_interval}; detectable if single scores have a standard deviation below "
            f"{effect.largest_spread:.0f} points"
        )
    if effect.low is None or effect.high is None:
        return effect.without_interval
    if effect.low <= 0:
        return "zero lies in the interval"
    return "zero lies outside the interval"


def _effect(gain: _Gain) -> Effect:
    table = read(gain.table)
    score, other = (printed(table, row, gain.column) for row in (gain.row, gain.other))
    points, n = float(score - other), gain.n_judged
    found = None
    if gain.sizes is not None:
        sizes = list(gain.sizes.values())
        found = difference(cells(table, gain.row, gain.sizes), cells(table, gain.other, gain.sizes), sizes)
        points, n = found.points, sum(sizes)
    return Effect(
        claim_id=gain.claim_id,
        name=f"{name_of(table, gain.row)} over {name_of(table, gain.other)}",
        metric=f"{label_of(gain.table)}, {WORDS.get(gain.column, gain.column)}",
        points=points,
        claimed=gain.claimed,
        n=n,
        low=found.low if found else None,
        high=found.high if found else None,
        detectable=found.detectable if found else None,
        largest_spread=largest_spread(points, gain.n_judged) if gain.n_judged else None,
        without_interval="" if found else NOT_A_SHARE if gain.n_judged else NO_COUNT,
    )
