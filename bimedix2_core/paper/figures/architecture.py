"""Figure 2: the parts of the model, how large each is, and which of them a stage trains."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import matplotlib as mpl
from matplotlib.axes import Axes

from bimedix2_core.errors import DataError
from bimedix2_core.paper.exhibits import exhibit
from bimedix2_core.paper.figures.diagrams import Box, draw_arrow, draw_box, height_needed
from bimedix2_core.paper.figures.output import Picture
from bimedix2_core.paper.figures.plots import note
from bimedix2_core.paper.figures.style import WIDTH, canvas, new_figure, require, settings
from bimedix2_core.paper.figures.text import draw_title
from bimedix2_core.paper.tables import Table

_REMARK = (
    "Weights are counted here; the paper does not print them. * That the vision encoder stays frozen in Stage 2 is "
    "inferred from the released scripts. The brain image and the wording of the paper's example are not in our sources."
)
_TOP, _FOOT = 40.0, 40.0
_COLUMNS = ((12.0, 150.0), (204.0, 150.0), (396.0, 168.0))
"""Left edge and width of the columns: what comes in, what looks at images, what speaks."""


@dataclass(frozen=True)
class Size:
    """One size of the model with the weights of its parts, as they are counted."""

    name: str
    """Such as ``BiMediX2 8B``."""
    vision_encoder: int
    projector: int
    language_model: int
    """With its head."""
    lora: int
    """Weights that LoRA adds in Stage 2."""

    def __post_init__(self) -> None:
        """Refuse a part without weights."""
        empty = [part for part in _PARTS if getattr(self, part) < 1]
        if empty:
            raise DataError(f"{self.name}: {', '.join(empty)} without weights; expected the counts of all four parts")


_PARTS = {
    "vision_encoder": ("Vision encoder", "CLIP", "frozen in both stages*", "plain"),
    "projector": ("Projector", "image features to the language model's width", "trained in Stage 1 and in Stage 2",
                  "accent"),
    "language_model": ("Language model", "", "frozen in both stages", "plain"),
    "lora": ("LoRA", "beside the weights of the language model", "trained in Stage 2", "accent"),
}  # fmt: skip
"""Name, what it is, what the stages do with it, and look of each part."""


def architecture(sizes: Sequence[Size]) -> Picture:
    """Figure 2: image and question go in, an answer in the language of the question comes out.

    Args:
        sizes: the models whose weights are written into the parts.

    Raises:
        DataError: there is no size.
    """
    require(sizes, "sizes")
    drawn = exhibit("fig02")
    title = f"{drawn.label}, redrawn with the weights of each part"
    with mpl.rc_context(settings()):
        boxes = _boxes(sizes)
        bottom = max(box.bottom for box in boxes.values())
        figure = new_figure(WIDTH, bottom + _FOOT + 12)
        draw_title(figure, title, left=12, right=WIDTH - 12)
        axes = canvas(figure, 0, 0, WIDTH, bottom + _FOOT + 12)
        for box in boxes.values():
            draw_box(axes, box)
        _draw_arrows(axes, boxes)
        note(figure, _REMARK)
    return Picture(figure, f"{title}. {_alt(sizes)}", _table(sizes))


def _boxes(sizes: Sequence[Size]) -> dict[str, Box]:
    """Images above, words below, the language model with its LoRA at the right."""
    inputs, vision, speech = _COLUMNS
    boxes = {"image": _box("Medical image", ("where the question is about one",), inputs, _TOP)}
    boxes["vision_encoder"] = _part("vision_encoder", sizes, vision, _TOP)
    boxes["projector"] = _part("projector", sizes, vision, boxes["vision_encoder"].bottom + 30)
    boxes["question"] = _box("Question", ("in English or Arabic; <image> marks where the image goes",), inputs,
                             boxes["projector"].bottom + 30)  # fmt: skip
    boxes["tokenizer"] = _box("Tokenizer", ("of the language model",), vision, boxes["question"].top)
    boxes["answer"] = _box("Answer", ("in the language of the question",), speech, _TOP)
    model = _part("language_model", sizes, speech, boxes["projector"].top - 40)
    lora = _part("lora", sizes, (speech[0] + 10, speech[1] - 20), model.bottom)
    bottom = max(lora.bottom + 10, boxes["tokenizer"].bottom)
    boxes["language_model"] = replace(model, height=bottom - model.top)
    boxes["lora"] = lora
    return boxes


def _box(title: str, text: tuple[str, ...], column: tuple[float, float], top: float, look: str = "aside") -> Box:
    left, width = column
    return Box(title, text, left, top, width, height_needed(title, text, width), look)


def _part(part: str, sizes: Sequence[Size], column: tuple[float, float], top: float) -> Box:
    name, what, stages, look = _PARTS[part]
    counts = tuple(f"{size.name}: {shortened(getattr(size, part))}" for size in sizes)
    return _box(name, tuple(text for text in (what, *counts, stages) if text), column, top, look)


def _draw_arrows(axes: Axes, boxes: dict[str, Box]) -> None:
    """From left to right, down to the projector, and up to the answer."""
    pairs = [("image", "vision_encoder"), ("projector", "language_model"), ("question", "tokenizer"),
             ("tokenizer", "language_model")]  # fmt: skip
    for before, after in pairs:
        y = boxes[before].top + boxes[before].height / 2
        draw_arrow(axes, (boxes[before].right, y), (boxes[after].left, y))
    vision, model = boxes["vision_encoder"], boxes["language_model"]
    middle = vision.left + vision.width / 2
    draw_arrow(axes, (middle, vision.bottom), (middle, boxes["projector"].top))
    middle = model.left + model.width / 2
    draw_arrow(axes, (middle, model.top), (middle, boxes["answer"].bottom))


def shortened(count: int) -> str:
    """A count in millions or billions with four figures, smaller ones whole: 8.030 B, 303.5 M, 41,472."""
    if count < 1_000_000:
        return f"{count:,}"
    rounded = float(f"{count:.3e}")
    unit, name = (1e9, "B") if rounded >= 1e9 else (1e6, "M")
    digits = max(0, 4 - len(str(int(rounded / unit))))
    return f"{rounded / unit:.{digits}f} {name}"


def _table(sizes: Sequence[Size]) -> Table:
    rows = tuple(
        (name, *(getattr(size, part) for size in sizes), stages) for part, (name, _, stages, _) in _PARTS.items()
    )
    return Table(("part", *(size.name for size in sizes), "stages"), rows, "Weights of each part, as counted here")


def _alt(sizes: Sequence[Size]) -> str:
    counts = "; ".join(
        f"{size.name}: " + ", ".join(f"{name} {shortened(getattr(size, part))}" for part, (name, *_) in _PARTS.items())
        for size in sizes
    )
    return (
        "An image goes through the vision encoder and the projector, a question in English or Arabic through the "
        "tokenizer; both meet in the language model, which answers in the language of the question. Stage 1 trains the "
        f"projector, Stage 2 the projector and LoRA in the language model. Weights: {counts}. {_REMARK}"
    )
