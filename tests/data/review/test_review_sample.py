import itertools
import json
import random

import pytest
from review_items import item

from bimedix2_core.data.review.sample import allocate, draw, draw_of, rank
from bimedix2_core.errors import DataError


def sizes(**named):
    return {(name, "", ""): size for name, size in named.items()}


@pytest.mark.parametrize(
    ("given", "n", "expected"),
    [
        # 10 x 60, 39, 1 over 100: 6.0, 3.9, 0.1; c gets its one, 9 x 60, 39 over 99: 5.45, 3.55
        (sizes(a=60, b=39, c=1), 10, sizes(a=5, b=4, c=1)),
        (sizes(a=50, b=30, c=20), 10, sizes(a=5, b=3, c=2)),  # whole quotas
        (sizes(a=1, b=1, c=98), 3, sizes(a=1, b=1, c=1)),
        (sizes(a=1, b=1, c=98), 2, sizes(a=0, b=0, c=2)),  # n allows no stratum its own: 0.02, 0.02, 1.96
        (sizes(a=5, b=5), 3, sizes(a=2, b=1)),  # equal remainders: by the alphabet
        (sizes(a=30, b=50), 4, sizes(a=1, b=3)),  # equal remainders, 1.5 and 2.5: the larger first
        (sizes(a=2, b=1), 9, sizes(a=2, b=1)),  # more than there is
        (sizes(a=3), 0, sizes(a=0)),
    ],
)
def test_the_sample_is_shared_out_by_largest_remainder_with_one_for_each(given, n, expected):
    assert allocate(given, n) == expected


def test_a_share_never_exceeds_its_stratum_and_all_shares_make_n():
    rng = random.Random(0)
    for _ in range(300):
        given = sizes(**{f"s{index}": rng.choice((1, 2, 7, 90, 4000)) for index in range(rng.randint(1, 9))})
        n = rng.randint(0, sum(given.values()))

        shared = allocate(given, n)

        assert sum(shared.values()) == n
        assert all(0 <= shared[key] <= given[key] for key in given)
        assert n < len(given) or min(shared.values()) >= 1


def population():
    """60 of one source, 30 and 10 of two modalities of another."""
    kinds = [("slake", "text")] * 60 + [("rad", "text")] * 30 + [("rad", "image_text")] * 10
    return [item(index, source=source, modality=modality) for index, (source, modality) in enumerate(kinds)]


def test_a_random_subset_is_stratified_and_each_item_stands_for_its_share():
    drawn = draw(population(), "bimedix2", n=10, seed=3)

    assert [(one.source, one.modality, one.part, one.n_items, one.n_drawn) for one in drawn.strata] == [
        ("rad", "image_text", "all", 10, 1),
        ("rad", "text", "all", 30, 3),
        ("slake", "text", "all", 60, 6),
    ]
    assert len(drawn.items) == 10
    assert {drawn.weight(one.id) for one in drawn.items} == {10.0}


def test_of_each_stratum_the_items_of_lowest_rank_are_taken():
    drawn = draw(population(), "bimedix2", n=10, seed=3)

    slake = sorted((str(index) for index in range(60)), key=lambda id: rank(id, 3))[:6]

    assert [one.id for one in drawn.items if one.source == "slake"] == slake
    assert [rank(one.id, 3) for one in drawn.items] == sorted(rank(one.id, 3) for one in drawn.items)


def test_the_rank_is_the_keyed_hash_of_the_id():
    import hashlib

    assert rank("7", 3) == int(hashlib.blake2b(b"7", digest_size=8, key=b"3").hexdigest(), 16)


def test_the_order_of_the_input_does_not_matter_and_the_seed_does():
    items = population()
    drawn = draw(iter(items), "bimedix2", n=12, seed=0)

    assert draw(reversed(items), "bimedix2", n=12, seed=0) == drawn
    assert {one.id for one in draw(items, "bimedix2", n=12, seed=1).items} != {one.id for one in drawn.items}


