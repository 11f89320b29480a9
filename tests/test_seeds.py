import pytest

from bimedix2_core import seeds
from bimedix2_core.demo import three_seeds
from bimedix2_core.errors import DataError

RUNS = [{"closed accuracy, en": 0.91}, {"closed accuracy, en": 0.97}, {"closed accuracy, en": 0.95}]


def test_the_last_column_is_the_median_not_the_mean():
    assert seeds.table(RUNS) == [
        ["demo figure", "seed 0", "seed 1", "seed 2", "median"],
        ["closed accuracy, en", "0.910", "0.970", "0.950", "0.950"],
    ]


def test_the_readme_keeps_all_but_what_stands_between_its_markers():
    begin, end = seeds.README_MARKERS

    readme = seeds.with_figures(f"before\n{begin}old\n{end}\nafter\n", "new\n")

    assert readme == f"before\n{begin}new\n{end}\nafter\n"


def test_the_readme_shows_the_published_table(repository):
    if not (repository / three_seeds.REFERENCE_FILE).is_file():
        pytest.skip("no table is published yet: `python -m bimedix2_core.seeds` makes it")
    readme = (repository / "README.md").read_text(encoding="utf-8")

    shown = readme.split(seeds.README_MARKERS[0])[1].split(seeds.README_MARKERS[1])[0]
    table = three_seeds.published()
    assert len(table.rows) > 10
    assert shown == seeds.as_markdown(
        [list(table.columns), *([name, *(f"{value:.3f}" for value in values)] for name, *values in table.rows)]
    )


def test_figures_that_were_never_published_name_the_command(tmp_path, monkeypatch):
    monkeypatch.setattr(three_seeds, "root", lambda: tmp_path)

    with pytest.raises(DataError, match=r"python -m bimedix2_core\.seeds"):
        three_seeds.published()
