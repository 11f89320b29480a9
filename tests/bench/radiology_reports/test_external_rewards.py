"""RadGraph's three rewards and RadCliQ's two F1, computed by hand."""

import pytest

from bimedix2_core.bench.radiology_reports.external.rewards import (
    HEAD,
    Entity,
    Rewards,
    radgraph_f1,
    read_annotation,
    rewards,
)
from bimedix2_core.errors import DataError

PRESENT, ABSENT, PLACE = (
    "Observation::definitely present",
    "Observation::definitely absent",
    "Anatomy::definitely present",
)

REFERENCE = {
    "1": Entity("effusion", PRESENT, (("located_at", "2"), ("located_at", "3"))),
    "2": Entity("left", PLACE, (("modify", "3"),)),
    "3": Entity("lung", PLACE),
    "4": Entity("pneumothorax", ABSENT),
}
HYPOTHESIS = {
    "1": Entity("effusion", PRESENT, (("located_at", "2"),)),
    "2": Entity("lung", PLACE),
    "3": Entity("pneumothorax", PRESENT),
}
"""Right: the effusion and the lung; wrong: a pneumothorax that is not there; missing: left."""


def test_the_three_rewards_of_a_worked_pair():
    # RG_E: 2 common (effusion, lung) of 3 and 4. RG_ER: the same two, effusion with its mark.
    # RG_bar_ER: ours {(effusion located_at lung), lung, pneumothorax present}, theirs {(effusion located_at left),
    # (effusion located_at lung), (left modify lung), lung, pneumothorax absent}: 2 common of 3 and 5.
    assert rewards(HYPOTHESIS, REFERENCE) == Rewards(
        rg_e=pytest.approx(4 / 7), rg_er=pytest.approx(4 / 7), rg_bar_er=pytest.approx(4 / 8)
    )


def test_an_entity_that_loses_its_relations_counts_for_rg_e_only():
    alone = {"1": Entity("effusion", PRESENT)}
    placed = {"1": Entity("effusion", PRESENT, (("located_at", "2"),)), "2": Entity("lung", PLACE)}

    assert rewards(alone, placed) == Rewards(rg_e=pytest.approx(2 / 3), rg_er=0.0, rg_bar_er=0.0)


def test_another_target_counts_for_rg_er_but_not_for_rg_bar_er():
    def effusion_in(place):
        return {"1": Entity("effusion", PRESENT, (("located_at", "2"),)), "2": Entity(place, PLACE)}

    assert rewards(effusion_in("lung"), effusion_in("pleura")) == Rewards(rg_e=0.5, rg_er=0.5, rg_bar_er=0.0)


@pytest.mark.parametrize(("hypothesis", "reference"), [({}, REFERENCE), (REFERENCE, {}), ({}, {})])
def test_a_side_without_entities_scores_0_on_all_three_two_empty_sides_too(hypothesis, reference):
    assert rewards(hypothesis, reference) == Rewards(0.0, 0.0, 0.0)
    assert radgraph_f1(hypothesis, reference).mean == 0.0


def test_a_report_against_itself_scores_1():
    assert rewards(REFERENCE, REFERENCE) == Rewards(1.0, 1.0, 1.0)
    assert radgraph_f1(REFERENCE, REFERENCE).mean == 1.0


def test_the_same_finding_with_another_certainty_does_not_match():
    assert rewards({"1": Entity("edema", PRESENT)}, {"1": Entity("edema", ABSENT)}).rg_e == 0.0


def test_a_repeated_finding_counts_once():
    twice = {"1": Entity("edema", PRESENT), "2": Entity("edema", PRESENT)}

    assert rewards(twice, {"1": Entity("edema", PRESENT)}) == Rewards(1.0, 1.0, 1.0)


def test_the_numbers_of_the_entities_do_not_matter():
    renumbered = {
        "9": Entity("lung", PLACE),
        "7": Entity("effusion", PRESENT, (("located_at", "9"),)),
        "8": Entity("pneumothorax", PRESENT),
    }

    assert rewards(renumbered, HYPOTHESIS) == Rewards(1.0, 1.0, 1.0)


def test_the_two_codes_called_0_1_18_differ_in_the_case_of_words():
    def effusion(word):
        return {"1": Entity(word, PRESENT, (("located_at", "2"),)), "2": Entity("lung", PLACE)}

    upper, lower = effusion("Effusion"), effusion("effusion")

    # the package lower-cases relations of RG_bar_ER only
    assert rewards(upper, lower) == Rewards(rg_e=0.5, rg_er=0.5, rg_bar_er=1.0)
    assert rewards(upper, lower, casing=HEAD) == Rewards(1.0, 1.0, 1.0)
    assert rewards({"1": Entity("Edema", PRESENT)}, {"1": Entity("edema", PRESENT)}).rg_bar_er == 0.0


def test_radcliq_counts_entities_and_relations_apart():
    found = radgraph_f1(HYPOTHESIS, REFERENCE)

    # entities: 2 common of 3 and 4; relations: (effusion, lung, located_at) of 1 and 3
    assert (found.entity, found.relation) == (pytest.approx(4 / 7), pytest.approx(2 / 4))
    assert found.mean == pytest.approx((4 / 7 + 2 / 4) / 2)


def test_identical_reports_without_a_relation_reach_only_one_half_of_radcliqs_first_feature():
    alone = {"1": Entity("edema", ABSENT)}

    assert radgraph_f1(alone, alone).mean == 0.5
    assert rewards(alone, alone).rg_er == 1.0


def test_a_relation_to_an_entity_of_another_label_is_another_relation():
    def tube(label):
        return {"1": Entity("tube", PRESENT, (("located_at", "2"),)), "2": Entity("carina", label)}

    assert radgraph_f1(tube(PLACE), tube(PRESENT)).relation == 0.0


def test_an_annotation_is_read_as_radgraph_writes_it():
    written = {
        "1": {"tokens": "tube", "label": PRESENT, "start_ix": 6, "end_ix": 6, "relations": [["located_at", "2"]]},
        "2": {"tokens": "chest", "label": PLACE, "start_ix": 5, "end_ix": 5, "relations": []},
    }

    assert read_annotation(written) == {
        "1": Entity("tube", PRESENT, (("located_at", "2"),)),
        "2": Entity("chest", PLACE),
    }


@pytest.mark.parametrize(
    ("entities", "message"),
    [
        ({"1": {"tokens": "tube", "label": PRESENT}}, "relations"),
        ({"1": {"tokens": "tube", "label": PRESENT, "relations": [["located_at"]]}}, "tokens, label and relations"),
        ({"1": {"tokens": "tube", "label": PRESENT, "relations": [["located_at", "2"]]}}, "points to entity '2'"),
        (["tube"], "tokens, label and relations"),
    ],
)
def test_a_broken_annotation_is_an_error(entities, message):
    with pytest.raises(DataError, match=message):
        read_annotation(entities)
