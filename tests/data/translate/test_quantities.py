import pytest

from bimedix2_core.data.translate.quantities import changed_units


@pytest.mark.parametrize(
    ("source", "translation"),
    [
        ("5 mg", "5 mg"),
        ("5 mg", "٥ مغ"),
        ("5 mcg", "5 µg"),
        ("5 mcg", "5 ميكروغرام"),
        ("120/80 mm Hg", "120/80 ملم زئبق"),
        ("5 mg/kg", "5 ملغ لكل كغ"),
        ("5 mg/kg/dose", "5 ملغ/كغ/وجبة"),
        ("2.5 mg", "2,5 ملغم"),
        ("5 mg, then 5 g", "5 ملغ ثم 5 غ"),
        ("15 cm H2O", "15 سم H2O"),
        ("5 mg", "5 وحدات غريبة"),
    ],
)
def test_a_unit_in_another_spelling_or_an_unknown_word_is_no_change(source, translation):
    assert changed_units(source, translation) == []


@pytest.mark.parametrize(
    ("source", "translation", "said"),
    [
        ("5 mg", "5 mcg", "5 mg became 5 mcg"),
        ("5 mcg", "5 ملغ", "5 mcg became 5 mg"),
        ("0.5 mL", "٠٫٥ لتر", "0.5 mL became 0.5 L"),
        ("3 mM", "3 مم", "3 mM became 3 mm"),
        ("5 mg/kg", "5 mg/L", "5 mg/kg became 5 mg/L"),
        ("37.5 °C", "37.5 °F", "37.5 °C became 37.5 °F"),
    ],
)
def test_a_unit_that_became_another_is_noticed_in_either_script(source, translation, said):
    assert [f"{before} became {after}" for before, after in changed_units(source, translation)] == [said]
