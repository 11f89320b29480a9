import hashlib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tiny
from PIL import Image
from shared_data import real

from bimedix2_core.data.image_store import ImageStore
from bimedix2_core.data.images import read_image
from bimedix2_core.errors import DataError


@pytest.fixture
def real_images() -> Path:
    """The folder of real test images."""
    return real("images")


@pytest.fixture
def store(tmp_path) -> ImageStore:
    return ImageStore(tmp_path / "store")


@pytest.fixture
def png(tmp_path) -> Path:
    tiny.colour_image(90).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def files_of(store: ImageStore) -> list[str]:
    return sorted(file.relative_to(store.folder).as_posix() for file in store.folder.rglob("*") if file.is_file())


def test_every_kind_of_real_image_is_stored_byte_for_byte_and_opens_as_the_reader_reads_it(store, real_images):
    for file in sorted(real_images.iterdir()):
        key = store.add(file)
        stored = store.path(key)

        assert key == hashlib.sha256(file.read_bytes()).hexdigest()
        assert stored.read_bytes() == file.read_bytes()
        assert stored.relative_to(store.folder).as_posix() == f"{key[:2]}/{key}{file.suffix}"
        assert (store.open(key).mode, store.open(key).tobytes()) == ("RGB", read_image(file).image.tobytes())

    assert len(files_of(store)) == 12


def test_a_compressed_volume_keeps_the_suffix_it_is_read_by(store, real_images, tmp_path):
    import gzip

    (tmp_path / "volume.nii.gz").write_bytes(gzip.compress((real_images / "anatomical.nii").read_bytes()))

    key = store.add(tmp_path / "volume.nii.gz")

    assert store.path(key).name == f"{key}.nii.gz"
    assert store.open(key).tobytes() == read_image(real_images / "anatomical.nii").image.tobytes()


def test_an_image_added_twice_by_path_and_by_bytes_under_other_names_is_one_file(store, png, tmp_path):
    (tmp_path / "other.jpg").write_bytes(png.read_bytes())

    keys = {store.add(png), store.add(png.read_bytes()), store.add(tmp_path / "other.jpg", name="twin")}

    assert len(keys) == 1
    assert files_of(store) == [f"{(key := keys.pop())[:2]}/{key}.png"]


def test_membership_asks_for_this_very_key(store, png):
    key = store.add(png)
    near_miss = key[:-1] + ("0" if key[-1] != "0" else "1")

    assert key in store
    assert near_miss not in store
    assert "" not in store
    assert None not in store
    assert key in ImageStore(store.folder)
    assert key not in ImageStore(store.folder / "elsewhere")


@pytest.mark.parametrize("key", ["../../a.png", "..", "", "ab", "g" * 64, "/etc/passwd", "a" * 64 + "\n"])
def test_what_is_no_key_never_becomes_a_path(store, png, key):
    store.add(png)

    assert key not in store
    with pytest.raises(DataError, match="is no image key; expected the 64 hexadecimal digits"):
        store.path(key)


def test_an_unknown_key_says_which_store_lacks_it(store):
    with pytest.raises(DataError, match=r"store: no image with key 0{64}; add the image"):
        store.open("0" * 64)


def test_what_is_no_readable_image_is_refused_by_its_own_name_and_leaves_nothing(store, png, tmp_path):
    cut = png.read_bytes()[: png.stat().st_size // 2]
    (tmp_path / "note.txt").write_text("no image")

    with pytest.raises(DataError, match=r"^row 3: a PNG file that breaks off"):
        store.add(cut, name="row 3")
    with pytest.raises(DataError, match=r"^note\.txt: not an image: found text"):
        store.add(tmp_path / "note.txt")
    with pytest.raises(DataError, match=r"^image: not an image: found an empty file"):
        store.add(b"")
    with pytest.raises(DataError, match=r"^none\.png: no such image file"):
        store.add(tmp_path / "none.png")
    with pytest.raises(DataError, match=r"no such image file"):
        store.add(tmp_path)

    assert files_of(store) == []


def test_a_stored_file_that_changed_is_an_error_until_it_is_added_again(store, png):
    key = store.add(png)
    tiny.colour_image(91).save(store.path(key))

    with pytest.raises(DataError, match=rf"^{key}\.png: this stored image is damaged: .* delete the file"):
        store.open(key)

    store.path(key).unlink()
    assert store.add(png) == key
    assert store.open(key).getpixel((0, 0)) == (90, 90, 90)


def add_all(folder: Path, contents: list[bytes]) -> list[str]:
    return [ImageStore(folder).add(content) for content in contents]


def test_four_processes_that_add_the_same_images_leave_one_whole_file_each(store, tmp_path):
    contents = []
    for level in range(12):
        Image.fromarray(np.full((64, 64), level, dtype=np.uint8)).save(tmp_path / "one.png")
        contents.append((tmp_path / "one.png").read_bytes())

    with ProcessPoolExecutor(4) as pool:
        keys = list(pool.map(add_all, [store.folder] * 4, [contents] * 4))

    assert keys[0] == keys[1] == keys[2] == keys[3]
    assert files_of(store) == sorted(f"{key[:2]}/{key}.png" for key in keys[0])
    assert [store.open(key).getpixel((0, 0))[0] for key in keys[0]] == list(range(12))


def test_a_stored_file_has_the_rights_a_new_file_has(store, png, tmp_path):
    (tmp_path / "plain").write_text("")

    key = store.add(png)

    assert store.path(key).stat().st_mode == (tmp_path / "plain").stat().st_mode
