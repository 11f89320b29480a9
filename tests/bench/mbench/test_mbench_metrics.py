"""BiMed-MBench's numbers, counted by hand: both means, types, domains, orders, what is unscored, the paper's script."""

import random
import warnings
from dataclasses import replace
from statistics import fmean

import pytest
from mbench_files import rows, scored

from bimedix2_core.bench.mbench import (
    AS_PUBLISHED,
    COLUMNS,
    DOMAINS,
    FIRST_DOMAIN,
    FIRST_PLACE,
    FLIPPED,
    LOSS,
    MEAN_OF_RATIOS,
    OURS,
    RATIO_OF_MEANS,
    RELATIVE,
    TIE,
    TYPES,
    UNREAD,
    WIN,
    definition,
    results,
)
from bimedix2_core.bench.statistics import FewClustersWarning
from bimedix2_core.errors import DataError
from bimedix2_core.paper import reported

pytestmark = pytest.mark.filterwarnings("ignore::bimedix2_core.bench.statistics.FewClustersWarning")


@pytest.fixture
def questions():
    return rows()


@pytest.fixture
def drawn(questions):
    """Whole scores of all 386 questions."""
    rng = random.Random(0)
    return [scored(row, rng.randint(6, 10), rng.randint(1, 10)) for row in questions]


def numbers(judged) -> dict:
    return {(one.metric, one.definition, one.kind, one.language): one for one in results(judged)}


def row(judged, metric, name, kind="all", language="en", rule=""):
    found = judged if isinstance(judged, dict) else numbers(judged)
    return found.get((metric, definition(name, "j", rule), kind, language))


def relative(judged, name, kind="all", language="en", rule=""):
    return row(judged, RELATIVE, name, kind, language, rule).estimate


def test_the_mean_of_ratios_is_not_the_ratio_of_means(questions):
    judged = [scored(one, *scores) for one, scores in zip(questions, [(10, 5), (2, 4), (8, 8)], strict=False)]

    assert relative(judged, MEAN_OF_RATIOS).value == pytest.approx((0.5 + 2 + 1) / 3)
    assert relative(judged, RATIO_OF_MEANS).value == pytest.approx(17 / 20)


def test_both_are_1_for_the_reference_itself_and_may_be_above(questions):
    same = [scored(one, 8, 8) for one in questions]
    better = [scored(one, 4, 8) for one in questions]

    same, better = map(numbers, (same, better))

    for name in (MEAN_OF_RATIOS, RATIO_OF_MEANS, AS_PUBLISHED):
        assert relative(same, name).value == 1.0
        assert relative(better, name).value == 2.0


def test_types_and_domains_have_the_published_numbers_of_questions(drawn):
    drawn = numbers(drawn)
    for language in ("en", "ar"):
        ours = [relative(drawn, MEAN_OF_RATIOS, kind, language).n for kind in (*TYPES, *DOMAINS, "all")]
        first = [relative(drawn, MEAN_OF_RATIOS, kind, language, FIRST_DOMAIN).n for kind in DOMAINS]

        assert ours == [143, 50, 37, 38, 44, 38, 44, 193]
        assert first == [37, 38, 44, 34, 40]


def test_the_first_domain_rule_adds_up_to_all_and_the_other_counts_eight_questions_twice(drawn):
    drawn = numbers(drawn)

    def total(rule):
        return sum(relative(drawn, MEAN_OF_RATIOS, kind, rule=rule).n for kind in DOMAINS)

    weighted = sum(
        one.n * one.value for kind in DOMAINS if (one := relative(drawn, MEAN_OF_RATIOS, kind, rule=FIRST_DOMAIN))
    )
    assert (total(FIRST_DOMAIN), total("")) == (193, 201)
    assert weighted / 193 == pytest.approx(relative(drawn, MEAN_OF_RATIOS).value)


def test_as_published_loses_36_arabic_descriptions_from_their_mean_and_from_nothing_else(drawn):
    drawn = numbers(drawn)
    counts = {
        kind: (relative(drawn, AS_PUBLISHED, kind, "en").n, relative(drawn, AS_PUBLISHED, kind, "ar").n)
        for kind in (*TYPES, *DOMAINS, "all")
    }

    assert counts["detailed_description"] == (50, 14)
    assert counts.pop("detailed_description")
    assert all(english == arabic for english, arabic in counts.values())
    assert [counts[kind][0] for kind in DOMAINS] == [37, 38, 44, 34, 40]


