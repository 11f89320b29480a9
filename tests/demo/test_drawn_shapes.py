"""Shapes: what a caption says is in the pixels, in both languages, with adjectives that agree."""

import random
import re
from collections import Counter

import numpy as np
import pytest

from bimedix2_core.demo import corpus, shapes
from bimedix2_core.demo.curriculum import caption_samples
from bimedix2_core.demo.shapes import COLOURS, Shape, all_shapes, caption, draw_shape, shape_samples
from bimedix2_core.demo.tiny_base import load_base
from bimedix2_core.errors import DataError
from bimedix2_core.records import LANGUAGES

ARABIC = {
    "دائرة": "circle", "مربع": "square", "مربعًا": "square", "مثلث": "triangle", "مثلثًا": "triangle", "نجمة": "star",
    "أحمر": "red", "حمراء": "red", "أخضر": "green", "خضراء": "green", "أزرق": "blue", "زرقاء": "blue",
    "أصفر": "yellow", "صفراء": "yellow", "صغير": "small", "صغيرة": "small", "صغيرًا": "small", "كبير": "large",
    "كبيرة": "large", "كبيرًا": "large", "اليسرى": "left", "اليمنى": "right",
}  # fmt: skip
"""Every Arabic word that says something of the drawing; written here once more, not read from the data file."""

FEMININE = {"دائرة", "نجمة", "حمراء", "خضراء", "زرقاء", "صفراء", "صغيرة", "كبيرة", "توجد"}
MASCULINE = {"مربع", "مربعًا", "مثلث", "مثلثًا", "أحمر", "أخضر", "أزرق", "أصفر", "صغير", "صغيرًا", "كبير", "كبيرًا", "يوجد"}


@pytest.fixture(scope="module")
def drawn():
    return shape_samples(128, seed=0)


def said(sample):
    """What a caption says, in a word for each trait."""
    words = re.findall(r"\w[\w\u064b-\u0652]*", sample.target.lower())
    known = [ARABIC.get(word, word) for word in words]
    traits = [list(shapes.FORMS), list(COLOURS), list(shapes.SIDES), list(shapes.SIZES)]
    return Shape(*(next(word for word in known if word in trait) for trait in traits))


def seen(image):
    """What the pixels show, found without the code that drew them."""
    pixels = np.asarray(image, dtype=float)
    coloured = pixels.max(2) - pixels.min(2) > 60  # grey has three equal channels
    rows, columns = np.nonzero(coloured)
    mean = pixels[coloured].mean(0)
    colour = min(COLOURS, key=lambda name: np.abs(mean - COLOURS[name]).sum())
    side = "left" if columns.max() < pixels.shape[1] / 2 else "right" if columns.min() >= pixels.shape[1] / 2 else ""
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    filled = coloured.sum() / (height * width)  # square 1, circle 0.79, triangle 0.5, star less
    widest = (coloured.sum(1).argmax() - rows.min()) / height  # a triangle at its foot, a star at its arms
    form = "square" if filled > 0.9 else "circle" if filled > 0.65 else "triangle" if widest > 0.7 else "star"
    return Shape(form, colour, side, "large" if width > 22 else "small")


def test_both_captions_say_what_the_pixels_show(drawn):
    assert [said(sample) for sample in drawn] == [seen(sample.images[0]) for sample in drawn]


def test_a_caption_of_the_mirrored_drawing_would_be_found_wrong(drawn):
    mirrored = seen(drawn[0].images[0].transpose(0))

    assert mirrored != said(drawn[0])
    assert mirrored.side == {"left": "right", "right": "left"}[said(drawn[0]).side]


def test_twins_share_id_and_picture_and_differ_in_language(drawn):
    english, arabic = drawn[0::2], drawn[1::2]

    assert {sample.language for sample in english} == {"en"}
    assert {sample.language for sample in arabic} == {"ar"}
    assert [one.id for one in english] == [one.id for one in arabic]
    assert all(one.images[0] is other.images[0] for one, other in zip(english, arabic, strict=True))
    assert len({sample.id for sample in drawn}) == 128
    assert {(sample.source, sample.task) for sample in drawn} == {("shapes", "caption")}


