"""BiMed-MBench as it is shown: cells of Tables 3, 4, 8 and Figure 1, tables counted by hand, floors that can fail."""

from ast import literal_eval
from collections import Counter
from dataclasses import replace
from functools import cache

import pytest
from runs_made import run_of

from bimedix2_core.bench import mbench
from bimedix2_core.bench.judge import attacks
from bimedix2_core.errors import DataError
from bimedix2_core.paper import mbench as shown
from bimedix2_core.paper.answered import Answered
from bimedix2_core.paper.exhibits import exhibit
from bimedix2_core.paper.measured import Demo, Reproduced, check_cells
from tests.bench.mbench.mbench_files import TRANSLATED, files, rows, scored

MARKS = {"chest_xray": 5, "mri": 6, "histology": 7, "gross": 8, "ct_scan": 9}
"""The judge's marks for an English answer, by the first domain of its question; Arabic ones have three less."""

DOMAIN_COLUMNS = {"cxr": 50.0, "mri": 60.0, "histology": 70.0, "gross": 80.0, "ct": 90.0}
SIZES = {"conversation": 143, "description": 50, "cxr": 37, "mri": 38, "histology": 44, "gross": 34, "ct": 40,
         "overall": 193}  # fmt: skip
STAND_IN = "BiMed-MBench's stand-in"


@cache
def judged():
    """All 386 questions; the answers in one language only, and with it marks that tell the domains apart."""
    return tuple(
        scored(row, 10, MARKS[mbench.domains(row, mbench.FIRST_FLAG)[0]] - (3 if row.language == "ar" else 0))
        for row in rows()
    )


@cache
def found():
    return shown.scored({"model": judged()})["model"]


def of(language, all_judged=None):
    return [one for one in all_judged or judged() if one.row.language == language]


def answered(language, name="model"):
    asked = tuple(row for row in rows() if row.language == language)
    return [Answered(name, "BiMed-MBench", asked, "prompts", "weights", {"temperature": 0.0}, "j")]


def cells_of(exhibit_id, language, folder, results=None, profile="demo"):
    run = run_of(profile, folder)
    return shown.table_cells(run, exhibit(exhibit_id), answered(language), {"model": results or found()}, language)


def by_column(cells):
    return {cell.column: cell for cell in cells}


def stand_ins(all_judged):
    return [replace(one, row=replace(one.row, source=STAND_IN)) for one in all_judged]


# --- cells ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("exhibit_id", "language", "lower"), [("table03", "en", 0.0), ("table04", "ar", 30.0)])
def test_tables_3_and_4_count_a_question_with_two_domains_in_the_first_only(tmp_path, exhibit_id, language, lower):
    cells = by_column(cells_of(exhibit_id, language, tmp_path))

    values = {column: cells[column].value for column in DOMAIN_COLUMNS}
    assert values == pytest.approx({column: value - lower for column, value in DOMAIN_COLUMNS.items()})
    lost = 36 if language == "ar" else 0  # descriptions whose type is translated: the published script drops them
    assert {column: cell.n for column, cell in cells.items()} == SIZES | {"description": SIZES["description"] - lost}


def test_types_and_overall_are_means_over_their_questions(tmp_path):
    cells = by_column(cells_of("table03", "en", tmp_path))

    overall = (37 * 50 + 38 * 60 + 44 * 70 + 34 * 80 + 40 * 90) / 193
    described = (10 * 50 + 10 * 60 + 11 * 70 + 9 * 80 + 10 * 90) / 50
    assert cells["overall"].value == pytest.approx(overall)
    assert cells["description"].value == pytest.approx(described)
    assert cells["conversation"].value == pytest.approx((193 * overall - 50 * described) / 143)


def test_the_card_names_both_definition_and_judge(tmp_path):
    cells = by_column(cells_of("table03", "en", tmp_path))

    assert {cell.card.definition for cell in cells.values()} == {"relative score, as published; judge j"}
    assert {cell.card.judge for cell in cells.values()} == {"j"}


