"""How the figures of the paper leave: with their words, light, and the same each time."""

import base64
import io
import subprocess
import sys
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from PIL import Image

from bimedix2_core.errors import DataError
from bimedix2_core.paper.figures.architecture import Size, architecture
from bimedix2_core.paper.figures.output import MAX_PNG_BYTES, Picture, save
from bimedix2_core.paper.figures.radar import mbench_radar
from bimedix2_core.paper.figures.stacked import clinical_stack
from bimedix2_core.paper.figures.sunburst import composition_sunburst
from bimedix2_core.paper.figures.translation import translation_framework
from bimedix2_core.paper.figures.uphill import uphill_bars

SIZE = Size("a size", vision_encoder=3, projector=2, language_model=7, lora=1)
PICTURES = {
    "fig01": mbench_radar,
    "fig02": lambda: architecture([SIZE]),
    "fig04": uphill_bars,
    "fig05": translation_framework,
    "fig06": clinical_stack,
    "fig09": composition_sunburst,
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_figure_is_saved_light_sharp_and_described_and_the_same_twice(name, tmp_path):
    picture = PICTURES[name]()
    png, svg = picture.save(tmp_path / name)
    again = [path.read_bytes() for path in PICTURES[name]().save(tmp_path / "again")]

    with Image.open(png) as image:
        assert image.info["Description"] == picture.alt
        assert image.width >= 800
    assert png.stat().st_size <= MAX_PNG_BYTES
    assert svg.read_text(encoding="utf-8").startswith("<?xml")
    assert picture.alt.split(".")[0] in svg.read_text(encoding="utf-8")
    assert [png.read_bytes(), svg.read_bytes()] == again


def test_a_notebook_gets_the_picture_its_words_and_its_width():
    picture = uphill_bars()
    data, metadata = picture._repr_mimebundle_(include=None, exclude=None)

    assert data["text/plain"] == repr(picture) == f"Figure: {picture.alt}"
    assert metadata == {"image/png": {"alt": picture.alt, "width": 800}}
    assert Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).width == 1600


def test_a_picture_without_words_is_refused():
    with pytest.raises(DataError, match="without a text alternative"):
        Picture(Figure(), "  ")


def test_a_figure_saved_without_words_has_no_description(tmp_path: Path):
    png, svg = save(Figure(), tmp_path / "plain")

    with Image.open(png) as image:
        assert "Description" not in image.info
    assert "dc:description" not in svg.read_text(encoding="utf-8")


def test_the_figures_of_the_paper_come_without_torch_and_pyplot():
    code = (
        "import sys\n"
        "from bimedix2_core.paper.figures import architecture, audit, radar, stacked, sunburst, translation, uphill\n"
        "sys.exit(str({'matplotlib.pyplot', 'torch', 'transformers'} & set(sys.modules) or ''))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.stderr.strip() == ""
