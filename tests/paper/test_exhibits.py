from decimal import Decimal

import pytest

from bimedix2_core.errors import DataError, PaperError
from bimedix2_core.paper import reported
from bimedix2_core.paper.exhibits import DECLARATIONS, catalogue, exhibit, exhibits, parse
from bimedix2_core.paper.exhibits.check import reported_problems
from bimedix2_core.paper.exhibits.index import MARKERS, index_markdown, undeclared, with_index
from bimedix2_core.reproduce.execute import NOTEBOOK_PATTERN

SHIPPED = DECLARATIONS.read_text(encoding="utf-8")

IN_DESIGN = {
    "00_start_here": ["fig02"],
    "01_data_translation": ["fig05"],
    "02_bimed_v": ["table12", "fig09"],
    "04_stage2_lora": ["table11"],
    "05_inference": ["table01", "fig03", "fig07", "fig08", "fig10", "fig11"],
    "06_clinical_qa": ["table02", "fig06"],
    "07_uphill": ["fig04"],
    "08_bimed_mbench": ["table03", "table04", "table08", "fig01"],
    "09_medical_vqa": ["table05"],
    "10_reports": ["table06", "table07"],
    "11_ablations": ["table09", "table10"],
    "13_variants": ["table13"],
    "14_bimedix_moe": ["bimedix1_english", "bimedix1_arabic", "bimedix1_bilingual"],
}
"""Which notebook makes which exhibit, as design.md has it, but for BiMediX's tables, which stand with its model."""


def test_the_13_tables_11_figures_and_3_tables_of_the_predecessor_are_declared_once():
    wanted = {f"table{n:02}" for n in range(1, 14)} | {f"fig{n:02}" for n in range(1, 12)}
    wanted |= {"bimedix1_english", "bimedix1_arabic", "bimedix1_bilingual"}

    assert len(exhibits()) == 27
    assert {one.id for one in exhibits()} == wanted
    assert len({one.label for one in exhibits()}) == 27
    assert sum(one.is_figure for one in exhibits()) == 11


def test_each_exhibit_belongs_to_the_notebook_of_the_design():
    found = {name: [one.id for one in exhibits() if one.notebook.name == name] for name in IN_DESIGN}

    assert {name: sorted(ids) for name, ids in found.items()} == {name: sorted(ids) for name, ids in IN_DESIGN.items()}


def test_only_what_is_declared_is_there(repository):
    notebooks = [file.stem for file in (repository / "notebooks").glob(NOTEBOOK_PATTERN)]
    profiles = [file.stem for file in (repository / "params").glob("*.yaml")]

    assert undeclared(notebooks=notebooks, profiles=profiles) == []


def test_a_notebook_or_a_profile_nobody_declared_is_named():
    problems = undeclared(notebooks=["05_inference", "42_stray"], profiles=["demo", "my_profile"])

    assert problems == [
        "notebook 42_stray is not declared; declare it in declarations.yaml",
        "profile my_profile is not declared; declare it in declarations.yaml",
    ]


def test_every_reported_table_belongs_to_one_exhibit():
    owners = [one.reported for one in exhibits() if one.owns_its_cells]

    assert sorted(owners) == list(reported.names())


def test_a_notebook_is_planned_exactly_as_long_as_its_file_is_missing(repository):
    there = {one.name: (repository / "notebooks" / f"{one.name}.ipynb").is_file() for one in catalogue().notebooks}
    planned = {one.name: one.planned for one in catalogue().notebooks}

    wrong = {name for name in there if there[name] == planned[name]}

    assert not wrong, f"set or drop `planned: true` of these in declarations.yaml: {wrong}"


def test_rows_and_numbers_come_from_the_reported_table():
    table5 = exhibit("table05")

    assert table5.rows()["phi_3_5_v"] == "Phi-3.5 V"
    assert table5.number("bimedix2_8b", "slake_vqa__closed_q_accuracy") == Decimal("0.831")
    assert table5.number("my_own_model", "average") is None
    assert exhibit("table06").number("med_palm_m", "meteor") is None
    assert exhibit("table11").text("lora_rank", "stage2") == "8"


def test_figure_1_takes_its_arabic_axes_from_table_4_and_leaves_out_maira():
    figure = exhibit("fig01")

    # BiMediX2 8B: CT 58.9 in Table 3, 50.8 in Table 4
    assert [figure.number("bimedix2_8b", name) for name in ("ct", "ct_ar")] == [Decimal("58.9"), Decimal("50.8")]
    assert len(figure.columns) == 10
    assert len(figure.rows()) == 6
    assert figure.number("maira_2", "ct") is None


def test_figure_6_has_twelve_models_and_figure_9_has_no_total():
    assert len(exhibit("fig06").rows()) == 12
    assert len(exhibit("fig09").rows()) == 19


