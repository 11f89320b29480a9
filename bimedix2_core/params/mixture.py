"""Section of the mixture of experts: what it is made of, what it learns from, and how its adapters are trained.

BiMediX, the text-only predecessor of BiMediX2, is Mixtral 8x7B trained with QLoRA in English and Arabic.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Discriminator, Tag, ValidationInfo, field_validator

from bimedix2_core.params.section import Count, CountOrZero, NotNegative, Rate, Section, Text
from bimedix2_core.params.stages import AdapterParams


class UpcycledBase(Section):
    """A mixture made of the language model of model.base, each expert a copy of its MLP."""

    n_experts: Count
    """Experts of each layer."""
    n_chosen: Count
    """Experts that work on one token."""

    @field_validator("n_chosen")
    @classmethod
    def _among_experts(cls, value: int, info: ValidationInfo) -> int:
        n_experts = info.data.get("n_experts")
        if n_experts is not None and value > n_experts:
            raise ValueError(f"{value} experts cannot be chosen of n_experts {n_experts}; give 1 to {n_experts}")
        return value


def _base_tag(value: object) -> str:
    return "upcycled" if isinstance(value, Mapping | UpcycledBase) else "checkpoint"


class MixtureData(Section):
    """BiMed1.3M: bilingual medical text, from its sources."""

    n_rows: Count
    """Rows of the whole set, in both languages."""
    arabic_per_english: Rate
    """Arabic rows for each English one; 0.5 is the paper's 1:2."""
    sources: dict[str, Text]
    """Where the files or hub ids of the text sources of Table 12 are, by source id; empty where the project draws its
    own."""
    rows_per_shard: Count
    """Rows of one Parquet file."""
    max_bad_rows: CountOrZero
    """Unreadable rows of one source file before the run stops."""


class MixtureTraining(AdapterParams):
    """Adapters on the attention, on each expert's matrices and on the router.

    They have no dropout: the experts of a layer are one fused weight, and PEFT adds the product of the two adapter
    matrices to such a weight, so that there is no input of the adapter that could be dropped.
    """

    balance_weight: NotNegative
    """Weight of Mixtral's load-balance loss (router_aux_loss_coef)."""


class MixtureParams(Section):
    """Notebook 14: the mixture of experts of BiMediX."""

    base: Annotated[
        Annotated[Text, Tag("checkpoint")] | Annotated[UpcycledBase, Tag("upcycled")], Discriminator(_base_tag)
    ]
    """Hub id or folder (from the repository) of a Mixtral; or n_experts and n_chosen, for one that is made of the
    language model of model.base, each expert a copy of its MLP."""
    frozen_base: Literal["plain", "nf4"]
    """How the frozen layers are held: in model.dtype, or in 4 bits (QLoRA)."""
    data: MixtureData
    """What it learns from."""
    training: MixtureTraining
    """How it learns."""
