"""Bad images on their way into a benchmark: each has one clear outcome, and none becomes a picture nobody meant."""

import hashlib
import io
import json
import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
import tiny
from PIL import Image
from shared_data import real

from bimedix2_core.data.image_store import ImageStore
from bimedix2_core.data.images import read_image
from bimedix2_core.data.sources import BadRows, read_source
from bimedix2_core.data.sources.image_list import compare_images, require_images
from bimedix2_core.errors import DataError

# One question for each file, in the published schemas of shared/notes/formats.md and shared/data/README.md.
MBENCH = {
    "pair_id": "x", "text": "What is it?", "gpt4_answer": "A film.", "fig_caption": "A film.", "fig_label": "Figure 1",
    "in_text_mention": None, "domain": {"chest_xray": True}, "type": "conversation",
}  # fmt: skip
SLAKE = {
    "img_id": 0, "question": "Is it normal?", "answer": "No", "q_lang": "en", "location": "Lung", "modality": "X-Ray",
    "answer_type": "CLOSED", "base_type": "vqa", "content_type": "Abnormality", "triple": ["vhead", "_", "_"],
}  # fmt: skip


def questions(source: str, folder: Path, names: list[str]) -> Path:
    """A file of one question about each image."""
    if source == "bimed_mbench":
        records = [MBENCH | {"question_id": number, "image": name} for number, name in enumerate(names)]
        file = folder / "q.jsonl"
        file.write_text("".join(json.dumps(record) + "\n" for record in records))
        return file
    records = [SLAKE | {"qid": number, "img_name": name} for number, name in enumerate(names)]
    file = folder / "q.json"
    file.write_text(json.dumps(records))
    return file


def png_of_no_pixels(width: int, height: int) -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def jpeg_of_no_lines() -> bytes:
    """A JPEG whose header claims a height of 0."""
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "JPEG")
    content = bytearray(stream.getvalue())
    at = content.find(b"\xff\xc0") + 5
    content[at : at + 2] = b"\0\0"
    return bytes(content)


def dicom_of(change) -> bytes:
    """The real CT slice with some of its fields changed."""
    dataset = pydicom.dcmread(real("images/CT_small.dcm"))
    change(dataset)
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def without_pixels() -> bytes:
    return dicom_of(lambda dataset: dataset.__delattr__("PixelData"))


def with_empty_pixels() -> bytes:
    return dicom_of(lambda dataset: setattr(dataset, "PixelData", b""))


def with_no_rows() -> bytes:
    return dicom_of(lambda dataset: setattr(dataset, "Rows", 0))


def with_a_blank_width() -> bytes:
    return dicom_of(lambda dataset: setattr(dataset, "Columns", None))


def cut_dicom() -> bytes:
    return real("images/CT_small.dcm").read_bytes()[:20_000]