def test_as_published_explains_why_description_and_conversation_need_not_make_the_overall(questions):
    """The mismatch of Table 4: descriptions that the script still knows differ from those it lost."""
    arabic = [one for one in questions if one.language == "ar"]
    judged = [
        scored(one, 10, 6 if one.kind == "conversation" else 2 if one.facts["type"] == one.kind else 5)
        for one in arabic
    ]
    values = {kind: relative(judged, AS_PUBLISHED, kind, "ar").value for kind in (*TYPES, "all")}

    assert values["detailed_description"] == pytest.approx(0.2)  # ours: (14 * 0.2 + 36 * 0.5) / 50
    assert relative(judged, MEAN_OF_RATIOS, "detailed_description", "ar").value == pytest.approx(0.416)
    assert values["all"] == pytest.approx((143 * 0.6 + 14 * 0.2 + 36 * 0.5) / 193)
    assert values["all"] != pytest.approx((143 * 0.6 + 50 * 0.2) / 193)


def test_as_published_equals_the_script_line_by_line(drawn):
    """summarize_gpt_review.py, in its own words, on the same scores."""
    lines = []
    for one in (one for one in drawn if one.row.language == "ar"):
        domain = next(name for name in DOMAINS if f'"{name}": true' in one.row.facts["domain"])
        lines.append(
            {"type": one.row.facts["type"], "domain": domain} | {"s1": one.reference_score, "s2": one.answer_score}
        )
    by_kind: dict[str, list] = {}
    for line in lines:
        for kind in (line["type"], line["domain"], "all"):
            by_kind.setdefault(kind, []).append(line["s2"] / (line["s1"] + 1e-100))

    found = numbers(drawn)
    for kind in (*TYPES, *DOMAINS, "all"):
        assert relative(found, AS_PUBLISHED, kind, "ar").value == pytest.approx(fmean(by_kind[kind]))


def test_a_reference_of_0_is_taken_by_the_published_script_and_is_unscored_in_ours(questions):
    judged = [scored(questions[0], 0, 5), scored(questions[1], 10, 5), scored(questions[2], 10, 11)]

    assert relative(judged, AS_PUBLISHED).value == pytest.approx(5e100 / 3)
    assert relative(judged, AS_PUBLISHED).n == 3
    ours = row(judged, RELATIVE, MEAN_OF_RATIOS)
    assert (ours.estimate.value, ours.estimate.n, ours.n_unscored) == (0.5, 1, 2)


def test_wins_ties_and_losses_against_the_reference_add_up_to_one(questions):
    scores = [(8, 9), (8, 8), (8, 7), (9, 1)]
    judged = [scored(one, *pair) for one, pair in zip(questions, scores, strict=False)]
    shares = [row(judged, metric, OURS).estimate.value for metric in (WIN, TIE, LOSS)]

    assert shares == [0.25, 0.25, 0.5]


def test_what_could_not_be_read_is_left_out_and_counted_in_every_group(questions):
    judged = [scored(one, None, None) if n < 3 else scored(one, 10, 5) for n, one in enumerate(questions[:193])]

    for metric, name, kind in (
        (RELATIVE, MEAN_OF_RATIOS, "all"), (RELATIVE, RATIO_OF_MEANS, "histology"), (RELATIVE, AS_PUBLISHED, "all"),
        (WIN, OURS, "conversation"),
    ):  # fmt: skip
        assert row(judged, metric, name, kind).n_unscored == 3
    assert row(judged, RELATIVE, MEAN_OF_RATIOS, "detailed_description").n_unscored == 0
    assert relative(judged, MEAN_OF_RATIOS).value == 0.5
    unread = row(judged, UNREAD, OURS).estimate
    assert (unread.value, unread.n) == (pytest.approx(3 / 193), 193)


def test_a_group_of_which_all_is_unscored_has_no_row(questions):
    judged = [scored(one, 10, 5) if one.kind == "conversation" else scored(one, None, None) for one in questions[:193]]

    assert row(judged, RELATIVE, MEAN_OF_RATIOS, "detailed_description") is None
    assert row(judged, RELATIVE, MEAN_OF_RATIOS, "all").n_unscored == 50


def test_draws_are_averaged_in_their_order_first_and_the_orders_weigh_alike(questions):
    one = questions[0]
    judged = [
        scored(one, 10, 4), scored(one, 10, 6, repeat=1),  # ratios .4 and .6 of the published order: .5
        scored(one, 8, 8, order="answer_first"),  # 1.0 of the other
    ]  # fmt: skip

    assert relative(judged, MEAN_OF_RATIOS).value == pytest.approx(0.75)
    assert relative(judged, RATIO_OF_MEANS).value == pytest.approx((5 + 8) / 2 / ((10 + 8) / 2))
    assert relative(judged, MEAN_OF_RATIOS).n == 1
    assert relative(judged, AS_PUBLISHED).value == pytest.approx(0.4)  # the first draw alone


def test_an_item_with_one_readable_draw_is_scored_and_its_lost_draw_is_counted_as_a_verdict(questions):
    judged = [scored(questions[0], 10, 4), scored(questions[0], None, None, order="answer_first")]

    assert row(judged, RELATIVE, MEAN_OF_RATIOS).n_unscored == 0
    assert relative(judged, MEAN_OF_RATIOS).value == pytest.approx(0.4)
    assert row(judged, UNREAD, OURS).estimate.value == 0.5
    assert row(judged, FIRST_PLACE, OURS) is None  # no question was read in both orders


