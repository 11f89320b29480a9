"""Drawing rows of a part: exactly as many, by their ids alone, twins together."""

from dataclasses import replace

import pytest

from bimedix2_core.data.compose.selection import Part, select
from bimedix2_core.errors import DataError
from tests.data.compose.small_parts import part, row, rows


def ids(one: Part, wanted: int, seed: int = 0) -> set[str]:
    drawn = [row.id for row in select(one, wanted, seed=seed).rows()]
    assert len(drawn) == len(set(drawn))
    return set(drawn)


@pytest.mark.parametrize("wanted", [0, 1, 7, 99, 100])
def test_exactly_as_many_rows_are_drawn_as_wanted(wanted):
    selection = select(part("qa", 100), wanted, seed=0)

    assert selection.taken == len(list(selection.rows())) == wanted
    assert selection.available == 100


def test_a_part_that_is_too_small_gives_all_it_has_once():
    selection = select(part("qa", 5), 8, seed=0)

    assert [row.id for row in selection.rows()] == ["q0", "q1", "q2", "q3", "q4"]
    assert (selection.taken, selection.wanted) == (5, 8)


def test_a_part_without_rows_gives_none():
    assert list(select(part("qa", 0), 3, seed=0).rows()) == []


def test_twins_are_drawn_together():
    assert ids(part("qa", 100, "en"), 40) == ids(part("qa_ar", 100, "ar"), 40)


def test_a_smaller_sample_lies_within_a_larger_one_of_the_twins():
    assert ids(part("qa_ar", 100, "ar"), 15) < ids(part("qa", 100, "en"), 40)


def test_twins_in_one_part_are_drawn_together():
    both = Part("qa", lambda: (row(number, language) for language in ("en", "ar") for number in range(50)))

    drawn = [row.id for row in select(both, 20, seed=0).rows()]

    assert len(set(drawn)) == 10


def test_the_order_of_a_part_does_not_change_what_is_drawn():
    backwards = Part("qa", lambda: reversed(list(rows(100))))

    assert ids(backwards, 30) == ids(part("qa", 100), 30)


def test_another_seed_draws_other_rows():
    assert ids(part("qa", 100), 30, seed=0) != ids(part("qa", 100), 30, seed=1)


def test_the_draw_is_even():
    drawn = sum("q0" in ids(part("qa", 10), 3, seed=seed) for seed in range(400))

    assert 90 <= drawn <= 150  # 120 expected; beyond 3 standard deviations (9.2) of a fair draw


def test_drawn_rows_carry_the_id_of_the_part_and_are_otherwise_unchanged():
    drawn = list(select(part("qa", 3, images=1), 3, seed=0).rows())

    assert drawn == [replace(row, source="qa") for row in rows(3, images=1)]


def test_an_id_that_stands_twice_is_an_error_that_names_both_places():
    doubled = Part("medqa", lambda: [row(4), row(7), row(5), row(7)])

    with pytest.raises(DataError, match=r"part 'medqa': 1 ids stand there twice: 'q7' \(en\) in rows 2 and 4; exp"):
        select(doubled, 2, seed=0)


def test_many_doubled_ids_are_counted_and_three_are_named():
    doubled = Part("medqa", lambda: [*rows(5), *rows(5)])

    with pytest.raises(DataError, match=r"5 ids stand there twice: .*in rows 1 and 6, .*in rows 3 and 8, \.\.\.; "):
        select(doubled, 2, seed=0)


def test_a_stream_that_cannot_begin_anew_is_an_error():
    stream = rows(10)

    with pytest.raises(DataError, match="gave 10 rows at first and 0 the second time"):
        list(select(Part("qa", lambda: stream), 4, seed=0).rows())


def test_a_stream_that_gives_other_rows_the_second_time_is_an_error():
    streams = iter([rows(10), (row(number) for number in range(10, 20))])

    with pytest.raises(DataError, match="expected 10"):
        list(select(Part("qa", lambda: next(streams)), 10, seed=0).rows())


def test_a_key_that_ends_in_zero_bytes_is_drawn_like_any_other():
    single = [Part("qa", lambda number=number: iter([row(number)])) for number in range(2000)]

    selections = [select(one, 1, seed=0) for one in single]

    assert any(selection.cutoff.endswith(b"\0") for selection in selections)
    assert all(len(list(selection.rows())) == 1 for selection in selections)
