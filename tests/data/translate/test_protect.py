import random

import pytest

from bimedix2_core.data.translate.protect import PlaceholderError, mask, placeholders, unmask
from bimedix2_core.data.translate.spans import KINDS
from bimedix2_core.errors import DataError


def test_only_the_asked_kinds_are_masked():
    masked = mask("<image> ramipril 5 mg", kinds=frozenset({"image", "quantity"}))

    assert masked.text == "⟦1⟧ ramipril ⟦2⟧"
    assert masked.originals == ("<image>", "5 mg")


def test_placeholders_may_come_back_in_another_order_and_in_arabic_digits():
    masked = mask("Give 5 mg of ramipril")

    assert unmask("أعط ⟦2⟧ بجرعة ⟦ ١ ⟧", masked) == "أعط ramipril بجرعة 5 mg"


@pytest.mark.parametrize(
    ("translation", "missing", "doubled", "invented"),
    [
        ("⟦1⟧", (2,), (), ()),
        ("⟦1⟧ ⟦2⟧ ⟦2⟧", (), (2,), ()),
        ("⟦1⟧ ⟦2⟧ ⟦3⟧", (), (), ("3",)),
        ("⟦1⟧ ⟦2", (2,), (), ("⟦",)),
        ("⟦1⟧ ⟦2⟧ ⟦x⟧", (), (), ("⟦", "⟧")),
        ("⟦0⟧ ⟦2⟧", (1,), (), ("0",)),
    ],
)
def test_a_lost_doubled_or_invented_placeholder_is_a_named_failure(translation, missing, doubled, invented):
    with pytest.raises(PlaceholderError, match="each of its 2 placeholders once") as caught:
        unmask(translation, mask("5 mg of ramipril"))

    assert isinstance(caught.value, DataError)
    assert (caught.value.missing, caught.value.doubled, caught.value.invented) == (missing, doubled, invented)


def test_brackets_of_the_text_itself_come_back_unharmed():
    text = "the set ⟦1⟧ of 5 mg, ⟧ and ⟦"
    masked = mask(text)

    assert placeholders(masked.text) == [f"⟦{number}⟧" for number in range(1, 6)]
    assert unmask(masked.text, masked) == text


PIECES = [
    *["\u27e6", "\u27e7", "\u27e61\u27e7", "\u27e6\u0662\u27e7", "http://a.b/\u27e61\u27e7"],
    *[
        "<image>",
        "$x^2$",
        "$",
        "\\(",
        "\\)",
        "5mg",
        "0.5mL/kg",
        "BRCA1",
        "ramipril",
        "E11.65",
        "ICD-10",
        "I10",
        "3x4cm",
    ],
    *[
        "٥مغ",
        "قلب",
        "é",
        "x@y.org",
        "12/03/2020",
        "10^9/L",
        "PMID:123",
        "A. ",
        "\n(B) ",
        " ",
        "\n",
        "\u200f",
        "5 ",
        "mg",
    ],
]


def test_unmasking_what_was_masked_gives_any_text_back():
    draw = random.Random(0)
    for _ in range(3000):
        text = "".join(draw.choice(PIECES) for _ in range(draw.randrange(12)))
        kinds = frozenset(kind for kind in KINDS if draw.random() < 0.6)
        masked = mask(text, kinds=kinds)

        assert unmask(masked.text, masked) == text, (text, sorted(kinds))


def test_an_unknown_kind_is_one_clear_error():
    with pytest.raises(DataError, match=r"cannot protect 'number'; the kinds are image, latex"):
        mask("5", kinds=frozenset({"number"}))
