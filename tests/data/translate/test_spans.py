import pytest

from bimedix2_core.data.translate.spans import find


def found(text, kind, **others):
    return [span.text for span in find(text, **others) if span.kind == kind]


@pytest.mark.parametrize(
    "text",
    ["5 mg", "10^9/L", "4.5 x 10^9/L", "10⁹/L", "0.5 mL/kg", "120/80 mmHg", "37.5 °C", "3 x 4 cm", "5 x 5-cm", "q8h",
     "1:1000", "12,000/mm3", "25 kg/m2", "5 ft 11 in", "5 mg/kg/day", "0.9%", "5.0 μU/mL", ".5 mg"],
)  # fmt: skip
def test_a_number_is_protected_with_all_of_its_unit(text):
    assert found(f"It is {text}, today.", "quantity") == [text]


@pytest.mark.parametrize("text", ["5 patients", "45-year-old", "in the 1980s", "grade 5 in all", "B12 mg", "5 mgx"])
def test_a_number_without_a_unit_is_no_quantity(text):
    assert found(text, "quantity") == []


@pytest.mark.parametrize("name", ["BRCA1", "TP53", "HER2", "IL-6", "CD34", "p53", "KRAS", "IL-1β", "TNF-α", "Ki-67"])
def test_genes_and_proteins_are_protected(name):
    assert found(f"The {name} status", "gene") == [name]


@pytest.mark.parametrize(
    "name", ["COVID-19", "vitamin B12", "C5", "T1", "T4", "FEV1", "CO2", "PHQ-9", "DSM-5", "II-3", "HIV-1", "MRI"]
)
def test_diseases_scores_vertebrae_and_gases_are_no_genes(name):
    assert found(f"The {name} level", "gene") == []


@pytest.mark.parametrize(
    "name", ["infliximab", "Imatinib", "lisinopril", "losartan", "atorvastatin", "amoxicillin", "vancomycin",
             "fluconazole", "methylprednisolone", "cefazolin", "warfarin", "nystatin"]
)  # fmt: skip
def test_drugs_are_known_by_stem_or_name(name):
    assert found(f"She takes {name} daily.", "drug") == [name]


@pytest.mark.parametrize(
    "word",
    ["April", "somatostatin", "cholesterol", "histidine", "cephalic", "imidazole", "concept", "magazine", "azole"],
)
def test_words_that_only_end_like_a_drug_are_none(word):
    assert found(f"The {word} was noted.", "drug") == []


def test_drugs_of_a_list_are_added_whole_words_only():
    assert found("Zemtora and Zemtoras", "drug", drugs=["zemtora"]) == ["Zemtora"]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("coded as C50.9 and E11.65", ["C50.9", "E11.65"]),
        ("ICD-10 codes E11.9, I10 and C50", ["E11.9", "I10", "C50"]),
        ("E53.8, vitamin B12 deficiency (ICD-10-CM)", ["E53.8"]),
        ("ICD-10 code for vitamin B12 deficiency", []),
        ("ICD-10 code of a T12 fracture", []),
        ("fracture of the C5 vertebra, T1 and L4", []),
        ("I10 and C50 without context", []),
        ("an ICD was implanted in a man with a T12 fracture", []),
        ("a level of B12.", []),
    ],
)
def test_icd_codes_are_told_from_vitamins_and_vertebrae(text, codes):
    assert found(text, "icd") == codes


def test_other_codes_addresses_dates_and_formulas_are_protected():
    text = (
        "PMID: 2412 LOINC 718-7, SNOMED CT 22298006; rs1061170, NCT00069784, doi 10.1000/abc.5). "
        "See https://a.b/c?d=1. Mail x.y@z.org on 2020-01-31 or 12/03/2020: $x_1^2$ and \\(a+b\\)."
    )

    assert [(span.kind, span.text) for span in find(text)] == [
        ("code", "2412"),
        ("code", "718-7"),
        ("code", "22298006"),
        ("code", "rs1061170"),
        ("code", "NCT00069784"),
        ("code", "10.1000/abc.5"),
        ("url", "https://a.b/c?d=1"),
        ("email", "x.y@z.org"),
        ("date", "2020-01-31"),
        ("date", "12/03/2020"),
        ("latex", "$x_1^2$"),
        ("latex", "\\(a+b\\)"),
    ]


def test_prices_are_no_formula():
    assert found("It costs $5 or $10, in all $15.", "latex") == []


def test_option_letters_stand_at_the_beginning_of_a_line():
    assert found("A. yes\nB. no\n(C) both\nD) neither", "option") == ["A.", "B.", "(C)", "D)"]
    assert found("B. Metoprolol", "option") == ["B."]
    assert found("E. coli grows\nin blood. A. fumigatus too", "option") == []
    assert found("A 45-year-old man\nI. One", "option") == []


def test_of_two_that_overlap_the_earlier_kind_is_taken():
    assert [(span.kind, span.text) for span in find("see www.x.org/BRCA1/5mg")] == [("url", "www.x.org/BRCA1/5mg")]
    assert [(span.kind, span.text) for span in find("$5 mg$")] == [("latex", "$5 mg$")]


def test_spans_say_where_they_stand():
    text = "<image>\nGive ramipril 5 mg."

    assert [text[span.start : span.end] for span in find(text)] == ["<image>", "ramipril", "5 mg"]
    assert [span.text for span in find(text)] == ["<image>", "ramipril", "5 mg"]
