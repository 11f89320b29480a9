"""Reports as they are shown: cells of Tables 6 and 7, what has no number, what is withheld, floors that can fail."""

import dataclasses
from dataclasses import dataclass

import pytest
from runs_made import run_of

from bimedix2_core.bench.radiology_reports import radcliq
from bimedix2_core.bench.radiology_reports.external import annotate
from bimedix2_core.bench.radiology_reports.measured import MULTIMEDEVAL, OURS, NotMeasured
from bimedix2_core.bench.radiology_reports.model_results import CHEXBERT, RADCLIQ, RADGRAPH
from bimedix2_core.bench.radiology_reports.protocols import protocol_named, protocols
from bimedix2_core.bench.radiology_reports.results import results
from bimedix2_core.bench.radiology_reports.table import ASSUMPTION
from bimedix2_core.bench.task import Result
from bimedix2_core.paper import reports as shown
from bimedix2_core.paper.answered import Answered
from bimedix2_core.paper.exhibits import exhibit
from bimedix2_core.paper.figures.forest import forest
from bimedix2_core.paper.measured import Demo, Reproduced
from bimedix2_core.records import Row, message
from bimedix2_core.statistics import Estimate

pytestmark = pytest.mark.filterwarnings("ignore::bimedix2_core.bench.statistics.FewClustersWarning")

SECRET = "Zebra effusion on the left."
FINDINGS = [SECRET, "The lungs are clear.", "Heart size is normal today.", "No acute disease is seen here."]
ARABIC = ["الرئتان سليمتان ولا يوجد انصباب", "يوجد انصباب جنبي أيسر صغير"]
MEASURED = ("rouge_l", "bleu_1", "f1_radgraph", "chexbert_vector", "meteor")
WITHOUT_NUMBER = ("bleu_4_rescaled", "radcliq_rescaled", "average")


@dataclass(frozen=True)
class Said:
    """What a model wrote."""

    texts: tuple[str, ...]


def report(number, text, *, source="mimic_cxr", language="en", task="report_generation"):
    given = message("user", "", images=2) if task == "report_generation" else message("user", f"Findings: {text}")
    return Row(str(number), language, task, source, [given, message("assistant", text)],
               facts={"study_id": str(number)})  # fmt: skip


def generation(source="mimic_cxr", texts=FINDINGS):
    return tuple(report(n, text, source=source) for n, text in enumerate(texts))


def summarisation(source="mimic_iii"):
    return tuple(report(n, text, source=source, task="report_summarisation") for n, text in enumerate(FINDINGS))


def twins(source="iu_xray"):
    return generation(source, FINDINGS[:2]) + tuple(
        report(n, text, source=source, language="ar") for n, text in enumerate(ARABIC)
    )


SETS = {"mimic_iii": summarisation(), "mimic_cxr": generation(), "iu_xray": twins()}
DRAWN = {
    name: tuple(dataclasses.replace(row, source=f"{title}'s stand-in") for row in SETS[name])
    for name, title in shown.TITLES.items()
    if name in SETS
}
WORSE = ("lungs", "lungs", "size", "disease")


def found_of(name="mimic_cxr", texts=None, sets=SETS):
    rows = sets[name]
    return results(rows, [row.messages[-1]["content"][0]["text"] for row in rows] if texts is None else texts)


def without(found, *metrics):
    """The results as where nothing was run that needs other models or data."""
    return [
        NotMeasured(one.metric, one.definition, one.language, "not run: needs it") if one.metric in metrics else one
        for one in found
    ]


def everything(found):
    """The results as where every metric was run: each that was not has 0.25, its interval 0.2 to 0.3."""
    return [
        Result(one.metric, one.definition, "all", one.language, Estimate(0.25, 0.2, 0.3, 4))
        if isinstance(one, NotMeasured)
        else one
        for one in found
    ]


