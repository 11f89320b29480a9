import json
import math
import random
from dataclasses import asdict, replace

import pytest

from bimedix2_core.errors import DataError
from bimedix2_core.training.step_log import StepLog, StepRecord, TrainingLog


def record(step: int, **changes) -> StepRecord:
    numbers = {
        "loss": 2.0 - step / 10,
        "learning_rate": 2.0e-4,
        "gradient_norm": 0.75,
        "seconds": 0.5,
        "useful_tokens": 4000,
        "padding_share": 0.02,
        "tokens_per_second": 8000.0,
        "mfu": 0.41,
        "memory_gb": 61.5,
        "losses": {"en": 1.9, "text": 2.1},
    }
    return StepRecord(step, **(numbers | changes))


def log_of(folder, n_steps: int) -> StepLog:
    log = StepLog(folder / "steps.jsonl")
    log.resume(0)
    for step in range(n_steps):
        log.append(record(step))
    return log


def test_a_step_is_one_line_of_plain_json(tmp_path):
    log = log_of(tmp_path, 2)

    first, second = log.file.read_text().splitlines()

    assert json.loads(first) == asdict(record(0))
    assert json.loads(second)["step"] == 1


def test_numbers_come_back_bit_for_bit(tmp_path):
    draw = random.Random(7)
    awkward = [0.1 + 0.2, math.nextafter(2.0, 3.0), 5e-324, 1.7976931348623157e308, 1 / 3, 11.761783838818]
    losses = [*awkward, *(draw.lognormvariate(0, 3) for _ in range(200))]
    written = [
        record(step, loss=loss, learning_rate=loss / 7, mfu=None, losses={"ar": loss / 3})
        for step, loss in enumerate(losses)
    ]
    log = StepLog(tmp_path / "steps.jsonl")
    for one in written:
        log.append(one)

    assert [one.loss.hex() for one in log.read(len(losses))] == [loss.hex() for loss in losses]
    assert log.resume(len(losses)) == written


def test_a_record_is_in_the_file_before_the_next_step(tmp_path):
    log = log_of(tmp_path, 1)

    assert len(StepLog(log.file).read(1)) == 1  # another reader, while the writer lives
    log.sync()
    assert len(StepLog(log.file).read(1)) == 1


def test_what_a_killed_run_wrote_beyond_the_checkpoint_is_dropped_and_written_anew(tmp_path):
    whole, log = log_of(tmp_path / "whole", 8), log_of(tmp_path / "killed", 7)

    kept = log.resume(4)
    for step in range(4, 8):
        log.append(record(step))

    assert kept == [record(step) for step in range(4)]
    assert log.file.read_bytes() == whole.file.read_bytes()


@pytest.mark.parametrize("bytes_lost", [1, 2, 50, 200])
def test_half_a_line_at_the_end_is_dropped(tmp_path, bytes_lost):
    log = log_of(tmp_path, 5)
    log.file.write_bytes(log.file.read_bytes()[:-bytes_lost])

    assert [one.step for one in log.resume(4)] == [0, 1, 2, 3]
    assert log.file.read_text().endswith("}\n")
    assert len(log.file.read_text().splitlines()) == 4


def test_a_line_without_its_end_is_no_line_though_it_can_be_read(tmp_path):
    log = log_of(tmp_path, 5)
    log.file.write_bytes(log.file.read_bytes()[:-1])

    with pytest.raises(DataError, match="4 whole lines, but the checkpoint was made after 5 steps"):
        log.resume(5)


def test_rubbish_beyond_the_checkpoint_does_no_harm(tmp_path):
    log = log_of(tmp_path, 3)
    with log.file.open("ab") as stream:
        stream.write(b"\x00\xff\x00 not JSON\nmore\n")

    assert len(log.resume(3)) == 3
    assert log.read(3) == [record(step) for step in range(3)]


def test_a_log_shorter_than_the_checkpoint_says_what_to_do_and_is_left_alone(tmp_path):
    log = log_of(tmp_path, 3)
    before = log.file.read_bytes()

    with pytest.raises(DataError, match="3 whole lines, but the checkpoint was made after 4 steps; restore the file, "):
        log.resume(4)

    assert log.file.read_bytes() == before


def test_a_log_that_is_gone_is_a_log_without_lines(tmp_path):
    with pytest.raises(DataError, match=r"steps.jsonl: 0 whole lines.*remove the folder's checkpoints"):
        StepLog(tmp_path / "steps.jsonl").resume(1)


def test_a_run_that_begins_anew_empties_the_log_of_the_one_before(tmp_path):
    log = log_of(tmp_path, 3)

    assert log.resume(0) == []
    assert log.file.read_bytes() == b""


def test_a_run_makes_the_folder_of_its_log(tmp_path):
    log = StepLog(tmp_path / "new" / "steps.jsonl")

    log.resume(0)
    log.append(record(0))

    assert log.read(1) == [record(0)]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([0, 2], "line 2 is of step 2; expected step 1"),
        ([1, 0], "line 1 is of step 1; expected step 0"),
        ([0, 0], "line 2 is of step 0; expected step 1"),
    ],
)
def test_steps_out_of_order_are_an_error(tmp_path, lines, message):
    log = StepLog(tmp_path / "steps.jsonl")
    for step in lines:
        log.append(record(step))

    with pytest.raises(DataError, match=message):
        log.resume(2)


@pytest.mark.parametrize("line", ["{", "[]", '{"step": 0}', '{"step": 0, "lost": 2.0}', "3"])
def test_a_line_that_is_no_step_record_is_named(tmp_path, line):
    log = StepLog(tmp_path / "steps.jsonl")
    log.file.write_text(f"{line}\n")

    with pytest.raises(DataError, match=r"steps\.jsonl, line 1 is no step record"):
        log.resume(1)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"loss": math.nan}, "loss nan"),
        ({"gradient_norm": math.inf}, "gradient_norm inf"),
        ({"losses": {"en": 1.0, "ar": math.nan}}, r"losses\['ar'\] nan"),
    ],
)
def test_a_number_that_is_not_finite_is_refused_and_nothing_is_written(tmp_path, changes, named):
    log = log_of(tmp_path, 1)
    before = log.file.read_bytes()

    with pytest.raises(DataError, match=f"step 1: {named}; a step log holds finite numbers"):
        log.append(record(1, **changes))

    assert log.file.read_bytes() == before


def test_reading_leaves_the_file_to_the_process_that_writes_it(tmp_path):
    log = log_of(tmp_path, 5)
    before = log.file.read_bytes()

    assert len(log.read(2)) == 2
    assert log.file.read_bytes() == before


STEPS = (record(0, losses={"en": 2.5}), record(1, losses={"en": 2.0, "ar": 3.0}), record(2, losses={"ar": 2.75}))


def test_a_training_log_has_a_curve_for_all_and_for_each_part():
    log = TrainingLog(STEPS, seconds=1.5, tokens_per_second=8000.0)

    assert log.curve == [(0, 2.0), (1, 1.9), (2, 1.8)]
    assert log.curve_of("en") == [(0, 2.5), (1, 2.0)]
    assert log.curve_of("ar") == [(1, 3.0), (2, 2.75)]
    assert log.parts == ["ar", "en"]


def test_a_curve_that_is_not_there_names_those_that_are():
    with pytest.raises(DataError, match="no step has a loss of 'fr'; there are losses of 'ar', 'en'"):
        TrainingLog(STEPS, 1.5, 8000.0).curve_of("fr")
    with pytest.raises(DataError, match="there are losses of none"):
        TrainingLog((replace(STEPS[0], losses={}),), 1.5, 8000.0).curve_of("en")
