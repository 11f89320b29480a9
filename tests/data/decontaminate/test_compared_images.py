import io
import random

import numpy as np
import pytest
from PIL import Image
from scipy.fft import dct
from shared_data import real

from bimedix2_core.data.decontaminate.images import HashIndex, Near, hash_images, perceptual_hash
from bimedix2_core.data.images import read_image

MOST = 4


def real_images() -> dict[str, Image.Image]:
    return {path.name: read_image(path).image for path in sorted(real("images").iterdir())}


def as_jpeg(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer)


def scaled(image: Image.Image, share: float) -> Image.Image:
    return image.resize((round(image.width * share), round(image.height * share)), Image.Resampling.BICUBIC)


def distance(one: int, other: int) -> int:
    return sum(a != b for a, b in zip(f"{one:064b}", f"{other:064b}", strict=True))


def test_a_real_image_is_found_again_as_jpeg_and_scaled_and_no_other_is():
    images = real_images()
    found = hash_images(images.items())
    index = HashIndex(found.hashes, most=MOST)

    assert len(images) == 12
    assert found.flat == frozenset()
    for name, image in images.items():
        for copy in (image, as_jpeg(image, 60), scaled(image, 0.9), as_jpeg(scaled(image, 0.9), 60)):
            assert [near.image for near in index.near(perceptual_hash(copy))] == [name]


def test_the_closest_two_real_images_are_far_beyond_the_limit():
    hashes = list(hash_images(real_images().items()).hashes.values())

    assert min(distance(a, b) for number, a in enumerate(hashes) for b in hashes[:number]) >= 4 * MOST


def test_the_hash_is_the_published_phash():
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8))

    # as ImageHash 4.3 writes it: two one-dimensional transforms, 8 x 8, above the median, row by row
    pixels = np.asarray(image.convert("L").resize((32, 32), Image.Resampling.LANCZOS)).astype(float)
    lowest = dct(dct(pixels, axis=0), axis=1)[:8, :8]
    bits = "".join("1" if bit else "0" for bit in (lowest > np.median(lowest)).ravel())

    assert perceptual_hash(image) == int(bits, 2)


def test_a_mirrored_image_is_another_image():
    images = real_images()
    image = images["vqarad_synpic42202.jpg"]

    assert distance(perceptual_hash(image), perceptual_hash(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT))) > MOST


@pytest.mark.parametrize("colour", ["black", "white", (90, 120, 30)])
def test_a_flat_image_has_no_hash_and_is_listed(colour):
    flat = Image.new("RGB", (64, 64), colour)
    noisy = Image.fromarray(
        np.full((64, 64), 128, np.uint8) + np.random.default_rng(0).integers(0, 3, (64, 64), np.uint8)
    )
    ramp = Image.fromarray(np.tile(np.arange(0, 256, 4, dtype=np.uint8), (64, 1)))

    found = hash_images([("flat", flat), ("as jpeg", as_jpeg(flat, 30)), ("noisy", noisy), ("ramp", ramp)])

    assert found.flat == {"flat", "as jpeg", "noisy"}
    assert set(found.hashes) == {"ramp"}


@pytest.mark.parametrize("most", [0, 1, 4, 7])
def test_the_bands_find_what_comparing_all_pairs_finds(most):
    rng = random.Random(most)
    hashes = {f"random {number}": rng.getrandbits(64) for number in range(300)}
    for number in range(300):  # neighbours at every distance about the limit
        value = hashes[f"random {number}"]
        for bit in rng.sample(range(64), rng.randint(0, most + 3)):
            value ^= 1 << bit
        hashes[f"near {number}"] = value
    queries = [*hashes.values(), 0, (1 << 64) - 1]

    index = HashIndex(hashes, most=most)
    found = [index.near(query) for query in queries]

    values = np.array(list(hashes.values()), dtype=np.uint64)
    for query, nears in zip(queries, found, strict=True):
        distances = np.bitwise_count(values ^ np.uint64(query))
        expected = [Near(name, int(d)) for name, d in zip(hashes, distances, strict=True) if d <= most]
        assert nears == sorted(expected, key=lambda near: (near.distance, near.image))


def test_four_bits_are_near_and_five_are_not_wherever_they_lie():
    rng = random.Random("bits")
    value = rng.getrandbits(64)
    index = HashIndex({"image": value}, most=4)

    for _ in range(500):
        bits = rng.sample(range(64), 5)
        five = value ^ sum(1 << bit for bit in bits)
        four = five ^ 1 << bits[0]
        assert index.near(four) == [Near("image", 4)]
        assert index.near(five) == []


def test_images_with_one_hash_are_all_found():
    assert HashIndex({"b": 7, "a": 7}, most=4).near(7) == [Near("a", 0), Near("b", 0)]
