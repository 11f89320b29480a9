import pytest

from bimedix2_core.bench.answer_markers import behind_markers


@pytest.mark.parametrize(
    ("said", "behind"),
    [
        ("b", "b"),
        ("the answer is b. no, the answer is c", " c"),
        ("**answer**: b", " b"),
        ("answer: a\nfinal answer is b", " b"),
        ("\u7b54\u6848:b", "b"),
        ("the answers are b", "the answers are b"),
    ],
)
def test_what_stands_behind_the_last_marker_is_the_answer(said, behind):
    assert behind_markers(said) == behind
