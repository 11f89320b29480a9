import gzip
import io
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import apply_modality_lut, apply_voi_lut
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from shared_data import real

from bimedix2_core.data.images import Problem, read_folder, read_image
from bimedix2_core.errors import DataError

REAL = {  # name: (kind, size), sizes from shared/data/README.md (there rows x columns for DICOM)
    "CT_small.dcm": ("dicom", (128, 128)),
    "MR_small.dcm": ("dicom", (64, 64)),
    "anatomical.nii": ("nifti", (33, 41)),
    "cxr_00000001_000.png": ("png", (512, 512)),
    "cxr_16747_3_1.jpg": ("jpeg", (1036, 885)),
    "examples_overlay.dcm": ("dicom", (484, 300)),
    "examples_palette.dcm": ("dicom", (800, 350)),
    "examples_rgb_color.dcm": ("dicom", (320, 240)),
    "histology_high-nuclei-score-level2.png": ("png", (512, 512)),
    "histology_medium-nuclei-score-level2.png": ("png", (512, 512)),
    "vqarad_synpic32933.jpg": ("jpeg", (1024, 1090)),
    "vqarad_synpic42202.jpg": ("jpeg", (1024, 1291)),
}


@pytest.fixture
def real_images() -> Path:
    """The folder of real test images."""
    return real("images")


def grey(image: Image.Image) -> np.ndarray:
    return np.asarray(image)[:, :, 0].astype(int)


