"""Measured: the mixture, two dense models and two ways to compute experts, in turn on one machine."""

import copy
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from transformers import LlamaConfig, LlamaForCausalLM, MixtralForCausalLM, PreTrainedTokenizerBase

from bimedix2_core.inference.throughput import throughputs
from bimedix2_core.model.mixture.adapters import add_mixture_lora
from bimedix2_core.model.mixture.bounds import dense_like, wide_inner
from bimedix2_core.model.mixture.experts import group_experts
from bimedix2_core.model.mixture.upcycle import upcycled
from bimedix2_core.model.text_model import TextModel
from bimedix2_core.model.text_part import text_part
from bimedix2_core.params import load_params
from bimedix2_core.recipe import load_base

SMALL, WIDE, LOOP, GROUPED = "dense, small", "dense, same total", "mixture, transformers' loop", "mixture, grouped"
N_EXPERTS, N_CHOSEN, RANK = 8, 2, 16


@dataclass(frozen=True)
class Setting:
    """How much is read, written and trained on."""

    n_read: int
    n_written: int
    batch_size: int
    train_batch: int
    rounds: int
    dtype: torch.dtype


CPU = Setting(n_read=64, n_written=16, batch_size=16, train_batch=8, rounds=5, dtype=torch.float32)
CUDA = Setting(n_read=1024, n_written=128, batch_size=16, train_batch=8, rounds=5, dtype=torch.bfloat16)

CUDA_DENSE = LlamaConfig(
    vocab_size=32_000, hidden_size=2048, intermediate_size=7168, num_hidden_layers=8, num_attention_heads=16,
    num_key_value_heads=8, max_position_embeddings=4096, tie_word_embeddings=False,
)  # fmt: skip
"""Small enough that four models and their gradients fit beside each other; drawn at random."""


def models(device: str, setting: Setting) -> dict[str, TextModel]:
    """The four, by name; the two mixtures have the same weights."""
    if device == "cpu":
        part = text_part(load_base(load_params("params/demo.yaml")))
        small, tokenizer = part.model, part.tokenizer
    else:
        torch.manual_seed(0)
        small, tokenizer = LlamaForCausalLM(CUDA_DENSE), None
    small = small.to(setting.dtype)
    mixture = upcycled(small, n_experts=N_EXPERTS, n_chosen=N_CHOSEN, seed=0)
    inner = wide_inner(small.config.hidden_size, small.config.intermediate_size, N_EXPERTS)
    wide = LlamaForCausalLM(dense_like(small.config, inner))
    return {
        SMALL: _on(small, device, setting, tokenizer),
        WIDE: _on(wide, device, setting, tokenizer),
        LOOP: _on(looped(mixture), device, setting, tokenizer),
        GROUPED: _on(grouped(mixture), device, setting, tokenizer),
    }


def looped(mixture: MixtralForCausalLM) -> MixtralForCausalLM:
    """A copy that goes from expert to expert, as the model's own code does."""
    loop = copy.deepcopy(mixture)
    loop.set_experts_implementation("eager")
    return loop


def grouped(mixture: MixtralForCausalLM) -> MixtralForCausalLM:
    """A copy with this project's experts."""
    own = copy.deepcopy(mixture)
    group_experts(own)
    return own


def speeds(models: Mapping[str, TextModel], setting: Setting) -> dict[str, dict[str, float]]:
    """Tokens a second of each model: prompts read, one text and many written, trained on."""
    many = throughputs(
        models, batch_size=setting.batch_size, n_read=setting.n_read, n_written=setting.n_written, seed=0
    )
    single = throughputs(models, batch_size=1, n_read=setting.n_read, n_written=setting.n_written, seed=0)
    passes = {name: lambda model=model.model: _train_pass(model, setting) for name, model in models.items()}
    seconds = in_turn(passes, setting.rounds)
    n_trained = setting.train_batch * setting.n_read
    return {
        name: {
            "read": many[name].reading,
            "written, 1 text": single[name].writing,
            f"written, {setting.batch_size} texts": many[name].writing,
            "trained": n_trained / seconds[name],
        }
        for name in models
    }


def expert_seconds(mixture: TextModel, setting: Setting) -> dict[tuple[str, str, str], float]:
    """Seconds of a pass through the whole mixture, by way to compute experts, adapters, and direction."""
    plain = mixture.model
    lora = {"rank": RANK, "alpha": 2 * RANK, "seed": 0}
    copies = {
        ("loop", "none"): looped(plain),
        ("grouped", "none"): grouped(plain),
        ("loop", "LoRA"): add_mixture_lora(looped(plain), **lora),
        ("grouped", "LoRA"): add_mixture_lora(copy.deepcopy(plain), **lora),
    }
    group_experts(copies["grouped", "LoRA"])
    passes = {}
    for (way, adapters), model in copies.items():
        passes[way, adapters, "forward"] = lambda model=model: _read_pass(model, setting)
        passes[way, adapters, "forward and backward"] = lambda model=model: _train_pass(model, setting)
    return in_turn(passes, setting.rounds)


def in_turn(passes: Mapping, rounds: int) -> dict:
    """Median seconds of each; they take turns, so that a slow minute is slow for all; the first round warms up."""
    found = {name: [] for name in passes}
    for _ in range(1 + rounds):
        for name, run in passes.items():
            found[name].append(_timed(run))
    return {name: statistics.median(seconds[1:]) for name, seconds in found.items()}


def _on(model, device: str, setting: Setting, tokenizer: PreTrainedTokenizerBase | None) -> TextModel:
    return TextModel(model.to(device, setting.dtype).eval(), tokenizer)


def _tokens(model, setting: Setting) -> torch.Tensor:
    size = (setting.train_batch, setting.n_read)
    generator = torch.Generator().manual_seed(1)
    return torch.randint(model.config.vocab_size, size, generator=generator).to(next(model.parameters()).device)


@torch.no_grad()
def _read_pass(model, setting: Setting) -> None:
    model(_tokens(model, setting), logits_to_keep=1)


def _train_pass(model, setting: Setting) -> None:
    tokens = _tokens(model, setting)
    model.zero_grad(set_to_none=True)
    model(tokens, labels=tokens).loss.backward()


def _timed(run: Callable) -> float:
    started = time.perf_counter()
    run()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started