def test_a_verdict_that_could_not_be_read_is_counted_in_its_columns_and_in_no_number(tmp_path):
    lost = next(one for one in judged() if one.row.language == "en" and one.row.kind == "conversation"
                and mbench.domains(one.row) == ("mri",))  # fmt: skip
    less = [scored(one.row, None, None) if one is lost else one for one in judged()]

    cells = by_column(cells_of("table03", "en", tmp_path, shown.scored({"model": less})["model"]))

    assert {column for column, cell in cells.items() if cell.n_unscored} == {"mri", "conversation", "overall"}
    assert {column: cell.n + cell.n_unscored for column, cell in cells.items()} == SIZES
    assert all(cell.card.n == SIZES[column] for column, cell in cells.items())
    assert cells["mri"].value == pytest.approx(60.0)


@pytest.mark.parametrize(("profile", "kind"), [("demo", Demo), ("paper_8b", Reproduced)])
def test_cells_are_of_the_type_that_the_profile_allows(tmp_path, profile, kind):
    cells = cells_of("table04", "ar", tmp_path, profile=profile)

    assert {type(cell) for cell in cells} == {kind}
    assert len(cells) == 8


def test_the_arabic_columns_of_figure_1_have_the_arabic_numbers_and_it_has_no_other_columns(tmp_path):
    english, arabic = (cells_of("fig01", language, tmp_path) for language in ("en", "ar"))

    assert {cell.column: cell.value for cell in english} == pytest.approx(DOMAIN_COLUMNS)
    assert {cell.column: cell.value for cell in arabic} == pytest.approx(
        {f"{column}_ar": value - 30 for column, value in DOMAIN_COLUMNS.items()}
    )
    assert {cell.column for cell in english + arabic} == {column.id for column in exhibit("fig01").columns}


def test_figure_1_takes_the_cells_of_both_languages_together_and_scores_above_100(tmp_path):
    above = shown.scored({"model": [replace(one, reference_score=4) for one in judged()]})["model"]
    cells = [cell for language in ("en", "ar") for cell in cells_of("fig01", language, tmp_path, above)]

    check_cells(exhibit("fig01"), cells)

    assert by_column(cells)["ct"].value == pytest.approx(225.0)


def test_table_8_has_the_arabic_score_over_all_questions_of_each_row(tmp_path):
    around = [replace(one, answer_score=one.answer_score + 1) for one in of("ar")]
    results = {"model": found()} | shown.scored({"model_bing": around})

    cells = shown.translation_cells(
        run_of("demo", tmp_path), exhibit("table08"), answered("ar") + answered("ar", "model_bing"), results
    )

    direct = (37 * 20 + 38 * 30 + 44 * 40 + 34 * 50 + 40 * 60) / 193
    assert [(cell.row, cell.column) for cell in cells] == [
        ("model", "bimed_mbench_ar_overall"),
        ("model_bing", "bimed_mbench_ar_overall"),
    ]
    assert [cell.value for cell in cells] == pytest.approx([direct, direct + 10])
    assert {cell.n for cell in cells} == {193}


def test_a_model_that_was_not_asked_in_a_language_has_no_cell_there(tmp_path):
    english_only = shown.scored({"model": of("en")})["model"]

    assert cells_of("table04", "ar", tmp_path, english_only) == []
    assert len(cells_of("table03", "en", tmp_path, english_only)) == 8


# --- numbers -------------------------------------------------------------------------------------------------------


def test_every_definition_stands_in_the_result_table_times_100_with_n_and_images():
    table = shown.result_table({"model": judged()}, {"model": found()})

    value = {tuple(row[1:4]): row[4:] for row in table.rows}
    same = value["English", "relative score", "mean of ratios; judge j"]
    assert value["English", "relative score", "as published; judge j"][0] == pytest.approx(same[0])
    assert value["English", "relative score", "ratio of means; judge j"][0] == pytest.approx(
        same[0]
    )  # all references 10
    assert same[3:] == (193, 50, 0)
    assert value["Arabic", "worse than the reference", "ours; judge j"][0] == 100.0
    assert {row[0] for row in table.rows} == {"model"}


