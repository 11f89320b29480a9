import pytest

from bimedix2_core.errors import DataError
from bimedix2_core.inference.caption_loss import CaptionLoss, caption_loss, falls, looks
from bimedix2_core.statistics import Estimate
from tests.tiny import sample, tiny_lmm


def loss(true: float, shuffled: float) -> CaptionLoss:
    return CaptionLoss(Estimate(true, true - 0.1, true + 0.1, 4), Estimate(shuffled, shuffled - 0.1, shuffled + 0.1, 4))


def test_the_loss_with_shuffled_images_is_that_of_the_same_captions():
    captions = [sample(name=f"c{index}", answer="left " * (index + 1)) for index in range(4)]

    measured = caption_loss(tiny_lmm(), captions, batch_size=2, seed=0)

    assert measured.true.n == measured.shuffled.n == 4
    assert measured.ratio == pytest.approx(1.0)  # all images are the same here


def test_one_caption_cannot_be_shuffled():
    with pytest.raises(DataError, match="at least two samples"):
        caption_loss(tiny_lmm(), [sample()], batch_size=2, seed=0)


def test_a_quarter_is_enough_and_a_little_more_is_not():
    assert looks(loss(0.5, 2.0), moment="now").is_met
    assert not looks(loss(0.51, 2.0), moment="now").is_met


def test_a_loss_falls_where_the_intervals_are_apart():
    assert falls(loss(2.0, 2.0), loss(1.7, 2.0), stage="Stage 1").is_met
    assert not falls(loss(2.0, 2.0), loss(1.9, 2.0), stage="Stage 1").is_met
    assert not falls(loss(1.0, 2.0), loss(2.0, 2.0), stage="Stage 1").is_met
