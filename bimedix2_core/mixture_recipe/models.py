"""Models: the mixture that a profile trains, the dense model beside it, and who is examined."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import torch

from bimedix2_core.bench.clinical_qa.examined import Examined
from bimedix2_core.benchmark_recipe import examine
from bimedix2_core.data.chat import encode
from bimedix2_core.inference.backends import LocalBackend
from bimedix2_core.mixture_recipe.section import mixture_of
from bimedix2_core.model.mixture.adapters import load_mixture_adapter
from bimedix2_core.model.mixture.experts import group_experts
from bimedix2_core.model.mixture.loading import load_nf4_mixture
from bimedix2_core.model.mixture.upcycle import upcycled
from bimedix2_core.model.text_model import TextModel, load_finished
from bimedix2_core.model.text_part import text_part
from bimedix2_core.params import Params, UpcycledBase
from bimedix2_core.recipe import device_of, load_base
from bimedix2_core.records import Row, Sample
from bimedix2_core.respondents import BASE_ROW, Respondent
from bimedix2_core.runs import JsonlStore

MIXTURE_ROW = "mixture"
"""Row of the mixture that is trained here; what the paper prints is of weights that its authors trained."""

SAME = 1e-3
"""Largest difference of two log-probabilities that count as the same; float32 leaves about a hundredth of it."""

TABLES = ("bimedix1_english", "bimedix1_arabic", "bimedix1_bilingual")
"""Exhibits of BiMediX's own three tables."""


def load_mixture_base(params: Params) -> TextModel:
    """What the mixture's training starts from: a published mixture, or the dense base with each expert a copy.

    Raises:
        ModelError: the weights are not there, or need bitsandbytes, which is not installed.
        ParamsError: the profile has no mixture.
    """
    asked, dtype = mixture_of(params), getattr(torch, params.model.dtype)
    if isinstance(asked.base, UpcycledBase):
        dense = load_dense(params)
        mixture = upcycled(
            dense.model, n_experts=asked.base.n_experts, n_chosen=asked.base.n_chosen, seed=params.run.seed
        )
        return TextModel(mixture.eval(), dense.tokenizer)
    if asked.frozen_base == "nf4":
        return load_nf4_mixture(asked.base, dtype=dtype, device=device_of(params))
    return load_finished(asked.base, dtype=dtype, device=device_of(params))


def load_dense(params: Params) -> TextModel:
    """The language model of the profile's base, which an upcycled mixture is made of.

    Raises:
        ModelError: the base is not there.
        ParamsError: the profile has none.
    """
    return text_part(load_base(params))


def load_mixture(params: Params, folder: Path) -> TextModel:
    """The trained mixture: its base with the adapters of the folder, its experts computed in groups.

    Raises:
        ModelError: there is no adapter, or no base.
        ParamsError: the profile has no mixture.
    """
    base = load_mixture_base(params)
    adapted = load_mixture_adapter(base.model, folder).eval()
    group_experts(adapted)
    return TextModel(adapted, base.tokenizer, note=base.note)


@torch.no_grad()
def beginning(params: Params, mixture: TextModel, samples: Sequence[Sample]) -> str:
    """One sentence: what the mixture is before it is trained, and whether it predicts what its dense base predicts.

    Args:
        params: the profile.
        mixture: of `load_mixture_base`.
        samples: conversations to compare both on.
    """
    asked = mixture_of(params)
    if not isinstance(asked.base, UpcycledBase):
        return f"a published mixture: {asked.base}"
    dense, gap, n_tokens = load_dense(params), 0.0, 0
    for sample in samples:
        ids = encode(sample, dense.tokenizer, n_image_tokens=0).input_ids
        tokens = torch.tensor([ids], device=dense.device)
        predicted = [model.model(tokens).logits.log_softmax(-1) for model in (dense, mixture)]
        gap, n_tokens = max(gap, (predicted[0] - predicted[1]).abs().max().item()), n_tokens + len(ids)
    return (
        f"{asked.base.n_experts} copies of the dense network in each layer, {asked.base.n_chosen} for each token; on "
        f"{n_tokens} tokens in two languages it {'predicts' if gap < SAME else 'does NOT predict'} what the dense "
        f"model predicts (log-probabilities within {SAME:g})"
    )


def table_rows(params: Params) -> dict[str, tuple[str, ...]]:
    """The models that belong into each of BiMediX's tables: base and mixture into all, released weights as named."""
    return {table: (BASE_ROW, MIXTURE_ROW, *params.model.checkpoints.get(table, {})) for table in TABLES}


def mixture_respondents(params: Params, folder: Path) -> tuple[Respondent, ...]:
    """Who is examined: what the mixture is made of, the mixture that lies in the folder, then the released weights."""
    made_of = load_dense if isinstance(mixture_of(params).base, UpcycledBase) else load_mixture_base
    own = {BASE_ROW: partial(made_of, params), MIXTURE_ROW: partial(load_mixture, params, folder)}
    named = {row: name for table in TABLES for row, name in params.model.checkpoints.get(table, {}).items()}
    released = {row: partial(_released, params, name) for row, name in named.items()}
    return tuple(Respondent(row, partial(_in_process, params, load)) for row, load in (own | released).items())


def examined(
    params: Params, respondents: Sequence[Respondent], sets: Mapping[str, Sequence[Row]], *, store: JsonlStore
) -> list[Examined]:
    """Every model on every question under the first protocol of the profile; one model is in memory at a time."""
    first = params.benchmarks.clinical_qa.protocols[:1]
    return list(examine(params, respondents, sets, store=store, protocols=first).values())


def _released(params: Params, name: str) -> TextModel:
    return load_finished(name, dtype=getattr(torch, params.model.dtype), device=device_of(params))


def _in_process(params: Params, load: Callable[[], TextModel]) -> LocalBackend:
    return LocalBackend(load(), params.inference, seed=params.run.seed)
