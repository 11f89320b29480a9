"""Forward: one packed row through the model to its loss, with no work that the loss does not need.

    images --> vision encoder (each distinct image once, frozen) --> projector --> into the row's image tokens
    row --> language model (packed attention) --> states before supervised tokens --> cross-entropy in chunks

A model that reads text only does without the first line. The layers of a mixture of experts also say how their router
chose, and how evenly it did is a loss of its own.

Shape letters:
    T tokens in the row, S supervised tokens, I distinct images, M image tokens, D hidden size, N features of an image
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from transformers import LlavaForConditionalGeneration
from transformers.modeling_outputs import BaseModelOutputWithPast
from transformers.models.mixtral.modeling_mixtral import load_balancing_loss_func

from bimedix2_core.model.adapters import decoder_of, without_adapters
from bimedix2_core.model.shapes import is_mixture
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
    n_tokens: int
    """Tokens without padding, which lies behind them."""
    share: float
    """Of the step's tokens without padding."""


class RowLoss(NamedTuple):
    """What a row adds to the loss of its step."""

    loss: Tensor
    """Weighted sum over the row's supervised tokens, a scalar with gradient."""
    losses: Tensor
    """float[S], the loss of each target in nats, without gradient."""
    balance: Tensor
    """How unevenly a mixture's router chose, times the row's share of the step, a scalar with gradient; the smallest
    for a row alone is the number of experts a token passes. 0 where there is no router."""


class PackedTextLoss(nn.Module):
    """A language model as a function from a packed row to its loss: what a distributed wrapper wraps."""

    def __init__(self, model: nn.Module):
        """Wrap a causal language model, with or without adapters of PEFT."""
        super().__init__()
        self.model = model
        self._routes = is_mixture(decoder_of(model).config)

    def forward(self, row: RowInputs) -> RowLoss:
        """The loss of the row.

        A step's balance is the mean over its rows, by their tokens: each row is asked to choose evenly, as Hugging
        Face's trainer asks each micro-batch. Of a step of one row, ``loss + router_aux_loss_coef * balance`` is the
        loss of transformers' own model on it.
        """
        asked = {"output_router_logits": True} if self._routes else {}
        found = decoder_of(self.model)(
            inputs_embeds=self._embeddings(row), position_ids=row.position_ids, use_cache=False, seen=row.seen, **asked
        )
        states, head = found.last_hidden_state[0], without_adapters(self.model).lm_head.weight
        loss, losses = cross_entropy(states[row.sources], head, row.targets, row.weights)
        return RowLoss(loss, losses, self._balance(found, row) if self._routes else torch.zeros_like(loss))

    def _embeddings(self, row: RowInputs) -> Tensor:
        """Of the row's tokens, float[1, T, D]."""
        return decoder_of(self.model).embed_tokens(row.input_ids)

    def _balance(self, found: BaseModelOutputWithPast, row: RowInputs) -> Tensor:
        """A row without tokens of its own, whose share is 0, counts its padding: a mean over none is no number."""
        config = decoder_of(self.model).config
        places = torch.arange(row.input_ids.shape[1], device=row.input_ids.device)
        mask = (places < max(row.n_tokens, 1))[None]
        uneven = load_balancing_loss_func(
            found.router_logits, config.num_local_experts, config.num_experts_per_tok, mask
        )  # fmt: skip
        return uneven * row.share


class PackedLoss(PackedTextLoss):
    """A multimodal model, ``LlavaForConditionalGeneration``, as such a function."""

    @property
    def llava(self) -> LlavaForConditionalGeneration:
        """The model within PEFT's wrapper, adapters in its layers."""
        return without_adapters(self.model)

    def _embeddings(self, row: RowInputs) -> Tensor:
        """float[1, T, D], image features in their places.

        A row without images adds the projector's output to its embeddings, with a weight of zero: every row then has
        gradients for the same weights, which come in the same order. Processes that average gradients meet at each of
        them, and would wait for ever, or average one with another.
        """
        embeddings, projected = super()._embeddings(row), self._projected(row)
        if row.pixel_values is None:
            return embeddings + 0.0 * projected.to(embeddings.dtype)
        image = projected[row.image_numbers].flatten(0, 1).to(embeddings.dtype)
        return embeddings.index_copy(1, row.image_tokens, image[None])

    def _projected(self, row: RowInputs) -> Tensor:
        """float[I, N, D] of the row's distinct images; float[1, D] of nothing where it has none."""
        llava = self.llava
        if row.pixel_values is None:
            width = llava.config.vision_config.hidden_size
            weight = next(llava.model.multi_modal_projector.parameters())
            return llava.model.multi_modal_projector(torch.zeros(1, width, device=weight.device, dtype=weight.dtype))
        return llava.model.multi_modal_projector(image_features(llava, row.pixel_values))
