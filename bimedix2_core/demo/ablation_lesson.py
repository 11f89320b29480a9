"""Ablation lesson: shapes beside phantoms, and what a projector that learnt from shapes says of both."""

from collections.abc import Sequence

from bimedix2_core.demo.lessons import caption_examples, caption_grid
from bimedix2_core.demo.shapes import shape_samples
from bimedix2_core.paper.figures.output import Picture
from bimedix2_core.records import LANGUAGES, Sample

N_SHOWN = 5
"""Shapes beside the five phantoms."""

SHOWN_SEEDS = 1_000_000
"""Seeds of the shapes that are shown begin here, apart from those that are trained on."""


def examples(*, seed: int) -> list[Sample]:
    """Five shapes, then a phantom of each modality, captioned in both languages; none of them is trained on."""
    return [*shape_samples(N_SHOWN, seed=SHOWN_SEEDS + seed), *caption_examples(seed=seed, held_out=False)]


def wanted(samples: Sequence[Sample]) -> Picture:
    """The examples with their captions: what the two projectors learn to say.

    Raises:
        DataError: an image lacks one of its two captions.
    """
    figure = caption_grid(samples, title="Pairs that are not medical, and pairs that are")
    return Picture(figure, f"Drawings and phantoms with their captions. {_captions([one.target for one in samples])}")


def said(samples: Sequence[Sample], captions: Sequence[str] | None) -> Picture:
    """The same images with what the baseline says of them.

    Args:
        samples: the examples.
        captions: one for each; None where no baseline is trained, then the wanted ones are shown and the title says so.

    Raises:
        DataError: an image lacks one of its two captions.
    """
    title = "What the baseline says" if captions is not None else "No baseline is trained here: the captions wanted"
    figure = caption_grid(samples, captions, title=title)
    return Picture(figure, f"{title}: the same drawings and phantoms, an English and an Arabic caption each.")


def _captions(texts: Sequence[str]) -> str:
    """The English ones in a row; twins stand side by side."""
    return " ".join(texts[:: len(LANGUAGES)])
