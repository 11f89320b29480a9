from dataclasses import asdict, replace

import pytest
from cells import CARD

from bimedix2_core.errors import DataError
from bimedix2_core.paper.protocol import KINDS, card_of, diff
from bimedix2_core.params import load_params
from bimedix2_core.runs import Run


def test_two_equal_cards_do_not_differ():
    assert diff(CARD, replace(CARD, decoding={"max_new_tokens": 64, "temperature": 0.0})) == ()


def test_every_difference_is_said_in_words_with_both_values():
    other = replace(
        CARD, n=251, definition="closed accuracy, word boundary", judge="gpt-4o-2024-08-06",
        decoding={"temperature": 0.1, "max_new_tokens": 64, "top_p": 1.0}, overrides={"run.seed": 1},
    )  # fmt: skip

    assert diff(CARD, other) == (
        "another number of samples: 451 against 251",
        "scored by another definition of the metric: "
        "closed accuracy, MultiMedEval against closed accuracy, word boundary",
        "graded by another judge: none against gpt-4o-2024-08-06",
        "answers were generated with another temperature: 0.0 against 0.1",
        "answers were generated with another top_p: none against 1.0",
        "the profile was changed in run.seed: none against 1",
    )


@pytest.mark.parametrize("name", [name for name in asdict(CARD) if name not in ("n", "decoding", "overrides", "kind")])
def test_a_card_that_differs_in_one_field_differs_in_one_sentence(name):
    sentences = diff(CARD, replace(CARD, **{name: "something else"}))

    assert len(sentences) == 1
    assert sentences[0].endswith("against something else")


def test_other_samples_of_the_same_data_are_told_from_other_data():
    assert diff(CARD, replace(CARD, split_hash="zz"))[0].startswith("measured on other samples")
    assert diff(CARD, replace(CARD, dataset="slake"))[0].startswith("measured on other data")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"dataset": ""}, "dataset empty"),
        ({"judge": ""}, "judge empty"),
        ({"n": 0}, "n is 0; expected at least one sample"),
        ({"n": True}, "n is True"),
        ({"kind": "trial"}, "profile 'released_8b' is of kind 'trial'; known: "),
    ],
)
def test_a_card_that_leaves_something_out_is_refused(change, problem):
    with pytest.raises(DataError, match=problem):
        replace(CARD, **change)


@pytest.mark.parametrize("profile", ["demo", "gpu_smoke", "paper_8b"])
def test_the_card_of_a_run_takes_profile_and_kind_from_the_run(tmp_path, profile):
    params = load_params(f"params/{profile}.yaml")
    run = Run("09_medical_vqa", params, {"run.seed": 3}, tmp_path, tmp_path, "now", 0.0)
    rest = {name: value for name, value in asdict(CARD).items() if name not in ("profile", "kind", "overrides")}

    card = card_of(run, **rest)

    assert (card.profile, card.kind, card.overrides) == (profile, params.run.kind, {"run.seed": 3})
    assert card.is_reproduction == (profile == "paper_8b")
    assert params.run.kind in KINDS