def test_a_larger_sample_holds_the_smaller_one_of_the_same_seed():
    items = population()[:60]

    small, large = ({one.id for one in draw(items, "bimedix2", n=n, seed=0).items} for n in (5, 20))

    assert small < large


def scored():
    """Scores 0..99; ids 90 and up have a failed check as well."""
    return [item(index, score=float(index), flags=("digits",) if index >= 90 else ()) for index in range(100)]


def test_bimedix1_takes_all_low_scores_and_a_random_part_of_the_high_ones():
    drawn = draw(scored(), "bimedix1", n=8, seed=0, threshold=20.0)

    assert [(one.part, one.n_items, one.n_drawn, one.weight) for one in drawn.strata] == [
        ("high", 80, 8, 10.0),
        ("low", 20, 20, 1.0),
    ]
    assert {int(one.id) for one in drawn.items if one.score < 20} == set(range(20))


def test_ours_takes_all_failed_checks_low_scores_and_missing_scores():
    drawn = draw([*scored(), item("none")], "ours", n=7, seed=0, threshold=20.0)

    taken = {one.id for one in drawn.items if drawn.weight(one.id) == 1}

    assert taken == {str(index) for index in (*range(20), *range(90, 100))} | {"none"}
    assert [(one.part, one.n_items, one.n_drawn) for one in drawn.strata] == [("doubtful", 31, 31), ("rest", 70, 7)]


def test_a_score_at_the_threshold_is_not_low():
    drawn = draw([item("a", score=19.9), item("b", score=20.0)], "bimedix1", n=0, seed=0, threshold=20.0)

    assert [one.id for one in drawn.items] == ["a"]


def test_scores_and_checks_play_no_part_in_the_random_subset():
    plain, marked = population()[:60], [item(index, score=1.0, flags=("digits",)) for index in range(60)]

    ids = [[one.id for one in draw(items, "bimedix2", n=9, seed=0).items] for items in (plain, marked)]

    assert ids[0] == ids[1]


def test_each_item_is_equally_likely_to_be_drawn():
    items = population()[:20]
    times = dict.fromkeys((one.id for one in items), 0)
    for seed in range(400):
        for one in draw(items, "bimedix2", n=5, seed=seed).items:
            times[one.id] += 1

    # 400 draws of 5 in 20: each 100 times, standard deviation sqrt(400 x 1/4 x 3/4) = 8.7
    assert all(100 - 4 * 8.7 < count < 100 + 4 * 8.7 for count in times.values())


def test_the_stream_is_read_once_and_only_candidates_are_held():
    drawn = draw((item(index) for index in itertools.islice(itertools.count(), 3000)), "bimedix2", n=4, seed=0)

    assert (len(drawn.items), drawn.strata[0].n_items) == (4, 3000)


def test_a_draw_is_kept_as_json_until_the_sheets_come_back():
    drawn = draw(scored(), "ours", n=7, seed=0, threshold=20.0)

    assert draw_of(json.loads(json.dumps(drawn.as_json()))) == drawn


@pytest.mark.parametrize(
    ("items", "protocol", "settings", "expected"),
    [
        ([item(1)], "bimedix3", {"n": 1}, "unknown review protocol 'bimedix3'; known: bimedix2, bimedix1, ours"),
        ([item(1)], "bimedix2", {"n": -1}, "-1 items was asked for"),
        ([item(1)], "ours", {"n": 1}, "ours takes all low scores, so it needs a threshold"),
        ([item(1)], "bimedix1", {"n": 1, "threshold": 50.0}, "item '1' has no score"),
        ([], "bimedix2", {"n": 1}, "was asked of no item"),
        ([item(1), item(1)], "bimedix2", {"n": 5}, "ids must be unique, but these were drawn twice: '1'"),
    ],
)
def test_what_cannot_be_drawn_is_one_clear_error(items, protocol, settings, expected):
    with pytest.raises(DataError, match=expected):
        draw(items, protocol, seed=0, **settings)
