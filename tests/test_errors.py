import pytest

from bimedix2_core.errors import listed


@pytest.mark.parametrize(
    ("n", "expected"),
    [
        (0, ""),
        (1, "'q0'"),
        (5, "'q0', 'q1', 'q2', 'q3', 'q4'"),
        (6, "'q0', 'q1', 'q2', 'q3', 'q4' and 1 more"),
        (1300, "'q0', 'q1', 'q2', 'q3', 'q4' and 1,295 more"),
    ],
)
def test_a_message_names_the_first_five_and_counts_the_others(n, expected):
    assert listed([f"q{number}" for number in range(n)]) == expected
