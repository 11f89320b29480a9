"""CheXbert's scores from labels and embeddings, computed by hand and by their definitions."""

import numpy as np
import pytest

from bimedix2_core.bench.radiology_reports.external.chexbert import (
    CONDITIONS,
    FIVE,
    FIVE_INDEX,
    NEGATIVE,
    NOT_MENTIONED,
    POSITIVE,
    UNCERTAIN,
    cosines,
    f1_scores,
    is_exact,
    is_present,
)
from bimedix2_core.errors import DataError


def report(**classes):
    """Classes of a report; spaces of a condition's name are written as _."""
    return [classes.get(name.replace(" ", "_"), NOT_MENTIONED) for name in CONDITIONS]


def present(*reports):
    return is_present(list(reports))


def test_positive_and_uncertain_count_as_present_negative_and_not_mentioned_do_not():
    [found] = present(report(Edema=POSITIVE, Fracture=UNCERTAIN, Pneumonia=NEGATIVE))

    assert [name for name, one in zip(CONDITIONS, found, strict=True) if one] == ["Edema", "Fracture"]


def test_the_five_are_the_five_of_chexpert_wherever_they_stand():
    assert [CONDITIONS[index] for index in FIVE_INDEX] == list(FIVE)
    assert len(set(CONDITIONS)) == 14


HYPOTHESES = present(
    report(Edema=POSITIVE, Fracture=POSITIVE),
    report(Edema=UNCERTAIN, Cardiomegaly=NEGATIVE),
    report(No_Finding=POSITIVE),
)
REFERENCES = present(
    report(Edema=UNCERTAIN, Pneumonia=POSITIVE),
    report(Edema=NEGATIVE, Cardiomegaly=POSITIVE),
    report(No_Finding=POSITIVE),
)


def test_f1_of_three_worked_reports():
    found = f1_scores(HYPOTHESES, REFERENCES)

    # 14: hits edema 1, no finding 1; marks ours 4, theirs 4. Edema 2*1/(2+1), no finding 1, all others 0.
    assert found["chexbert_f1_micro_14"] == pytest.approx(2 * 2 / (4 + 4))
    assert found["chexbert_f1_macro_14"] == pytest.approx((2 / 3 + 1) / 14)
    # 5: ours edema, edema; theirs edema, cardiomegaly; one hit
    assert found["chexbert_f1_micro_5"] == pytest.approx(2 * 1 / (2 + 2))
    assert found["chexbert_f1_macro_5"] == pytest.approx((2 / 3) / 5)


def test_a_report_is_exact_when_all_five_agree_whatever_the_other_nine_say():
    assert is_exact(HYPOTHESES, REFERENCES).tolist() == [True, False, True]


def test_f1_is_the_harmonic_mean_of_precision_and_recall():
    draws = np.random.default_rng(0)
    ours, theirs = (draws.random((40, 14)) < 0.3 for _ in range(2))
    hits = (ours & theirs).sum()
    precision, recall = hits / ours.sum(), hits / theirs.sum()

    found = f1_scores(ours, theirs)["chexbert_f1_micro_14"]

    assert found == pytest.approx(2 * precision * recall / (precision + recall))


def test_a_condition_nobody_has_counts_as_0_in_the_macro_mean_as_published():
    same = present(report(Edema=POSITIVE))

    assert f1_scores(same, same) == {
        "chexbert_f1_micro_14": 1.0,
        "chexbert_f1_macro_14": pytest.approx(1 / 14),
        "chexbert_f1_micro_5": 1.0,
        "chexbert_f1_macro_5": pytest.approx(1 / 5),
    }


def test_cosines_by_hand():
    ours, theirs = np.array([[3.0, 4.0], [1.0, 0.0], [1.0, 1.0]]), np.array([[3.0, 4.0], [0.0, 2.0], [-2.0, -2.0]])

    assert cosines(ours, theirs) == pytest.approx([1.0, 0.0, -1.0])


def test_identical_embeddings_have_a_cosine_of_1_at_most():
    ours = np.random.default_rng(0).standard_normal((200, 768))

    assert cosines(ours, ours).max() <= 1.0 < (ours * ours).sum(axis=1).max()
    assert cosines(ours, ours) == pytest.approx(1.0)


@pytest.mark.parametrize("broken", [[0.0, 0.0], [np.nan, 1.0]])
def test_an_embedding_without_a_direction_is_an_error(broken):
    with pytest.raises(DataError, match="no direction"):
        cosines(np.array([broken]), np.array([[1.0, 0.0]]))


@pytest.mark.parametrize(
    ("classes", "message"),
    [([], "no report"), ([[0] * 13], "found \\[13\\]"), ([[4] + [0] * 13], "classes are 0 to 3")],
)
def test_labels_of_another_shape_are_an_error(classes, message):
    with pytest.raises(DataError, match=message):
        is_present(classes)
