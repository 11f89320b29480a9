import csv
from decimal import Decimal

import pytest

from bimedix2_core.errors import PaperError
from bimedix2_core.paper.exhibits import exhibit, exhibits
from bimedix2_core.paper.exhibits.forms import best_rows, latex, markdown, reported_table, save_forms
from bimedix2_core.paper.tables import Table

TABLE = Table(
    ("model", "score (%)"),
    (("A_1 & B | C*", Decimal("1234.50")), ("low <x>", Decimal("2.0")), ("empty", None)),
    "Table 5. 100% ours",
    frozenset({(0, 1)}),
)


def test_markdown_sets_the_best_in_bold_numbers_to_the_right_and_escapes_its_own_signs():
    assert markdown(TABLE) == (
        "Table 5. 100% ours\n\n"
        "| model | score (%) |\n"
        "| --- | ---: |\n"
        "| A_1 & B \\| C\\* | **1,234.50** |\n"
        "| low &lt;x> | 2.0 |\n"
        "| empty |  |\n"
    )


def test_latex_has_rules_of_booktabs_and_escapes_its_own_signs():
    assert latex(TABLE, label="table05").splitlines() == [
        r"\begin{table}",
        r"\centering",
        r"\caption{Table 5. 100\% ours}",
        r"\label{table05}",
        r"\begin{tabular}{lr}",
        r"\toprule",
        r"model & score (\%) \\",
        r"\midrule",
        r"A\_1 \& B | C* & \textbf{1,234.50} \\",
        r"low <x> & 2.0 \\",
        r"empty &  \\",
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]


def test_html_sets_the_best_in_bold_and_keeps_printed_decimals():
    html = TABLE._repr_html_()

    assert "<td style='text-align:right; vertical-align:top'><b>1,234.50</b></td>" in html
    assert html.count("<b>") == 1
    assert ">2.0</td>" in html


@pytest.mark.parametrize(
    ("direction", "rows"), [("higher", ("b", "c")), ("lower", ("a",)), ("none", ())]
)  # 3 is there twice
def test_the_best_is_what_the_direction_says_and_ties_are_all_best(direction, rows):
    column = exhibit("table02").column("average").model_copy(update={"direction": direction})
    numbers = {"a": Decimal(1), "b": Decimal(3), "c": Decimal("3.0")}

    assert best_rows(exhibit("table02"), column, numbers) == rows


def test_a_quoted_row_is_never_best():
    table = reported_table(exhibit("table06"))
    names = [row[0] for row in table.rows]
    best_rouge = [names[i] for i, j in table.best if table.columns[j].startswith("ROUGE-L")]

    # Med-PaLM M prints 0.320, the 4B 0.209
    assert best_rouge == ["BiMediX2 4B"]


def test_lower_latency_and_higher_throughput_are_best_in_table_13():
    table = reported_table(exhibit("table13"))

    # 4B: fastest, earliest, smallest; 70B: most accurate
    assert table.best == {(0, 1), (0, 2), (0, 3), (2, 4)}


def test_a_reported_table_says_so_and_keeps_every_printed_cell_as_printed():
    table = reported_table(exhibit("table08"))

    assert table.caption.endswith("(as reported)")
    assert table.columns == ("model", "BiMed-MBench Arabic overall (% of the reference)")
    assert [str(row[1]) for row in table.rows] == ["44.61", "44.92", "45.05", "45.33", "50.47"]


def test_what_is_no_column_of_the_paper_is_not_shown():
    assert "Source of the tick" not in reported_table(exhibit("table01")).columns
    assert reported_table(exhibit("table11")).columns == ("parameter", "Stage 1", "Stage 2")


def test_every_exhibit_with_a_reported_table_has_all_its_rows():
    for one in exhibits():
        if one.reported:
            assert len(reported_table(one).rows) == len(one.rows()) > 0
        else:
            with pytest.raises(PaperError, match=f"{one.id}.*has no reported table"):
                reported_table(one)


def test_four_forms_are_written_and_hold_the_same_numbers(tmp_path):
    table = reported_table(exhibit("table10"))

    files = save_forms(exhibit("table10"), table, tmp_path / "demo")

    assert [file.name for file in files] == [f"demo_table10.{ending}" for ending in ("csv", "md", "tex", "html")]
    assert [row[1] for row in csv.reader(files[0].read_text().splitlines())][1:] == ["44.6", "46.3", "50.5"]
    assert all("46.3" in file.read_text(encoding="utf-8") for file in files)
    assert all("50.5**" in text or "{50.5}" in text or "<b>50.5</b>" in text
               for text in (file.read_text(encoding="utf-8") for file in files[1:]))  # fmt: skip
