"""Losses: how surprised a model is by the right answers, sample by sample."""

from collections.abc import Sequence

import numpy as np
import torch
from tqdm.auto import tqdm

from bimedix2_core.data.chat import IGNORE_INDEX, encode
from bimedix2_core.model.assemble import Lmm
from bimedix2_core.model.inputs import model_inputs
from bimedix2_core.records import Sample


@torch.inference_mode()
def target_losses(lmm: Lmm, samples: Sequence[Sample], *, batch_size: int, title: str = "losses") -> np.ndarray:
    """Mean negative log-likelihood of each sample's supervised tokens.

    Returns:
        float64[N], in nats per token.

    Raises:
        DataError: a sample does not fit its template or images.
    """
    encoded = [encode(sample, lmm.tokenizer, n_image_tokens=lmm.n_image_tokens) for sample in samples]
    order = sorted(range(len(samples)), key=lambda index: len(encoded[index].input_ids))
    losses = np.empty(len(samples))
    with tqdm(total=len(samples), desc=title, unit="sample") as bar:
        for start in range(0, len(order), batch_size):
            indices = order[start : start + batch_size]
            losses[indices] = _losses(lmm, [samples[i] for i in indices], [encoded[i] for i in indices])
            bar.update(len(indices))
    return losses


def _losses(lmm: Lmm, samples, encoded) -> np.ndarray:
    inputs = model_inputs(lmm, samples, encoded)
    labels_BT = inputs.pop("labels")[:, 1:]
    logits_BTV = lmm.model(**inputs).logits[:, :-1].float()
    nll_BT = torch.nn.functional.cross_entropy(
        logits_BTV.transpose(1, 2), labels_BT, ignore_index=IGNORE_INDEX, reduction="none"
    )
    return (nll_BT.sum(1) / (labels_BT != IGNORE_INDEX).sum(1)).double().cpu().numpy()