def cut_film() -> bytes:
    whole = real("images/vqarad_synpic42202.jpg").read_bytes()
    return whole[: len(whole) // 2]


BAD = {
    "missing": (None, "no image 'bad.jpg' in"),
    "empty": (lambda: b"", r"found an empty file \(0 bytes\)"),
    "text": (lambda: b"<html>404 Not Found</html>", "found text"),
    "cut": (cut_film, "a JPEG file that breaks off or is damaged"),
    "0 x 0 PNG": (lambda: png_of_no_pixels(0, 0), "a PNG file that breaks off or is damaged"),
    "0 x 5 PNG": (lambda: png_of_no_pixels(0, 5), "a PNG file that breaks off or is damaged"),
    "JPEG of no lines": (jpeg_of_no_lines, "a JPEG file that breaks off or is damaged"),
    "DICOM without pixel data": (without_pixels, "a DICOM file without pixels"),
    "DICOM with empty pixel data": (with_empty_pixels, r"empty \(0 bytes\); expected those of 128 x 128 pixels"),
    "DICOM with no rows": (with_no_rows, "a DICOM file of 128 x 0 pixels; expected one pixel at least"),
    "DICOM with a blank width": (with_a_blank_width, "a DICOM file of 0 x 128 pixels; expected one pixel at least"),
    "DICOM cut within its pixels": (cut_dicom, r"cannot be decoded \(20,000 bytes found\); it is cut short, or its"),
}


@pytest.fixture
def folder(tmp_path) -> Path:
    images = tmp_path / "images"
    images.mkdir()
    tiny.colour_image(90).save(images / "good.jpg")
    return images


# --- bad images stop the question, by name -------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["bimed_mbench", "slake_vqa"])
@pytest.mark.parametrize("kind", BAD)
def test_a_bad_image_is_a_bad_row_that_names_it_and_is_never_stored(tmp_path, folder, source, kind):
    content, words = BAD[kind]
    if content:
        (folder / "bad.jpg").write_bytes(content())
    file = questions(source, tmp_path, ["good.jpg", "bad.jpg", "good.jpg"])
    store = ImageStore(tmp_path / "store")

    with pytest.raises(DataError, match=words) as error:
        list(read_source(source, file, bad_rows=BadRows(0), images=store, image_folder=folder))
    bad_rows = BadRows(1)
    rows = list(read_source(source, file, bad_rows=bad_rows, images=store, image_folder=folder))

    assert "bad.jpg" in str(error.value)
    assert ("line 2" if source == "bimed_mbench" else "row 1") in str(error.value)
    assert [row.id for row in rows] == ["0", "2"]
    assert len(bad_rows.found) == 1
    assert len([path for path in store.folder.rglob("*") if path.is_file()]) == 1


# --- odd images that are good --------------------------------------------------------------------------------------


def test_a_16_bit_film_looks_like_the_8_bit_one_it_was_made_of(tmp_path):
    film = np.asarray(read_image(real("images/cxr_00000001_000.png")).image.convert("L"))
    Image.fromarray(film.astype(np.uint16) * 200 + 3000).save(tmp_path / "deep.png")

    read = read_image(tmp_path / "deep.png")

    shown = np.asarray(read.image)[:, :, 0]
    assert "16-bit grey, window from the 1st to the 99th percentile" in read.note
    assert read.image.mode == "RGB"
    assert np.corrcoef(shown.ravel(), film.ravel())[0, 1] > 0.99
    assert (shown.min(), shown.max()) == (0, 255)


def test_a_palette_image_has_the_colours_of_its_palette_and_not_their_numbers(tmp_path):
    tile = read_image(real("images/histology_high-nuclei-score-level2.png")).image.quantize(64)
    tile.save(tmp_path / "tile.png")

    read = read_image(tmp_path / "tile.png")

    with Image.open(tmp_path / "tile.png") as stored:
        assert stored.mode == "P"
    assert read.image.tobytes() == tile.convert("RGB").tobytes()


def test_a_palette_image_with_a_transparent_colour_is_laid_over_white(tmp_path):
    image = Image.new("P", (2, 1))
    image.putpalette([200, 0, 0, 0, 0, 200])
    image.putdata([0, 1])
    image.save(tmp_path / "p.png", transparency=0)

    read = read_image(tmp_path / "p.png").image

    assert [read.getpixel((x, 0)) for x in (0, 1)] == [(255, 255, 255), (0, 0, 200)]


def test_the_real_palette_ultrasound_is_colour_and_stored_for_its_question(tmp_path):
    store = ImageStore(tmp_path / "store")
    file = questions("bimed_mbench", tmp_path, ["examples_palette.dcm"])

    [row] = read_source("bimed_mbench", file, bad_rows=BadRows(0), images=store, image_folder=real("images"))

    opened = np.asarray(store.open(row.images[0])).astype(int)
    assert opened.shape == (350, 800, 3)
    assert np.ptp(opened, axis=2).max() > 50  # the colour bar


# --- a folder beside the names a benchmark needs -------------------------------------------------------------------

ABSENT = ["20671840_F0004.jpg", "20733967_F3.jpg"]
"""Of BiMed-MBench's 50 figures, those that were not in the listing of 54 files (facts.md, section 9, defect 10)."""


def save(folder: Path, names: list[str]) -> None:
    folder.mkdir(exist_ok=True)
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), number).save(folder / name, "PNG")


def sums(folder: Path, names: list[str], *, form: str = "{}  {}\n") -> Path:
    lines = [form.format(hashlib.sha256((folder / name).read_bytes()).hexdigest(), name) for name in names]
    (folder.parent / "SHA256SUMS").write_text("".join(lines))
    return folder.parent / "SHA256SUMS"


