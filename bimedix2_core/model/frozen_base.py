"""Frozen base: the language model's linear layers in 8 or 4 bits, where training leaves them as they are.

``fp8`` (opt-in; H100 and later) multiplies in 8 bits, at about twice the rate of bfloat16. Weights are e4m3 with a
scale for each output row; tokens are quantised as they come, each with a scale of its own. Gradients go the same way:
the weight's row scales are multiplied into the gradient before that is quantised, so the same codes serve both
directions, at 1 byte a weight. The 8-bit product wants both operands along the summed axis, so on the way back a
layer's codes are transposed for the moment (59 MB for the largest layer of the 8B). To keep both layouts would take 2
bytes a weight, as much as bfloat16: 14.0 GB for the 8B instead of 7.0. To multiply in bfloat16 on the way back would
take twice the time. Gradients are e4m3 as well: with a scale for each token they need its third mantissa bit more than
the wider range of e5m2.

``nf4`` (QLoRA) stores 4 bits a weight, of the quantiles of a normal distribution, with scales for blocks of 64 that
are quantised in turn; products are in the model's own format. Its layers are those of bitsandbytes. A mixture's
experts, which are no linear layers, are packed by ``model.mixture.quantised_experts``.

Source:
    row-wise recipe of torchao.float8 (e4m3 everywhere, fast accumulation); QLoRA, arXiv 2305.14314.

Shape letters:
    T tokens, I inputs, O outputs of a layer, N rows, K summed axis
"""

from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor, nn
from transformers import BitsAndBytesConfig, MixtralConfig, PreTrainedModel

from bimedix2_core.errors import ModelError
from bimedix2_core.model.adapters import decoder_of
from bimedix2_core.model.four_bits import bitsandbytes
from bimedix2_core.model.mixture.quantised_experts import quantise_experts

FrozenBase = Literal["plain", "fp8", "nf4"]

E4M3 = torch.float8_e4m3fn
E4M3_MAX = torch.finfo(E4M3).max  # 448
SMALLEST_SCALE = torch.finfo(torch.float32).tiny
FIRST_WITH_FP8 = (9, 0)
"""Compute capability of the H100, the first with row-wise scales in 8 bits."""


def freeze_as(model: PreTrainedModel, kind: FrozenBase, *, device: str | None = None) -> None:
    """Hold the linear layers of the language model's decoder layers, and a mixture's experts, in this format, in place.

    Embedding, head, router, projector and vision encoder stay as they are. Call it before adapters are added. The
    layers have no gradient any more, and what they were is lost.

    Args:
        model: loaded, without adapters: a LLaVA or a causal language model.
        kind: ``plain`` changes nothing; so does ``nf4`` where ``load_parts`` already loaded it so.
        device: where the model goes, one decoder layer after the other, each packed when it is there: a GPU never holds
            them all as they were. None: it stays where it is.

    Raises:
        ModelError: the GPU has no 8-bit products, bitsandbytes is not installed, or a mixture is to be in ``fp8``.
    """
    decoder = decoder_of(model)
    if kind == "fp8" and isinstance(decoder.config, MixtralConfig):
        raise ModelError(
            "fp8 has no form for a mixture's experts, most of its weights; set frozen_base to plain or nf4"
        )
    for layer in decoder.layers:
        layer.to(device)
        if kind != "plain":
            _pack(layer, kind)
    if device is not None:
        model.to(device)
    if kind != "plain":
        model.is_loaded_in_4bit = kind == "nf4"  # what PEFT looks for, to merge adapters into 4 bits


def _pack(layer: nn.Module, kind: FrozenBase) -> None:
    make = _fp8 if kind == "fp8" else _nf4
    for parent, name in list(_linear_layers(layer)):
        setattr(parent, name, make(getattr(parent, name)))
    if kind == "nf4":
        quantise_experts(layer)


def nf4_config(dtype: torch.dtype) -> BitsAndBytesConfig:
    """What ``from_pretrained`` needs to load a language model in 4 bits, so that the GPU never holds it in 16.

    Raises:
        ModelError: bitsandbytes is not installed.
    """
    bitsandbytes()
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
        bnb_4bit_quant_storage=dtype,
        llm_int8_skip_modules=["lm_head"],
    )


