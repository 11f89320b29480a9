import pickle

import pytest
import tiny
from shared_data import real

from bimedix2_core.data.image_files import ImageFiles
from bimedix2_core.data.images import read_image
from bimedix2_core.errors import DataError


@pytest.fixture
def files(tmp_path):
    paths = tuple(tmp_path / f"{level}.png" for level in (10, 20, 30))
    for level, path in zip((10, 20, 30), paths, strict=True):
        tiny.colour_image(level).save(path)
    return ImageFiles(paths)


def levels(images):
    return [image.getpixel((0, 0))[0] for image in images]


def test_images_are_read_in_order_by_number_from_the_end_and_by_slice(files):
    assert levels(files) == [10, 20, 30]
    assert levels([files[-1], files[1]]) == [30, 20]
    assert isinstance(files[1:], ImageFiles)
    assert levels(files[1:]) == [20, 30]
    with pytest.raises(IndexError):
        files[3]


def test_every_kind_of_real_image_opens_as_the_reader_reads_it():
    paths = tuple(sorted(real("images").iterdir()))

    opened = ImageFiles(paths)

    assert len(opened) == 12
    assert [(one.mode, one.tobytes()) for one in opened] == [
        ("RGB", read_image(path).image.tobytes()) for path in paths
    ]


def test_counting_and_slicing_open_nothing(tmp_path):
    files = ImageFiles((tmp_path / "none.png", tmp_path / "neither.png"))

    assert (len(files), len(files[1:]), bool(files), bool(ImageFiles(()))) == (2, 1, True, False)


def test_a_file_that_is_gone_or_no_image_is_an_error_when_it_is_opened(files):
    files.paths[0].unlink()
    files.paths[1].write_bytes(files.paths[1].read_bytes()[:40])
    files.paths[2].write_text("not found")

    for index, expected in enumerate((r"10\.png: cannot be opened", r"20\.png: a PNG file that", r"30\.png: not an")):
        with pytest.raises(DataError, match=expected):
            files[index]


def test_images_survive_a_pickle_as_paths_alone_and_are_equal_by_path(files):
    stored = pickle.dumps(files)

    assert pickle.loads(stored) == files
    assert files != files[:2]
    assert len(stored) < 1_000  # three pictures are 7 kB of pixels