def test_the_published_listing_of_bimed_mbench_lacks_two_figures_and_has_six_more(tmp_path):
    there, more = [f"{number}_F1.jpg" for number in range(48)], [f"more_{number}.jpg" for number in range(6)]
    save(tmp_path / "images", there + more)

    found = compare_images(tmp_path / "images", [*there, *ABSENT, *there])  # four questions share a figure

    assert (found.n_needed, found.missing, found.unused) == (50, tuple(ABSENT), tuple(more))
    assert not found.is_usable
    with pytest.raises(DataError) as error:
        require_images(tmp_path / "images", [*there, *ABSENT])
    assert str(error.value).splitlines()[1:] == [
        "48 of 50 images are there",
        "  2 missing: 20671840_F0004.jpg, 20733967_F3.jpg",
        "  6 not asked for: more_0.jpg, more_1.jpg, more_2.jpg, more_3.jpg, more_4.jpg, more_5.jpg",
        "  no checksums: a swapped or changed image would not be seen",
    ]


@pytest.mark.parametrize("form", ["{}  {}\n", "{} *{}\n", "{}  ./{}\n", "{}\t{}\n", "{}  {}\r\n"])
def test_two_swapped_images_are_seen_by_their_checksums_and_only_by_them(tmp_path, form):
    names = ["a.png", "b.png", "deep/c.png"]
    save(tmp_path / "images", names)
    listed = sums(tmp_path / "images", names, form=form)
    a, b = (tmp_path / "images" / name for name in names[:2])
    content = a.read_bytes()
    a.write_bytes(b.read_bytes())
    b.write_bytes(content)

    found = compare_images(tmp_path / "images", names, checksums=listed)

    assert found.swapped == {"a.png": "b.png", "b.png": "a.png"}
    assert (found.missing, found.changed, found.duplicates, found.unlisted) == ((), (), (), ())
    assert not found.is_usable
    assert "2 swapped: a.png holds b.png, b.png holds a.png" in str(found)
    assert compare_images(tmp_path / "images", names).is_usable  # without a list nobody can tell


def test_an_image_that_holds_a_copy_of_another_is_swapped_and_one_of_no_name_is_changed(tmp_path):
    names = ["a.png", "b.png", "c.png"]
    save(tmp_path / "images", names)
    listed = sums(tmp_path / "images", names)
    shutil.copy(tmp_path / "images" / "a.png", tmp_path / "images" / "b.png")
    tiny.colour_image(10).save(tmp_path / "images" / "c.png")

    found = compare_images(tmp_path / "images", names, checksums=listed)

    assert (found.swapped, found.changed, found.duplicates) == ({"b.png": "a.png"}, ("c.png",), (("a.png", "b.png"),))


@pytest.mark.parametrize("bad", ["missing", "unreadable", "changed"])
def test_one_bad_image_of_any_kind_makes_a_folder_unusable(tmp_path, bad):
    save(tmp_path / "images", ["a.png", "b.png"])
    listed = sums(tmp_path / "images", ["a.png", "b.png"])
    require_images(tmp_path / "images", ["a.png", "b.png"], checksums=listed)
    image = tmp_path / "images" / "b.png"
    if bad == "missing":
        image.unlink()
    elif bad == "unreadable":
        image.write_bytes(b"")
    else:
        Image.new("L", (8, 8), 99).save(image)

    with pytest.raises(DataError, match=f"1 {bad}.*: b.png"):
        require_images(tmp_path / "images", ["a.png", "b.png"], checksums=listed)


def test_copies_and_unused_files_are_told_and_stop_nothing(tmp_path):
    save(tmp_path / "images", ["a.png", "more.png"])
    shutil.copy(tmp_path / "images" / "a.png", tmp_path / "images" / "twin.png")

    found = require_images(tmp_path / "images", ["a.png", "twin.png"])

    assert found.is_usable
    assert "1 one content under several names: a.png = twin.png" in str(found)
    assert "1 not asked for: more.png" in str(found)


def test_copies_that_the_list_has_too_are_no_swap(tmp_path):
    save(tmp_path / "images", ["a.png"])
    shutil.copy(tmp_path / "images" / "a.png", tmp_path / "images" / "twin.png")
    listed = sums(tmp_path / "images", ["a.png", "twin.png"])

    assert require_images(tmp_path / "images", ["a.png", "twin.png"], checksums=listed).swapped == {}


