import random

from bimedix2_core.data.decontaminate.overlap import Overlaps


def shared(texts: list[str], asked: str, *, n: int = 4, shortest: int = 2, common: int = 10) -> set[tuple[int, str]]:
    overlaps = Overlaps([(text.split(), True) for text in texts], n=n, shortest=shortest, common=common)
    return set(overlaps.shared_with(asked.split()))


def test_a_run_of_n_words_is_found_and_one_of_n_less_one_is_not():
    assert shared(["a b c d e"], "x b c d e y") == {(0, "b c d e")}
    assert shared(["a b c d e"], "x b c d y e") == set()
    assert shared(["a b c d e"], "a b c x d e") == set()


def test_a_short_text_counts_as_a_whole_only():
    assert shared(["a b c"], "x a b c y") == {(0, "a b c")}
    assert shared(["a b c"], "x a b y c") == set()
    assert shared(["a b c"], "a b") == set()
    assert shared(["a"], "a") == set()


def test_a_text_that_does_not_count_as_a_whole_needs_a_run_of_n_words():
    overlaps = Overlaps([(["a", "b", "c"], False), (["a", "b", "c", "d"], False)], n=4, shortest=2, common=10)

    assert set(overlaps.shared_with(["x", "a", "b", "c", "d"])) == {(1, "a b c d")}


def test_two_short_texts_with_one_beginning_are_told_apart():
    assert shared(["a b c", "a b", "a b d"], "a b d") == {(1, "a b"), (2, "a b d")}


def test_a_run_that_too_many_texts_share_is_left_out_and_counted():
    texts = [(f"{letter} which of the following {letter}".split(), True) for letter in "pqrs"]
    asked = ["p", "which", "of", "the", "following", "p"]
    its_own = {(0, "p which of the"), (0, "of the following p")}

    kept = Overlaps(texts, n=4, shortest=2, common=4)
    left_out = Overlaps(texts, n=4, shortest=2, common=3)

    assert kept.n_common == 0
    assert len(kept) == 9
    assert set(kept.shared_with(asked)) == its_own | {(number, "which of the following") for number in range(4)}
    assert left_out.n_common == 1
    assert len(left_out) == 8
    assert set(left_out.shared_with(asked)) == its_own


def test_a_run_that_one_text_repeats_counts_once():
    overlaps = Overlaps([(["a", "b", "c", "d", "a", "b", "c", "d"], True)], n=4, shortest=2, common=1)

    assert overlaps.n_common == 0
    assert set(overlaps.shared_with(["a", "b", "c", "d"])) == {(0, "a b c d")}


def test_the_dictionaries_find_what_comparing_every_text_finds():
    rng = random.Random("overlap")
    n, shortest = 4, 2
    texts = list(dict.fromkeys(tuple(rng.choices("abc", k=rng.randint(0, 9))) for _ in range(60)))
    overlaps = Overlaps([(text, True) for text in texts], n=n, shortest=shortest, common=len(texts))

    for _ in range(200):
        asked = " ".join(rng.choices("abc", k=rng.randint(0, 12)))
        expected = {
            number
            for number, text in enumerate(texts)
            for run in (
                [text[i : i + n] for i in range(len(text) - n + 1)] or ([text] if len(text) >= shortest else [])
            )
            if f" {' '.join(run)} " in f" {asked} "
        }
        assert {number for number, _ in overlaps.shared_with(asked.split())} == expected