def test_every_shape_comes_twice_before_any_comes_a_third_time(drawn):
    counts = Counter(said(sample) for sample in drawn[0::2])

    assert len(all_shapes()) == 4 * 4 * 2 * 2 == len(counts)
    assert set(counts.values()) == {2}


def test_no_two_drawings_are_the_same_and_the_seed_says_which_they_are(drawn):
    again, other = shape_samples(4, seed=0), shape_samples(4, seed=1)

    assert len({sample.images[0].tobytes() for sample in drawn[0::2]}) == 128
    assert [one.target for one in again] == [one.target for one in drawn[:8]]
    assert all(one.images[0].tobytes() == two.images[0].tobytes() for one, two in zip(again, drawn[:8], strict=True))
    assert {one.images[0].tobytes() for one in other}.isdisjoint(one.images[0].tobytes() for one in again)


def test_drawings_are_of_a_phantoms_size_and_mode(drawn):
    phantom = caption_samples(1, seed=0)[0].images[0]

    assert {(sample.images[0].size, sample.images[0].mode) for sample in drawn} == {(phantom.size, phantom.mode)}


def test_requests_are_those_of_the_phantoms_and_captions_name_nothing_medical(drawn):
    requests = {sample.prompt[0]["content"][1]["text"] for sample in drawn}
    phantoms = {sample.prompt[0]["content"][1]["text"] for sample in caption_samples(400, seed=0)}
    medical = " ".join(sample.target.lower() for sample in caption_samples(100, seed=0) if sample.language == "en")

    assert requests <= phantoms
    assert not [form for form in (*shapes.FORMS, *COLOURS) if form in medical.split()]


@pytest.mark.parametrize("shape", all_shapes(), ids=lambda one: "-".join((one.form, one.colour, one.side, one.size)))
def test_arabic_adjectives_agree_with_their_shape(shape):
    for seed in range(8):
        ((_, text),) = caption(shape, random.Random(seed)).turns["ar"]
        words = set(text.rstrip(".").split())

        assert not (words & FEMININE and words & MASCULINE), text
        assert bool(words & FEMININE) == (shape.form in ("circle", "star"))


def test_the_object_of_showing_is_accusative_and_the_subject_of_being_is_not():
    texts = [
        caption(Shape("square", "red", "left", "small"), random.Random(seed)).turns["ar"][0][1] for seed in range(40)
    ]

    shown, there = ([text for text in texts if word in text.split()] for word in ("تُظهر", "يوجد"))
    assert shown
    assert there
    assert all("مربعًا أحمر صغيرًا" in text for text in shown)
    assert all("مربع أحمر صغير" in text for text in there)


def test_the_tiny_tokenizer_spells_every_caption(drawn):
    tokenizer = load_base().tokenizer

    for sample in drawn:
        ids = tokenizer.encode(sample.target, add_special_tokens=False)
        assert tokenizer.decode(ids) == sample.target
        assert len(ids) <= 24


@pytest.mark.parametrize(
    "shape",
    [Shape("heart", "red", "left", "small"), Shape("circle", "pink", "left", "small"),
     Shape("circle", "red", "middle", "small"), Shape("circle", "red", "left", "huge")],
)  # fmt: skip
def test_a_shape_that_cannot_be_drawn_names_those_that_can(shape):
    with pytest.raises(DataError, match=r"expected one of circle, square, triangle, star in red, green, blue, yellow"):
        draw_shape(shape, random.Random(0))


def test_a_caption_is_a_twin_with_its_image_in_the_first_turn():
    twin = caption(all_shapes()[0], random.Random(0))

    assert (twin.task, twin.image_turn, set(twin.turns)) == ("caption", 0, set(LANGUAGES))
    with pytest.raises(DataError, match="came with no image"):
        corpus.samples(twin, "x")
