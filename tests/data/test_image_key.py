import pytest
from PIL import Image

from bimedix2_core.data.image_key import image_key


def palette_image(colour):
    image = Image.new("P", (2, 2), 0)
    image.putpalette(colour)
    return image


def test_the_same_picture_has_the_same_key_whatever_object_it_is():
    assert image_key(Image.new("RGB", (2, 3), (9, 9, 9))) == image_key(Image.new("RGB", (2, 3), (9, 9, 9)))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Image.new("RGB", (2, 2), (1, 1, 1)), Image.new("RGB", (2, 2), (1, 1, 2))),
        (Image.new("L", (2, 3), 7), Image.new("L", (3, 2), 7)),  # as many bytes, another shape
        (Image.new("RGBA", (1, 1), (1, 2, 3, 4)), Image.new("CMYK", (1, 1), (1, 2, 3, 4))),  # the same bytes
        (palette_image([255, 0, 0]), palette_image([0, 0, 255])),
    ],
    ids=["pixels", "size", "mode", "palette"],
)
def test_what_looks_different_has_another_key(first, second):
    assert image_key(first) != image_key(second)
