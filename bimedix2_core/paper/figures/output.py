"""How a figure leaves: shown in a notebook with its text alternative, or saved as PNG and SVG."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bimedix2_core.errors import DataError
from bimedix2_core.paper.figures.style import DPI, settings
from bimedix2_core.paper.tables import Table
from bimedix2_core.runs import write_atomic

MAX_PNG_BYTES = 80_000


@dataclass(frozen=True)
class Picture:
    """A figure of the paper with its text alternative and its numbers; a notebook shows it as PNG."""

    figure: Figure
    alt: str
    """What it shows, for those who cannot see it."""
    table: Table | None = None
    """The numbers it draws; None for a diagram."""

    def __post_init__(self) -> None:
        """Refuse a picture without a text alternative."""
        _require_alt(self.alt)

    def save(self, path_stem: str | Path) -> tuple[Path, Path]:
        """Write it as PNG and SVG, both with the text alternative as their description."""
        return save(self.figure, path_stem, alt=self.alt)

    def __repr__(self) -> str:
        return f"Figure: {self.alt}"

    def _repr_mimebundle_(self, **_: object) -> tuple[dict, dict]:
        return _bundle(self.figure, self.alt)


def show(figure: Figure, alt: str) -> None:
    """Display a figure in a notebook, as sharp as ``MAX_PNG_BYTES`` allow, with a text for those who cannot see it.

    The text stands in for the picture in ``text/plain`` too, so that a notebook test compares it.

    Raises:
        DataError: ``alt`` is empty.
    """
    from IPython.display import display

    _require_alt(alt)
    bundle, metadata = _bundle(figure, alt)
    display(bundle, raw=True, metadata=metadata)
    _close(figure)


def save(figure: Figure, path_stem: str | Path, *, alt: str = "") -> tuple[Path, Path]:
    """Write ``<path_stem>.png`` and ``<path_stem>.svg``, each whole or not at all; the same figure, the same bytes.

    ``alt`` is kept in both as ``Description``, if it is given.
    """
    stem = Path(path_stem)
    description = {"Description": alt} if alt else {}
    with mpl.rc_context(settings()):
        svg = io.BytesIO()
        figure.savefig(svg, format="svg", metadata={"Date": None} | description)
    return (
        write_atomic(stem.with_name(f"{stem.name}.png"), lean_png(figure, alt=alt)),
        write_atomic(stem.with_name(f"{stem.name}.svg"), svg.getvalue()),
    )


def _bundle(figure: Figure, alt: str) -> tuple[dict, dict]:
    """What a notebook keeps of a figure, and its metadata."""
    png = base64.b64encode(lean_png(figure)).decode("ascii")
    width = round(figure.get_figwidth() * DPI)
    return {"image/png": png, "text/plain": f"Figure: {alt}"}, {"image/png": {"alt": alt, "width": width}}


def _require_alt(alt: str) -> None:
    if not alt.strip():
        raise DataError("a figure without a text alternative; expected a sentence that says what it shows; pass alt=")


def _png(figure: Figure, *, dpi: int) -> bytes:
    """The figure as PNG bytes that depend on nothing but the figure."""
    stream = io.BytesIO()
    with mpl.rc_context(settings()):
        figure.savefig(stream, format="png", dpi=dpi, metadata={"Software": None})
    return stream.getvalue()


def lean_png(figure: Figure, *, alt: str = "") -> bytes:
    """The sharpest of three resolutions that is not too heavy, in 256 colours, with its description if one is given."""
    for dpi in (2 * DPI, DPI * 3 // 2, DPI):
        png = _with_palette(_png(figure, dpi=dpi), alt)
        if len(png) <= MAX_PNG_BYTES:
            break
    return png


def _with_palette(png: bytes, alt: str) -> bytes:
    """The same picture in its 256 most useful colours."""
    stream, notes = io.BytesIO(), PngInfo()
    if alt:
        notes.add_itxt("Description", alt)
    with Image.open(io.BytesIO(png)) as picture:
        picture.convert("RGB").quantize(256).save(stream, "PNG", optimize=True, pnginfo=notes)
    return stream.getvalue()


def _close(figure: Figure) -> None:
    """Let pyplot forget a figure that was made with it."""
    from matplotlib import pyplot

    pyplot.close(figure)
