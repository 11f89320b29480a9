from decimal import Decimal

import pytest

from bimedix2_core.data.numbers import difference, find_numbers


def readings(text):
    return [[tuple(map(str, reading)) for reading in number.readings] for number in find_numbers(text)]


def lost_and_invented(source, translation):
    found = difference(source, translation)
    return [f"{value:f}" for value in found.missing], [f"{value:f}" for value in found.extra]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.5", "0.5"),
        (".5 mg", "0.5"),
        ("2.50", "2.5"),
        ("1,200", "1200"),
        ("1,200,000.5", "1200000.5"),
        ("١٬٢٠٠", "1200"),
        ("12،000", "12000"),
        ("٠٫٥", "0.5"),
        ("۳٫۷", "3.7"),  # Persian digits
        ("½", "0.5"),
        ("007", "7"),
    ],
)
def test_digits_of_any_script_have_one_value(text, value):
    assert readings(text) == [[(value,)]]


def test_a_comma_or_space_that_could_mean_two_things_keeps_both_readings():
    assert readings("3,5") == [[("3", "5"), ("3.5",)]]
    assert readings("10 000") == [[("10000",), ("10", "0")]]
    assert readings("0,125") == [[("0", "125"), ("0.125",)]]
    assert readings("1,4,5") == [[("1", "4", "5")]]
    assert readings("12.03.2020") == [[("12", "3", "2020")]]


def test_digits_on_a_letter_are_part_of_a_name_but_a_size_and_an_interval_are_not():
    flags = {text: [number.is_in_name for number in find_numbers(text)] for text in ("B12", "3x4", "q8h", "IL-6", "m²")}

    assert flags == {"B12": [True], "3x4": [False, False], "q8h": [False], "IL-6": [False], "m²": [True]}


@pytest.mark.parametrize(
    ("source", "translation"),
    [
        ("Give 5 mg", "أعط ٥ مغ"),
        ("0.5 mL", "٠٫٥ مل"),
        ("2.5 mg", "2,5 ملغ"),
        ("2.5 mg", "٢،٥ ملغ"),
        ("12,000 cells", "12000 خلية"),
        ("10 000 cells", "10,000 خلية"),
        ("glucose-1,6-diphosphate", "الجلوكوز-1،6-ثنائي الفوسفات"),
        ("10^9/L", "10⁹/لتر"),
        ("between 20 and 30", "بين 30 و20"),
    ],
)
def test_the_same_numbers_in_other_digits_marks_or_order_are_equal(source, translation):
    assert not difference(source, translation)


@pytest.mark.parametrize(
    ("source", "translation"),
    [
        ("2 hours ago", "قبل ساعتين"),
        ("for 1 year", "لمدة عام"),
        ("two doses", "2 جرعة"),
        ("type 2 diabetes", "السكري من النوع الثاني"),
        ("type II diabetes", "السكري من النوع 2"),
        ("at age 25", "في سن خمسة وعشرين"),
        ("twenty-five years", "25 سنة"),
        ("1 in 100", "واحدًا في كل 100"),
        ("25 kg/m2", "25 كجم لكل متر مربع"),
        ("levothyroxine (T4)", "ليفوثيروكسين"),
    ],
)
def test_a_number_that_is_a_word_in_the_other_language_is_no_difference(source, translation):
    assert not difference(source, translation)


@pytest.mark.parametrize(
    ("source", "translation", "missing", "extra"),
    [
        ("0.5 mg", "5 ملغ", ["0.5"], ["5"]),
        ("5 mg", "50 ملغ", ["5"], ["50"]),
        ("1.125 mg", "1,125 ملغ", ["1.125"], ["1125"]),
        ("for 3 weeks", "لمدة أربعة أسابيع", ["3"], []),
        ("20 to 30 minutes, then 30 minutes", "20 إلى 30 دقيقة", ["30"], []),
        ("a dose", "جرعة 5 ملغ", [], ["5"]),
        ("heart sound S1", "صوت القلب S2", ["1"], ["2"]),
        ("glucose-6-phosphate", "جلوكوز-1-فوسفات", ["6"], ["1"]),
    ],
)
def test_a_number_that_is_lost_changed_or_invented_is_named(source, translation, missing, extra):
    assert lost_and_invented(source, translation) == (missing, extra)


def test_the_difference_is_told_in_plain_digits():
    assert str(difference("10000 and 0.00001", "7")) == "missing 0.00001, 10000; extra 7"


def test_number_words_alone_are_never_a_difference():
    assert not difference("one or two of the three", "بعضها")


def test_a_value_is_exact():
    assert find_numbers("0.1")[0].readings == ((Decimal("0.1"),),)
