import pytest

from bimedix2_core.data.json_objects import line_objects
from bimedix2_core.errors import DataError


def test_each_line_is_an_object_with_its_number_and_only_a_line_feed_ends_one():
    text = '{"a": "x\u2028y"}\n\n  \n{"b": 2}\n'

    assert list(line_objects(text, "f.jsonl")) == [(1, {"a": "x\u2028y"}), (4, {"b": 2})]
    assert list(line_objects("", "f.jsonl")) == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"b": ', r"f\.jsonl, line 2 is not JSON"),
        ("[1]", r"f\.jsonl, line 2 is a list; expected an object"),
        ("null", r"f\.jsonl, line 2 is a NoneType; expected an object"),
    ],
)
def test_what_is_no_object_is_an_error_that_names_the_line(line, message):
    with pytest.raises(DataError, match=message):
        list(line_objects(f'{{"a": 1}}\n{line}\n', "f.jsonl"))
