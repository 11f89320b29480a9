"""Inputs: encoded samples become the padded tensors that the model's forward takes."""

from collections.abc import Sequence

import torch
from torch import Tensor

from bimedix2_core.data.chat import IGNORE_INDEX, Encoded
from bimedix2_core.model.assemble import Lmm
from bimedix2_core.records import Sample


def model_inputs(lmm: Lmm, samples: Sequence[Sample], encoded: Sequence[Encoded]) -> dict[str, Tensor]:
    """Padded tokens, labels and float[I, 3, H, W] pixels of some samples, on the model's device.

    Packed or padded, cached keys are never wanted in training: ``use_cache`` is off.
    """
    inputs = pad(encoded, pad_token_id=lmm.tokenizer.pad_token_id)
    inputs = {name: tensor.to(lmm.device) for name, tensor in inputs.items()}
    images = [image for sample in samples for image in sample.images]
    if images:
        inputs["pixel_values"] = lmm.pixel_values(images)
    return inputs | {"use_cache": False}


def pad(samples: Sequence[Encoded], *, pad_token_id: int, side: str = "right") -> dict[str, Tensor]:
    """Pad samples to the longest of them.

    Returns:
        input_ids int64[B, T], attention_mask int64[B, T] (0 on padding), labels int64[B, T].
    """
    return {
        "input_ids": pad_lists([sample.input_ids for sample in samples], pad_token_id, side=side),
        "attention_mask": pad_lists([[1] * len(sample.input_ids) for sample in samples], 0, side=side),
        "labels": pad_lists([sample.labels for sample in samples], IGNORE_INDEX, side=side),
    }


def pad_lists(rows: Sequence[Sequence[int]], value: int, *, side: str = "right") -> Tensor:
    """Return int64[B, T], each row padded with ``value`` to the longest on the given side."""
    return torch.nn.utils.rnn.pad_sequence(
        [torch.tensor(row) for row in rows], batch_first=True, padding_value=value, padding_side=side
    )
