"""Composition: the counts of a data set that was built, as measured cells of Table 12 and Figure 9.

built = compose(...)                                          # or data.compose.manifest.load(folder)
card = composition_card(run, built)
cells = composition_cells(exhibit("table12"), built, card)    # save_measured, compare
rings = composition_cells(exhibit("fig09"), built, card)
composition_sunburst(rings, composition_sources(built))
"""

from collections.abc import Mapping

from bimedix2_core import __version__
from bimedix2_core.data.compose.manifest import Composition
from bimedix2_core.errors import DataError
from bimedix2_core.paper.exhibits import Exhibit, exhibit
from bimedix2_core.paper.figures.sunburst import Source
from bimedix2_core.paper.measured import Demo, Measured, Reproduced
from bimedix2_core.paper.protocol import ProtocolCard, card_of
from bimedix2_core.paper.reported import TOTAL
from bimedix2_core.runs import Run

_NOTHING = "none"
"""What a card says of a prompt and of weights, neither of which a count has."""


def composition_card(run: Run, composition: Composition) -> ProtocolCard:
    """How the counts of a built data set were taken: which data set, of which share of the recipe."""
    return card_of(
        run,
        dataset="BiMed-V, composed",
        dataset_revision=composition.key[:12],
        split_hash=composition.key,
        n=composition.n_rows,
        prompt_hash=_NOTHING,
        scorer=f"bimedix2_core {__version__}",
        definition=f"rows of each source in the built data set, {composition.share} of the recipe wanted",
        model_fingerprint=_NOTHING,
        decoding={},
    )


def composition_cells(shown: Exhibit, composition: Composition, card: ProtocolCard) -> tuple[Measured, ...]:
    """The rows of each source as cells of Table 12 or Figure 9: plain counts, so without an interval.

    A source of the recipe without rows is a cell of 0; the total is a cell where the exhibit shows one.
    """
    kind = Reproduced if card.is_reproduction else Demo
    counts = {part.source_id: part.taken for part in composition.parts}
    if TOTAL in shown.rows():
        counts[TOTAL] = composition.n_rows
    n_rows = composition.n_rows
    return tuple(kind(row, "samples", float(count), None, None, n_rows, 0, card) for row, count in counts.items())


def composition_sources(composition: Composition, names: Mapping[str, str] | None = None) -> dict[str, Source]:
    """What each source of a built data set is, as its rows say, for ``figures.sunburst.composition_sunburst``.

    Args:
        composition: the manifest of the data set.
        names: printed names of the sources that Table 12 does not have; without one, the id is printed.

    Raises:
        DataError: a source has rows of two languages or modalities; the figure has one place for each source.
    """
    known = exhibit("fig09").rows() | dict(names or {})
    mixed = sorted({one.source for one in composition.counts if composition.rows(source=one.source) != one.rows})
    if mixed:
        raise DataError(
            f"fig09: {', '.join(mixed)} hold rows of several languages or modalities; expected one of each, as in "
            "Table 12: compose them as parts of their own"
        )
    return {
        one.source: Source(known.get(one.source, one.source), one.language, one.modality) for one in composition.counts
    }
