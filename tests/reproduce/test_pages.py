import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from bimedix2_core.errors import DataError
from bimedix2_core.reproduce.pages import COLLECTOR, write_page


def executed(folder, name):
    """A notebook with a line of code, a table in HTML with links, and a sentence in Arabic."""
    shown = {
        "text/html": "<p>27 exhibits</p><a href='09_medical_vqa.ipynb'>09</a><a href='99_all_exhibits.ipynb'>all</a>"
    }
    cells = [
        new_markdown_cell("## عنوان"),
        new_code_cell("page = 'secret of the code'", outputs=[new_output("display_data", shown)]),
    ]
    file = folder / f"{name}.ipynb"
    nbformat.write(new_notebook(cells=cells), file)
    return file


def test_the_collector_becomes_index_html_without_its_code(tmp_path):
    page = write_page(executed(tmp_path, COLLECTOR))

    assert page == tmp_path / "index.html"
    text = page.read_text(encoding="utf-8")
    assert "27 exhibits" in text
    assert "عنوان" in text
    assert "secret" not in text


def test_another_notebook_becomes_a_page_of_its_own_name_with_its_code(tmp_path):
    page = write_page(executed(tmp_path, "09_medical_vqa"))

    assert page == tmp_path / "09_medical_vqa.html"
    assert "secret of the code" in page.read_text(encoding="utf-8")


def test_links_between_notebooks_lead_from_page_to_page(tmp_path):
    text = write_page(executed(tmp_path, COLLECTOR)).read_text(encoding="utf-8")

    assert 'href="09_medical_vqa.html"' in text
    assert 'href="index.html"' in text
    assert ".ipynb" not in text


def test_a_page_fetches_nothing_from_the_network(tmp_path):
    text = write_page(executed(tmp_path, COLLECTOR)).read_text(encoding="utf-8")

    assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//""", text)
    assert not re.findall(r"@import|<script", text)


def test_what_is_no_notebook_is_refused_by_name(tmp_path):
    broken = tmp_path / "03_x.ipynb"
    broken.write_text("{")
    for file in (broken, tmp_path / "04_absent.ipynb"):
        with pytest.raises(DataError, match=f"{file.name}: no executed notebook to make a page of"):
            write_page(file)