def cells_of(folder, exhibit_id="table07", found=None, rows=None, profile="demo", dataset="mimic_cxr"):
    answered = Answered("model", dataset, rows or SETS["mimic_cxr"], "prompts", "weights", {"protocol": "ours"})
    return shown.table_cells(
        run_of(profile, folder), exhibit(exhibit_id), [answered], {"model": found or everything(found_of())}
    )


# --- Tables 6 and 7 ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exhibit_id", ["table06", "table07"])
def test_where_all_was_run_five_columns_have_a_number_and_the_rescaled_and_the_average_have_none(tmp_path, exhibit_id):
    cells = {cell.column: cell for cell in cells_of(tmp_path, exhibit_id)}

    assert set(cells) == set(MEASURED)
    assert {column.id for column in exhibit(exhibit_id).columns} == {*MEASURED, *WITHOUT_NUMBER}
    assert (cells["rouge_l"].value, cells["bleu_1"].value) == (1.0, 1.0)
    assert (cells["f1_radgraph"].value, cells["chexbert_vector"].low, cells["meteor"].high) == (0.25, 0.2, 0.3)
    assert {cell.n for cell in cells.values()} == {cell.card.n for cell in cells.values()} == {4}


def test_each_column_is_multimedevals_definition_of_its_metric(tmp_path):
    cells = {cell.column: cell.card.definition for cell in cells_of(tmp_path)}

    assert cells == {
        "rouge_l": f"ROUGE-L, {MULTIMEDEVAL}",
        "bleu_1": f"BLEU-1, {MULTIMEDEVAL}",
        "f1_radgraph": f"{RADGRAPH}, {MULTIMEDEVAL}",
        "chexbert_vector": f"{CHEXBERT}, {MULTIMEDEVAL}",
        "meteor": f"METEOR, {MULTIMEDEVAL}",
    }


def test_a_metric_that_was_not_run_has_no_cell(tmp_path):
    found = without(everything(found_of()), "METEOR", RADGRAPH)

    assert {cell.column for cell in cells_of(tmp_path, found=found)} == {"rouge_l", "bleu_1", "chexbert_vector"}


def test_of_reports_in_two_languages_the_english_ones_alone_stand_in_the_table_and_on_its_card(tmp_path):
    found = everything(found_of("iu_xray"))

    both = cells_of(tmp_path, found=found, rows=SETS["iu_xray"])
    english = cells_of(tmp_path, found=found, rows=SETS["iu_xray"][:2])

    assert {cell.column: cell.n for cell in both if cell.column in ("rouge_l", "bleu_1")} == {"rouge_l": 2, "bleu_1": 2}
    assert both == english


@pytest.mark.parametrize(("profile", "kind"), [("demo", Demo), ("paper_8b", Reproduced)])
def test_cells_are_of_the_type_that_the_profile_allows(tmp_path, profile, kind):
    assert {type(cell) for cell in cells_of(tmp_path, profile=profile)} == {kind}


def test_the_columns_are_listed_with_what_cannot_stand_in_them_and_an_assumption_beside():
    found = everything(found_of())

    rows = {row[1]: row[2:] for row in shown.column_table(SETS, {("model", "mimic_cxr"): found}, "mimic_cxr").rows}

    assert {column for column, (value, _) in rows.items() if value is None} == set(WITHOUT_NUMBER)
    assert rows["radcliq_rescaled"][1] == "the paper's formula is not published; the raw value stands as radcliq"
    assert rows["radcliq"] == (0.25, radcliq.RG_ER)
    # on the line from 2.450143 (0) to -1.440690 (1)
    assert rows["radcliq_assumed_rescaled"] == (pytest.approx((2.450143 - 0.25) / 3.890833, abs=1e-6), ASSUMPTION)
    assert rows["bleu_4_assumed_rescaled"] == (1.0, ASSUMPTION)
    assert rows["rouge_l"] == (1.0, MULTIMEDEVAL)


def test_what_was_not_run_has_neither_raw_nor_assumed_value():
    found = without(everything(found_of()), RADCLIQ)

    rows = {row[1]: row[2:] for row in shown.column_table(SETS, {("model", "mimic_cxr"): found}, "mimic_cxr").rows}

    assert rows["radcliq"] == rows["radcliq_assumed_rescaled"] == (None, "not run: needs it")