def test_points_of_the_judges_scale_are_not_taken_for_shares():
    both = [one for row in of("en") for one in (row, replace(row, order="answer_first", reference_score=8))]

    table = shown.result_table({"model": both}, shown.scored({"model": both}))

    (advantage,) = [row for row in table.rows if row[2] == mbench.FIRST_PLACE]
    assert advantage[4] == pytest.approx(1.0)  # the reference loses 2 of 10 in the second place, the answer nothing


def test_an_answer_that_is_judged_six_times_speaks_its_language_once():
    draws = [replace(one, order=order, repeat=repeat) for one in of("ar")[:40]
             for order in ("reference_first", "answer_first") for repeat in range(3)]  # fmt: skip

    (spoken,) = [one for one in shown.scored({"model": draws})["model"] if one.metric == "in the language asked"]

    assert (spoken.estimate.n, spoken.estimate.value) == (40, 0.0)  # "An answer." is English


def test_marks_of_groups_count_a_question_in_all_its_domains_and_are_in_words():
    marks = {mark.group: mark.estimate for mark in shown.group_marks({"model": found()}, "en")}

    assert list(marks) == ["overall", "conversation", "description", "CXR", "MRI", "histology", "gross", "CT"]
    assert [marks[name].n for name in ("CXR", "MRI", "histology", "gross", "CT")] == [37, 38, 44, 38, 44]
    assert marks["gross"].value == pytest.approx((34 * 0.8 + 4 * 0.7) / 38)


def test_marks_of_definitions_show_what_the_published_script_loses_in_arabic():
    marks = {(mark.label, mark.group): mark.estimate for mark in shown.definition_marks(found(), "ar")}

    assert {label for label, _ in marks} == {"mean of ratios", "ratio of means", "as published"}
    assert {group for _, group in marks} == {"overall", "conversation", "description"}
    assert marks["as published", "description"].n == 14
    assert marks["mean of ratios", "description"].n == 50


def test_the_summary_has_a_number_for_each_language_and_kind():
    numbers = shown.summary({"model": found()})

    assert len(numbers) == 2 * 8
    assert numbers["model ar CT"] == pytest.approx((40 * 0.6 + 4 * 0.2) / 44)


def test_the_first_verdict_on_each_arabic_answer_is_taken_in_the_order_of_the_questions():
    ours = of("ar")[:3]
    again = [replace(one, repeat=1, answer_score=1) for one in ours]

    first = shown.arabic({"model": [*of("en"), *ours, *reversed(again)], "english": of("en")})

    assert first == {"model": ours, "english": []}


def test_the_judge_goes_by_its_name_and_problems_are_counted_by_reason():
    named = [scored(one.row, 8, 8, judge="gpt-4o, prompts 12ab") for one in of("en")[:5]]
    problems = ("refusal", "refusal", "no number on the first line: 'x'")
    lost = [replace(one, reference_score=None, answer_score=None, problem=problem)
            for one, problem in zip(named, problems, strict=False)]  # fmt: skip

    assert shown.judge_word({"model": named}) == "gpt-4o"
    assert shown.problem_line({"a": named}) == "5 verdicts by gpt-4o, not read: none"
    assert (
        shown.problem_line({"a": lost, "b": named})
        == "8 verdicts by gpt-4o, not read: refusal: 2, no number on the first line: 1"
    )


def test_some_answers_are_shown_with_their_marks_and_an_empty_one_says_so():
    silent = [replace(one, answer="") for one in judged()]

    table = shown.answer_table(silent, n=4)

    assert len(table.rows) == 4
    assert table.rows[0] == ("What is seen, question 0?", "A lesion, answer 0.", "(nothing)", "10", "7")
    assert "ما الذي" in table.rows[-1][0]  # from both languages


# --- questions -----------------------------------------------------------------------------------------------------


