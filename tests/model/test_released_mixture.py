"""BiMediX's release, as a tiny checkpoint of the same layout: loaded by its hub id, and refused where it is broken."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import released_mixture
import tiny
import torch
from safetensors.torch import load_file, save_file

from bimedix2_core.errors import ModelError
from bimedix2_core.inference.backends import LocalBackend
from bimedix2_core.inference.generate import generate
from bimedix2_core.inference.score_options import score_options
from bimedix2_core.model.text_model import ASSUMED_TEMPLATE, TextModel, load_finished
from bimedix2_core.records import Query, message

IDS = [1, 5, 270, 280, 290, 300, 262, 263, 264, 320, 7]

BY_HUB_ID = """
import sys, torch
from bimedix2_core.model.text_model import load_finished
loaded = load_finished(sys.argv[1], dtype=torch.float32, device="cpu")
torch.save(loaded.model(torch.tensor([[int(token) for token in sys.argv[3:]]])).logits.detach(), sys.argv[2])
print(type(loaded.model).__name__, loaded.tokenizer.eos_token, loaded.note)
"""


def load(folder):
    return load_finished(str(folder), dtype=torch.float32, device="cpu")


@pytest.fixture
def release(tmp_path):
    released_mixture.write_release(tmp_path / "release")
    return tmp_path / "release"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory) -> TextModel:
    folder = tmp_path_factory.mktemp("release")
    released_mixture.write_release(folder)
    return load(folder)


def edit(folder: Path, old: str, new: str) -> None:
    """Rename weights in shards and index."""
    for shard in released_mixture.SHARDS:
        weights = load_file(folder / shard)
        save_file(
            {name.replace(old, new): one for name, one in weights.items()}, folder / shard, metadata={"format": "pt"}
        )
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    index["weight_map"] = {name.replace(old, new): shard for name, shard in index["weight_map"].items()}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def configure(folder: Path, **changes) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))


def test_the_release_loads_by_its_hub_id_offline_with_every_weight_in_its_place(tmp_path):
    weights = released_mixture.write_hub_cache(tmp_path / "hub")
    environment = os.environ | {"HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "1"}

    done = subprocess.run(
        [sys.executable, "-c", BY_HUB_ID, released_mixture.HUB_ID, str(tmp_path / "logits.pt"), *map(str, IDS)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split(maxsplit=2) == ["MixtralForCausalLM", "</s>", ASSUMED_TEMPLATE + "\n"]
    by_hand = released_mixture.logits_by_hand(weights, IDS)
    torch.testing.assert_close(torch.load(tmp_path / "logits.pt")[0], by_hand, atol=1e-4, rtol=0)
    assert by_hand.std() > 1  # not all alike, so that a weight in another place would show


def test_a_folder_loads_like_the_hub_id_and_its_tokens_are_those_of_its_file(loaded):
    by_hand = released_mixture.logits_by_hand(released_mixture.drawn_weights(), IDS)
    torch.testing.assert_close(loaded.model(torch.tensor([IDS])).logits[0], by_hand, atol=1e-4, rtol=0)

    own = released_mixture.legacy_tokenizer()
    for text in ("Yes", "<s>[INST] Is it? [/INST] Yes</s>[INST] (B)", "نعم"):
        assert loaded.tokenizer(text)["input_ids"] == own.encode(text).ids


def test_experts_in_exchanged_places_give_other_logits_so_that_the_check_can_fail():
    weights = released_mixture.drawn_weights()
    first, last = (f"model.layers.1.block_sparse_moe.experts.{number}.w2.weight" for number in (0, 3))
    exchanged = weights | {first: weights[last], last: weights[first]}

    away = released_mixture.logits_by_hand(exchanged, IDS) - released_mixture.logits_by_hand(weights, IDS)
    assert away.abs().max() > 0.1


def test_a_missing_shard_is_named(release):
    (release / released_mixture.SHARDS[1]).unlink()
    with pytest.raises(ModelError, match=r"model-00002-of-00002\.safetensors"):
        load(release)


def test_a_shard_that_was_cut_off_is_refused(release):
    file = release / released_mixture.SHARDS[1]
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(ModelError, match="cannot be loaded"):
        load(release)


@pytest.mark.parametrize(
    ("old", "new", "given"),
    [
        ("experts.3.w1", "experts.x.w1", "0, 1, 2, x"),
        ("experts.2.w2", "experts.9.w2", "0, 1, 3, 9"),
        ("experts.0.w3", "experts.4.w3", "1, 2, 3, 4"),
        ("experts.3.w1", "experts.3.v1", "0, 1, 2"),
    ],
)
def test_a_renamed_expert_is_refused_though_transformers_would_stack_it_in_another_place(release, old, new, given):
    edit(release, old, new)
    with pytest.raises(
        ModelError, match=rf"experts\.\*\.w\d\.weight is there for the experts {given}; expected 0 to 3"
    ):
        load(release)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("gate.weight", "router.weight", r"2 not there: model\.layers\.0\.mlp\.gate\.weight.*2 of no place"),
        ("experts.", "specialists.", r"4 not there: model\.layers\.0\.mlp\.experts\.down_proj.*24 of no place"),
        ("layers.1.", "layers.7.", r"not there: model\.layers\.1\.input_layernorm"),
    ],
)
def test_weights_of_other_names_are_an_error_and_none_is_drawn_at_random(release, old, new, expected):
    edit(release, old, new)
    with pytest.raises(ModelError, match=expected):
        load(release)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"num_hidden_layers": 1}, "of no place in the model: model.layers.1"),
        ({"num_local_experts": 3}, "6 of another shape"),
        ({"intermediate_size": 20}, "4 of another shape: model.layers.0.mlp.experts.down_proj"),
    ],
)
def test_a_config_of_another_model_is_an_error(release, changes, expected):
    configure(release, **changes)
    with pytest.raises(ModelError, match=expected):
        load(release)


def test_a_release_in_pickles_alone_is_refused(release):
    for file in [*release.glob("*.safetensors"), release / "model.safetensors.index.json"]:
        file.unlink()
    torch.save(released_mixture.drawn_weights(), release / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"does not appear to have a file named model\.safetensors"):
        load(release)


@pytest.mark.parametrize(("kind", "is_known"), [("bimedix_moe", False), ("mixtral", True)])
def test_code_of_a_repository_is_never_run(release, kind, is_known):
    """A type that transformers has is loaded with its own class; any other is refused."""
    (release / "own.py").write_text(f"open({str(release / 'ran')!r}, 'w').close()\nclass Own: pass\n")
    configure(release, model_type=kind, auto_map={"AutoConfig": "own.Own", "AutoModelForCausalLM": "own.Own"})
    if is_known:
        assert type(load(release).model).__module__.startswith("transformers.")
    else:
        with pytest.raises(ModelError, match="custom code"):
            load(release)
    assert not (release / "ran").exists()


def query(text: str, **more) -> Query:
    return Query(id=text, language="en", prompt=[message("user", text)], **more)


def test_it_writes_until_the_end_of_its_turn_and_the_same_in_a_batch_as_alone(loaded):
    asked = [query("Is it?"), query("Is the lesion on the left side?")]
    settings = tiny.GREEDY.model_copy(update={"max_new_tokens": 12})

    together = generate(loaded, asked, settings=settings)
    alone = [generate(loaded, [one], settings=settings)[0] for one in asked]

    assert together == alone
    assert together[0] != together[1]


def test_it_stops_at_the_end_of_its_turn(tmp_path):
    released_mixture.write_release(tmp_path, says_only="</s>")
    stopped = load(tmp_path)
    assert generate(stopped, [query("Is it?")], settings=tiny.GREEDY) == [""]
    released_mixture.write_release(tmp_path, says_only="▁Yes")
    assert generate(load(tmp_path), [query("Is it?")], settings=tiny.GREEDY) == ["Yes Yes Yes Yes Yes Yes"]


def test_options_after_messages_score_as_by_hand_and_the_same_in_a_batch_as_alone(loaded):
    """An option is what the assistant says: a space stands before it, as in the template."""
    asked = [query("Is it?", options=("Yes", "No")), query("Is it on the left?", options=("Yes", "(B)"))]

    together = score_options(loaded, asked, batch_size=2)

    assert_same(together, [score_options(loaded, [one], batch_size=1)[0] for one in asked])
    expected = [score_by_hand("<s>[INST] Is it? [/INST]", option) for option in (" Yes", " No")]
    assert together[0].log_probs == pytest.approx(expected, abs=1e-3)
    assert together[0].n_tokens == (1, 3)  # one token for a space and Yes; a space, N, o


def test_options_after_a_text_score_as_by_hand_and_the_same_in_a_batch_as_alone(loaded):
    texts = [("Is it?", (" Yes", " No")), ("Is it on the left?", (" Yes", " (B)"))]
    asked = [Query(id=text, language="en", prompt=text, options=options) for text, options in texts]

    together = score_options(loaded, asked, batch_size=2)

    assert_same(together, [score_options(loaded, [one], batch_size=1)[0] for one in asked])
    expected = [score_by_hand("<s>Is it?", option) for option in (" Yes", " No")]
    assert together[0].log_probs == pytest.approx(expected, abs=1e-3)


def assert_same(some, others):
    for one, other in zip(some, others, strict=True):
        torch.testing.assert_close(one.log_probs, other.log_probs, atol=1e-4, rtol=0)


def score_by_hand(before: str, option: str) -> float:
    own, weights = released_mixture.legacy_tokenizer(), released_mixture.drawn_weights()
    head = own.encode(before, add_special_tokens=False).ids
    tail = own.encode(before + option, add_special_tokens=False).ids[len(head) :]
    log_probs = released_mixture.logits_by_hand(weights, head + tail).log_softmax(-1)
    return float(sum(log_probs[len(head) + place - 1, token] for place, token in enumerate(tail)))


def test_where_the_template_is_assumed_the_protocol_card_says_so(loaded, tmp_path):
    assert LocalBackend(loaded, tiny.GREEDY).name.endswith(f"in process ({ASSUMED_TEMPLATE})")
    released_mixture.write_release(tmp_path, template=released_mixture.TEMPLATE_2023)
    told = load(tmp_path)
    assert told.note == ""
    assert LocalBackend(told, tiny.GREEDY).name.endswith(", in process")
    assert told.tokenizer.chat_template == released_mixture.TEMPLATE_2023
