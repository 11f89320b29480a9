"""Correctness: the attention paths against a dense mask in float32, and packed training against HF's own forward."""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import torch
from torch import Tensor
from transformers import LlamaConfig
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from bimedix2_core.model.shapes import Shape
from bimedix2_core.training.forward import PackedLoss
from bimedix2_core.training.loop import row_inputs
from bimedix2_core.training.packing.attention import PACKED, packed_attention, seen_by
from bimedix2_core.training.packing.rows import Block
from gpu_training_parts.data import STAGE2, Bench, drawn, packed
from gpu_training_parts.models import hf_loss, padded_batches, trainable
from gpu_training_parts.speed import now

LIMITS = {torch.float32: 1e-4, torch.bfloat16: 1e-2}
"""Of |ours - reference| / |reference|."""

TREES = ((0.0, 0.30, 0.34, 0.37, 0.40), (0.40, 0.40, 0.45), (0.45, 0.51, 0.65, 0.70), (0.70, 0.80, 0.81, 0.89, 0.97))
"""Where each begins, its branches begin, and it ends, as shares of a row; padding comes last."""


def attention(bench: Bench, dtype: torch.dtype) -> dict:
    """Packed attention against softmax over a dense mask in float32, forward and backward, trees and padding in it."""
    length, device = int(2048 * bench.scale), torch.device(bench.device)
    blocks = tuple(block(*(int(share * length) for share in tree)) for tree in TREES)
    query, key, value, gradient = inputs = heads(bench, length, dtype)
    ours = attend(inputs, blocks)()
    ours.backward(gradient.transpose(1, 2))
    wide = [tensor.detach().float().requires_grad_() for tensor in (query, key, value)]
    repeat, scale = query.shape[1] // key.shape[1], query.shape[-1] ** -0.5
    scores = wide[0] @ wide[1].repeat_interleave(repeat, 1).transpose(-1, -2) * scale
    weights = scores.masked_fill(~visible(blocks, length).to(device), -math.inf).softmax(-1)
    reference = weights @ wide[2].repeat_interleave(repeat, 1)
    reference.backward(gradient.float())
    errors = {"out": difference(ours.transpose(1, 2), reference)}
    for name, found, expected in zip(("query", "key", "value"), (query, key, value), wide, strict=True):
        errors[f"d {name}"] = difference(found.grad, expected.grad)
    return errors | verdict(errors.values(), dtype)


def parity(bench: Bench) -> dict:
    """Two layers of the model's width in float32: loss and gradients, packed, against samples one by one through HF."""
    torch.backends.cudnn.allow_tf32 = False
    two = LlamaConfig.from_dict(bench.shape.language.to_dict() | {"num_hidden_layers": 2})
    small = replace(bench, shape=Shape(two, bench.shape.vision), dtype=torch.float32)
    lmm, groups = trainable(small, small.settings("stage2", adapter_dtype="float32", lora_dropout=0.0))
    data = drawn(small, lmm, replace(STAGE2, images=0.6, longest=1024, samples=12))
    weights = {name: weight for group in groups for name, weight in zip(group.names, group.parameters, strict=True)}
    batch, loss = padded_batches(lmm, data), 0.0
    for index in range(len(data)):
        alone = hf_loss(lmm, data, batch, index)
        alone.backward()
        loss += alone.item()
    reference = {name: weight.grad.clone() for name, weight in weights.items()}
    lmm.model.zero_grad()
    net, ours = PackedLoss(lmm.model), 0.0
    with packed_attention(net.llava.model.language_model):
        for fed in packed(lmm, data, small.settings("stage2", row_length=4096)):
            row = net(row_inputs(fed, lmm.device))[0]
            row.backward()
            ours += row.item()
    gradients = {name: difference(weight.grad, reference[name]) for name, weight in weights.items()}
    worst = max(gradients, key=gradients.get)
    errors = {"loss": abs(ours - loss) / loss, "gradient": gradients[worst]}
    return errors | verdict([*errors.values(), *gradients.values()], torch.float32) | {"worst": worst, "of": loss}


