"""Counts of a built data set beside those of Table 12."""

import pytest

from bimedix2_core.data.compose.manifest import Composition, Count, PartCount, Shard
from bimedix2_core.errors import DataError
from bimedix2_core.paper import reported
from bimedix2_core.paper.compare import compare
from bimedix2_core.paper.composition import composition_card, composition_cells, composition_sources
from bimedix2_core.paper.exhibits import exhibit
from bimedix2_core.paper.figures.sunburst import Source, composition_sunburst
from bimedix2_core.paper.measured import Demo, Reproduced, load_measured, save_measured
from bimedix2_core.params import load_params
from bimedix2_core.runs import start_run

TABLE_12 = reported.read("table12_bimed_v_composition")


def built(**taken: int) -> Composition:
    """All of Table 12, but for some sources that have fewer rows."""
    wanted = {source: int(n) for source, n in TABLE_12.column("samples").items()}
    counts = wanted | taken
    return Composition(
        seed=0,
        share="1",
        parts=tuple(PartCount(source, n, counts[source], counts[source]) for source, n in wanted.items()),
        counts=tuple(
            Count(source, TABLE_12.cell(source, "language"), TABLE_12.cell(source, "modality_inferred"), n, 0, 0)
            for source, n in counts.items()
            if n
        ),
        shards=(Shard("bimed_v-00000-of-00001.parquet", sum(counts.values()), "ab" * 32),),
        versions={},
    )


def card(composition: Composition, profile: str = "paper_8b"):
    return composition_card(start_run("02_bimed_v", load_params(f"params/{profile}.yaml")), composition)


def test_a_whole_recipe_equals_table_12_cell_by_cell():
    table12 = exhibit("table12")

    comparison = compare(table12, composition_cells(table12, built(), card(built())))

    assert comparison.counts == {"equal": 20}  # 19 sources and their total


def test_a_shortfall_differs_in_its_cell_and_in_the_total():
    table12, short = exhibit("table12"), built(rad_vqa=1_793, medqa=0)

    comparison = compare(table12, composition_cells(table12, short, card(short)))

    differing = {row.row: int(row.difference) for row in comparison.rows if row.verdict.word == "differs"}
    assert differing == {"rad_vqa": -3, "medqa": -20_691, "total": -20_694}


def test_a_demo_makes_demo_cells_and_a_paper_profile_reproduced_ones():
    cells = composition_cells(exhibit("table12"), built(), card(built(), "demo"))

    assert {type(cell) for cell in cells} == {Demo}
    assert {type(cell) for cell in composition_cells(exhibit("table12"), built(), card(built()))} == {Reproduced}
    assert cells[0].card.split_hash == built().key


def test_the_cells_survive_their_file(tmp_path):
    table12 = exhibit("table12")
    cells = composition_cells(table12, built(), card(built()))

    assert load_measured(save_measured(tmp_path / "table12.json", table12, cells), table12) == cells


def test_figure_9_shows_the_built_counts_with_the_modality_that_was_counted():
    short = built(medqa=0)
    cells = composition_cells(exhibit("fig09"), short, card(short))

    picture = composition_sunburst(cells, composition_sources(short))

    assert "total" not in {cell.row for cell in cells}
    assert "Figure 9, measured here" in picture.alt
    assert "1,670,716 samples" in picture.alt  # 1,691,407 - 20,691
    assert "as we read it" not in picture.alt


def test_a_source_that_table_12_lacks_is_called_by_the_name_given_or_its_id():
    own = Composition(
        0,
        "1",
        (PartCount("phantoms", 3, 3, 3), PartCount("letters", 2, 2, 2), PartCount("nothing", 2, 0, 0)),
        (Count("phantoms", "en", "image_text", 3, 0, 0), Count("letters", "ar", "text", 2, 0, 0)),
        (Shard("x", 5, "ab"),),
        {},
    )

    sources = composition_sources(own, {"phantoms": "Phantom VQA"})
    picture = composition_sunburst(composition_cells(exhibit("fig09"), own, card(own, "demo")), sources)

    assert sources == {
        "phantoms": Source("Phantom VQA", "en", "image_text"),
        "letters": Source("letters", "ar", "text"),
    }
    assert "English image-text 60.0%, Arabic text 40.0%" in picture.alt


def test_a_source_of_two_languages_has_no_place_in_figure_9():
    mixed = Composition(
        0, "1", (PartCount("slake_vqa", 3, 3, 3),),
        (Count("slake_vqa", "ar", "image_text", 1, 0, 0), Count("slake_vqa", "en", "image_text", 2, 0, 0)),
        (Shard("x", 3, "ab"),), {},
    )  # fmt: skip

    with pytest.raises(
        DataError, match=r"slake_vqa hold rows of several languages or modalities; .* parts of their own"
    ):
        composition_sources(mixed)