def test_the_advantage_of_the_first_place_is_in_points_of_the_scale(questions):
    judged = []
    for one in questions[:40]:
        # whoever stands first gets 2 points more than the 5 that the answer and the 7 that the reference deserve
        judged += [scored(one, 7 + 2, 5), scored(one, 7, 5 + 2, order="answer_first")]
    found = row(judged, FIRST_PLACE, OURS)

    assert found.estimate.value == pytest.approx(2.0)
    assert found.estimate.low <= 2.0 <= found.estimate.high
    assert row(judged, FLIPPED, OURS).estimate.value == 0.0


def test_a_judge_that_does_not_care_for_the_order_shows_no_advantage(questions):
    judged = [one for q in questions[:40] for one in (scored(q, 9, 4), scored(q, 9, 4, order="answer_first"))]

    assert row(judged, FIRST_PLACE, OURS).estimate.value == 0.0


def test_an_answer_that_wins_in_one_place_and_loses_in_the_other_is_flipped(questions):
    judged = [scored(questions[0], 8, 7), scored(questions[0], 7, 8, order="answer_first")]
    judged += [scored(questions[1], 8, 7), scored(questions[1], 8, 8, order="answer_first")]  # a tie is no flip
    judged += [scored(questions[2], 8, 7), scored(questions[2], None, None, order="answer_first")]
    flipped = row(judged, FLIPPED, OURS)

    assert (flipped.estimate.value, flipped.estimate.n, flipped.n_unscored) == (0.5, 2, 1)


def test_intervals_are_clustered_by_the_50_figures(questions):
    english = [one for one in questions if one.language == "en"]
    rng = random.Random(1)
    of_image = {one.facts["image"]: rng.randint(2, 10) for one in english}
    alike = [scored(one, 10, of_image[one.facts["image"]]) for one in english]
    values = [one.answer_score for one in alike]
    rng.shuffle(values)
    mixed = [scored(one, 10, value) for one, value in zip(english, values, strict=True)]

    for name in (MEAN_OF_RATIOS, RATIO_OF_MEANS, AS_PUBLISHED):
        found = [relative(judged, name) for judged in (alike, mixed)]
        assert {one.n_clusters for one in found} == {50}
        assert found[0].value == pytest.approx(found[1].value)
        assert found[0].high - found[0].low > 1.5 * (found[1].high - found[1].low)


def test_every_number_lies_in_its_interval_and_no_count_is_lost(drawn):
    some = [
        replace(one, reference_score=None, answer_score=None) if n % 17 == 0 else one for n, one in enumerate(drawn)
    ]
    for one in results(some):
        assert one.estimate.low <= one.estimate.value <= one.estimate.high, one
        if one.kind == "all" and one.metric == RELATIVE:
            assert one.estimate.n + one.n_unscored == 193


def test_no_result_comes_twice(drawn):
    places = [(one.metric, one.definition, one.kind, one.language) for one in results(drawn)]

    assert len(set(places)) == len(places)


def test_shuffling_the_verdicts_changes_nothing(drawn):
    shuffled = random.Random(2).sample(drawn, len(drawn))
    ours, theirs = map(numbers, (drawn, shuffled))

    assert ours.keys() == theirs.keys()
    assert all(ours[place].estimate.value == pytest.approx(theirs[place].estimate.value) for place in ours)


def test_the_columns_are_those_of_tables_3_and_4():
    for name in ("table03_bimed_mbench_en", "table04_bimed_mbench_ar"):
        assert all(reported.read(name).cell("bimedix2_8b", column) for column in COLUMNS.values())


def test_the_judge_is_in_every_definition_and_two_are_never_mixed(drawn):
    assert all(one.definition.endswith("; judge j") for one in results(drawn))
    with pytest.raises(DataError, match="judges gpt, j; a metric is of answers that one judge read"):
        results([*drawn, replace(drawn[0], judge="gpt")])


def test_a_verdict_that_comes_twice_is_refused(drawn):
    with pytest.raises(DataError, match=r"1 answers are judged more than once, first '0' \(en\), reference_first"):
        results([*drawn, drawn[0]])


def test_a_score_of_nothing_is_an_error(questions):
    with pytest.raises(DataError, match="no answer"):
        results([])
    with pytest.raises(DataError, match=r"\(ar\): none of 1 verdicts .* no number on the first line: 'Sorry'; ask"):
        results([scored(questions[0], 9, 4), scored(questions[193], None, None)])


def test_few_figures_are_warned_of_once(drawn):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = results(drawn)

    assert [one.category for one in caught] == [FewClustersWarning]
    assert f"of {len(found)} numbers of BiMed-MBench rest on fewer than 30 images" in str(caught[0].message)
