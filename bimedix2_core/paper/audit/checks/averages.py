"""Arithmetic audit: averages, recompositions from item counts, and percentages that must be whole numbers of items."""

from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal

from bimedix2_core.paper.audit.arithmetic import correct_answers, missing_part
from bimedix2_core.paper.audit.findings import NOTHING_OPEN, Recomputed
from bimedix2_core.paper.audit.recomposition import Average, averages, overalls
from bimedix2_core.paper.audit.sources import (
    CLINICAL,
    MBENCH_AR,
    MBENCH_DOMAINS,
    MBENCH_EN,
    MBENCH_QUESTIONS,
    MBENCH_TYPES,
    REPORTS,
    SUMMARIES,
    TEST_SIZES,
    V1_ARABIC,
    V1_BILINGUAL,
    V1_ENGLISH,
    VQA,
    Tables,
    name_of,
    printed,
)
from bimedix2_core.paper.audit.wording import listed, rounded

RECOMPOSED = Decimal("0.1")
"""Cells and Overall are rounded to 0.1 each, so a recomposed Overall may be this far away."""


def table2_averages(tables: Tables) -> Recomputed:
    """A01: means of ten columns."""
    return _plain(averages(tables[CLINICAL]), "rows")


def table5_averages(tables: Tables) -> Recomputed:
    """A07: means of 18 cells."""
    return _plain(averages(tables[VQA]), "models")


def table6_averages(tables: Tables) -> Recomputed:
    """A08: means of seven cells, where an average is printed."""
    return _plain(averages(tables[SUMMARIES]), "models")


def table7_averages(tables: Tables) -> Recomputed:
    """A09: means of seven cells, up to one unit of the last digit: half for the average, half for its cells."""
    found = averages(tables[REPORTS])
    off = [average for average in found if not average.agrees]
    return Recomputed(
        holds=all(abs(average.gap_in_last_digits) <= 1 for average in found),
        arithmetic=_lines(found),
        values={
            "models": len(found),
            "largest": {average.row: [average.recomputed, average.printed] for average in off},
        },
        caveat=listed(
            f"{average.name} is {rounded(abs(average.gap), 4)} away, a little more than half a unit; rounding of its "
            "seven cells before averaging explains that"
            for average in off
        )
        + "."
        if off
        else "",
        settle="The cells with one digit more.",
    )


def english_averages(tables: Tables) -> Recomputed:
    """B01: means of nine columns in English."""
    return _plain(averages(tables[V1_ENGLISH]), "rows")


def arabic_averages(tables: Tables) -> Recomputed:
    """B02: means of nine columns in Arabic."""
    found = averages(tables[V1_ARABIC])
    off = [average for average in found if not average.agrees]
    return Recomputed(
        holds=not off,
        arithmetic=_lines(found),
        values={average.row: {"printed": average.printed, "mean": average.recomputed} for average in off},
        caveat=listed(
            f"{average.name} is printed {average.printed} and its cells give {rounded(average.recomputed, 1)}"
            for average in off
        )
        + f"; the other {len(found) - len(off)} rows agree. Either the average or one of the cells is a misprint. The "
        "cells would make the model better, not worse.",
        settle="The scores behind the row, or the README's table against the PDF's.",
    )


def bilingual_averages(tables: Tables) -> Recomputed:
    """B03: means of nine columns over both languages."""
    return _plain(averages(tables[V1_BILINGUAL]), "rows")


def table2_fractions(tables: Tables) -> Recomputed:
    """A02: cells that are no whole number of right answers."""
    table = tables[CLINICAL]
    off = {
        row: [column for column, n in TEST_SIZES.items() if correct_answers(printed(table, row, column), n) is None]
        for row in table.ids
    }
    off = {row: columns for row, columns in off.items() if columns}
    total, exceptions = len(table.ids) * len(TEST_SIZES), sum(map(len, off.values()))
    own = all(not row.startswith("bimedix2") for row in off)
    return Recomputed(
        holds=own,
        arithmetic=(
            f"{total - exceptions} of {total} cells are k of N for a whole number k; for example "
            f"{_nearest(printed(table, 'bimedix2_70b', 'usmle'), TEST_SIZES['usmle'])}",
            *(
                f"{name_of(table, row)}, {column}: {_nearest(printed(table, row, column), TEST_SIZES[column])}"
                for row, columns in off.items()
                for column in columns
            ),
        ),
        values={"exceptions": off},
        caveat=f"Every BiMediX2 cell is one. {exceptions} cells of {len(off)} other models are not: they were probably "
        "copied from elsewhere, truncated, or averaged otherwise.",
        settle="The source of those cells, or the counts of right answers.",
    )


