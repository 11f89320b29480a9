"""The phantoms show what their truth records say, and nothing else gives the truth away."""

import time
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from bimedix2_core.demo.phantoms import FINDINGS, MODALITIES, Truth, all_truths, contact_sheet, draw
from bimedix2_core.errors import DataError

SEEDS = range(6)
SIDED = [truth for truth in all_truths() if truth.side == "left"]
SMALL = [truth for truth in all_truths() if truth.size == "small"]
FOCAL = [truth for truth in all_truths() if truth.side or truth.finding in ("liver_cyst", "cyst", "tumour")]


def pixels_of(truth, seed, pixels=96):
    """The phantom as numbers from 0 to 255, (rows, columns, 3)."""
    return np.asarray(draw(truth, seed, pixels=pixels), dtype=np.float64)


def changed(truth, seed, pixels=96):
    """By how much each pixel differs from the normal phantom of the seed, (rows, columns)."""
    normal = pixels_of(Truth(truth.modality, "normal"), seed, pixels)
    return np.abs(pixels_of(truth, seed, pixels) - normal).mean(axis=2)


def name(truth):
    return "-".join(part for part in (truth.modality, truth.finding, truth.side, truth.size) if part)


def test_every_valid_truth_is_listed_once():
    truths = all_truths()
    # cxr 1+4+2+1+4, ct 1+2+2+1, mri 1+4+1+2, histology 4, gross 1+2+1+2
    assert len(truths) == len(set(truths)) == 12 + 6 + 8 + 4 + 6
    assert tuple(FINDINGS) == MODALITIES
    assert all("normal" in findings for findings in FINDINGS.values())


@pytest.mark.parametrize("truth", all_truths(), ids=name)
def test_the_same_arguments_give_the_same_bytes(truth):
    first, second = draw(truth, 7), draw(truth, 7)
    assert first.mode == "RGB"
    assert first.size == (96, 96)
    assert first.tobytes() == second.tobytes()
    assert first.tobytes() != draw(truth, 8).tobytes()


@pytest.mark.parametrize("seed", SEEDS)
def test_all_truths_of_a_seed_look_different(seed):
    images = [pixels_of(truth, seed) for truth in all_truths()]
    for index, image in enumerate(images):
        for other in images[:index]:
            assert (np.abs(image - other).max(axis=2) > 40).sum() >= 6


@pytest.mark.parametrize("truth", SIDED, ids=name)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_patients_left_is_on_the_right_of_the_image(truth, seed):
    twins = {"left": changed(truth, seed), "right": changed(replace(truth, side="right"), seed)}
    on_the_right = {side: image[:, 48:].sum() / image.sum() for side, image in twins.items()}
    assert on_the_right["left"] > 0.85
    assert on_the_right["right"] < 0.15


@pytest.mark.parametrize("truth", SMALL, ids=name)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_large_finding_covers_clearly_more_than_a_small_one(truth, seed):
    small = (changed(truth, seed) > 12).sum()
    large = (changed(replace(truth, size="large"), seed) > 12).sum()
    assert small >= 12
    assert large > 1.7 * small


@pytest.mark.parametrize("truth", FOCAL, ids=name)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_focal_finding_leaves_the_rest_of_the_image_untouched(truth, seed):
    untouched = changed(truth, seed) == 0
    assert untouched.mean() > 0.6
    corners = untouched[:12, :12], untouched[:12, -12:], untouched[-12:, :12], untouched[-12:, -12:]
    assert all(corner.all() for corner in corners)


@pytest.mark.parametrize("modality", MODALITIES)
def test_the_word_phantom_is_on_every_image_at_the_same_place(modality):
    word = (slice(352, 380), slice(4, 106))
    reference = pixels_of(Truth("ct", "normal"), 3, 384)[word].mean(axis=2)
    letters = reference > 170
    assert 150 < letters.sum() < 1200
    for truth in (truth for truth in all_truths() if truth.modality == modality):
        image = pixels_of(truth, 3, 384)[word].mean(axis=2)
        assert image[letters].min() > 150
        assert image[letters].max() - image[letters].min() < 80


@pytest.mark.parametrize("modality", ["cxr", "ct", "mri"])
def test_radiological_images_carry_an_l_at_the_image_right(modality):
    patch = pixels_of(Truth(modality, "normal"), 0, 384)[24:60, -40:-6].mean(axis=2)
    stem, right_of_it = patch[:, :18].max(axis=0), patch[4:16, 24:30]
    assert stem.max() > 180
    assert right_of_it.max() < 160


@pytest.mark.parametrize("truth", all_truths(), ids=name)
def test_a_phantom_stays_the_same_at_another_resolution(truth):
    large = np.asarray(draw(truth, 5, pixels=384).resize((24, 24), Image.Resampling.BOX), dtype=float)
    small = np.asarray(draw(truth, 5, pixels=96).resize((24, 24), Image.Resampling.BOX), dtype=float)
    assert np.abs(large - small).mean() < 6


@pytest.mark.parametrize(
    ("truth", "words"),
    [
        (Truth("pet", "normal"), "modality 'pet'"),
        (Truth("cxr", "liver_cyst"), "finding 'liver_cyst'"),
        (Truth("cxr", "cardiomegaly", "left"), "side 'left'"),
        (Truth("cxr", "lung_nodule", "left"), "size ''"),
        (Truth("cxr", "lung_nodule", "", "small"), "side ''"),
        (Truth("ct", "normal", "", "large"), "size 'large'"),
        (Truth("mri", "infarct", "middle"), "side 'middle'"),
    ],
)
def test_an_invalid_truth_is_an_error_that_names_the_field(truth, words):
    with pytest.raises(DataError, match=words):
        draw(truth, 0)


def test_a_negative_seed_or_a_tiny_canvas_is_an_error():
    with pytest.raises(DataError, match="seed -1"):
        draw(Truth("ct", "normal"), -1)
    with pytest.raises(DataError, match="8 pixels"):
        draw(Truth("ct", "normal"), 0, pixels=8)


def test_a_contact_sheet_holds_every_phantom_unchanged():
    truths = [Truth("ct", "normal"), Truth("gross", "haemorrhage"), Truth("mri", "infarct", "left")]
    sheet = contact_sheet(truths, seed=2, pixels=48, columns=2)
    assert sheet.width == 2 * 54
    third = sheet.crop((3, 86 + 3, 51, 86 + 51))
    assert third.tobytes() == draw(truths[2], 2, pixels=48).tobytes()


def test_a_small_phantom_takes_a_few_milliseconds():
    truths = all_truths()
    for truth in truths:
        draw(truth, 0)
    start = time.process_time()
    for truth in truths:
        draw(truth, 1)
    assert (time.process_time() - start) / len(truths) < 0.025  # about 0.002 on an idle core