def test_the_audit_counts_what_is_odd_in_each_file(tmp_path):
    table = shown.audit_table(mbench.read(files(tmp_path)))

    counts = {row[0]: row[1:] for row in table.rows}
    assert counts["two domains"] == (8, 8)
    assert counts["no mention (null)"] == (14, 0)
    assert counts["no mention (empty text)"] == (0, 14)
    assert counts["mention left in English"] == (0, 2)
    assert counts["type translated"] == (0, 36)
    assert table.caption.startswith("BiMed-MBench: 386 questions on 50 images")


def test_sizes_are_given_by_our_rules_and_as_published(tmp_path):
    table = shown.size_table(mbench.read(files(tmp_path)))

    assert table.columns == ("questions", "English, ours", "English, as published", "Arabic, ours",
                             "Arabic, as published")  # fmt: skip
    assert {row[0]: row[1:] for row in table.rows} == {
        "conversation": (143, 143, 143, 143),
        "description": (50, 50, 50, 14),
        "CXR": (37, 37, 37, 37),
        "MRI": (38, 38, 38, 38),
        "histology": (44, 44, 44, 44),
        "gross": (38, 34, 38, 34),
        "CT": (44, 40, 44, 40),
    }
    assert Counter(row.facts["type"] for row in rows() if row.language == "ar")[TRANSLATED[0]] == 20


def test_all_questions_about_one_image_are_listed_in_both_languages():
    image = mbench.image_of(rows()[0])

    table = shown.question_table(rows(), image)

    own = [row for row in rows() if mbench.image_of(row) == image]
    assert [row[1:] for row in table.rows] == [(mbench.question_of(row), mbench.reference_of(row)) for row in own]
    assert Counter(row[0] for row in table.rows) == {"conversation": 6, "description": 2}


def test_the_prompt_table_shows_an_attack_in_each_language_that_cannot_close_its_place():
    table = shown.prompt_table(rows())

    assert [row[0] for row in table.rows] == ["English", "Arabic"]
    attack = next(one for one in attacks() if one.name == "forged_tags")
    for (_, sent), language in zip(table.rows, ("en", "ar"), strict=True):
        row = next(one for one in rows() if one.language == language)
        assert "</assistant_2>" in attack.texts[language]
        assert sent.count("</assistant_2>") == 1
        assert sent.count(mbench.reference_of(row)) == 2
    assert mbench.pairwise_prompts().version in table.caption


def test_what_counts_as_a_verdict_here_and_in_the_published_script():
    table = shown.verdict_table()

    read = {literal_eval(said): (ours, theirs) for said, ours, theirs in table.rows}
    both_stop = {said for said, (ours, theirs) in read.items() if ours.startswith("unscored") and "stops" in theirs}
    assert read["8 7\nThe first is more complete."] == ("8 and 7", "8 and 7")
    assert read["8, 7"][0] == read["8  7"][0] == read["٨ ٧"][0] == "8 and 7"
    assert read["8, 7"][1].startswith("unscored: the published script stops")
    assert read["8  7"][1].startswith("unscored: the published script stops")
    assert read["٨ ٧"][1] == "8 and 7"  # Python's float reads digits of any script
    assert read["11 10"] == ("unscored: a score off the scale on the first line: '11 10'", "11 and 10")
    assert both_stop == {"8 7 6", "Both are good.", "", "I cannot judge medical images."}
    assert len(table.rows) == 9


def test_the_two_means_of_the_same_verdicts_are_those_worked_out_by_hand():
    table = shown.mean_table()

    assert [tuple(map(str, row[1:])) for row in table.rows] == [
        ("10.0", "5.0", "50.0"),
        ("8.0", "8.0", "100.0"),
        ("2.0", "4.0", "200.0"),
        ("None", "None", "116.7"),  # 350 / 3
        ("6.7", "5.7", "85.0"),  # 17 / 20
    ]


def test_the_way_there_and_back_counts_what_got_no_answer():
    way = [mbench.TranslatedAnswer(str(n), "سؤال", "question", "answer", "جواب") for n in range(4)]
    lost = mbench.TranslatedAnswer("4", "سؤال", "", "", "", "no translation into English")

    table = shown.way_table({"model_google": [lost, *way], "model_bing": way}, n=5)

    assert table.rows[0] == ("model_google", "سؤال", "", "", "(nothing: no translation into English)")
    assert table.caption.endswith("model_google: 1 of 5 without an answer; model_bing: 0 of 4 without an answer")
    assert len(table.rows) == 9