def test_an_image_that_the_list_lacks_is_told_and_the_others_are_checked(tmp_path):
    save(tmp_path / "images", ["a.png", "b.png"])
    listed = sums(tmp_path / "images", ["a.png"])

    found = require_images(tmp_path / "images", ["a.png", "b.png"], checksums=listed)

    assert found.unlisted == ("b.png",)
    assert "1 not in the list of checksums: b.png" in str(found)


def test_every_kind_of_bad_file_is_unreadable_by_name_and_with_its_reason(tmp_path, folder):
    contents = {f"{number}.jpg": content for number, (content, _) in enumerate(BAD.values()) if content}
    for name, content in contents.items():
        (folder / name).write_bytes(content())

    found = compare_images(folder, [*contents, "good.jpg"])

    assert list(found.unreadable) == sorted(contents)
    assert "not an image: found an empty file (0 bytes)" in found.unreadable["1.jpg"]
    assert not found.is_usable


@pytest.mark.parametrize("name", ["../outside.png", "/etc/hostname", "a/../../outside.png", ""])
def test_a_name_that_leads_out_of_the_folder_is_missing_even_if_there_is_a_file(tmp_path, folder, name):
    shutil.copy(folder / "good.jpg", tmp_path / "outside.png")

    assert compare_images(folder, ["good.jpg", name]).missing == (name,)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("abc  a.png\n", "line 1: 'abc  a.png'; expected 64 hexadecimal digits"),
        (f"{'0' * 64} a.png\n", "line 1: "),
        (f"{'0' * 64}  a.png\n\n{'1' * 64}  a.png\n", "line 3: 'a.png' is listed twice"),
    ],
)
def test_a_list_that_is_none_is_refused_with_its_lines(tmp_path, folder, text, words):
    (tmp_path / "sums").write_text(text)

    with pytest.raises(DataError, match="sums: no list of checksums") as error:
        compare_images(folder, ["good.jpg"], checksums=tmp_path / "sums")
    assert words in str(error.value)


def test_no_folder_no_name_and_no_list_are_errors(tmp_path, folder):
    with pytest.raises(DataError, match="no such image folder"):
        compare_images(tmp_path / "nowhere", ["a.png"])
    with pytest.raises(DataError, match="no image is asked for"):
        compare_images(folder, [])
    with pytest.raises(DataError, match="the list of checksums cannot be read"):
        compare_images(folder, ["good.jpg"], checksums=tmp_path / "nowhere")


def test_the_real_images_agree_with_their_published_checksums(tmp_path):
    names = [f"images/{file.name}" for file in sorted(real("images").iterdir())]

    found = require_images(real(""), names, checksums=real("SHA256SUMS"))

    assert (found.n_needed, found.unlisted, found.duplicates) == (12, (), ())
    assert "slake/test.json" in found.unused


def test_two_of_rad_vqas_real_images_that_were_swapped_are_found(tmp_path):
    pair = ["vqarad_synpic32933.jpg", "vqarad_synpic42202.jpg"]
    folder = tmp_path / "images"
    folder.mkdir()
    for name, other in zip(pair, reversed(pair), strict=True):
        shutil.copy(real("images") / other, folder / name)
    published = real("SHA256SUMS").read_text().replace("  images/", "  ")
    (tmp_path / "SHA256SUMS").write_text(published)

    with pytest.raises(DataError, match=r"2 swapped: vqarad_synpic32933\.jpg holds vqarad_synpic42202\.jpg"):
        require_images(folder, pair, checksums=tmp_path / "SHA256SUMS")


def test_rad_vqas_test_questions_need_203_images_of_which_two_are_here(tmp_path):
    names = [question["image_name"] for question in json.loads(real("vqa_rad/testset.json").read_text())]
    folder = tmp_path / "images"
    folder.mkdir()
    for file in real("images").glob("vqarad_*.jpg"):
        shutil.copy(file, folder / file.name.removeprefix("vqarad_"))

    found = compare_images(folder, names)

    assert (found.n_needed, len(found.missing), found.unused) == (203, 201, ())
