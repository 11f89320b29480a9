"""The section of the ablations: what it takes, and what it refuses in words."""

import pytest
from pydantic import ValidationError

from bimedix2_core.params.ablations import AblationParams, LlavaPairs, ShapePairs

SHAPES = {"source": "shapes", "n_images": 8}


def section(**changes):
    return AblationParams.model_validate({"non_medical": SHAPES, "seeds": [0, 1], "steps_share": 1.0} | changes)


def test_pairs_are_drawn_or_read_from_a_file():
    read = {"source": "llava", "file": "pairs.json", "image_folder": "images"}

    assert isinstance(section().non_medical, ShapePairs)
    assert isinstance(section(non_medical=read).non_medical, LlavaPairs)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"seeds": []}, "at least 1 item"),
        ({"seeds": [0, 1, 2, 3]}, "at most 3 items"),
        ({"seeds": [0, 0]}, r"\[0, 0\]: a seed stands there twice"),
        ({"seeds": [-1]}, "greater than or equal to 0"),
        ({"steps_share": 0.0}, "greater than 0"),
        ({"steps_share": 1.5}, "less than or equal to 1"),
        ({"non_medical": {"source": "phantoms", "n_images": 8}}, "'shapes', 'llava'"),
        ({"non_medical": SHAPES | {"file": "x"}}, "Extra inputs are not permitted"),
    ],
)
def test_what_makes_no_sense_is_refused(change, expected):
    with pytest.raises(ValidationError, match=expected):
        section(**change)