# --- comparisons ---------------------------------------------------------------------------------------------------


def better(points=1):
    """The same verdicts, every answer some points of ten better; every seventh is not, so that there is a spread."""
    return [
        replace(one, answer_score=one.answer_score + points * (index % 7 > 0)) for index, one in enumerate(judged())
    ]


def test_the_gap_is_english_minus_arabic_on_the_same_questions_in_points():
    table = shown.gap_table({"model": judged()})

    assert [row[:2] for row in table.rows][:3] == [
        ("model", "overall"),
        ("model", "conversation"),
        ("model", "description"),
    ]
    assert all(row[2] == pytest.approx(30.0) and row[3] <= row[2] <= row[4] for row in table.rows)
    assert [row[-1] for row in table.rows] == [193, 143, 50, 37, 38, 44, 38, 44]
    p_values = {row[1]: row[5] for row in table.rows}
    assert p_values["overall"] == "below 0.001"
    assert p_values["CXR"] == "0.002"  # ten figures: two of 2^10 ways to turn the signs


def test_a_model_that_was_asked_in_one_language_has_no_gap_and_stops_nothing():
    table = shown.gap_table({"both": judged(), "arabic only": of("ar")})

    assert {row[0] for row in table.rows} == {"both"}


def test_the_difference_of_two_models_stands_with_the_smallest_that_could_be_seen():
    table = shown.resolution_table(better(), judged())

    first = table.rows[0]
    assert first[:2] == ("English", "overall")
    assert first[2] == pytest.approx(10 * sum(index % 7 > 0 for index in range(193)) / 193)
    assert first[3] < first[2] < first[4]
    assert 0 < first[6] < first[2]
    assert len(table.rows) == 2 * 8


def test_models_that_share_one_language_are_compared_in_it_and_those_that_share_none_are_refused():
    table = shown.resolution_table(better(), of("ar"))

    assert {row[0] for row in table.rows} == {"Arabic"}
    assert "Arabic" in shown.draw_table(better(), of("ar")).caption
    with pytest.raises(DataError, match="one model was asked in en, the other in ar; a difference needs a language"):
        shown.resolution_table(of("en"), of("ar"))


def test_models_that_were_asked_different_questions_of_a_language_are_refused():
    with pytest.raises(DataError, match="1 questions were asked of one model only"):
        shown.resolution_table(judged(), judged()[:-1])


def differing_by_image():
    """A second model that is better on every other figure, by as much on all its questions: figures make the spread."""
    lifted = sorted({mbench.image_of(row) for row in rows()})[::2]
    return [
        replace(one, answer_score=one.answer_score + (3 if mbench.image_of(one.row) in lifted else 0) - index % 2)
        for index, one in enumerate(judged())
    ]


def test_more_images_help_more_than_more_draws_or_more_questions_about_the_same():
    table = shown.draw_table(differing_by_image(), judged())

    supposed = {row[1:4]: row[4] for row in table.rows if row[0] == "20 points (supposed)"}
    once, ten_draws, more_questions, more_images = (
        supposed[key] for key in ((1, 193, 50), (10, 193, 50), (1, 772, 50), (1, 772, 200))
    )
    assert more_images == pytest.approx(once / 2)  # four times of everything
    assert more_images < more_questions < once
    assert more_images < ten_draws < once
    assert more_questions > 0.8 * once  # figures make most of the spread
    # (z of 97.5% + z of 80%)^2 x 0.2^2 x (1 - 1/10) / 193, in points squared
    assert once**2 - ten_draws**2 == pytest.approx(2.8016**2 * 0.04 * 0.9 / 193 * 100**2, rel=1e-3)
    assert {row[0] for row in table.rows} == {"10 points (supposed)", "20 points (supposed)"}


