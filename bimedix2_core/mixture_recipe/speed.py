"""Speed: a mixture beside a dense model of the same total size, counted at true shapes and measured in small."""

import torch
from transformers import LlamaForCausalLM

from bimedix2_core.inference.throughput import throughputs
from bimedix2_core.mixture_recipe.models import load_mixture_base
from bimedix2_core.mixture_recipe.section import mixture_of
from bimedix2_core.model.mixture.bounds import same_total, true_bounds
from bimedix2_core.model.mixture.experts import group_experts
from bimedix2_core.model.shapes import Shape, count
from bimedix2_core.model.text_model import TextModel
from bimedix2_core.paper.tables import Table
from bimedix2_core.params import Params, UpcycledBase

BATCH_SIZE, N_READ, N_WRITTEN = 8, 64, 16
"""Texts at a time, tokens read of each, and tokens written after them."""

LOOP, GROUPED, DENSE = "mixture, transformers' own loop", "mixture, grouped experts", "dense, as many weights"


def bound_table() -> Table:
    """True shapes: weights, active weights, arithmetic, and how fast memory lets one token be written at best."""
    rows = [
        (name, f"{one.total:,}", f"{one.active:,}", round(one.flops / 1e9, 1), round(one.bytes_read / 1e9, 1),
         round(one.tokens_per_second))
        for name, one in true_bounds().items()
    ]  # fmt: skip
    columns = ("shape", "weights", "active for a token", "GFLOP a token", "GB read a token", "tokens/s at most")
    caption = "Counted, not measured: one text, bfloat16, one H200 whose memory gives 4.8 TB/s (data sheet)"
    return Table(columns, tuple(rows), caption)


def measured_table(params: Params) -> Table:
    """Tokens a second, measured: an upcycled mixture in both ways and the dense model beside it; else the mixture."""
    models = _models(params)
    sizes = {name: count(Shape.of(model.model.config)) for name, model in models.items()}
    found = throughputs(models, batch_size=BATCH_SIZE, n_read=N_READ, n_written=N_WRITTEN, seed=params.run.seed)
    first = next(iter(found.values()))
    rows = [
        (name, sizes[name].total, sizes[name].active, f"{one.reading:,.0f}", f"{one.reading / first.reading:.1f}",
         f"{one.writing:,.0f}", f"{one.writing / first.writing:.1f}")
        for name, one in found.items()
    ]  # fmt: skip
    columns = (
        "model", "weights", "active", "tokens/s read", "times the first", "tokens/s written", "times the first's",
    )  # fmt: skip
    caption = f"Measured here: {BATCH_SIZE} texts at a time, {N_READ} tokens read of each, {N_WRITTEN} written"
    return Table(columns, tuple(rows), caption)


def _models(params: Params) -> dict[str, TextModel]:
    """What is measured; a dense twin of a published mixture would not fit beside it."""
    own = load_mixture_base(params)
    group_experts(own.model)
    if not isinstance(mixture_of(params).base, UpcycledBase):
        return {GROUPED: own}
    loop = load_mixture_base(params)
    loop.model.set_experts_implementation("eager")
    with torch.random.fork_rng():
        dense = LlamaForCausalLM(same_total(own.model.config)).to(own.device, own.model.dtype)
    return {DENSE: TextModel(dense.eval(), own.tokenizer), LOOP: loop, GROUPED: own}
