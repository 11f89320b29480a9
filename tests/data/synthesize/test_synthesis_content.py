import pytest

from bimedix2_core.data.synthesize import content


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ("Inhaled salbutamol", "We start with salbutamol, which is inhaled."),
        ("Administer intravenous fluids and antibiotics", "I would give antibiotics and fluids intravenously."),
        ("Iliac arteries", "The iliac artery."),
        ("No treatment", "You do not need any treatment."),
        ("No treatment", "It doesn't call for treatment."),
        ("5 mg of warfarin", "Warfarin, ٥ mg a day."),
        ("التهاب الرئة", "لديك التهاب في الرئتين."),
        ("الجانب الأيسر", "في جانبك الأيسر."),
        ("", "Anything."),
    ],
)
def test_another_wording_keeps_the_content(kept, said):
    assert content.missing(kept, said) == []


@pytest.mark.parametrize(
    ("kept", "said", "lost"),
    [
        ("Left ventricular hypertrophy", "Hypertrophy of the right ventricular wall.", ["left"]),
        ("Hyperkalaemia", "This is hypokalaemia.", ["hyperkalaemia"]),
        ("Penicillin", "Penicillamine is given.", ["penicillin"]),
        ("Prednisone", "Prednisolone is given.", ["prednisone"]),
        ("5 mg of warfarin", "Warfarin, 15 mg a day.", ["5"]),
        ("No treatment", "You need treatment.", ["not"]),
        ("الجانب الأيسر", "في جانبك الأيمن.", ["الايسر"]),
        # of five content words one may be lost, unless it is a side, a number or a negation
        ("Ligate the left gastric artery early", "Ligate the gastric artery early.", ["left"]),
        ("Ligate the gastric artery within 12 hours", "Ligate the gastric artery within hours.", ["12"]),
        ("Do not ligate the gastric artery early", "Ligate the gastric artery early.", ["not"]),
    ],
)
def test_another_content_is_noticed(kept, said, lost):
    assert content.missing(kept, said) == lost


def test_of_four_content_words_one_may_be_lost_and_of_three_none():
    assert content.missing("Oral iron for six weeks", "Take oral iron, six tablets.") == []
    assert content.missing("Oral iron weekly", "Take oral iron.") == ["weekly"]


def test_a_t_wave_is_no_negation():
    assert content.NOT not in content.content_words("Inverted T wave and T-cells")
    assert content.content_words("It isn't inverted") == ["not", "inverted"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Yes.", "yes"),
        ("no", "no"),
        ("نعم", "yes"),
        ("لا", "no"),
        ("كلا", "no"),
        ("Not yes", ""),
        ("", ""),
        ("None", ""),
    ],
)
def test_the_first_word_says_yes_or_no(text, expected):
    assert content.polarity(text) == expected


def test_opposites_are_found_only_where_one_side_was_given():
    assert content.turned_round("left lung", "the right lung") == [("left", "right")]
    assert content.turned_round("left and right lung", "the right lung") == []
    assert content.turned_round("the lung", "the right lung") == []
    assert content.turned_round("الرئة اليسرى", "الرئة اليمنى") == [("اليسري", "اليمني")]


def test_no_word_of_the_lists_was_read_as_something_else_by_yaml():
    def leaves(entry):
        parts = entry.values() if isinstance(entry, dict) else entry if isinstance(entry, list) else None
        return [entry] if parts is None else [leaf for part in parts for leaf in leaves(part)]

    known = content.known()

    assert [leaf for leaf in leaves(known) if not isinstance(leaf, str)] == []
    assert set(known) >= {"yes", "no", "negation"}
