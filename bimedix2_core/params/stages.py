"""Stages: how a part of the training runs, whatever it trains, and what those with adapters add."""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from bimedix2_core.params.section import Count, CountOrZero, Rate, Section, Share


class StageParams(Section):
    """How one training stage runs: AdamW, cosine schedule with linear warm-up."""

    learning_rate: Rate
    """Peak learning rate: of the projector in Stage 1, of the adapters in Stage 2 and of the mixture."""
    global_batch_size: Count
    """Samples per optimiser step, over all processes and accumulation steps."""
    row_length: Count
    """Tokens of one packed row, the unit of a forward pass; samples are packed into rows and none is cut."""
    share_images: bool
    """Conversations about one image, twins among them, are packed behind one copy of it and fall into one step."""
    loss_weighting: Literal["tokens", "samples"]
    """What counts the same within a step: each supervised token, or each sample."""
    epochs: Count | None = None
    """Passes over the data; exactly one of epochs and max_steps is given."""
    max_steps: Count | None = Field(default=None, validate_default=True)
    """Optimiser steps; exactly one of epochs and max_steps is given."""
    warmup_ratio: Share
    """Share of the steps in which the rate rises to its peak."""
    weight_decay: Share
    """AdamW's decoupled decay; 0 makes it Adam."""
    max_length: Count
    """Longest sample in tokens, image features included."""
    too_long: Literal["error", "cut"]
    """What becomes of a longer sample: it stops the run at its start, or is cut at max_length."""
    max_grad_norm: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    """Gradients are scaled down to this norm."""
    checkpoint_every: Count
    """Optimiser steps between two checkpoints a killed run can go on from."""
    keep_checkpoints: Count
    """How many of the last checkpoints are kept, beside the one with the lowest loss."""
    activation_checkpointing: Literal["none", "layers"]
    """layers keeps only what enters each layer and computes the rest again on the way back: less memory, more time."""
    compile_layers: bool
    """Compile the language model's layers with torch.compile; rows are then padded to few lengths."""
    image_workers: CountOrZero
    """Processes that open images ahead of time; 0 opens them between the steps."""
    tensorboard: bool
    """Also write TensorBoard's event files; needs the tensorboard package."""

    @field_validator("max_length")
    @classmethod
    def _fits_a_row(cls, value: int, info: ValidationInfo) -> int:
        row_length = info.data.get("row_length")
        if row_length is not None and value > row_length:
            raise ValueError(f"{value} tokens do not fit a row of row_length {row_length}; raise row_length to {value}")
        return value

    @field_validator("max_steps")
    @classmethod
    def _one_length(cls, value: int | None, info: ValidationInfo) -> int | None:
        if "epochs" in info.data and (value is None) == (info.data["epochs"] is None):
            found = "neither" if value is None else f"epochs {info.data['epochs']} and max_steps {value}"
            raise ValueError(f"give exactly one of epochs and max_steps (null the other); found {found}")
        return value


class AdapterParams(StageParams):
    """A stage that trains LoRA adapters."""

    lora_r: Count
    """Rank of the adapters."""
    lora_alpha: Count
    """Adapters are scaled by lora_alpha / lora_r."""
    adapter_dtype: Literal["float32", "bfloat16"]
    """Number format of the adapters; 16 bits spare a detour through float32, their masters stay in float32."""


class Stage2Params(AdapterParams):
    """Stage 2 trains LoRA adapters beside the projector."""

    lora_dropout: Share
    """Dropout before the adapters."""
    projector_learning_rate: Rate
    """Peak learning rate of the projector."""
