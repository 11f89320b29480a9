"""Vision features: what the projector reads of an image, computed with the CLIP layers that are used and no others.

transformers runs all 24 layers of CLIP ViT-L/14 though the projector reads the output of the 23rd (layer -2), and up to
5.17 it keeps the hidden states of every layer meanwhile.
"""

import torch
from torch import Tensor
from transformers import LlavaForConditionalGeneration

from bimedix2_core.errors import ModelError


@torch.no_grad()
def image_features(model: LlavaForConditionalGeneration, pixel_values: Tensor) -> Tensor:
    """Return what the projector reads of each image, bit for bit as ``model.get_image_features`` computes it.

    Args:
        model: the model itself, not its PEFT wrapper; its vision encoder is frozen, so no gradient is recorded.
        pixel_values: float[I, 3, H, W], any float type (the encoder casts it to its own).

    Returns:
        float[I, N, D] in the encoder's number format: N features of an image (576 for CLIP ViT-L/14-336); several
        feature layers lie side by side in D.

    Raises:
        ModelError: the encoder has no such layer.
    """
    tower = model.model.vision_tower
    chosen = feature_layers(model.config.vision_feature_layer, n_layers=len(tower.encoder.layers))

    hidden = tower.pre_layrnorm(tower.embeddings(pixel_values))
    kept = {0: hidden} if 0 in chosen else {}
    for depth, layer in enumerate(tower.encoder.layers[: max(chosen)], start=1):
        hidden = layer(hidden, None)
        if depth in chosen:
            kept[depth] = hidden
    first = 1 if model.config.vision_feature_select_strategy == "default" else 0  # "full" keeps the class token
    return torch.cat([kept[depth][:, first:] for depth in chosen], dim=-1)


def feature_layers(vision_feature_layer: int | list[int], *, n_layers: int) -> list[int]:
    """Return how many encoder layers each chosen feature has passed: 0 is the embedding, ``n_layers`` the last output.

    Negative numbers count from the end, as in Python: -2 of 24 layers is the output of the 23rd.

    Raises:
        ModelError: none is chosen, or one lies outside.
    """
    asked = [vision_feature_layer] if isinstance(vision_feature_layer, int) else list(vision_feature_layer)
    n_states = n_layers + 1
    if not asked or not all(-n_states <= index < n_states for index in asked):
        raise ModelError(
            f"vision_feature_layer is {vision_feature_layer}, but a vision encoder of {n_layers} layers has hidden "
            f"states {-n_states} to {n_layers}; correct the model's config.json"
        )
    return [index % n_states for index in asked]