def dicom(path: Path, pixels: np.ndarray, *, interpretation: str = "MONOCHROME2", **fields) -> Path:
    """Write a small uncompressed DICOM file; ``fields`` are set as they are."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = Dataset()
    dataset.file_meta = meta
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    dataset.Modality, dataset.PatientName, dataset.PatientID = "OT", "Doe^Jane", "4711-X"
    dataset.PhotometricInterpretation = interpretation
    dataset.SamplesPerPixel = pixels.shape[-1] if interpretation in ("RGB", "YBR_FULL") else 1
    if dataset.SamplesPerPixel == 3:
        dataset.PlanarConfiguration = 0
    is_volume = pixels.ndim == 3 and dataset.SamplesPerPixel == 1
    dataset.Rows, dataset.Columns = pixels.shape[1:3] if is_volume else pixels.shape[:2]
    if is_volume:
        dataset.NumberOfFrames = len(pixels)
    bits = 8 * pixels.dtype.itemsize
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, bits, bits - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    dataset.add_new("PixelData", "OB" if bits == 8 else "OW", pixels.tobytes())
    for name, value in fields.items():
        setattr(dataset, name, value)
    pydicom.dcmwrite(path, dataset, enforce_file_format=True)
    return path


RAMP = np.arange(16, dtype=np.int16).reshape(4, 4) * 100  # 0 .. 1500


def test_all_real_images_are_read_in_the_order_of_their_names(real_images):
    readings = read_folder(real_images)

    assert readings.problems == ()
    assert {read.name: (read.kind, read.image.size) for read in readings.images} == REAL
    assert [read.name for read in readings.images] == sorted(REAL)
    assert all(read.image.mode == "RGB" and read.note for read in readings.images)


@pytest.mark.parametrize("name", sorted(REAL))
def test_a_real_image_uses_dark_and_bright_without_drowning_in_either(real_images, name):
    pixels = np.asarray(read_image(real_images / name).image.convert("L"))

    assert pixels.min() < 60
    assert pixels.max() > 195
    assert np.mean(pixels == 255) < 0.25
    assert len(np.unique(pixels)) > 40


@pytest.mark.parametrize("name", sorted(REAL))
@pytest.mark.parametrize("share", [0.0, 0.001, 0.02, 0.3, 0.7, 0.95])
def test_a_real_image_cut_anywhere_is_a_problem_by_name(real_images, tmp_path, name, share):
    whole = (real_images / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: int(len(whole) * share)])

    with pytest.raises(DataError, match=f"^{name}: "):
        read_image(tmp_path / name)


def test_broken_files_are_named_and_do_not_stop_the_others(tmp_path):
    Image.new("RGB", (8, 6), "red").save(tmp_path / "b_good.png")
    buffer = io.BytesIO()
    Image.effect_noise((64, 64), 60).save(buffer, "JPEG")
    (tmp_path / "a_cut.jpg").write_bytes(buffer.getvalue()[:400])
    (tmp_path / "c_text.png").write_text("no picture", encoding="utf-8")
    (tmp_path / "d_empty.dcm").write_bytes(b"")
    (tmp_path / "README.md").write_text("صور للاختبار", encoding="utf-8")
    (tmp_path / "e_folder").mkdir()
    Image.new("RGB", (8, 6), "red").save(tmp_path / "e_folder" / "inside.png")

    readings = read_folder(tmp_path)

    assert [read.name for read in readings.images] == ["b_good.png"]
    assert [problem.name for problem in readings.problems] == ["README.md", "a_cut.jpg", "c_text.png", "d_empty.dcm"]
    assert readings.problems[0] == Problem(
        "README.md",
        "not an image: found text, expected PNG, JPEG, DICOM (.dcm) or NIfTI (.nii, .nii.gz); convert or remove it",
    )
    assert "breaks off or is damaged (400 bytes found)" in readings.problems[1].reason
    assert "found text" in readings.problems[2].reason
    assert "an empty file (0 bytes)" in readings.problems[3].reason


def test_an_absent_folder_or_file_is_an_error_that_says_so(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        read_folder(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"^nothing\.png: cannot be opened"):
        read_image(tmp_path / "nothing.png")


def test_a_file_is_told_by_its_content_not_by_its_name(tmp_path):
    Image.new("RGB", (8, 6), "red").save(tmp_path / "scan.dcm", format="JPEG")

    assert read_image(tmp_path / "scan.dcm").kind == "jpeg"


def test_sixteen_bit_grey_is_windowed_by_percentiles(tmp_path):
    pixels = np.linspace(1000, 3000, 100 * 100).reshape(100, 100).astype(np.uint16)
    pixels[0, 0], pixels[0, 1] = 0, 65535  # two hot pixels must not flatten the rest
    Image.fromarray(pixels).save(tmp_path / "deep.png")

    read = read_image(tmp_path / "deep.png")

    assert "1st to the 99th percentile" in read.note
    assert grey(read.image)[50, 0] == pytest.approx(128, abs=2)  # the middle of the ramp is the middle of the screen
    assert grey(read.image)[0, 2] == 0
    assert grey(read.image)[99, 99] == 255


def test_a_flat_image_is_black_and_no_error(tmp_path):
    Image.fromarray(np.full((5, 5), 700, dtype=np.uint16)).save(tmp_path / "flat.png")

    assert grey(read_image(tmp_path / "flat.png").image).max() == 0


def test_transparency_becomes_white(tmp_path):
    rgba = Image.new("RGBA", (2, 1), (255, 0, 0, 255))
    rgba.putpixel((1, 0), (0, 0, 0, 0))
    rgba.save(tmp_path / "clear.png")

    read = read_image(tmp_path / "clear.png")

    assert read.image.mode == "RGB"
    assert [read.image.getpixel((x, 0)) for x in (0, 1)] == [(255, 0, 0), (255, 255, 255)]


def test_a_cmyk_jpeg_keeps_its_colour(tmp_path):
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "print.jpg")  # no cyan: red

    red, green, blue = read_image(tmp_path / "print.jpg").image.getpixel((8, 8))

    assert red > 240
    assert green < 15
    assert blue < 15


def test_a_photograph_is_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held turned: rotate by 90 degrees clockwise to see it
    Image.new("RGB", (30, 20), "blue").save(tmp_path / "photo.jpg", exif=exif)

    assert read_image(tmp_path / "photo.jpg").image.size == (20, 30)


def test_a_decompression_bomb_is_refused(tmp_path):
    Image.new("1", (20_000, 10_000)).save(tmp_path / "bomb.png")

    with pytest.raises(DataError, match=r"^bomb\.png: claims more than the 100,000,000 pixels"):
        read_image(tmp_path / "bomb.png")


def test_a_dicom_window_is_the_one_pydicom_computes(real_images):
    read = read_image(real_images / "MR_small.dcm")

    dataset = pydicom.dcmread(real_images / "MR_small.dcm")
    reference = apply_voi_lut(apply_modality_lut(dataset.pixel_array, dataset), dataset)
    low, high = -(2**15), 2**15 - 1  # pydicom's output range for 16 bits, signed
    expected = (reference.astype(float) - low) / (high - low) * 255
    assert np.abs(grey(read.image) - expected).max() <= 1
    assert read.note == "MR, 64 x 64 pixels, window of the file (centre 600, width 1600)"


def test_ct_without_a_window_is_shown_as_soft_tissue(real_images):
    read = read_image(real_images / "CT_small.dcm")

    dataset = pydicom.dcmread(real_images / "CT_small.dcm")
    hounsfield = dataset.pixel_array.astype(float) - 1024  # its rescale intercept
    assert "soft-tissue window (centre 40, width 400)" in read.note
    assert (grey(read.image)[hounsfield <= -160] == 0).all()
    assert (grey(read.image)[hounsfield >= 240] == 255).all()
    assert grey(read.image)[np.abs(hounsfield - 40) < 1] == pytest.approx(128, abs=1)


def test_an_overlay_is_not_drawn_and_the_note_says_so(real_images):
    assert read_image(real_images / "examples_overlay.dcm").note.endswith("overlay not drawn")


def test_monochrome1_is_inverted(tmp_path):
    window = {"WindowCenter": 750, "WindowWidth": 1500}
    plain = read_image(dicom(tmp_path / "plain.dcm", RAMP, **window))
    inverted = read_image(dicom(tmp_path / "inverted.dcm", RAMP, interpretation="MONOCHROME1", **window))

    assert (grey(inverted.image) == 255 - grey(plain.image)).all()
    assert "inverted" in inverted.note


def test_a_window_that_shows_nothing_gives_way_to_percentiles(tmp_path):
    read = read_image(dicom(tmp_path / "off.dcm", RAMP, WindowCenter=30_000, WindowWidth=10))

    assert "percentile" in read.note
    assert grey(read.image).max() == 255


def test_rescale_comes_before_the_window(tmp_path):
    fields = {"RescaleSlope": 2, "RescaleIntercept": -1000, "WindowCenter": 0.5, "WindowWidth": 2001}
    read = read_image(dicom(tmp_path / "rescaled.dcm", RAMP, **fields))

    # stored 500 is 0 after rescale, the centre of a window from -1000 to 1000
    assert grey(read.image)[1, 1] == 128
    assert grey(read.image)[0, 0] == 0


def test_padding_does_not_widen_the_window(tmp_path):
    pixels = np.full((20, 20), -2000, dtype=np.int16)
    pixels[5:15, 5:15] = np.linspace(100, 200, 100).reshape(10, 10)
    read = read_image(dicom(tmp_path / "padded.dcm", pixels, PixelPaddingValue=-2000))

    assert grey(read.image)[10, 5] == pytest.approx(128, abs=4)
    assert grey(read.image)[0, 0] == 0


def test_a_look_up_table_of_the_file_is_used(tmp_path):
    table = Dataset()
    table.add_new("LUTDescriptor", "US", [4, 0, 8])
    table.add_new("LUTData", "US", [0, 255, 10, 20])
    read = read_image(dicom(tmp_path / "table.dcm", np.array([[0, 1], [2, 3]], dtype=np.uint8), VOILUTSequence=[table]))

    assert grey(read.image).tolist() == [[0, 255], [10, 20]]
    assert "look-up table" in read.note


def test_the_middle_frame_of_several_is_shown(tmp_path):
    frames = np.stack([np.full((4, 4), value, dtype=np.uint8) for value in (10, 20, 30, 40, 50)])
    frames[:, 0, 0] = 0
    read = read_image(dicom(tmp_path / "cine.dcm", frames, WindowCenter=30.5, WindowWidth=61))

    assert "frame 3 of 5" in read.note
    assert grey(read.image)[1, 1] == 128  # 30 in a window from 0 to 60


def test_a_frame_of_an_enhanced_file_has_its_own_window(tmp_path):
    groups = []
    for centre in (100.5, 200.5, 300.5):
        voi, group = Dataset(), Dataset()
        voi.WindowCenter, voi.WindowWidth = centre, 201
        group.FrameVOILUTSequence = [voi]
        groups.append(group)
    frames = np.broadcast_to(np.array([[100, 200], [300, 150]], dtype=np.uint16), (3, 2, 2)).copy()
    read = read_image(dicom(tmp_path / "enhanced.dcm", frames, PerFrameFunctionalGroupsSequence=groups))

    assert grey(read.image).tolist() == [[0, 128], [255, 64]]  # 100 to 300


def test_dicom_colour_is_read_as_rgb_and_as_ybr(tmp_path):
    red = np.zeros((4, 4, 3), dtype=np.uint8)
    red[:, :, 0] = 255
    ybr = np.broadcast_to(np.array([76, 85, 255], dtype=np.uint8), (4, 4, 3)).copy()  # PS3.3 C.7.6.3.1.2 for red

    assert read_image(dicom(tmp_path / "rgb.dcm", red, interpretation="RGB")).image.getpixel((1, 1)) == (255, 0, 0)
    pixel = read_image(dicom(tmp_path / "ybr.dcm", ybr, interpretation="YBR_FULL")).image.getpixel((1, 1))
    assert pixel == pytest.approx((255, 0, 0), abs=2)


def test_pixels_that_are_not_square_are_stretched(tmp_path):
    read = read_image(dicom(tmp_path / "flat.dcm", RAMP, PixelSpacing=[2.0, 1.0]))

    assert read.image.size == (4, 8)


def test_a_note_never_tells_who_the_patient_is(tmp_path):
    whole = dicom(tmp_path / "whole.dcm", RAMP, Modality="DOE JANE")
    (tmp_path / "cut.dcm").write_bytes(whole.read_bytes()[:-7])

    readings = read_folder(tmp_path)

    shown = readings.images[0].note + readings.problems[0].reason
    assert readings.images[0].note.startswith("DICOM image, 4 x 4")
    assert not any(word in shown.lower() for word in ("doe", "jane", "4711"))


def test_a_dicom_file_without_pixels_is_a_problem(tmp_path):
    path = dicom(tmp_path / "report.dcm", RAMP)
    dataset = pydicom.dcmread(path)
    del dataset.PixelData
    dataset.save_as(path)

    with pytest.raises(DataError, match="a DICOM file without pixels"):
        read_image(path)


def test_a_dicom_file_of_an_unknown_compression_names_it(tmp_path):
    path = dicom(tmp_path / "odd.dcm", RAMP)
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.MPEG2MPML
    dataset.PixelData = pydicom.encaps.encapsulate([b"\0" * 32])
    dataset["PixelData"].VR = "OB"
    dataset.save_as(path)

    with pytest.raises(DataError, match="MPEG2"):
        read_image(path)


def volume_with_landmarks() -> np.ndarray:
    """float[x, y, z] in RAS axes, 9 x 11 x 5: patient's left brighter than front, all in the middle axial slice."""
    data = np.zeros((9, 11, 5), dtype=np.float32)
    data[1, 5, 2] = 100  # the patient's left: small x
    data[4, 9, 2] = 50  # the front: large y
    data[:, :, 4] = 100  # the top slice must not be the one that is shown
    return data


