import pytest

from bimedix2_core.data.sources.report_sections import BLANK, Sections, final_report, one_line, sections

MIMIC = """                                 FINAL REPORT
 EXAMINATION:  CHEST (PA AND LAT)

 INDICATION:  ___F with cough  // pneumonia?

 COMPARISON:  None.

 FINDINGS:

 Cardiac size is normal.  The lungs
 are clear.

 IMPRESSION:

 No acute cardiopulmonary process.
"""


@pytest.mark.parametrize("rule", ["ours", "published"])
def test_findings_and_impression_of_a_usual_report_are_found_by_both_rules(rule):
    found = sections(MIMIC, rule)

    assert found.findings == "Cardiac size is normal. The lungs are clear."
    assert found.impression == "No acute cardiopulmonary process."


@pytest.mark.parametrize(
    ("text", "findings", "impression"),
    [
        ("findings: Clear lungs.\nimpression: Normal.", "Clear lungs.", "Normal."),
        ("Findings: Clear lungs.\nConclusion: Normal.", "Clear lungs.", "Normal."),
        ("INDICATION: Cough. FINDINGS: Clear lungs. IMPRESSION: Normal.", "Clear lungs.", "Normal."),
        ("\n FINDINGS\n Clear lungs.\n IMPRESSION\n Normal.", "Clear lungs.", "Normal."),
        ("\n FINDNGS: Clear lungs.\n IMPRESSON: Normal.", "Clear lungs.", "Normal."),
        ("\n FINDINGS: Clear lungs.\n", "Clear lungs.", ""),
        ("\n IMPRESSION: Normal.\n", "", "Normal."),
        ("The lungs are clear.", "", ""),
        ("", "", ""),
        ("\n FINDINGS:\n\n IMPRESSION: Normal.", "", "Normal."),
        ("\n FINDINGS:\n LUNGS: Clear.\n HEART: Big.\n IMPRESSION: Normal.", "LUNGS: Clear. HEART: Big.", "Normal."),
        ("\n FINDINGS: Clear.\n NOTIFICATION: Phoned.\n IMPRESSION: Normal.", "Clear.", "Normal."),
    ],
)  # fmt: skip
def test_real_shapes_of_headings_are_read_by_our_rule(text, findings, impression):
    found = sections(text)

    assert (found.findings, found.impression) == (findings, impression)


def test_a_sentence_that_mentions_findings_is_no_heading():
    found = sections(
        "\n FINDINGS: Correlate with the findings: see below. No other impression remains.\n Findings are stable.\n"
    )

    assert found.findings == (
        "Correlate with the findings: see below. No other impression remains. Findings are stable."
    )
    assert found.impression == ""


@pytest.mark.parametrize("heading", ["FINDINGS AND IMPRESSION", "FINDINGS/IMPRESSION", "Findings and impression"])
def test_findings_and_impression_under_one_heading_are_neither(heading):
    found = sections(f"\n {heading}: Clear lungs.\n")

    assert found == Sections(both="Clear lungs.")


def test_the_published_rule_calls_them_an_impression_and_so_leaves_the_study_out():
    found = sections("\n FINDINGS AND IMPRESSION: Clear lungs.\n", "published")

    assert (found.findings, found.impression) == ("", "Clear lungs.")


def test_a_section_that_comes_twice_is_joined_by_ours_and_the_first_by_the_published_rule():
    text = "\n FINDINGS: Clear lungs.\n\n IMPRESSION: Normal.\n\n FINDINGS: Normal heart.\n\n IMPRESSION: Normal.\n"

    ours, published = sections(text), sections(text, "published")

    assert (ours.findings, ours.impression, ours.n_impressions) == ("Clear lungs. Normal heart.", "Normal.", 1)
    assert (published.findings, published.n_impressions) == ("Clear lungs.", 2)


def test_an_addendum_before_or_behind_the_report_is_no_part_of_it():
    report = "\n INDICATION: Cough.\n FINDINGS: Clear lungs.\n IMPRESSION: Normal."
    addendum = "\n ADDENDUM: FINDINGS: A nodule was missed.\n IMPRESSION: Nodule.\n"

    before, behind = sections(addendum + report), sections(report + addendum)

    assert (before.findings, before.impression) == ("Clear lungs.", "Normal.")
    assert (behind.findings, behind.impression) == ("Clear lungs.", "Normal.")


def test_the_published_rule_takes_a_view_of_the_chest_for_findings_and_small_letters_for_text():
    assert sections("\n CHEST, PA AND LATERAL: Clear lungs.\n", "published").findings == "Clear lungs."
    assert sections("\n Findings: Clear lungs.\n", "published").findings == ""
    assert sections("\n COMPARISON CHEST FILM: None.\n", "published").findings == ""


def test_what_was_taken_out_is_one_blank_however_it_is_marked():
    text = "Seen by Dr. [**First Name8 (NamePattern2)\n 12**] on ___ and _____ at 9.\n ______________________\n End."

    assert one_line(text) == f"Seen by Dr. {BLANK} on {BLANK} and {BLANK} at 9. End."


def test_a_final_report_begins_behind_its_words_and_runs_over_page_breaks():
    text = "WET READ: no.\n FINAL REPORT\n FINDINGS: Clear\n (Over)\n\n [**2101**] CHEST\n (Cont)\n lungs.\n"

    assert sections(text).findings == "Clear lungs."
    assert "WET READ" not in final_report(text)
    assert final_report("no such words") == "no such words"
