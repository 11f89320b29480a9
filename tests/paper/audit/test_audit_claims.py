"""The claims files: their form, and one clear error for each way in which a file can be wrong."""

import shutil

import pytest

from bimedix2_core.errors import DataError
from bimedix2_core.paper.audit.claims import CLAIM_FILES, all_claims, read_claims

ONE = """
claims:
- id: X01_gain
  group: headline
  statement: A beats B by 1.50 points.
  where: nowhere
  tables: [table02_clinical_llm]
  check: a minus b
  expected: holds
  value: {difference: 1.50, rows: [a, b]}
  caveat: ''
"""


@pytest.fixture
def claims_of(tmp_path):
    """Read claims from a text."""

    def read(text):
        file = tmp_path / "claims.yaml"
        file.write_text(text, encoding="utf-8")
        return read_claims(file)

    return read


def test_a_claim_keeps_its_numbers_as_they_are_written(claims_of):
    (claim,) = claims_of(ONE)

    assert claim.value == {"difference": "1.50", "rows": ["a", "b"]}
    assert claim.tables == ("table02_clinical_llm",)
    assert claim.caveat == ""


def test_the_given_claims_and_our_own_are_read():
    given, own = (read_claims(file) for file in CLAIM_FILES)

    assert len(given) == 65
    assert len(own) == 9
    assert all_claims() == (*given, *own)
    assert all(claim.where for claim in own)


def test_an_unknown_table_is_one_error_with_the_known_ones(claims_of):
    with pytest.raises(DataError, match=r"X01_gain: unknown table 'table14_none'; known: .*table02_clinical_llm"):
        claims_of(ONE.replace("table02_clinical_llm", "table14_none"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("  where: nowhere\n", "", "X01_gain: `where` is missing"),
        ("  where:", "  wher: x\n  where:", "X01_gain: unknown key `wher`"),
        ("expected: holds", "expected: maybe", "X01_gain: expected 'maybe'; known: holds, holds with caveat, does not"),
        ("[table02_clinical_llm]", "table02_clinical_llm", "X01_gain: `tables` is no list"),
        ("{difference: 1.50, rows: [a, b]}", "1.50", "X01_gain: `value` is no mapping"),
        ("statement: A beats B by 1.50 points.", "statement: [A, B]", "X01_gain: `statement` is no text"),
        ("- id: X01_gain\n  group", "- group", "claim 1: `id` is missing"),
    ],
)
def test_a_claim_of_the_wrong_form_is_an_error_that_names_it(claims_of, old, new, message):
    assert old in ONE

    with pytest.raises(DataError, match=message):
        claims_of(ONE.replace(old, new))


def test_all_problems_of_a_file_are_told_at_once(claims_of):
    with pytest.raises(DataError) as error:
        claims_of(ONE.replace("expected: holds", "expected: maybe").replace("table02_clinical_llm", "table14_none"))

    assert "table14_none" in str(error.value)
    assert "maybe" in str(error.value)


def test_an_id_given_twice_is_an_error(claims_of):
    with pytest.raises(DataError, match="X01_gain: 2 claims have this id"):
        claims_of(ONE + ONE.removeprefix("\nclaims:\n"))


def test_an_id_that_is_in_both_files_is_an_error(monkeypatch, tmp_path):
    given = CLAIM_FILES[0]
    copy = tmp_path / "more_claims.yaml"
    shutil.copy(given, copy)
    monkeypatch.setattr("bimedix2_core.paper.audit.claims.CLAIM_FILES", (given, copy))

    with pytest.raises(DataError, match=r"more_claims.yaml: .*\n  C01_mbench_en_gain: 2 claims have this id"):
        all_claims()


@pytest.mark.parametrize(
    ("text", "message"),
    [("claims: [", "not YAML"), ("notes: []", "no list `claims`"), ("claims: [C01]", "claim 1: 'C01' is no mapping")],
)
def test_a_file_that_holds_no_claims_is_an_error(claims_of, text, message):
    with pytest.raises(DataError, match=message):
        claims_of(text)
