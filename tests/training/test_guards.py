import json
import math

import numpy as np
import pytest

from bimedix2_core.errors import DataError, ModelError
from bimedix2_core.training.guards import RISE, WINDOW, Divergence, check_finite, check_labels, forget_stop, stop_file
from bimedix2_core.training.step_log import StepRecord

IDS = ["a-en", "a-ar", "b"]


def stopped(folder) -> dict:
    """What the run left, read by a parser that takes no NaN."""

    def refuse(constant):
        raise ValueError(constant)

    return json.loads(stop_file(folder).read_text(), parse_constant=refuse)


def first_stop(losses, folder) -> int | None:
    """The step that stops a run with these losses."""
    guard = Divergence(folder)
    for step, loss in enumerate(losses):
        try:
            guard.check(step=step, ids=IDS, loss=float(loss), norm=1.0)
        except ModelError:
            return step
    return None


# ---- labels ----


def test_a_step_without_a_supervised_token_stops_with_its_samples(tmp_path):
    with pytest.raises(DataError, match=r"step 7: no supervised token in any of its 3 samples.*stopped\.json"):
        check_labels(tmp_path, step=7, ids=IDS, n_supervised=0)

    left = stopped(tmp_path)
    assert (left["step"], left["ids"]) == (7, IDS)
    assert left["reason"].startswith("step 7: no supervised token")


def test_one_supervised_token_is_enough(tmp_path):
    check_labels(tmp_path, step=7, ids=IDS, n_supervised=1)

    assert not stop_file(tmp_path).exists()


# ---- numbers that are none ----


@pytest.mark.parametrize(
    ("loss", "norm", "kept"),
    [
        (math.nan, 1.5, {"loss": "nan", "norm": 1.5}),
        (math.inf, math.nan, {"loss": "inf", "norm": "nan"}),
        (2.0, -math.inf, {"loss": 2.0, "norm": "-inf"}),
    ],
)
def test_a_loss_or_norm_that_is_not_finite_stops_with_both_numbers_and_the_samples(tmp_path, loss, norm, kept):
    with pytest.raises(ModelError, match=rf"loss {loss}, gradient norm {norm}: not finite, so the step was not taken"):
        check_finite(tmp_path, step=3, ids=IDS, loss=loss, norm=norm)

    left = stopped(tmp_path)
    assert {"loss": left["loss"], "norm": left["norm"]} == kept
    assert (left["step"], left["ids"]) == (3, IDS)
    assert float(left["loss"]) == loss or math.isnan(loss)  # the text reads back as the number


def test_large_but_finite_numbers_do_not_stop(tmp_path):
    check_finite(tmp_path, step=3, ids=IDS, loss=1e30, norm=1e300)

    assert not stop_file(tmp_path).exists()


def test_every_sample_of_the_step_is_written_down_arabic_ids_as_they_are(tmp_path):
    ids = [f"عينة-{number}" for number in range(500)]

    with pytest.raises(ModelError):
        check_finite(tmp_path, step=0, ids=ids, loss=math.nan, norm=1.0)

    assert stopped(tmp_path)["ids"] == ids
    assert "عينة-499" in stop_file(tmp_path).read_text(encoding="utf-8")


def test_the_folder_keeps_the_last_stop_until_the_run_goes_on(tmp_path):
    for step in (1, 2):
        with pytest.raises(DataError):
            check_labels(tmp_path, step=step, ids=IDS, n_supervised=0)
    assert stopped(tmp_path)["step"] == 2
    assert [file.name for file in tmp_path.iterdir()] == ["stopped.json"]  # no draft is left

    forget_stop(tmp_path)
    forget_stop(tmp_path)  # nothing there is fine

    assert not stop_file(tmp_path).exists()


# ---- divergence ----


