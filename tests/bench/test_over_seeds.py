"""Over seeds: means that are counted by hand, one seed as in Tables 2 to 4, differences question by question."""

from dataclasses import replace

import pytest

from bimedix2_core.bench import mbench, over_seeds
from bimedix2_core.bench.clinical_qa.examined import Examined, accuracies
from bimedix2_core.bench.clinical_qa.protocols import PROTOCOLS
from bimedix2_core.bench.clinical_qa.sets import TABLE2, set_named
from bimedix2_core.data.sources.multiple_choice import LETTERS, multiple_choice
from bimedix2_core.errors import DataError
from bimedix2_core.records import OptionScores
from tests.bench.mbench.mbench_files import rows, scored

pytestmark = pytest.mark.filterwarnings("ignore::bimedix2_core.bench.statistics.FewClustersWarning")

N = 4
"""Questions of each clinical set."""


def judged(answer, *, reference=10, of=rows):
    """The same marks for every answer; `answer` may be a function of the question."""
    return [scored(row, reference, answer(row) if callable(answer) else answer) for row in of()]


def question(kind, number, language):
    form = set_named(kind).form
    choices = ("yes", "no", "maybe") if form == "pubmedqa" else ("one", "two", "three", "four")
    made = multiple_choice(
        id=f"{kind}-{number}", language=language, source="made_up", question=f"Question {number}?", choices=choices,
        answer="A", contexts=["A study."] if form == "pubmedqa" else (), facts={},
    )  # fmt: skip
    return replace(made, kind=kind)


def examined(right, *, kinds=TABLE2, languages=("en",)):
    """A model that has the first `right` questions of each set right; they are all answered by A."""
    asked = [question(kind, number, language) for language in languages for kind in kinds for number in range(N)]
    given = [_sure(row, "A" if int(row.id.rpartition("-")[2]) < right else "B") for row in asked]
    return Examined("m", "test", "k" * 64, "log-probabilities", PROTOCOLS["harness"], tuple(asked), tuple(given))


def _sure(row, letter):
    return OptionScores(tuple(-0.1 if LETTERS[place] == letter else -5.0 for place in range(len(row.choices))),
                        (1,) * len(row.choices))  # fmt: skip


def by_definition(found, name, kind, language):
    return next(one for one in found if one.metric == mbench.RELATIVE and one.kind == kind
                and one.language == language and one.definition.startswith(name))  # fmt: skip


# --- BiMed-MBench -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ar"])
def test_one_seed_has_the_number_and_the_interval_of_tables_3_and_4(language):
    ours = judged(lambda row: 3 + int(row.id) % 5, reference=8)

    found = over_seeds.mbench_overall([ours], language)

    expected = by_definition(mbench.results(ours), mbench.AS_PUBLISHED, "all", language)
    assert found == replace(expected, estimate=replace(found.estimate))
    assert found.estimate.value == pytest.approx(expected.estimate.value)
    assert (found.estimate.low, found.estimate.high) == pytest.approx((expected.estimate.low, expected.estimate.high))
    assert found.definition == "as published; judge j"


def test_two_seeds_have_the_mean_of_both_over_as_many_questions_as_one():
    found = over_seeds.mbench_overall([judged(5), judged(8)], "en")

    assert found.estimate.value == pytest.approx((0.5 + 0.8) / 2)
    assert (found.estimate.n, found.estimate.n_clusters, found.n_unscored) == (193, 50, 0)
    assert found.definition == "as published; judge j; mean of 2 seeds"


def test_two_seeds_that_err_on_different_figures_are_surer_than_each_alone():
    one, other = (judged(lambda row, odd=odd: 4 if int(mbench.image_of(row)[4:6]) % 2 == odd else 8) for odd in (0, 1))

    both = over_seeds.mbench_overall([one, other], "en").estimate
    alone = over_seeds.mbench_overall([one], "en").estimate

    assert both.value == pytest.approx(0.6)
    assert both.high - both.low < 0.7 * (alone.high - alone.low)


def test_only_the_first_draw_with_the_reference_read_first_counts():
    more = [replace(one, order="answer_first") for one in judged(1)] + [replace(one, repeat=1) for one in judged(1)]

    assert over_seeds.mbench_overall([judged(5) + more], "en").estimate.value == pytest.approx(0.5)


def test_a_question_that_one_seed_has_no_verdict_on_has_the_others_number():
    lost = [replace(one, answer_score=None, reference_score=None) if one.row.id == "3" else one for one in judged(5)]

    found = over_seeds.mbench_overall([lost, judged(7)], "en")

    assert found.n_unscored == 0
    assert found.estimate.value == pytest.approx((192 * 0.6 + 0.7) / 193)


def test_the_difference_of_two_variants_is_paired_by_question():
    ours = judged(lambda row: 3 + int(row.id) % 5 + int(row.id) % 2)
    theirs = judged(lambda row: 2 + int(row.id) % 5)

    found = over_seeds.mbench_difference([ours, ours], [theirs, theirs], "en")

    assert found.difference.value == pytest.approx(0.1 + 0.1 * 96 / 193)  # one mark more, two where the id is odd
    assert found.difference.low > 0.12
    assert found.p_value < 0.001
    single = over_seeds.mbench_overall([ours], "en").estimate
    assert found.difference.high - found.difference.low < single.high - single.low


def test_variants_that_were_asked_different_questions_are_not_compared():
    with pytest.raises(DataError, match="questions were asked of one model only"):
        over_seeds.mbench_difference([judged(5)], [judged(5)[1:]], "en")


# --- clinical average -------------------------------------------------------------------------------------------------


def test_one_seed_has_the_average_of_table_2_with_its_interval():
    model = examined(3)

    found = over_seeds.clinical_average([model])

    expected = next(one for one in accuracies(model) if (one.kind, one.language) == ("macro", "en"))
    assert found.estimate == expected.estimate
    assert found.estimate.value == 0.75
    assert found.definition == "acc, protocol harness"


def test_two_seeds_have_the_mean_of_both_and_each_question_counts_once():
    found = over_seeds.clinical_average([examined(1), examined(4)])

    assert found.estimate.value == pytest.approx((0.25 + 1.0) / 2)
    assert found.estimate.n == 10 * N
    assert found.definition == "acc, protocol harness; mean of 2 seeds"


def test_arabic_questions_have_no_part_in_table_2s_average():
    model = examined(3)
    wrong_in_arabic = examined(0, languages=("ar",))
    both = replace(
        model, rows=model.rows + wrong_in_arabic.rows, predictions=model.predictions + wrong_in_arabic.predictions
    )

    assert over_seeds.clinical_average([both]).estimate.value == 0.75


def test_without_one_of_the_ten_sets_there_is_no_average():
    assert over_seeds.clinical_average([examined(3, kinds=TABLE2[:9])]) is None


def test_variants_that_answer_alike_differ_by_nothing():
    found = over_seeds.clinical_difference([examined(3)], [examined(3)])

    assert found.difference.value == 0
    assert found.p_value == 1
    assert found.difference.low <= 0 <= found.difference.high


def test_the_clinical_difference_is_the_mean_over_the_sets():
    found = over_seeds.clinical_difference([examined(4), examined(2)], [examined(2), examined(2)])

    assert found.difference.value == pytest.approx(0.25)  # (1 + 0.5) / 2 - 0.5
    with pytest.raises(DataError, match="4 questions were asked of one variant only"):
        over_seeds.clinical_difference([examined(4)], [examined(4, kinds=TABLE2[1:])])
