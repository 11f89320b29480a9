import json
import re

import pytest
from cells import CELL, DEMO_CELL

from bimedix2_core.errors import DataError
from bimedix2_core.paper.exhibits import exhibit, exhibits
from bimedix2_core.paper.exhibits.forms import save_forms
from bimedix2_core.paper.figures.output import save
from bimedix2_core.paper.figures.style import new_figure
from bimedix2_core.paper.measured import measured_file, save_measured
from bimedix2_core.paper.page import collect
from bimedix2_core.paper.tables import Table

TABLE5 = exhibit("table05")


def entry(page, exhibit_id):
    return next(one for one in page.entries if one.exhibit.id == exhibit_id)


def test_every_exhibit_stands_on_the_page_once_and_in_the_order_of_the_papers(tmp_path):
    text = collect(tmp_path / "demo", is_demo=True)._repr_html_()

    assert re.findall(r"<h3 id='(\w+)'", text) == [one.id for one in exhibits()]


def test_where_nothing_was_run_the_page_says_so_and_what_it_waits_for(tmp_path):
    page = collect(tmp_path / "paper_8b", is_demo=False)

    assert page.summary.startswith("Profile paper_8b: 0 of 27 exhibits were made here.")
    assert entry(page, "table05").verdict.startswith("133 of 133 not run: data: VQA-RAD test split")
    assert not any(one.was_made for one in page.entries)


def test_measured_cells_are_shown_beside_the_reported_ones_with_their_verdicts(tmp_path):
    save_measured(measured_file(tmp_path, TABLE5), TABLE5, [CELL])
    page = collect(tmp_path, is_demo=False)

    assert page.summary.startswith(f"Profile {tmp_path.name}: 1 of 27 exhibits were made here.")
    assert "<th style='text-align:right; vertical-align:top'>measured</th>" in entry(page, "table05")._repr_html_()
    assert "132 of 133 not run" in entry(page, "table05").verdict


def test_demo_numbers_are_called_demo_wherever_they_stand(tmp_path):
    save_measured(measured_file(tmp_path, TABLE5), TABLE5, [DEMO_CELL])
    page = collect(tmp_path, is_demo=True)
    table = entry(page, "table05")._repr_html_()

    assert "demo (no result of the paper)" in table
    assert ">measured</th>" not in table
    assert "1 of 133 demo" in entry(page, "table05").verdict


def test_a_figure_the_run_drew_is_in_the_page_itself_with_a_text_for_those_who_cannot_see_it(tmp_path):
    one = exhibit("fig03")
    picture, alt = new_figure(40, 30), "Two phantoms with a question each."
    save(picture, one.file(tmp_path, "png").with_suffix(""), alt=alt)
    page = collect(tmp_path, is_demo=True)

    text = entry(page, "fig03")._repr_html_()
    assert entry(page, "fig03").verdict == "demo"
    assert "src='data:image/png;base64," in text
    assert f'alt="{one.label}: {alt}"' in text
    assert entry(collect(tmp_path, is_demo=False), "fig03").verdict == "not reported: no number to compare"


def test_an_exhibit_without_numbers_that_was_not_made_says_what_it_needs(tmp_path):
    page = collect(tmp_path, is_demo=True)

    assert entry(page, "fig07").verdict.startswith("not run: data: the released BiMediX2 weights, the paper's images")
    assert entry(page, "fig05").verdict.startswith("not run: data: the English rows of BiMed-V-1.6M; credentials")


def test_a_table_this_run_made_stands_on_the_page_before_the_reported_one(tmp_path):
    one = exhibit("table11")
    save_forms(one, Table(("parameter", "this run"), (("LoRA Rank", "32"),)), tmp_path)

    text = entry(collect(tmp_path, is_demo=True), "table11")._repr_html_()
    assert entry(collect(tmp_path, is_demo=True), "table11").verdict == "demo"
    assert text.index(">this run</th>") < text.index("<summary>as reported</summary>")


def test_a_notebook_that_ran_is_linked_with_what_it_was_made_from(tmp_path):
    folder = tmp_path / TABLE5.notebook.name
    folder.mkdir()
    record = {
        "git": {"commit": "0123456789abcdef"},
        "started": "2026-11-21T10:00:00+00:00",
        "seed": 3,
        "params_key": "f" * 64,
    }
    (folder / "run.json").write_text(json.dumps(record))
    page = collect(tmp_path, is_demo=False)

    assert (
        "<a href='09_medical_vqa.ipynb'>09_medical_vqa</a> (2026-11-21, commit 0123456789ab, seed 3, parameters ffff"
        in (entry(page, "table05")._repr_html_())
    )
    assert "href" not in entry(page, "table02")._repr_html_()


def test_a_damaged_file_of_measured_cells_is_an_error_that_names_it(tmp_path):
    measured_file(tmp_path, TABLE5).write_text('{"exhibit": "table05", "ty')
    with pytest.raises(DataError, match=r"table05\.json is no record of measured cells"):
        collect(tmp_path, is_demo=False)
