import pytest
import tiny
import torch

from bimedix2_core.errors import ModelError
from bimedix2_core.model.adapters import add_lora
from bimedix2_core.model.vision_features import feature_layers, image_features

LAYERS = 3  # of the tiny vision encoder


def model_with(**config):
    model = tiny.tiny_lmm().model
    for name, value in config.items():
        setattr(model.config, name, value)
    return model


def pixels(n=2):
    return torch.rand(n, 3, tiny.PIXELS, tiny.PIXELS, generator=torch.Generator().manual_seed(0))


def read_by_the_projector(model):
    """The tensor that transformers' own get_image_features gives the projector."""
    seen = []
    model.model.multi_modal_projector = torch.nn.Identity()
    model.model.multi_modal_projector.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    model.get_image_features(pixels())
    return seen[0]


def counted_layers(model):
    ran = []
    for index, layer in enumerate(model.model.vision_tower.encoder.layers):
        layer.register_forward_hook(lambda *_, index=index: ran.append(index))
    return ran


@pytest.mark.parametrize("strategy", ["default", "full"])
@pytest.mark.parametrize("layer", [-2, -1, [0], 1, LAYERS, -LAYERS - 1, [-2], [1, -1], [-1, -3, 0]])
def test_features_are_what_transformers_gives_the_projector_bit_for_bit(layer, strategy):
    model = model_with(vision_feature_layer=layer, vision_feature_select_strategy=strategy)

    features = image_features(model, pixels())

    assert torch.equal(features, read_by_the_projector(model))
    assert features.shape[1] == 4 + (strategy == "full")  # 28 pixels in patches of 14


def test_layer_minus_two_is_the_hidden_state_before_the_last_without_its_class_token():
    model = model_with(vision_feature_layer=-2)

    states = model.model.vision_tower(pixels(), output_hidden_states=True).hidden_states

    assert torch.equal(image_features(model, pixels()), states[-2][:, 1:])
    assert not torch.equal(image_features(model, pixels()), states[-1][:, 1:])


@pytest.mark.parametrize(("layer", "expected"), [(-2, [0, 1]), (-1, [0, 1, 2]), (0, []), ([1, -3], [0])])
def test_only_the_layers_that_are_used_run(layer, expected):
    model = model_with(vision_feature_layer=layer)
    ran = counted_layers(model)

    image_features(model, pixels())

    assert ran == expected


def test_features_have_the_encoders_number_format_and_no_gradient():
    model = tiny.tiny_lmm().model.to(torch.bfloat16)

    features = image_features(model, pixels().float())

    assert features.dtype == torch.bfloat16
    assert not features.requires_grad
    assert torch.equal(features, read_by_the_projector(model))


def test_a_model_with_adapters_gives_the_same_features():
    model = tiny.tiny_lmm().model
    expected = image_features(model, pixels())

    adapted = add_lora(model, rank=2, alpha=4, dropout=0.5, seed=0).train()

    assert torch.equal(image_features(adapted.get_base_model(), pixels()), expected)


def test_images_do_not_see_each_other():
    model = tiny.tiny_lmm().model
    changed = pixels()
    changed[1] += 1.0

    one, other = image_features(model, pixels()), image_features(model, changed)

    assert torch.equal(one[0], other[0])
    assert not torch.equal(one[1], other[1])


@pytest.mark.parametrize("layer", [24 + 1, -26, [-2, 25], []])
def test_a_layer_that_is_not_there_is_an_error(layer):
    with pytest.raises(ModelError, match=r"a vision encoder of 24 layers has hidden states -25 to 24"):
        feature_layers(layer, n_layers=24)


def test_the_papers_layer_is_the_23rd_of_24():
    assert feature_layers(-2, n_layers=24) == [23]
