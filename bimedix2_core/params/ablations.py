"""Section of the ablations: which pairs teach the baseline's projector, and how often each variant is trained."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from bimedix2_core.params.section import Count, CountOrZero, Section, Text


class ShapePairs(Section):
    """Drawn shapes and colours: images that show nothing medical."""

    source: Literal["shapes"]
    """Circles, squares, triangles and stars, captioned by the project in both languages."""
    n_images: Count
    """How many, each captioned in both languages."""


class LlavaPairs(Section):
    """A LLaVA-style JSON file of images that show nothing medical, such as LCS-558K."""

    source: Literal["llava"]
    """Conversations with image file names."""
    file: Text
    """Image and caption pairs."""
    image_folder: Text
    """Where the image names of the file start."""


class AblationParams(Section):
    """Notebook 11: what each stage and each language adds."""

    non_medical: Annotated[ShapePairs | LlavaPairs, Field(discriminator="source")]
    """What the baseline's projector learns from instead of Stage 1's pairs."""
    seeds: Annotated[list[CountOrZero], Field(min_length=1, max_length=3)]
    """Each variant is trained once for each; the run's own seed takes over what notebooks 03 and 04 left."""
    steps_share: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
    """Share of the profile's steps that each variant is trained for; below 1 nothing is taken over, so that all
    variants of a table have had as much."""

    @field_validator("seeds")
    @classmethod
    def _each_once(cls, value: list[int]) -> list[int]:
        if len(set(value)) < len(value):
            raise ValueError(f"{value}: a seed stands there twice; the same training twice tells nothing")
        return value
