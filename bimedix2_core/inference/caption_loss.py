"""Caption loss: does a model look? Its surprise at captions beside their own images and beside those of others.

A model that ignores images is as surprised by the one as by the other, however low its loss is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bimedix2_core import statistics
from bimedix2_core.bench.floors import Floor, is_above
from bimedix2_core.bench.task import with_wrong_images
from bimedix2_core.inference.losses import target_losses
from bimedix2_core.model.assemble import Lmm
from bimedix2_core.records import Sample
from bimedix2_core.statistics import Estimate

MOST_RATIO = 0.25
"""Floor of Stage 1: with their own images captions cost at most a quarter of what they cost with others'."""


@dataclass(frozen=True)
class CaptionLoss:
    """Mean loss per caption, in nats per token."""

    true: Estimate
    """Each caption beside its own image."""
    shuffled: Estimate
    """Each caption beside the image of another."""

    @property
    def ratio(self) -> float:
        """True over shuffled: 1 where the model does not look."""
        return self.true.value / self.shuffled.value


def caption_loss(lmm: Lmm, captions: Sequence[Sample], *, batch_size: int, seed: int) -> CaptionLoss:
    """Measure the loss of captions with true and with shuffled images.

    Raises:
        DataError: fewer than two captions, or one that does not fit its images.
    """
    shuffled = with_wrong_images(captions, seed=seed)
    return CaptionLoss(
        true=statistics.mean(target_losses(lmm, captions, batch_size=batch_size, title="true images")),
        shuffled=statistics.mean(target_losses(lmm, shuffled, batch_size=batch_size, title="shuffled images")),
    )


def looks(loss: CaptionLoss, *, moment: str) -> Floor:
    """Floor: true images cost at most a quarter of shuffled ones."""
    return Floor(f"caption loss with true images at most a quarter of shuffled, {moment}", loss.ratio <= MOST_RATIO)


def falls(before: CaptionLoss, after: CaptionLoss, *, stage: str) -> Floor:
    """Floor: the loss with true images falls, and the intervals are apart."""
    return Floor(
        f"caption loss with true images falls with {stage}, intervals apart", is_above(before.true, after.true)
    )