class Fp8Linear(nn.Linear):
    """A frozen linear layer that multiplies in 8 bits; on a CPU the same rounding, multiplied in float32."""

    def __init__(self, linear: nn.Linear):
        """Quantise the layer's weight, float[O, I]."""
        super().__init__(linear.in_features, linear.out_features, bias=False, device="meta")
        codes, scale = quantise(linear.weight.detach())
        self.weight = nn.Parameter(codes.view(torch.uint8), requires_grad=False)
        """uint8[O, I], the bits of e4m3: a float would be cast by whoever casts the model, PEFT's adapters to it."""
        self.scale = nn.Parameter(scale, requires_grad=False)
        """float32[O, 1]"""
        self.bias = linear.bias

    def forward(self, inputs: Tensor) -> Tensor:
        """float[..., I] to float[..., O], of the same dtype."""
        outputs = _Fp8Product.apply(inputs.flatten(0, -2), self.weight, self.scale).unflatten(0, inputs.shape[:-1])
        return outputs if self.bias is None else outputs + self.bias


class _Fp8Product(torch.autograd.Function):
    """``inputs @ weight.T`` with a gradient for the inputs alone; nothing but the weight is kept for it."""

    @staticmethod
    def forward(ctx, inputs_TI: Tensor, weight_OI: Tensor, scale_O1: Tensor) -> Tensor:
        ctx.save_for_backward(weight_OI, scale_O1)
        return _product(inputs_TI, weight_OI.view(E4M3), scale_O1.T, dtype=inputs_TI.dtype)

    @staticmethod
    def backward(ctx, gradient_TO: Tensor) -> tuple[Tensor, None, None]:
        weight_OI, scale_O1 = ctx.saved_tensors
        weight_IO = weight_OI.T.contiguous().view(E4M3)
        folded = gradient_TO.float() * scale_O1.T
        ones = torch.ones(1, weight_IO.shape[0], device=folded.device)
        return _product(folded, weight_IO, ones, dtype=gradient_TO.dtype), None, None


def quantise(values: Tensor) -> tuple[Tensor, Tensor]:
    """Round each row to e4m3 (3 bits after the point) with a scale that makes its largest value 448.

    A value is off by at most a sixteenth of itself, or by 2^-10 scales where it is below 2^-6 of them.

    Args:
        values: float[N, K].

    Returns:
        codes e4m3[N, K] and scales float32[N, 1]; a value is its code times its row's scale.
    """
    values = values.float()
    scale = (values.abs().amax(dim=1, keepdim=True) / E4M3_MAX).clamp(min=SMALLEST_SCALE)
    return (values / scale).to(E4M3), scale


def _product(values_TK: Tensor, codes_NK: Tensor, scale_1N: Tensor, *, dtype: torch.dtype) -> Tensor:
    """``values @ (codes * scale).T``, float[T, N], with the values quantised token by token."""
    codes_TK, scale_T1 = quantise(values_TK)
    multiply = _multiply_on_gpu if values_TK.is_cuda else _multiply
    return multiply(codes_TK, scale_T1, codes_NK, scale_1N).to(dtype)


def _multiply(codes_TK: Tensor, scale_T1: Tensor, codes_NK: Tensor, scale_1N: Tensor) -> Tensor:
    return codes_TK.float() @ codes_NK.float().T * scale_T1 * scale_1N


def _multiply_on_gpu(codes_TK: Tensor, scale_T1: Tensor, codes_NK: Tensor, scale_1N: Tensor) -> Tensor:
    """As ``_multiply``, rounded to bfloat16. Sums are kept to fewer bits: by rows it is fast in no other way."""
    return torch._scaled_mm(
        codes_TK.contiguous(), codes_NK.T, scale_a=scale_T1, scale_b=scale_1N.contiguous(), out_dtype=torch.bfloat16,
        use_fast_accum=True,
    )  # fmt: skip


def _linear_layers(layers: nn.Module) -> Iterator[tuple[nn.Module, str]]:
    """Each plain linear layer, as the module that holds it and its name there: who held them all would free none."""
    for parent in layers.modules():
        for name, child in parent.named_children():
            if type(child) is nn.Linear:
                yield parent, name


def _fp8(linear: nn.Linear) -> Fp8Linear:
    if linear.weight.is_cuda and torch.cuda.get_device_capability(linear.weight.device) < FIRST_WITH_FP8:
        name = torch.cuda.get_device_name(linear.weight.device)
        raise ModelError(f"{name} has no 8-bit products by rows (H100 and later do); set frozen_base to plain or nf4")
    return Fp8Linear(linear)


def _nf4(linear: nn.Linear) -> nn.Linear:
    bnb = bitsandbytes()
    weight, bias = linear.weight, linear.bias
    packed = bnb.nn.Linear4bit(
        linear.in_features, linear.out_features, bias=False, compute_dtype=weight.dtype, device="meta"
    )
    packed.weight = bnb.nn.Params4bit(
        weight.detach(), requires_grad=False, quant_type="nf4", compress_statistics=True, quant_storage=weight.dtype,
        module=packed,
    )  # fmt: skip
    packed.bias = bias
    return packed.to(weight.device)  # quantises
