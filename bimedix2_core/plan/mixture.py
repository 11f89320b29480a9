"""Mixture: the mixture of experts that a profile trains, counted: a published one, or one made of its base."""

from collections.abc import Sequence

from bimedix2_core.model.mixture.upcycle import upcycled_config
from bimedix2_core.model.shapes import Shape, count, shape_of
from bimedix2_core.params import Params, UpcycledBase, root
from bimedix2_core.plan.estimates import Model
from bimedix2_core.plan.quantities import BYTES
from bimedix2_core.training.matrices import held


def mixture_model(params: Params, models: Sequence[Model]) -> Model | None:
    """The mixture that a profile trains, with its adapters; None where it trains none, or its shape is not known.

    Args:
        params: the profile.
        models: of its base, of which an upcycled mixture is made; none where that is not known.
    """
    if params.mixture is None:
        return None
    base = params.mixture.base
    if isinstance(base, UpcycledBase):
        made = {"n_experts": base.n_experts, "n_chosen": base.n_chosen}
        shape = Shape(upcycled_config(models[0].shape.language, **made)) if models else None
    else:
        shape = shape_of(base, root())
    if shape is None:
        return None
    _, n_lora = held(shape.language, lora_r=params.mixture.training.lora_r)
    return Model(shape, count(shape), n_lora, BYTES[params.model.dtype])