def test_a_set_that_is_not_measured_has_an_empty_table_that_says_so():
    table = shown.column_table({}, {}, "mimic_cxr")

    assert (table.rows, table.caption) == ((), "MIMIC-CXR: not measured")


def test_radcliq_lies_on_the_assumed_line_from_0_to_1_and_falls_as_it_rises():
    rows = shown.radcliq_table().rows

    assert [row[1] for row in rows] == pytest.approx([2.450143, (2.450143 - 1.440690) / 2, -1.440690], abs=1e-6)
    assert [row[2] for row in rows] == pytest.approx([0.0, 0.5, 1.0])


# --- numbers -------------------------------------------------------------------------------------------------------


def test_every_metric_stands_with_its_interval_or_with_what_it_needs():
    found = {("model", "iu_xray"): found_of("iu_xray")}

    table = shown.result_table(SETS, found)

    assert len(table.rows) == len(found["model", "iu_xray"])
    by_place = {row[2:5]: row[5:] for row in table.rows}
    assert by_place["Arabic", "ROUGE-L", OURS][0] == 1.0
    assert by_place["Arabic", "ROUGE-L", MULTIMEDEVAL][:4] == (None, None, None, None)
    assert by_place["Arabic", "ROUGE-L", MULTIMEDEVAL][4].startswith("not defined in Arabic")
    assert by_place["English", RADGRAPH, MULTIMEDEVAL][4].startswith("not run: needs")
    assert all((row[5] is None) == bool(row[9]) for row in table.rows)


def test_one_models_metrics_stand_side_by_side_for_each_set_and_language():
    found = {("base", "mimic_cxr"): found_of(texts=WORSE), ("model", "mimic_cxr"): found_of(),
             ("model", "iu_xray"): found_of("iu_xray")}  # fmt: skip

    table = shown.overview_table(SETS, found, "model")

    assert table.columns[2:] == ("MIMIC-CXR, English", "IU X-ray, English", "IU X-ray, Arabic")
    rouge = {row[1]: row[2:] for row in table.rows if row[0] == "ROUGE-L"}
    assert all(said.startswith("1.000 (") for said in rouge[OURS])
    assert rouge[MULTIMEDEVAL][2].startswith("not defined in Arabic")
    assert len({row[:2] for row in table.rows}) == len(table.rows)


def test_marks_are_our_bleu_1_and_rouge_l_of_each_language_and_can_be_drawn():
    found = {("model", "iu_xray"): found_of("iu_xray")}

    marks = shown.marks(SETS, found)

    assert [mark.group for mark in marks] == [
        "IU X-ray, English: BLEU-1", "IU X-ray, English: ROUGE-L", "IU X-ray, Arabic: BLEU-1",
        "IU X-ray, Arabic: ROUGE-L",
    ]  # fmt: skip
    assert {mark.estimate.value for mark in marks} == {1.0}
    assert len(forest(marks, title="Reports").table.rows) == 4


def test_the_summary_has_our_rouge_l_by_model_set_and_language():
    found = {("model", "iu_xray"): found_of("iu_xray", ["", "", *ARABIC])}

    assert shown.summary(SETS, found) == {"model IU X-ray en ROUGE-L": 0.0, "model IU X-ray ar ROUGE-L": 1.0}


def test_identical_arabic_scores_0_with_the_published_tokenizer_and_1_with_ours():
    table = shown.tokenizer_table()

    assert [row[2:] for row in table.rows] == [
        (0.0, 1.0),
        (0.0, pytest.approx(12 / 13)),  # six of seven words: 2 x 6 / (6 + 7)
        (0.0, 0.0),
    ]
    assert table.rows[0][1] == "لا يوجد دليل على التهاب رئوي حاد"


# --- texts ---------------------------------------------------------------------------------------------------------


