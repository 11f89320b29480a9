import os
import shutil

import pytest
import tiny
from PIL import Image

from bimedix2_core.data.image_files import ImageFiles
from bimedix2_core.data.image_key import ImageKeys, image_key, image_keys
from bimedix2_core.errors import DataError


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


# --- of a sample's images ------------------------------------------------------------------------------------------


@pytest.fixture
def png(tmp_path):
    tiny.colour_image(90).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def key_of(path):
    (key,) = image_keys(ImageFiles((path,)))
    return key


def test_open_pictures_have_their_own_keys_in_order():
    first, second = tiny.colour_image(1), tiny.colour_image(2)

    assert image_keys([first, second, first]) == (image_key(first), image_key(second), image_key(first))
    assert image_keys([]) == image_keys(ImageFiles(())) == ()


def test_a_file_has_one_key_by_whatever_path_it_is_reached(png):
    (png.parent / "link.png").symlink_to(png)
    (png.parent / "sub").mkdir()

    assert key_of(png.parent / "link.png") == key_of(png.parent / "sub" / ".." / "a.png") == key_of(png)


def test_another_file_a_later_change_or_another_size_has_another_key(png):
    copied = shutil.copy2(png, png.parent / "b.png")  # the same bytes, the same time
    before = png.stat()
    keys = {key_of(png), key_of(copied)}

    os.utime(png, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    keys.add(key_of(png))
    png.write_bytes(png.read_bytes() + b"\0")
    os.utime(png, ns=(before.st_atime_ns, before.st_mtime_ns))
    keys.add(key_of(png))

    assert len(keys) == 4


def test_the_key_of_a_file_needs_no_picture_in_it_but_the_file(png):
    (png.parent / "text.png").write_text("no picture")
    assert len(key_of(png.parent / "text.png")) == 64

    png.unlink()
    with pytest.raises(DataError, match=r"a\.png: no such image file"):
        key_of(png)


def test_a_picture_that_takes_the_place_of_one_that_is_gone_is_hashed_anew():
    keys = ImageKeys()
    levels = [*range(50), *range(50)]

    found = [keys([tiny.colour_image(level)]) for level in levels]  # each is gone before the next, which gets its id

    assert found == [image_keys([tiny.colour_image(level)]) for level in levels]
