"""RadCliQ-v1: the published coefficients, both variants by name, and no score from fewer than four features."""

import math

import pytest

from bimedix2_core.bench.radiology_reports.not_run import NotRun
from bimedix2_core.bench.radiology_reports.radcliq import RG_ER, RG_MEAN, bleu_2, feature_names, radcliq_v1
from bimedix2_core.errors import DataError

NAMES = ("radgraph_mean", "bertscore_rescaled", "chexbert_cosine", "bleu_2")


def features(*rows):
    return dict(zip(NAMES, zip(*rows, strict=True), strict=True))


@pytest.mark.parametrize(
    ("row", "expected"),
    [((0, 0, 0, 0), 2.450143), ((1, 1, 1, 1), -1.440690), ((0.2, 0.3, 0.4, 0.1), 1.307938)],
)
def test_the_check_values_of_the_notes_are_met(row, expected):
    assert radcliq_v1(features(row)) == pytest.approx([expected], abs=5e-7)


def test_each_pair_gets_its_own_score_and_a_better_report_a_lower_one():
    perfect, poor = radcliq_v1(features((1, 1, 1, 1), (0, 0, 0, 0)))

    assert perfect < poor


@pytest.mark.parametrize("place", range(3))
def test_each_of_the_three_features_with_a_weight_lowers_the_score(place):
    raised = [0.5] * 4
    raised[place] = 0.6

    assert radcliq_v1(features(raised))[0] < radcliq_v1(features([0.5] * 4))[0]


def test_bleu_2_weighs_nothing_to_ten_decimals():
    assert radcliq_v1(features((0.5, 0.5, 0.5, 1)))[0] == pytest.approx(
        radcliq_v1(features((0.5, 0.5, 0.5, 0)))[0], abs=1e-10
    )


def test_the_two_variants_take_their_own_first_feature():
    both = features((0.2, 0.3, 0.4, 0.1)) | {"f1_radgraph": [1.0]}

    assert feature_names(RG_MEAN)[0] == "radgraph_mean"
    assert feature_names(RG_ER)[0] == "f1_radgraph"
    # 0.8 more of the first feature, worked out by hand: 0.8 * 0.37708368 / 0.30282584 = 0.99617
    assert radcliq_v1(both, RG_MEAN)[0] - radcliq_v1(both, RG_ER)[0] == pytest.approx(0.99617, abs=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_feature_is_an_error_that_names_it(name):
    incomplete = features((0.2, 0.3, 0.4, 0.1))
    del incomplete[name]

    with pytest.raises(DataError, match=f"needs the feature {name}, which is missing"):
        radcliq_v1(incomplete)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_feature_that_is_no_number_is_an_error_that_names_it_and_the_pair(value):
    with pytest.raises(DataError, match="chexbert_cosine is no number for 1 pairs, the first is 1"):
        radcliq_v1(features((0, 0, 0, 0), (0, 0, value, 0)))


def test_a_feature_that_was_not_run_is_an_error_that_says_what_it_needs():
    with pytest.raises(DataError, match="chexbert_cosine, which was not run: its weights"):
        radcliq_v1(features((0, 0, 0, 0)) | {"chexbert_cosine": NotRun("CheXbert", "its weights")})


def test_lists_of_different_lengths_and_an_unknown_variant_are_errors():
    with pytest.raises(DataError, match="'bleu_2': 2"):
        radcliq_v1(features((0, 0, 0, 0)) | {"bleu_2": [0.0, 0.0]})
    with pytest.raises(DataError, match="no RadCliQ variant 'RadCliQ'"):
        radcliq_v1(features((0, 0, 0, 0)), "RadCliQ")


@pytest.mark.parametrize(
    ("hypothesis", "reference", "expected"),
    [
        ("No effusion.", "no effusion .", 1.0),  # lower case, and the full stop is a word of its own either way
        ("", "no effusion .", 0.0),
        ("no effusion .", "", 0.0),
        ("pneumonia", "no effusion .", 0.0),
        # 2 of 3 words, 1 of 2 pairs, as long as the reference
        ("no effusion seen", "no effusion .", math.sqrt(2 / 3 * 1 / 2)),
        # 1 of 2 words, no pair of 1, so a tenth of one is counted; 2 words against 3: exp(1 - 3/2)
        ("effusion no", "no pleural effusion", math.exp(-0.5) * math.sqrt(2 / 2 * 0.1 / 1)),
        # one word: no pair is possible, counted as 0.1 of 1; 1 word against 2
        ("effusion", "no effusion", math.exp(-1) * math.sqrt(1 * 0.1)),
        # clipped: "no" is once in the reference; 4 words against 2, so no brevity penalty
        ("no no no no", "no effusion", math.sqrt(1 / 4 * 0.1 / 3)),
        # split at spaces only: the line break keeps two words together, as in the repository
        ("no\neffusion", "no effusion", 0.0),
    ],
)
def test_bleu_2_is_made_as_the_repository_makes_it(hypothesis, reference, expected):
    assert bleu_2(hypothesis, reference) == pytest.approx(expected)