def test_the_set_table_tells_task_languages_what_was_left_out_and_the_published_size():
    table = shown.set_table(SETS, {"mimic_iii": {"no impression": 1234, "several impressions": 2}})

    by_set = {row[0]: row[1:] for row in table.rows}
    assert by_set["MIMIC-III"][:4] == (
        "findings to impression", "English", 4, "1,234 no impression, 2 several impressions",
    )  # fmt: skip
    assert "13,054" in by_set["MIMIC-III"][4]
    assert "2,347" in by_set["MIMIC-CXR"][4]
    assert by_set["MIMIC-CXR"][3] == "none"
    assert by_set["IU X-ray"][1] == "English and Arabic"


def test_every_protocol_is_listed_and_those_in_use_are_ticked():
    used = [protocol_named(name) for name in ("paper", "ours_summary_ar")]

    table = shown.protocol_table({(one.task, one.language): one for one in used})

    assert [row[0] for row in table.rows if row[-1] == "yes"] == ["paper", "ours_summary_ar"]
    assert len(table.rows) == len(protocols()) == 8
    assert all(row[3] and row[4] for row in table.rows)


def all_cells(table):
    return " ".join(str(cell) for row in table.rows for cell in row)


@pytest.mark.parametrize("set_id", ["mimic_cxr", "mimic_iii"])
def test_credentialed_texts_are_withheld_in_every_table_that_shows_a_report(set_id):
    sets = {set_id: SETS[set_id]}
    written = {set_id: Said((SECRET, "The lungs are clear.", "", "Secret answer of four words."))}

    hidden = [
        shown.report_table(sets, may_show=False),
        shown.answer_table(sets, written, may_show=False, n=4),
        shown.result_table(sets, {("model", set_id): found_of(set_id)}),
        shown.set_table(sets, {}),
        shown.column_table(sets, {("model", set_id): found_of(set_id)}, set_id),
    ]

    telling = {"Zebra", "effusion", "lungs", "clear.", "Heart", "normal", "disease", "Secret", "four"}
    assert [word for table in hidden for word in telling if word in all_cells(table)] == []
    withheld = hidden[1].rows
    assert len(withheld) == 4
    assert all(cell.startswith("(credentialed text withheld: ") for row in withheld for cell in row[1:])
    assert withheld[0][1] == withheld[0][2]  # the same text has the same hash: the answer is the reference


def test_credentialed_texts_are_shown_where_the_profile_allows_it():
    written = {"mimic_iii": Said((SECRET, "", "Normal.", "None."))}
    sets = {"mimic_iii": SETS["mimic_iii"]}

    assert SECRET in all_cells(shown.report_table(sets, may_show=True))
    assert shown.answer_table(sets, written, may_show=True, n=4).rows[:2] == (
        ("MIMIC-III", SECRET, SECRET), ("MIMIC-III", "The lungs are clear.", "(nothing)"),
    )  # fmt: skip


def test_open_reports_are_shown_one_of_each_language_english_first():
    one_view = dataclasses.replace(
        SETS["iu_xray"][0], messages=[message("user", "", images=1), message("assistant", "x")]
    )

    table = shown.report_table({"iu_xray": (SETS["iu_xray"][-1], one_view, SETS["iu_xray"][1])}, may_show=False)

    assert table.rows == (("IU X-ray", "1 image", "x"), ("IU X-ray", "2 images", ARABIC[1]))


def test_answers_are_taken_evenly_from_each_set():
    rows = generation("iu_xray", [f"Finding {n}." for n in range(12)])

    table = shown.answer_table({"iu_xray": rows}, {"iu_xray": Said(tuple(f"{n}" for n in range(12)))}, may_show=False)

    assert [row[2] for row in table.rows] == ["2", "6", "10"]


# --- floors --------------------------------------------------------------------------------------------------------


def unmet(text):
    return [line.removesuffix(": NOT MET") for line in text.splitlines() if line.endswith(": NOT MET")]


def many(n=40, source="mimic_cxr"):
    return {"mimic_cxr": generation(source, [f"{FINDINGS[k % 4]} Number {k}." for k in range(n)])}