def attention_speed(bench: Bench) -> dict:
    """Milliseconds of attention, forward and back, over a row of 16 separate documents; varlen where torch has it."""
    length, n_documents, device = int(8192 * bench.scale), 16, torch.device(bench.device)
    inputs = heads(bench, length, bench.dtype)
    ends = torch.arange(0, length + 1, length // n_documents, dtype=torch.int32)
    packed_rows = attend(inputs, [block(start, start, end) for start, end in pairwise(ends.tolist())])

    def varlen() -> Tensor:
        from torch.nn.attention.varlen import varlen_attn  # not in every torch, nor on every device

        n_heads, longest = inputs[0].shape[1], length // n_documents
        parts = [one.repeat_interleave(n_heads // one.shape[1], 1)[0].transpose(0, 1) for one in inputs[:3]]
        return varlen_attn(*parts, ends.to(device), ends.to(device), longest, longest, window_size=(-1, 0))[None]

    def milliseconds(forward: Callable[[], Tensor]) -> float:
        seconds = []
        for _ in range(13):
            before = now(bench)
            forward().backward(inputs[3].transpose(1, 2))
            seconds.append(now(bench) - before)
        return 1000 * statistics.median(seconds[3:])

    measured = {"packed ms": milliseconds(packed_rows)}
    try:
        return measured | {"varlen ms": milliseconds(varlen), "apart": difference(varlen(), packed_rows())}
    except (ImportError, NotImplementedError, RuntimeError, TypeError) as error:
        return measured | {"varlen": f"not here ({type(error).__name__})"}


def attend(inputs: Sequence[Tensor], blocks: Sequence[Block]) -> Callable[[], Tensor]:
    """Attention as the decoder layers call it, float[1, T, H, K]; the mask is made once, as for all layers of a row."""
    query, key, value, _ = inputs
    seen = seen_by(blocks, length=query.shape[2], device=query.device)
    form = {"seen": seen, "scaling": query.shape[-1] ** -0.5}
    return lambda: ALL_ATTENTION_FUNCTIONS[PACKED](None, query, key, value, None, **form)[0]


def heads(bench: Bench, length: int, dtype: torch.dtype) -> list[Tensor]:
    """Queries, keys, values and the gradient of what comes out, float[1, heads, T, K] at random."""
    language, generator = bench.shape.language, torch.Generator(bench.device).manual_seed(2)
    many, few = language.num_attention_heads, language.num_key_value_heads
    sizes = [(1, count, length, language.hidden_size // many) for count in (many, few, few, many)]
    draws = [torch.randn(size, generator=generator, device=bench.device).to(dtype) for size in sizes]
    return [*(draw.requires_grad_() for draw in draws[:3]), draws[3]]


def block(start: int, *branches_and_end: int) -> Block:
    """A tree by places in the row."""
    *branches, end = branches_and_end
    return Block(start, end, tuple(branch - start for branch in branches))


def visible(blocks: Sequence[Block], length: int) -> Tensor:
    """bool[T, T], written out: a token sees its tree's prefix and its own branch up to itself; padding sees padding."""
    sees = torch.zeros(length, length, dtype=torch.bool)
    for one in blocks:
        begins = [one.start + branch for branch in one.branches]
        sees[one.start : one.end, one.start : begins[0]] = True
        for begin, end in pairwise([*begins, one.end]):
            sees[begin:end, begin:end] = True
    sees[blocks[-1].end :, blocks[-1].end :] = True
    return sees.tril()


def difference(ours: Tensor, reference: Tensor) -> float:
    """|ours - reference| / |reference|."""
    return ((ours.double() - reference.double()).norm() / reference.double().norm()).item()


def verdict(errors: Sequence[float], dtype: torch.dtype) -> dict:
    """Whether all are within what the format allows; NaN never is."""
    return {"limit": LIMITS[dtype], "verdict": "met" if all(one <= LIMITS[dtype] for one in errors) else "NOT MET"}
