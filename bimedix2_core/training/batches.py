"""Batches: which samples make up each step.

The plan is drawn once from the seed, so the batch of step 1,000 is known without running the 999 before it, and a
resumed run reads what an uninterrupted one reads. Lengths are grouped inside a global batch only: its micro-batches
hold samples of like length, which saves padding, while what a step learns from stays a random draw.
"""

from collections.abc import Sequence

import numpy as np

from bimedix2_core.errors import ParamsError


def batch_plan(n_samples: int, batch_size: int, *, n_steps: int, seed: int) -> list[list[int]]:
    """Return the sample indices of each of ``n_steps`` global batches.

    Every sample is seen once before any is seen twice; an epoch that does not divide runs on into the next.
    """
    generator = np.random.default_rng(seed)
    n_epochs = -(-n_steps * batch_size // n_samples)
    order = np.concatenate([generator.permutation(n_samples) for _ in range(n_epochs)])
    return [order[step * batch_size : (step + 1) * batch_size].tolist() for step in range(n_steps)]


def micro_batches(batch: Sequence[int], lengths: Sequence[int], *, micro_batch_size: int) -> list[list[int]]:
    """Split a global batch into micro-batches of like length, shortest first.

    Raises:
        ParamsError: ``micro_batch_size`` does not divide the batch.
    """
    if len(batch) % micro_batch_size:
        raise ParamsError(
            f"a global batch of {len(batch)} does not split into micro batches of {micro_batch_size}; "
            "choose a micro_batch_size that divides global_batch_size"
        )
    ordered = sorted(batch, key=lambda index: (lengths[index], index))
    return [ordered[start : start + micro_batch_size] for start in range(0, len(ordered), micro_batch_size)]