def floors(sets=None, *, model=None, trained="model"):
    sets = sets or many()
    found = {
        ("base", "mimic_cxr"): found_of(texts=["lungs"] * len(sets["mimic_cxr"]), sets=sets),
        ("model", "mimic_cxr"): found_of(texts=model, sets=sets),
    }
    return shown.floors(sets, found, trained=trained, base="base")


def test_all_floors_are_met_by_a_model_that_learnt():
    said = floors()

    assert unmet(said) == []
    assert len(said.splitlines()) == 3


def test_a_reference_without_words_fails_the_first_floor():
    rows = many()["mimic_cxr"]

    said = floors({"mimic_cxr": (*rows[:-1], report(99, "..."))})

    assert unmet(said) == ["MIMIC-CXR: references score 1 in our metrics, in each language"]


def test_no_metric_of_a_set_of_such_references_is_overlooked_because_it_is_0():
    sets = {"mimic_iii": tuple(report(n, text, source="mimic_iii", task="report_summarisation")
                               for n, text in enumerate(("...", "--")))}  # fmt: skip

    assert unmet(shown.floors(sets, {}, trained="model", base="base")) == [
        "MIMIC-III: references score 1 in our metrics, in each language"
    ]


def test_a_model_that_is_no_better_than_the_base_fails_the_second():
    assert unmet(floors(model=["lungs"] * 40)) == ["MIMIC-CXR: ROUGE-L rises with training, intervals apart"]


def test_where_nothing_was_trained_nothing_has_to_rise():
    assert "rises" not in floors(trained="base")


@pytest.mark.parametrize(
    "one",
    [NotMeasured("BLEURT", OURS, "en", ""), NotMeasured("ROUGE-L", OURS, "en", "not run: needs it")],
    ids=["no reason", "a number all the same"],
)
def test_a_metric_with_neither_number_nor_reason_or_with_both_fails_the_last(one):
    sets, found = {"mimic_cxr": SETS["mimic_cxr"]}, {("model", "mimic_cxr"): [*found_of(), one]}

    assert unmet(shown.floors(sets, found, trained="model", base="model")) == ["what was not run has no number"]


def test_what_the_scorers_did_not_run_has_a_reason_and_meets_the_last(tmp_path):
    sets = {"mimic_cxr": SETS["mimic_cxr"]}
    scores = annotate([(text, text) for text in FINDINGS], python=None, cache=tmp_path)
    found = {("model", "mimic_cxr"): results(SETS["mimic_cxr"], FINDINGS, external=scores)}

    assert "what was not run has no number: met" in shown.floors(sets, found, trained="model", base="model")


# --- stand-ins -----------------------------------------------------------------------------------------------------


def test_every_table_figure_and_floor_of_a_stand_in_says_that_it_is_one():
    found = {("model", name): found_of(name, sets=DRAWN) for name in DRAWN}
    written = {name: Said(tuple("answer" for _ in rows)) for name, rows in DRAWN.items()}

    names = [
        *(row[0] for row in shown.set_table(DRAWN, {}).rows),
        *(row[0] for row in shown.report_table(DRAWN, may_show=False).rows),
        *(row[0] for row in shown.answer_table(DRAWN, written, may_show=False).rows),
        *(row[0] for row in shown.result_table(DRAWN, found).rows),
        *shown.overview_table(DRAWN, found, "model").columns[2:],
        *(mark.group for mark in shown.marks(DRAWN, found)),
        *(shown.column_table(DRAWN, found, name).caption for name in DRAWN),
        *shown.summary(DRAWN, found),
        *shown.floors(DRAWN, found, trained="model", base="model").splitlines()[:-1],
    ]

    assert [name for name in names if "'s stand-in" not in name] == []
    assert {row[-1] for row in shown.set_table(DRAWN, {}).rows} == {"drawn"}


def test_published_reports_are_no_stand_in():
    found = {("model", name): found_of(name) for name in SETS}

    assert {row[0] for row in shown.result_table(SETS, found).rows} == {"MIMIC-III", "MIMIC-CXR", "IU X-ray"}
