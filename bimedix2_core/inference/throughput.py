"""Throughput: how many tokens a second a language model reads and writes, several models measured in turn.

Shape letters:
    B texts at a time, T tokens of each
"""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from tqdm.auto import tqdm

from bimedix2_core.model.text_model import TextModel

N_ROUNDS = 5
"""Times that each model is measured; the median counts."""


@dataclass(frozen=True)
class Throughput:
    """Tokens a second of one model: the median over rounds."""

    reading: float
    """Of prompts, all tokens at once (prefill)."""
    writing: float
    """One after the other, each from those before (decode), greedy, with a cache."""


def throughputs(
    models: Mapping[str, TextModel], *, batch_size: int, n_read: int, n_written: int, seed: int
) -> dict[str, Throughput]:
    """Measure each model on the same random tokens.

    The models take turns in each round, so that a slow minute of the machine is slow for all of them; the first round
    warms up and is not counted.

    Args:
        models: by name; with the same vocabulary.
        batch_size: B.
        n_read: T of a prompt.
        n_written: tokens written after it.
        seed: of the tokens.
    """
    size = min(model.model.config.vocab_size for model in models.values())
    tokens = torch.randint(size, (batch_size, n_read), generator=torch.Generator().manual_seed(seed))
    found: dict[str, list[Throughput]] = {name: [] for name in models}
    for _ in tqdm(range(1 + N_ROUNDS), desc="Measuring", unit="round"):
        for name, model in models.items():
            found[name].append(_measured(model, tokens.to(model.device), n_written))
    return {name: _median(rounds[1:]) for name, rounds in found.items()}


@torch.no_grad()
def _measured(model: TextModel, tokens_BT: torch.Tensor, n_written: int) -> Throughput:
    n_texts, n_read = tokens_BT.shape
    reading, first = _timed(lambda: model.model(tokens_BT, use_cache=True, logits_to_keep=1))
    writing, _ = _timed(lambda: _write(model, first, n_written))
    return Throughput(n_texts * n_read / reading, n_texts * n_written / writing)


def _write(model: TextModel, first, n_written: int) -> None:
    """Write greedily after what was read."""
    output = first
    for _ in range(n_written):
        token = output.logits[:, -1:].argmax(dim=-1)
        output = model.model(token, past_key_values=output.past_key_values, use_cache=True)


def _timed(work: Callable) -> tuple[float, object]:
    """Seconds until the device has done it, and what came of it."""
    on_gpu = torch.cuda.is_available()
    started = time.perf_counter()
    result = work()
    if on_gpu:
        torch.cuda.synchronize()
    return time.perf_counter() - started, result


def _median(rounds: list[Throughput]) -> Throughput:
    return Throughput(
        statistics.median(one.reading for one in rounds), statistics.median(one.writing for one in rounds)
    )
