"""BiMed1.3M: how many rows of each source BiMediX learns from, one Arabic row to two English ones.

The paper of BiMediX prints over 1.3M instructions and Arabic to English 1:2, and no counts of its sources. What it gave
its successor is known: the text rows of BiMediX2's Table 12, whose proportions are taken here within each language.
They cannot be taken as they are: they stand at 444,995 to 666,585, which is 1:1.5, and add up to 1.11M. So a source may
have fewer rows than are wanted of it, which composition states.
"""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from bimedix2_core.data.compose.recipe import exact, scaled
from bimedix2_core.errors import DataError
from bimedix2_core.records import LANGUAGES

TEXT_SOURCES = ("pubmedqa", "medmcqa", "medqa", "single_turn_qa", "multi_turn_conversation")
"""The sources of Table 12 that are text, without their Arabic twins; that each is text is stated or inferred there."""

MULTI_TURN = "multi_turn_conversation"

SYNTHESISED = "synthesised_chats"
"""The chats that notebook 02 made, a part of their own beside the published conversations."""


def part_id(source: str, language: str) -> str:
    """The id of a source in a language, such as ``medqa_ar``; English sources have no suffix."""
    return source if language == "en" else f"{source}_{language}"


def bimed13m_counts(
    table12: Mapping[str, int | Decimal],
    *,
    n_rows: int,
    arabic_per_english: float,
    chats: Mapping[str, int] | None = None,
) -> dict[str, int]:
    """Rows of each text source and of the synthesised chats, ``n_rows`` in all, by the largest remainder.

    Within a language the five sources share its rows in proportion to Table 12. Synthesised chats stand in the place of
    published conversations: ``multi_turn_conversation`` gives that many fewer. Of more chats than there are places for
    conversations, as many as there are places are taken.

    Args:
        table12: rows of each source, the column ``samples`` of Table 12.
        n_rows: of both languages together.
        arabic_per_english: 0.5 is the paper's 1:2.
        chats: synthesised chats at hand, by language.

    Returns:
        The rows of each part: five English sources, English chats where there are any, then the Arabic ones.

    Raises:
        DataError: Table 12 lacks a text source, or a number is not as stated.

    Source:
        BiMediX (arXiv 2402.13253) for total and ratio; BiMediX2, Table 12, for the proportions.
    """
    missing = [one for one in TEXT_SOURCES for language in LANGUAGES if part_id(one, language) not in table12]
    if missing:
        raise DataError(f"table 12 lacks text rows of {', '.join(dict.fromkeys(missing))}; expected both languages")
    if n_rows < 1:
        raise DataError(f"BiMed1.3M: {n_rows} rows; expected at least 1")
    ratio = exact(arabic_per_english)
    by_language = _shared_out({"en": ratio.denominator, "ar": ratio.numerator}, n_rows)
    counts = {}
    for language, n in by_language.items():
        sources = {part_id(one, language): table12[part_id(one, language)] for one in TEXT_SOURCES}
        counts |= _with_chats(_shared_out(sources, n), language, (chats or {}).get(language, 0))
    return counts


def _with_chats(counts: dict[str, int], language: str, n_chats: int) -> dict[str, int]:
    published = part_id(MULTI_TURN, language)
    taken = min(n_chats, counts[published])
    if not taken:
        return counts
    return counts | {published: counts[published] - taken, part_id(SYNTHESISED, language): taken}


def _shared_out(weights: Mapping[str, int | Decimal], n: int) -> dict[str, int]:
    """``n`` in proportion to the weights."""
    total = Fraction(1, int(sum(weights.values())))
    return scaled({name: weight * n for name, weight in weights.items()}, total)