@pytest.mark.parametrize("axes", ["RAS", "LAS", "LPI", "SAR", "ILP"])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_the_patients_left_is_on_the_right_and_the_front_is_on_top(tmp_path, axes, suffix):
    ras = nibabel.Nifti1Image(volume_with_landmarks(), np.eye(4))
    turn = nibabel.orientations.ornt_transform(
        nibabel.orientations.axcodes2ornt("RAS"), nibabel.orientations.axcodes2ornt(axes)
    )
    nibabel.save(ras.as_reoriented(turn), tmp_path / f"head{suffix}")

    read = read_image(tmp_path / f"head{suffix}")

    pixels = grey(read.image)
    bright_row, bright_column = np.unravel_index(pixels.argmax(), pixels.shape)
    assert pixels.shape == (11, 9)
    assert (bright_row, bright_column) == (5, 7)  # left of the patient, right of the image
    assert pixels[1, 4] > pixels[5, 4]  # the front, at the top
    assert "axial slice 3 of 5" in read.note


def test_a_slice_is_stretched_by_its_voxel_size(tmp_path):
    nibabel.save(nibabel.Nifti1Image(volume_with_landmarks(), np.diag([1.0, 2.0, 5.0, 1.0])), tmp_path / "thick.nii")

    assert read_image(tmp_path / "thick.nii").image.size == (9, 22)


