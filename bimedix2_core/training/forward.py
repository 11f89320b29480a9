"""Forward: one packed row through the model to its loss, with no work that the loss does not need.

    images --> vision encoder (each distinct image once, frozen) --> projector --> into the row's image tokens
    row --> language model (packed attention) --> states before supervised tokens --> cross-entropy in chunks

Shape letters:
    T tokens in the row, S supervised tokens, I distinct images, M image tokens, D hidden size, N features of an image
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import LlavaForConditionalGeneration

from bimedix2_core.model.adapters import without_adapters
from bimedix2_core.model.vision_features import image_features
from bimedix2_core.training.loss import cross_entropy
from bimedix2_core.training.packing.attention import Seen


@dataclass(frozen=True)
class RowInputs:
    """A packed row on the model's device."""

    input_ids: Tensor
    """int64[1, T]"""
    position_ids: Tensor
    """int64[1, T]"""
    seen: Seen
    """What each token sees."""
    sources: Tensor
    """int64[S], the state that predicts each target."""
    targets: Tensor
    """int64[S]"""
    weights: Tensor
    """float64[S], what each target counts."""
    image_tokens: Tensor
    """int64[M], places of the image tokens in the row."""
    image_numbers: Tensor
    """int64[M / N], which of the distinct images stands at each place of an image."""
    pixel_values: Tensor | None
    """float[I, 3, H, W]; None where the row shows no image."""


class PackedLoss(nn.Module):
    """A multimodal model as a function from a packed row to its loss: what a distributed wrapper wraps."""

    def __init__(self, model: nn.Module):
        """Wrap ``LlavaForConditionalGeneration``, with or without adapters of PEFT."""
        super().__init__()
        self.model = model

    @property
    def llava(self) -> LlavaForConditionalGeneration:
        """The model within PEFT's wrapper, adapters in its layers."""
        return without_adapters(self.model)

    def forward(self, row: RowInputs) -> tuple[Tensor, Tensor]:
        """The row's weighted loss, a scalar, and the loss of each target, float[S], without gradient.

        A row without images adds the projector's output to its embeddings, with a weight of zero: every row then has
        gradients for the same weights, which come in the same order. Processes that average gradients meet at each of
        them, and would wait for ever, or average one with another.
        """
        llava = self.llava
        embeddings = llava.model.language_model.embed_tokens(row.input_ids)
        projected = self._projected(row)
        if row.pixel_values is None:
            embeddings = embeddings + 0.0 * projected.to(embeddings.dtype)
        else:
            image = projected[row.image_numbers].flatten(0, 1).to(embeddings.dtype)
            embeddings = embeddings.index_copy(1, row.image_tokens, image[None])
        states = llava.model.language_model(
            inputs_embeds=embeddings, position_ids=row.position_ids, use_cache=False, seen=row.seen
        ).last_hidden_state[0]
        return cross_entropy(states[row.sources], llava.lm_head.weight, row.targets, row.weights)

    def _projected(self, row: RowInputs) -> Tensor:
        """float[I, N, D] of the row's distinct images; float[1, D] of nothing where it has none."""
        llava = self.llava
        if row.pixel_values is None:
            width = llava.config.vision_config.hidden_size
            weight = next(llava.model.multi_modal_projector.parameters())
            return llava.model.multi_modal_projector(torch.zeros(1, width, device=weight.device, dtype=weight.dtype))
        return llava.model.multi_modal_projector(image_features(llava, row.pixel_values))