def test_the_starred_columns_and_the_quoted_row_of_tables_6_and_7_are_not_comparable():
    for name in ("table06", "table07"):
        table = exhibit(name)
        starred = {column.id for column in table.columns if column.not_comparable}

        assert starred == {"bleu_4_rescaled", "radcliq_rescaled", "average"}
        assert {column.id for column in table.columns if column.title.endswith("*")} < starred
        assert "formula that is not published" in table.why_not_comparable("bimedix2_8b", "bleu_4_rescaled")
        assert "quotes" in table.why_not_comparable("med_palm_m", "rouge_l")
        assert table.why_not_comparable("bimedix2_8b", "rouge_l") is None


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("table02", "bimedix2_4b"),
        ("table02", "bimedix2_8b"),
        ("table02", "bimedix2_70b"),
        ("table05", "bimedix2_8b"),
        ("table05", "minigpt_med"),
        ("bimedix1_english", "bimedix_v1_english"),
        ("bimedix1_arabic", "bimedix_v1_arabic"),
    ],
)
def test_a_cell_that_is_the_share_of_n_questions_is_a_whole_number_of_them(name, row):
    """Most wrong test sizes would give cells that are no k/N."""
    for column in exhibit(name).numbers:
        if column.share_of is None:
            continue
        printed, n = exhibit(name).number(row, column.id), column.share_of
        scale = {"percent": 100, "fraction": 1}[column.unit]
        nearest = Decimal(round(printed / scale * n)) / n * scale

        assert abs(nearest - printed) <= Decimal("0.5").scaleb(-column.decimals), f"{column.id}: no k/{n} is {printed}"


@pytest.mark.parametrize(("value", "text"), [(84.55, "84.6"), (84.549, "84.5"), (0.05, "0.1"), (100, "100.0")])
def test_halves_are_rounded_away_from_zero(value, text):
    assert str(exhibit("table02").column("average").rounded(value)) == text


def test_an_unknown_exhibit_or_column_is_named_with_what_is_likely_meant():
    with pytest.raises(PaperError, match=r"unknown exhibit 'table5'; known: .*did you mean table05\?"):
        exhibit("table5")
    with pytest.raises(PaperError, match=r"table05 has no column 'avrage'; known: .*did you mean average\?"):
        exhibit("table05").column("avrage")
    with pytest.raises(PaperError, match="no numbers are reported"):
        exhibit("fig02").model_copy(update={"columns": exhibit("table02").columns}).number("x", "average")


def test_what_is_needed_is_said_in_one_line_without_what_is_not_stated():
    assert str(exhibit("table07").needs) == "data: MIMIC-CXR images and reports; credentials: PhysioNet"
    assert str(exhibit("fig02").needs) == "no data, no key and no judge"
    assert exhibit("table02").needs.hours == "not stated"


def test_the_file_of_an_exhibit_carries_profile_and_id(tmp_path):
    assert exhibit("table05").file(tmp_path / "demo", "csv") == tmp_path / "demo" / "exhibits" / "demo_table05.csv"


# ---- a declaration and its CSV ----


def edited(name: str, old: str, new: str):
    """A reader that gives one table with a change in its text, and the others as they are."""
    text = (reported.FOLDER / f"{name}.csv").read_text(encoding="utf-8")
    assert old in text
    changed = reported.parse(text.replace(old, new), name)
    return lambda wanted: changed if wanted == name else reported.read(wanted)


def test_the_shipped_declarations_and_tables_agree():
    assert [problem for one in exhibits() for problem in reported_problems(one)] == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("72.4,70.4", "72.4,70.40", "row bimedix2_8b, column average: found '70.40' with 2 decimals, expected 1"),
        ("77.7", "78", "row bimedix2_8b, column cli_kg: found '78' with 0 decimals, expected 1"),
        ("77.7", "777.7", "found '777.7', expected at most 100 (percent)"),
        ("77.7", "a lot", "found the text 'a lot', expected a number"),
        (
            "pubmedqa,average",
            "average,pubmedqa",
            "expected cli_kg, c_bio, c_med, med_gen, pro_med, ana, medmcqa, medqa,",
        ),
        (
            "usmle",
            "usmle_self",
            "its header goes on with cli_kg, c_bio, c_med, med_gen, pro_med, ana, medmcqa, medqa, us",
        ),
    ],
)
def test_a_table_with_other_decimals_or_another_header_is_one_clear_problem(old, new, problem):
    problems = reported_problems(exhibit("table02"), edited("table02_clinical_llm", old, new))

    assert len(problems) == 1
    assert problem in problems[0]
    assert "table02_clinical_llm" in problems[0]