def test_the_first_volume_of_a_series_is_shown(tmp_path):
    series = np.stack([volume_with_landmarks(), np.zeros((9, 11, 5), dtype=np.float32)], axis=-1)
    nibabel.save(nibabel.Nifti1Image(series, np.eye(4)), tmp_path / "series.nii.gz")

    read = read_image(tmp_path / "series.nii.gz")

    assert "first volume" in read.note
    assert grey(read.image).max() == 255


def test_a_volume_in_hounsfield_units_is_shown_as_soft_tissue(tmp_path):
    data = np.full((20, 20, 3), -1000, dtype=np.int16)
    data[5:15, 5:15] = 40
    nibabel.save(nibabel.Nifti1Image(data, np.eye(4)), tmp_path / "ct.nii")

    read = read_image(tmp_path / "ct.nii")

    assert "soft-tissue window" in read.note
    assert grey(read.image)[10, 10] == 128


def test_a_volume_without_orientation_says_that_sides_are_a_guess(tmp_path):
    nibabel.save(nibabel.Nifti1Image(volume_with_landmarks(), None), tmp_path / "bare.nii")

    assert "left and right are a guess" in read_image(tmp_path / "bare.nii").note


def test_a_compressed_volume_cut_behind_its_middle_is_a_problem(tmp_path):
    noise = np.random.default_rng(0).integers(0, 1000, (20, 20, 20), dtype=np.int16)
    nibabel.save(nibabel.Nifti1Image(noise, np.eye(4)), tmp_path / "whole.nii.gz")
    whole = (tmp_path / "whole.nii.gz").read_bytes()
    (tmp_path / "cut.nii.gz").write_bytes(whole[: int(len(whole) * 0.9)])

    readings = read_folder(tmp_path)

    assert [read.name for read in readings.images] == ["whole.nii.gz"]
    assert [problem.name for problem in readings.problems] == ["cut.nii.gz"]


def test_a_gzip_file_of_something_else_is_not_an_image(tmp_path):
    (tmp_path / "data.nii.gz").write_bytes(gzip.compress(b"words" * 1000))

    with pytest.raises(DataError, match="a gzip file without a NIfTI volume"):
        read_image(tmp_path / "data.nii.gz")
