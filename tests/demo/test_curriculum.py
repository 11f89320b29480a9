from collections import Counter

import pytest

from bimedix2_core.demo import curriculum
from bimedix2_core.demo.tiny_base import text_samples
from bimedix2_core.records import text_of

TESTS = {
    "captions": lambda: curriculum.held_out_captions(24, seed=0),
    "closed": lambda: curriculum.held_out_closed(160, seed=0),
    "side": lambda: curriculum.held_out_closed(100, seed=0, kinds=curriculum.SIDE_KINDS),
    "open": lambda: curriculum.held_out_open(60, seed=0),
    "choice": lambda: curriculum.held_out_choice(60, seed=0),
}


@pytest.fixture(scope="module")
def trained_on():
    """What Stage 1, Stage 2 and the language model's pre-training see."""
    return [
        *curriculum.caption_samples(200, seed=0),
        *curriculum.instruction_samples(300, 100, seed=0),
        *text_samples(6000, seed=0),
    ]


def exchanges(samples):
    """Each question (its last line, without a report before it) with its answer and its language."""
    return {
        (text_of(asked), text_of(answered))
        for sample in samples
        for asked, answered in zip(sample.messages[::2], sample.messages[1::2], strict=True)
    }


@pytest.mark.parametrize("name", TESTS)
def test_no_test_image_was_trained_on(trained_on, name):
    seen = {image.tobytes() for sample in trained_on for image in sample.images}

    assert not [sample.id for sample in TESTS[name]() if sample.images[0].tobytes() in seen]


def test_captions_in_a_new_wording_were_never_trained_on(trained_on):
    known = {answer for _, answer in exchanges(trained_on)}

    reworded = curriculum.held_out_captions(24, seed=0, new_wording=True)
    assert not [sample.target for sample in reworded if sample.target in known]


def test_a_new_wording_is_of_the_same_images():
    as_trained, reworded = (curriculum.held_out_captions(24, seed=0, new_wording=new) for new in (False, True))

    assert [one.images[0].tobytes() for one in as_trained] == [one.images[0].tobytes() for one in reworded]
    assert not {one.target for one in as_trained} & {one.target for one in reworded}


@pytest.mark.parametrize("name", TESTS)
def test_twins_share_id_and_image(name):
    samples = TESTS[name]()

    for english, arabic in zip(samples[::2], samples[1::2], strict=True):
        assert (english.id, english.kind) == (arabic.id, arabic.kind)
        assert (english.language, arabic.language) == ("en", "ar")
        assert english.images[0] is arabic.images[0]


def test_closed_answers_are_balanced_in_every_kind():
    samples = [s for s in curriculum.held_out_closed(1600, seed=1) if s.language == "en"]

    for kind in curriculum.CLOSED_KINDS:
        targets = Counter(sample.target for sample in samples if sample.kind == kind)
        top = max(targets.values()) / targets.total()
        assert 0.5 <= top < 0.6, (kind, targets)  # 200 draws of a fair coin: above 0.6 once in a hundred


def test_options_are_shuffled():
    letters = Counter(sample.target for sample in curriculum.held_out_choice(400, seed=1))

    assert set(letters) == set("ABCD")
    assert max(letters.values()) < 0.33 * letters.total()  # 400 draws of four: expected a quarter


def test_another_seed_trains_on_other_images_and_the_same_seed_on_the_same():
    def pixels(seed):
        return [sample.images[0].tobytes() for sample in curriculum.caption_samples(6, seed=seed)]

    assert pixels(0) == pixels(0)
    assert not set(pixels(0)) & set(pixels(1))


def test_every_second_complaint_is_complete():
    samples = [sample for sample in curriculum.held_out_follow_up(20, seed=0) if sample.language == "en"]

    assert sum(sample.target.endswith("?") for sample in samples) == 10