def test_the_catalogue_is_not_given_out_with_a_table_that_does_not_fit(tmp_path, monkeypatch):
    for name in reported.names():
        text = (reported.FOLDER / f"{name}.csv").read_text(encoding="utf-8")
        (tmp_path / f"{name}.csv").write_text(text.replace("0.611", "0.61"), encoding="utf-8")
    monkeypatch.setattr(reported, "FOLDER", tmp_path)

    with pytest.raises(DataError) as raised:
        catalogue.__wrapped__()

    assert str(raised.value) == (
        "declarations.yaml and the reported tables differ:\n"
        "table05_medical_vqa.csv, row bimedix2_8b, column average: found '0.61' with 2 decimals, expected 3"
    )


def test_a_missing_column_is_a_problem_also_for_a_figure_that_draws_another_table():
    read = edited("table12_bimed_v_composition", "language,modality,samples", "language,modality,count")

    assert reported_problems(exhibit("fig09"), read) == [
        "fig09, table12_bimed_v_composition.csv: no column samples; it has source_id, source, language, modality, "
        "count, modality_inferred, note"
    ]


def test_a_wrong_number_behind_an_axis_of_figure_1_is_found_in_table_4():
    problems = reported_problems(exhibit("fig01"), edited("table04_bimed_mbench_ar", "50.8", "50.81"))

    assert problems == [
        "table04_bimed_mbench_ar.csv, row bimedix2_8b, column ct: found '50.81' with 2 decimals, expected 1"
    ]


def test_a_row_that_is_left_out_must_be_reported():
    figure = exhibit("fig06").model_copy(update={"rows_left_out": ("apollo_8b",)})

    assert reported_problems(figure) == ["fig06: declares something about row apollo_8b, which is not reported"]


# ---- declarations that do not fit ----


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("notebook: 04_stage2_lora", "notebook: 04_stage2", "exhibits.10.notebook: .*found '04_stage2'"),
        ("label: Table 11", "lable: Table 11", "lable: Extra inputs are not permitted"),
        ("direction: lower", "direction: down", "direction: Input should be 'higher', 'lower' or 'none', found 'down'"),
        ("unit: milliseconds", "unit: hours", "unit: Input should be 'percent'.*found 'hours'"),
        ("decimals: 2", "decimals: two", "decimals: Input should be a valid integer.*found 'two'"),
        ("id: fig02", "id: fig03", "exhibit fig03: declared twice"),
        (
            "{name: 03_stage1_alignment, role: step,",
            "{name: 03_stage1_alignment,",
            "03_stage1_alignment: declares no ex",
        ),
        (
            "{id: language, title: Language}",
            "{id: language, title: Language, decimals: 1}",
            "a number needs unit and dec",
        ),
        ("{id: stage2, title: Stage 2}", "{id: stage2, title: Stage 2, direction: higher}", "text has neither"),
        ("notebooks:", "notebooks: {", "is not readable as YAML"),
    ],
)
def test_a_declaration_that_does_not_fit_says_where(old, new, problem):
    assert old in SHIPPED

    with pytest.raises(DataError, match=f"(?s)changed.yaml.*{problem}"):
        parse(SHIPPED.replace(old, new, 1), "changed.yaml")


def test_a_file_without_sections_is_an_error():
    with pytest.raises(DataError, match="expected the sections notebooks, profiles, exhibits"):
        parse("nothing", "changed.yaml")


# ---- the index of the README ----


def test_the_index_has_one_line_per_notebook_and_links_those_that_are_written():
    lines = index_markdown().splitlines()

    assert len(lines) == 2 + 16
    assert "| [09_medical_vqa](notebooks/09_medical_vqa.ipynb) |" in "\n".join(lines)
    assert lines[
        -1
    ] == "| 99_all_exhibits (not written yet) | all exhibits on one page, each with its verdict | all of them |" or (
        "(notebooks/99_all_exhibits.ipynb)" in lines[-1]
    )
    assert all(one.label in index_markdown() for one in exhibits())


def test_the_index_is_written_between_its_markers_and_nowhere_else():
    begin, end = MARKERS
    readme = f"# Title\n{begin}old\n{end}\nmore | text\n"

    written = with_index(readme)

    assert written == f"# Title\n{begin}{index_markdown()}{end}\nmore | text\n"
    assert with_index(written) == written


@pytest.mark.parametrize("readme", ["no markers", MARKERS[0], MARKERS[1] + MARKERS[0], MARKERS[0] * 2 + MARKERS[1]])
def test_a_readme_without_its_two_markers_is_an_error(readme):
    with pytest.raises(DataError, match="expected each once, in this order"):
        with_index(readme)


def test_the_readme_has_the_index_of_today(repository):
    readme = (repository / "README.md").read_text(encoding="utf-8")

    assert with_index(readme) == readme, "the declarations changed: write with_index(readme) to README.md"