def test_a_loss_that_rises_for_good_stops_and_says_when_it_was_best(tmp_path):
    guard = Divergence(tmp_path)
    for step, loss in enumerate([*[3.0] * 30, *[1.5] * 30, *[4.0] * 8]):
        guard.check(step=step, ids=IDS, loss=loss, norm=0.5)

    with pytest.raises(ModelError) as stop:  # the ninth 4.0: (11 * 1.5 + 9 * 4.0) / 20 = 2.625
        guard.check(step=68, ids=IDS, loss=4.0, norm=0.5)

    assert str(stop.value).startswith(
        "diverged at step 68: the mean loss of the last 20 steps is 2.62 nats, more than 1 above the 1.50 of steps "
        "30 to 49, when it was best; lower the learning rate, or go on with a lower one from a checkpoint near step 49"
    )
    assert stopped(tmp_path) | {"reason": ""} == {"reason": "", "step": 68, "loss": 4.0, "norm": 0.5, "ids": IDS}


@pytest.mark.parametrize("height", [5.0, 11.76, 19.0])
def test_one_bad_step_does_not_stop_a_run(tmp_path, height):
    losses = [1.5] * 40 + [1.5 + height] + [1.5] * 40

    assert first_stop(losses, tmp_path) is None


def test_bad_steps_that_do_not_end_stop_it(tmp_path):
    losses = [1.5] * 40 + [1.5 + 11.76] * 40  # as much as guessing costs: two of them move the mean by 1.2

    assert first_stop(losses, tmp_path) == 41


def test_a_slow_rise_of_nine_tenths_does_not_stop_and_one_of_more_than_one_does(tmp_path):
    fall = list(np.linspace(5.0, 1.5, 200))

    assert first_stop([*fall, *[1.5] * 20, *np.linspace(1.5, 2.4, 2000), *[2.4] * 50], tmp_path) is None
    assert first_stop([*fall, *[1.5] * 20, *np.linspace(1.5, 2.6, 2000), *[2.6] * 50], tmp_path) is not None


def test_exactly_one_nat_is_not_more_than_one(tmp_path):
    assert first_stop([2.0] * 40 + [3.0] * 40, tmp_path) is None
    assert first_stop([2.0] * 40 + [3.0625] * 40, tmp_path) == 40 + 18  # 19 of 20 losses: 2 + 19 / 20 * 1.0625 > 3


def test_nothing_is_compared_before_there_are_enough_steps(tmp_path):
    assert first_stop([0.5, *[9.0] * (WINDOW - 1)], tmp_path) is None


def test_the_noise_of_a_long_healthy_run_does_not_stop_it(tmp_path):
    losses = 1.5 + 0.4 * np.random.default_rng(0).standard_normal(60_000)
    means = np.convolve(losses, np.full(WINDOW, 1 / WINDOW), mode="valid")

    assert first_stop(losses, tmp_path) is None
    assert 0.6 < means.max() - means.min() < 0.9 * RISE  # near enough to the limit to be a test, as RISE tells


def test_a_resumed_run_stops_where_the_uninterrupted_one_does(tmp_path):
    draw = np.random.default_rng(1)
    losses = [*np.linspace(4.0, 1.5, 60), *np.linspace(1.5, 4.0, 60)] + 0.2 * draw.standard_normal(120)
    at = first_stop(losses, tmp_path)
    assert at is not None

    for n_steps in (1, WINDOW - 1, WINDOW, 70, at):
        records = [
            StepRecord(step, float(loss), 1e-4, 1.0, 0.1, 10, 0.0, 100.0, None, 0.1)
            for step, loss in enumerate(losses[:n_steps])
        ]
        resumed = Divergence(tmp_path)
        resumed.feed(records)
        for step in range(n_steps, at):
            resumed.check(step=step, ids=IDS, loss=float(losses[step]), norm=1.0)
        with pytest.raises(ModelError, match=f"diverged at step {at}:"):
            resumed.check(step=at, ids=IDS, loss=float(losses[at]), norm=1.0)