def table3_domain_recomposition(tables: Tables) -> Recomputed:
    """A03: the English Overall from five domains."""
    return _recomposed(overalls(tables[MBENCH_EN], MBENCH_DOMAINS))


def table3_type_recomposition(tables: Tables) -> Recomputed:
    """A04: the English Overall from two question types."""
    return _recomposed(overalls(tables[MBENCH_EN], MBENCH_TYPES))


def table4_domain_recomposition(tables: Tables) -> Recomputed:
    """A05: the Arabic Overall from five domains."""
    return _recomposed(overalls(tables[MBENCH_AR], MBENCH_DOMAINS))


def table4_type_recomposition(tables: Tables) -> Recomputed:
    """A06: the Arabic Overall from two question types, and the description score it would need."""
    table = tables[MBENCH_AR]
    found = overalls(table, MBENCH_TYPES)
    off = [average for average in found if abs(average.gap) > RECOMPOSED]
    conversation, description = (printed(table, "bimedix2_8b", kind) for kind in MBENCH_TYPES)
    overall = printed(table, "bimedix2_8b", "overall")
    n, m = MBENCH_TYPES.values()
    implied = missing_part(overall, conversation, n, m)
    return Recomputed(
        holds=not off,
        arithmetic=(
            *_lines(found),
            f"description implied for BiMediX2 8B: ({MBENCH_QUESTIONS} x {overall} - {n} x {conversation}) / {m} = "
            f"{rounded(implied, 1)}, printed {description}",
        ),
        values={
            "fails": {average.row: [average.recomputed, average.printed] for average in off},
            "passes": [average.row for average in found if average not in off],
            "description_implied_for_bimedix2_8b": implied,
            "description_printed": description,
        },
        caveat=f"{len(off)} of {len(found)} rows do not recompose by type, while all recompose by domain (A05), so "
        "Overall and the headline are not touched. It would fit the released Arabic question file, where the type of "
        "36 of the 50 description rows is translated and the summary script knows the English words only. That is our "
        "inference, not a statement of the authors. The implied score assumes that all conversation rows count.",
        settle="The summary script run on the judge's scores after the type labels are put back into English.",
    )


def _plain(found: Sequence[Average], noun: str) -> Recomputed:
    """All averages agree within half a unit of the last digit."""
    off = [average for average in found if not average.agrees]
    return Recomputed(
        holds=not off,
        arithmetic=_lines(found),
        values={noun: len(found) - len(off)},
        caveat=f"Not the mean of their cells: {listed(average.name for average in off)}." if off else "",
        settle="The cells with one digit more." if off else NOTHING_OPEN,
    )


def _recomposed(found: Sequence[Average]) -> Recomputed:
    """All overalls agree with their weighted parts."""
    gaps = {average.name: abs(average.gap) for average in found}
    off = [name for name, gap in gaps.items() if gap > RECOMPOSED]
    return Recomputed(
        holds=not off,
        arithmetic=(*_lines(found), f"largest gap {rounded(max(gaps.values()))}, at most {RECOMPOSED} expected"),
        values={"rows": len(found) - len(off), "max_difference": max(gaps.values())},
        caveat=f"Not the weighted mean of their parts: {listed(off)}." if off else "",
        settle="The scores of single questions." if off else NOTHING_OPEN,
    )


def _nearest(share: Decimal, n: int) -> str:
    """``92.3 = 300 of 325`` or, if no whole number fits, the two beside it and whether the upper one was cut short."""
    right = correct_answers(share, n)
    if right is not None:
        return f"{share} = {right} of {n}"
    below = int(share * n / 100)
    above = _percent(below + 1, n)
    cut = f", which is {share} if cut and not rounded" if above.quantize(share, ROUND_DOWN) == share else ""
    return f"{share} lies between {below} of {n} = {_percent(below, n)} and {below + 1} of {n} = {above}{cut}"


def _percent(right: int, n: int) -> Decimal:
    return rounded(Decimal(100 * right) / n)


def _lines(found: Sequence[Average]) -> tuple[str, ...]:
    return tuple(average.line for average in found)


CHECKS = {
    "A01_table2_averages": table2_averages,
    "A02_table2_fractions": table2_fractions,
    "A03_table3_domain_recomposition": table3_domain_recomposition,
    "A04_table3_type_recomposition": table3_type_recomposition,
    "A05_table4_domain_recomposition": table4_domain_recomposition,
    "A06_table4_type_recomposition": table4_type_recomposition,
    "A07_table5_averages": table5_averages,
    "A08_table6_averages": table6_averages,
    "A09_table7_averages": table7_averages,
    "B01_english_averages": english_averages,
    "B02_arabic_averages": arabic_averages,
    "B03_bilingual_averages": bilingual_averages,
}
