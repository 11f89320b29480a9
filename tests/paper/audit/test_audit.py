"""The audit as a whole: every claim executed, compared with what the file states, and seen to fail when it should."""

import inspect
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal

import pytest

from bimedix2_core.errors import DataError, PaperError
from bimedix2_core.paper.audit import CHECKS, audit, check_claims
from bimedix2_core.paper.audit.checks import abstracts, agreement, averages, headline, vqa_reports
from bimedix2_core.paper.audit.claims import Outcome, all_claims
from bimedix2_core.paper.audit.findings import (
    NOTHING_OPEN,
    Finding,
    Recomputed,
    about,
    arithmetic_table,
    count_outcomes,
    disagreements,
    outcome_table,
)
from bimedix2_core.paper.reported import ReportedTable, read

CLAIMS = all_claims()
FINDINGS = {finding.claim.id: finding for finding in audit()}

ROUNDED_UP = {
    # The file gives the largest gap rounded up: (143 x 37.5 + 50 x 29.6) / 193 - 35.4 = 0.0534 is stated as 0.06.
    "A03_table3_domain_recomposition": Decimal("0.0332"),
    "A04_table3_type_recomposition": Decimal("0.0534"),
    "A05_table4_domain_recomposition": Decimal("0.0249"),
}


def changed(name: str, row: str, **cells: str) -> dict[str, ReportedTable]:
    """A reported table with other text in some cells of a row, as a check is given it."""
    table = read(name)
    rows = tuple({**line, **cells} if line[table.columns[0]] == row else line for line in table.rows)
    return {name: replace(table, rows=rows)}


# ---- all claims ----


def test_every_claim_is_executed():
    assert [finding.claim for finding in FINDINGS.values()] == list(CLAIMS)
    assert count_outcomes(FINDINGS.values()) == {
        "holds": 29,
        "holds with caveat": 29,
        "does not hold": 11,
        "not audited": 5,
    }


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_the_outcome_is_the_one_the_file_expects(claim):
    assert FINDINGS[claim.id].outcome == claim.expected


@pytest.mark.parametrize("claim", [c for c in CLAIMS if c.id not in ROUNDED_UP], ids=lambda claim: claim.id)
def test_recomputed_values_are_those_of_the_file_up_to_half_its_last_digit(claim):
    assert disagreements(FINDINGS[claim.id]) == []


@pytest.mark.parametrize(("claim_id", "largest"), ROUNDED_UP.items())
def test_three_largest_gaps_are_a_little_smaller_than_the_file_says(claim_id, largest):
    values = FINDINGS[claim_id].values

    assert len(disagreements(FINDINGS[claim_id])) == 1
    assert round(values["max_difference"], 4) == largest
    assert values["rows"] == 7


@pytest.mark.parametrize("finding", FINDINGS.values(), ids=lambda finding: finding.claim.id)
def test_a_finding_shows_its_arithmetic_and_says_what_would_settle_it(finding):
    assert finding.arithmetic
    assert all(finding.arithmetic)
    assert finding.how
    assert finding.settle
    assert (finding.caveat == "") == (finding.outcome is Outcome.HOLDS)
    if finding.outcome is Outcome.NOT_AUDITED:
        assert finding.caveat.startswith((abstracts.NO_COUNT, abstracts.NOT_ARITHMETIC))
        assert finding.settle != NOTHING_OPEN


def test_a_check_is_given_tables_and_nothing_of_the_claim():
    for check in CHECKS.values():
        assert list(inspect.signature(check).parameters) == ["tables"]
        assert not {"expected", "claims.yaml"} & set(inspect.getsource(check).split())


def test_no_two_claims_share_a_check():
    assert len(set(CHECKS.values())) == len(CHECKS) == len(CLAIMS)


def test_a_claim_without_a_check_and_a_check_without_a_claim_are_one_error():
    claims = [claim for claim in CLAIMS if claim.id != "C04_uphill_gain"]
    checks = {claim_id: check for claim_id, check in CHECKS.items() if claim_id != "C05_uphill_ranking"}

    with pytest.raises(DataError) as error:
        check_claims(claims, checks)

    assert "claims without a check: ['C05_uphill_ranking']" in str(error.value)
    assert "checks without a claim: ['C04_uphill_gain']" in str(error.value)


