"""Sizes: how many weights the parts of the published models have, for Figure 2."""

from bimedix2_core.model.shapes import SHAPES, count, count_lora
from bimedix2_core.paper import reported
from bimedix2_core.paper.figures.architecture import Size
from bimedix2_core.paper.hyperparameters import TABLE


def published_sizes() -> tuple[Size, ...]:
    """The sizes of Figure 2, counted from the published shapes; LoRA has the rank that Table 11 prints."""
    rank = int(reported.read(TABLE).cell("lora_rank", "stage2"))
    names = {"BiMediX2 8B": SHAPES["bimedix2_8b"], "BiMediX2 70B": SHAPES["bimedix2_70b"]}
    counts = {name: count(shape) for name, shape in names.items()}
    return tuple(
        Size(name, one.parts.vision_tower, one.parts.projector, one.language, count_lora(names[name], rank=rank))
        for name, one in counts.items()
    )