def test_a_spread_that_was_measured_is_not_supposed():
    def twice(all_judged):
        return [replace(one, repeat=repeat, answer_score=one.answer_score + (index + repeat) % 2 / 2)
                for index, one in enumerate(all_judged) for repeat in range(2)]  # fmt: skip

    table = shown.draw_table(twice(judged()), [replace(one, repeat=n) for one in judged() for n in range(2)])

    # the difference goes from 0 to 0.05 or back: a variance of 0.05^2 / 2 on each question, 3.5 points
    assert {row[0] for row in table.rows} == {"4 points (measured)"}
    assert len(table.rows) == 5


# --- floors --------------------------------------------------------------------------------------------------------


def known(reference=8, other=3):
    return {"references": [scored(one.row, 8, reference) for one in judged()],
            "shuffled": [scored(one.row, 8, other) for one in judged()]}  # fmt: skip


def unmet(text):
    return [line.removesuffix(": NOT MET") for line in text.splitlines() if line.endswith(": NOT MET")]


def test_all_floors_are_met_by_a_model_that_learnt():
    said = shown.floors({"base": judged(), "model": better()}, known(), rises=True)

    assert unmet(said) == []
    assert len(said.splitlines()) == 1 + 3 * 2


@pytest.mark.parametrize(
    ("changed", "broken"),
    [
        (
            {"model": lambda: better()[1:]},
            ["every question that was asked has a verdict or is counted without"],
        ),
        (
            {"known": lambda: known(reference=7)},
            [f"the references as answers have a relative score of 100 in {name}" for name in ("English", "Arabic")],
        ),
        (
            {"known": lambda: known(other=8)},
            [f"references of other images score lower in {name}, intervals apart" for name in ("English", "Arabic")],
        ),
        (
            {"model": lambda: [one for one in better() if one.row.language == "en"] + of("ar")},
            ["the trained model scores above the base in Arabic"],
        ),
    ],
    ids=["a question is lost", "references below 100", "shuffled as good", "no better in Arabic"],
)
def test_each_floor_can_fail_and_fails_alone(changed, broken):
    model, references = changed.get("model", better)(), changed.get("known", known)()

    assert unmet(shown.floors({"base": judged(), "model": model}, references, rises=True)) == broken


def test_what_has_no_verdict_is_counted_and_no_floor_fails_for_it():
    some = [scored(one.row, None, None) if index % 10 == 0 else one for index, one in enumerate(better())]

    assert unmet(shown.floors({"base": judged(), "model": some}, known(), rises=True)) == []


def test_where_a_paid_judge_grades_and_nothing_was_trained_only_the_questions_are_counted():
    said = shown.floors({"released": judged(), "arabic only": of("ar")}, {}, rises=False)

    assert said == "every question that was asked has a verdict or is counted without: met"


# --- stand-ins -----------------------------------------------------------------------------------------------------


def test_every_table_of_a_stand_in_says_that_it_is_one(tmp_path):
    ours = stand_ins(judged())
    questions = mbench.read(files(tmp_path))
    questions = replace(questions, rows=tuple(replace(row, source=STAND_IN) for row in questions.rows))
    tables = [
        shown.audit_table(questions),
        shown.size_table(questions),
        shown.question_table(questions.rows, mbench.image_of(questions.rows[0])),
        shown.answer_table(ours),
        shown.result_table({"model": ours}, {"model": found()}),
        shown.gap_table({"model": ours}),
        shown.resolution_table(ours, stand_ins(better())),
        shown.draw_table(ours, stand_ins(better())),
    ]

    assert [table.caption for table in tables if STAND_IN not in table.caption] == []


def test_published_questions_are_no_stand_in():
    assert shown.result_table({"model": judged()}, {"model": found()}).caption.startswith("BiMed-MBench under every")


def test_the_descriptions_that_the_published_script_loses_are_counted(tmp_path):
    said = shown.lost_line(mbench.read(files(tmp_path)))

    assert said == (
        "as published, 0 of 50 English descriptions and 36 of 50 Arabic descriptions stand in no mean by type"
    )