def test_the_audit_runs_without_torch():
    script = (
        "import sys, bimedix2_core.paper.audit, bimedix2_core.paper.figures.audit, bimedix2_core.paper.audit.effects\n"
        "bimedix2_core.paper.audit.audit()\n"
        "sys.exit(str({'torch', 'transformers', 'datasets'} & set(sys.modules) or ''))"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert done.stderr.strip() == ""


# ---- arithmetic as a reader sees it ----


def test_a_mean_is_shown_so_that_it_can_be_repeated():
    lines = FINDINGS["A01_table2_averages"].arithmetic

    assert lines[5] == (
        "Meditron 70B: (68.3 + 77.8 + 63.6 + 75.0 + 74.6 + 56.3 + 48.4 + 53.1 + 55.4 + 76.2) / 10 = 64.87, printed 64.9"
    )


def test_a_weighted_mean_and_what_it_implies_are_shown():
    lines = FINDINGS["A06_table4_type_recomposition"].arithmetic

    assert lines[6] == "BiMediX2 8B: (143 x 54.3 + 50 x 36.2) / 193 = 49.61, printed 50.5"
    assert lines[7] == "description implied for BiMediX2 8B: (193 x 50.5 - 143 x 54.3) / 50 = 39.6, printed 36.2"


def test_cells_that_are_no_whole_number_are_shown_between_their_neighbours():
    lines = FINDINGS["A02_table2_fractions"].arithmetic

    assert lines[0] == "142 of 150 cells are k of N for a whole number k; for example 92.3 = 300 of 325"
    assert "GPT 4, usmle: 83.8 lies between 272 of 325 = 83.69 and 273 of 325 = 84.00" in lines
    assert (
        "Dragonfly-Med, usmle: 46.1 lies between 149 of 325 = 45.85 and 150 of 325 = 46.15, "
        "which is 46.1 if cut and not rounded"
    ) in lines


def test_a_finding_reads_as_a_paragraph():
    assert str(FINDINGS["C06_usmle_gain"]).splitlines()[:6] == [
        "C06_usmle_gain: holds with caveat",
        "Claim: BiMediX2 70B beats GPT-4 by more than 8 points on USMLE. (paper v2, 1.1, Table 2)",
        "Check: usmle of bimedix2_70b minus usmle of gpt_4 is greater than 8",
        "  92.3 (BiMediX2 70B) - 83.8 (GPT 4) = 8.5",
        "  92.3 (BiMediX2 70B) - 92.0 (its base Llama 3.1 70B) = 0.3",
        "  92.3 = 300 of 325, 92.0 = 299 of 325; 83.8 is not a whole number of 325",
    ]


def test_the_tables_of_the_notebook_hold_every_finding():
    findings = list(FINDINGS.values())

    assert [row[0] for row in outcome_table(findings).rows] == [claim.id for claim in CLAIMS]
    assert len(arithmetic_table(findings).rows) == len(CLAIMS)


# ---- checks on changed tables: each would notice ----


def test_a_lead_of_nine_points_sharp_is_not_more_than_nine():
    found = headline.mbench_en_gain(changed("table03_bimed_mbench_en", "bimedix2_8b", overall="61.7"))

    assert found.values["difference"] == Decimal("9.0")
    assert found.outcome is Outcome.DOES_NOT_HOLD


def test_a_shared_first_place_is_no_unique_maximum():
    tables = changed("table02_clinical_llm", "llama_3_1_70b", usmle="92.3")

    found = headline.clinical_best_per_benchmark(tables)

    assert found.values["unique_maxima"] == ["med_gen"]
    assert found.values["shared_maxima"] == ["c_bio", "usmle"]


def test_an_average_that_is_more_than_half_a_digit_off_is_noticed():
    at_half = averages.table2_averages(changed("table02_clinical_llm", "bimedix2_70b", average="84.5"))
    beyond = averages.table2_averages(changed("table02_clinical_llm", "bimedix2_70b", average="84.4"))

    assert at_half.outcome is Outcome.HOLDS  # the mean is 84.55
    assert beyond.outcome is Outcome.DOES_NOT_HOLD
    assert beyond.caveat == "Not the mean of their cells: BiMediX2 70B."


def test_the_printed_description_that_would_recompose_is_accepted():
    name, row = "table04_bimed_mbench_ar", "bimedix2_8b"

    near_miss = averages.table4_type_recomposition(changed(name, row, description="39.2"))
    right = averages.table4_type_recomposition(changed(name, row, description="39.6"))

    assert row in near_miss.values["fails"]  # (143 x 54.3 + 50 x 39.2) / 193 = 50.39, 0.11 away
    assert row in right.values["passes"]
    assert list(right.values["fails"]) == ["maira_2", "minigpt_med", "llava_med"]


def test_an_average_of_table_7_may_be_one_unit_off_but_not_two():
    one = averages.table7_averages(changed("table07_report_generation", "biomedgpt", average="0.145"))
    two = averages.table7_averages(changed("table07_report_generation", "biomedgpt", average="0.146"))

    assert one.outcome is Outcome.CAVEAT  # the mean is 0.14443
    assert two.outcome is Outcome.DOES_NOT_HOLD


def test_leading_five_of_six_metrics_is_not_outperforming_on_the_set():
    found = vqa_reports.vqa_best_on_each_set(changed("table05_medical_vqa", "radfm", slake_vqa__open_q_recall="0.764"))

    assert found.values == {"rad_vqa": 0, "slake_vqa": 5, "path_vqa": 6}
    assert "RadFM (slake_vqa)" in found.caveat


@pytest.mark.parametrize(
    ("cells", "differ"),
    [
        ({"script_stage2": "0.0002"}, []),  # another spelling of 2e-4
        ({"script_stage2": "2e-5"}, ["learning_rate"]),
        ({"script_stage2": ""}, ["learning_rate"]),
    ],
)
def test_hyper_parameters_are_compared_as_numbers(cells, differ):
    found = agreement.other_hyperparameters(changed("table11_hyperparameters", "learning_rate", **cells))

    assert found.values["differ"] == differ
    assert found.holds is not bool(differ)


def test_a_cell_without_a_number_is_an_error_that_names_it():
    with pytest.raises(PaperError, match="table02_clinical_llm, row 'gpt_4', column 'usmle': '' where the audit needs"):
        headline.usmle_gain(changed("table02_clinical_llm", "gpt_4", usmle=""))


# ---- outcomes and comparison ----


@pytest.mark.parametrize(
    ("holds", "caveat", "outcome"),
    [
        (True, "", "holds"),
        (True, "but", "holds with caveat"),
        (False, "but", "does not hold"),
        (None, "", "not audited"),
    ],
)
def test_the_outcome_follows_from_what_was_found(holds, caveat, outcome):
    assert Recomputed(holds, ("1 + 1 = 2",), caveat=caveat).outcome == outcome


@pytest.mark.parametrize(
    ("stated", "found", "expected"),
    [
        ({"a": "9.5"}, {"a": Decimal("9.55"), "more": Decimal(1)}, []),
        ({"a": "9.5"}, {"a": Decimal("9.551")}, ["X.a: stated 9.5, found 9.551"]),
        ({"a": "9.50"}, {"a": Decimal("9.51")}, ["X.a: stated 9.50, found 9.51"]),
        ({"a": "9.5"}, {}, ["X.a: stated 9.5, not recomputed"]),
        ({"a": "9.5"}, {"a": "9.5"}, ["X.a: stated 9.5, found 9.5"]),  # a text is no number
        ({"a": ["x", "y"]}, {"a": ["x", "y"]}, []),
        ({"a": ["x", "y"]}, {"a": ["y", "x"]}, ["X.a[0]: stated x, found y", "X.a[1]: stated y, found x"]),
        ({"a": ["1", "2"]}, {"a": [1]}, ["X.a: stated ['1', '2'], found [1]"]),
        ({"a": {"b": "7"}}, {"a": {"b": 8}}, ["X.a.b: stated 7, found 8"]),
        ({"a": {"b": "7"}}, {"a": Decimal(7)}, ["X.a.b: stated 7, not recomputed"]),
    ],
)
def test_differences_from_the_stated_values_are_told_one_by_one(stated, found, expected):
    claim = replace(CLAIMS[0], id="X", value=stated)
    finding = Finding(claim, Outcome.HOLDS, found, ("1 + 1 = 2",), "by hand", "", "nothing")

    assert disagreements(finding) == expected


def test_the_findings_about_a_table_are_those_whose_check_reads_it_and_one_is_the_printed_arabic_average():
    found = {finding.claim.id: finding for finding in about(audit(), ["bimedix1_arabic"])}

    assert "B01_english_averages" not in found
    assert all("bimedix1_arabic" in finding.claim.tables for finding in found.values())
    average = found["B02_arabic_averages"]
    assert average.outcome == Outcome.DOES_NOT_HOLD
    assert average.values.keys() == {"bimedix_v1_bilingual"}
    printed, mean = average.values["bimedix_v1_bilingual"].values()
    assert (str(printed), round(mean, 1)) == ("56.5", Decimal("57.3"))
    assert about(audit(), []) == ()
