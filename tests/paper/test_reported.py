from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from bimedix2_core.errors import DataError
from bimedix2_core.paper import reported

SMALL = "# source: paper\n# accuracy\nmodel_id,model,score,note\na,Model A,1.50,\nb,Model B,,kept\ntotal,Total,9,\n"


def test_a_printed_cell_keeps_its_decimals_and_an_empty_one_is_no_number():
    table = reported.parse(SMALL, "small")

    assert table.comments == ("source: paper", "accuracy")
    assert table.columns == ("model_id", "model", "score", "note")
    assert table.ids == ("a", "b", "total")
    assert str(table.number("a", "score")) == "1.50"
    assert table.number("b", "score") is None
    assert table.cell("b", "note") == "kept"
    assert table.cell("a", "note") == ""


def test_a_column_is_its_printed_numbers_without_the_total():
    assert reported.parse(SMALL, "small").column("score") == {"a": Decimal("1.50")}


def test_text_where_a_number_belongs_is_an_error_that_says_where():
    with pytest.raises(DataError, match=r"small, row b, column note: found the text 'kept', expected a number"):
        reported.parse(SMALL, "small").number("b", "note")


@pytest.mark.parametrize("text", ["nan", "Infinity", "1_000", "1,000", "-", "None", "1.5%"])
def test_what_python_would_read_as_a_number_but_a_paper_would_not_print_is_text(text):
    table = reported.parse(f'id,x\na,"{text}"\n', "small")

    with pytest.raises(DataError, match="expected a number"):
        table.number("a", "x")


@pytest.mark.parametrize(("text", "number"), [("1.0e-3", "0.001"), ("2e-5", "0.00002"), ("0.", "0"), ("-1.5", "-1.5")])
def test_a_number_may_be_printed_in_more_than_one_way(text, number):
    assert reported.parse(f"id,x\na,{text}\n", "small").number("a", "x") == Decimal(number)


def test_an_unknown_row_column_or_table_is_named_with_what_is_likely_meant():
    table = reported.read("table05_medical_vqa")

    with pytest.raises(DataError, match=r"table05_medical_vqa has no row 'bimedix2_8'; .*did you mean bimedix2_8b\?"):
        table.number("bimedix2_8", "average")
    with pytest.raises(DataError, match=r"has no column 'avrage'; known: .*did you mean average\?"):
        table.column("avrage")
    with pytest.raises(DataError, match=r"no reported table 'table05'; known: .*table05_medical_vqa"):
        reported.read("table05")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("# only a comment\n", "0 lines beside comments"),
        ("id,x\n", "1 lines beside comments, expected a header and at least one row"),
        ("id,x,x\na,1,2\n", r"header: expected names, each once; empty or given twice: \['x'\]"),
        ("id,\na,1\n", r"header: .*\[''\]"),
        ("id,x\na,1,2\n", r"row a: 3 cells, expected 2 \(id, x\)"),
        ("id,x\na\n", "row a: 1 cells, expected 2"),
        ("id,x\na,1\na,2\n", r"column id: .*given twice: \['a'\]"),
    ],
)
def test_a_file_that_is_not_one_table_is_one_clear_error(text, problem):
    with pytest.raises(DataError, match=f"small.*{problem}"):
        reported.parse(text, "small")


def test_the_cells_are_those_of_the_paper():
    # BiMediX2 8B in three tables, read off ../shared/paper/reported by eye
    assert reported.read("table05_medical_vqa").number("bimedix2_8b", "average") == Decimal("0.611")
    assert reported.read("table08_translation_baseline").cell("bimedix2_8b_bi", "bimed_mbench_ar_overall") == "50.47"
    assert reported.read("table06_report_summarization").number("med_palm_m", "meteor") is None
    assert sum(reported.read("table12_bimed_v_composition").column("samples").values()) == 1691407


def test_every_table_a_claim_names_is_there():
    claims = yaml.safe_load((Path(reported.__file__).parent / "claims.yaml").read_text(encoding="utf-8"))["claims"]

    named = {table for claim in claims for table in claim["tables"]}

    assert len(named) > 10
    assert named <= set(reported.names())
