"""A reader's own image files, as RGB images for the model and for the eye.

A file is told by what it contains, not by its name. Radiological values have far more steps than a screen, so the
``note`` of every image says which window was used, and which slice or frame of a volume is shown. Header fields that
could identify a patient are never read into a note or a message, and nothing here unpickles.
"""

import gzip
import math
import struct
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from bimedix2_core.errors import DataError

MAX_PIXELS = 100_000_000
"""Most pixels of one picture; a larger one is refused before it is decoded (a small file can claim any size)."""

MAX_VOXELS = 1_000_000_000
"""Most voxels of one volume."""

PERCENTILES = (1.0, 99.0)
"""Shares of the pixels that become black and white when a file does not say how it wants to be shown."""

AIR_HU = -900
"""A volume whose darkest percent lies below this is read as Hounsfield units: only CT has air near -1000."""

READABLE = "PNG, JPEG, DICOM (.dcm) or NIfTI (.nii, .nii.gz)"

_NIFTI_HEADERS = {348: (344, (b"n+1\0", b"ni1\0")), 540: (4, (b"n+2\0", b"ni2\0"))}  # header size: (offset, magic)

# What the decoders raise on damaged files; MemoryError and KeyboardInterrupt are not among them.
_FAILURES = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True)
class ReadImage:
    """One image file as it will be shown to the model."""

    image: Image.Image
    """RGB, 8 bits, square pixels, upright."""
    name: str
    """File name without its folder."""
    kind: str
    """One of ``png``, ``jpeg``, ``dicom``, ``nifti``."""
    note: str
    """Modality, size, window, slice: how the picture was made from the file."""


@dataclass(frozen=True)
class Problem:
    """A file that could not be read."""

    name: str
    """File name without its folder."""
    reason: str
    """What was found, what was expected, what to do."""


@dataclass(frozen=True)
class Readings:
    """What a folder held, both in the order of the file names."""

    images: tuple[ReadImage, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class _Window:
    """Values shown as black and as white, and the words for it."""

    low: float
    high: float
    words: str


_SOFT_TISSUE = _Window(-160.0, 240.0, "soft-tissue window (centre 40, width 400)")


def read_folder(folder: Path | str) -> Readings:
    """Read every image file of a folder; what cannot be read is listed and stops nothing.

    Sub-folders are not entered. Hidden files are listed like any other file that is not an image.

    Raises:
        DataError: there is no such folder.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; expected a folder with {READABLE} files; correct the path")
    images, problems = [], []
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        try:
            images.append(read_image(path))
        except DataError as error:
            problems.append(Problem(path.name, str(error).removeprefix(f"{path.name}: ")))
    return Readings(tuple(images), tuple(problems))


def read_image(path: Path | str) -> ReadImage:
    """Read one image file, whatever its suffix says.

    Raises:
        DataError: the file is missing, empty, cut short, no image, or too large; the message begins with its name.
    """
    path = Path(path)
    kind = _kind(path)
    image, note = _READERS[kind](path)
    return ReadImage(image=image, name=path.name, kind=kind, note=note)


def _kind(path: Path) -> str:
    """The key of ``_READERS`` for what the first bytes of the file say."""
    try:
        with path.open("rb") as file:
            head = file.read(1024)
    except OSError as error:
        raise DataError(f"{path.name}: cannot be opened ({error.strerror}); check the path and its rights") from error
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head[128:132] == b"DICM":
        return "dicom"
    if _is_nifti(head) or (head.startswith(b"\x1f\x8b") and _is_nifti(_unzipped_head(path))):
        return "nifti"
    raise DataError(f"{path.name}: not an image: found {_describe(head)}, expected {READABLE}; convert or remove it")


def _is_nifti(head: bytes) -> bool:
    """Whether the bytes begin with a NIfTI-1 or NIfTI-2 header of either byte order."""
    for order in ("little", "big"):
        size = int.from_bytes(head[:4], order)
        if size in _NIFTI_HEADERS:
            offset, magic = _NIFTI_HEADERS[size]
            return head[offset : offset + 4] in magic
    return False


def _unzipped_head(path: Path) -> bytes:
    """The first bytes inside a gzip file; none when it is broken before them."""
    try:
        with gzip.open(path) as file:
            return file.read(1024)
    except (OSError, EOFError, zlib.error):
        return b""


def _describe(head: bytes) -> str:
    """What the first bytes look like, in words that quote nothing of them."""
    if not head:
        return "an empty file (0 bytes)"
    if head.startswith(b"\x1f\x8b"):
        return "a gzip file without a NIfTI volume at its beginning"
    try:
        head[:1000].decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head[:1000]) - 4:
            return "bytes of no known image format"
    return "bytes of no known image format" if b"\0" in head else "text"


def _read_picture(path: Path) -> tuple[Image.Image, str]:
    """A PNG or JPEG, upright and without transparency, and its note."""
    label = "PNG" if _kind(path) == "png" else "JPEG"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            warnings.simplefilter("ignore", UserWarning)  # damaged EXIF blocks do not damage the picture
            with Image.open(path, formats=["PNG", "JPEG"]) as opened:
                _check_size(path, opened.width * opened.height, most=MAX_PIXELS)
                mode = opened.mode
                upright = ImageOps.exif_transpose(opened)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise _too_large(path, most=MAX_PIXELS) from error
    except _FAILURES as error:
        raise _damaged(path, label) from error
    image, how = _flatten(upright, mode)
    return image, f"{label}, {image.width} x {image.height} pixels, {how}"


def _flatten(image: Image.Image, mode: str) -> tuple[Image.Image, str]:
    """An RGB image of any Pillow mode, and how it was made."""
    if mode.startswith("I") or mode == "F":
        pixels = np.asarray(image, dtype=np.float32)
        window = _percentile_window(pixels)
        return _grey(_ramp(pixels, window)), f"16-bit grey, {window.words}"
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB"), "transparency over white"
    if mode in ("1", "L"):
        return image.convert("RGB"), "grey as stored"
    return image.convert("RGB"), "CMYK converted to RGB" if mode == "CMYK" else "colour as stored"


def _read_dicom(path: Path) -> tuple[Image.Image, str]:
    """The image, or the middle frame, of a DICOM file, and its note.

    No cause is chained to an error and no warning is passed on: pydicom quotes header values, which may name a patient.
    """
    from pydicom.errors import BytesLengthException
    from pydicom.uid import UID

    header = _parse_dicom(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return _render_dicom(path, header)
    except DataError:
        raise
    except (BytesLengthException, *_FAILURES):
        syntax = header.file_meta.get("TransferSyntaxUID")
        compression = syntax.name if isinstance(syntax, UID) else "unknown"
        raise DataError(
            f"{path.name}: the pixels of this DICOM file cannot be decoded ({path.stat().st_size:,} bytes found); "
            f"it is cut short, or its compression ({compression}) needs a decoder that is not installed; "
            "copy it again or convert it to Explicit VR Little Endian"
        ) from None


def _parse_dicom(path: Path):
    """The data set of a DICOM file that has pixels."""
    import pydicom
    from pydicom.errors import BytesLengthException, InvalidDicomError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            header = pydicom.dcmread(path)
    except (BytesLengthException, InvalidDicomError, *_FAILURES):
        raise _damaged(path, "DICOM") from None
    if "PixelData" not in header or "Rows" not in header or "Columns" not in header:
        raise DataError(
            f"{path.name}: a DICOM file without pixels; expected an image; it is cut short or holds a report, "
            "a structure set or an index; choose the image file"
        )
    return header


def _render_dicom(path: Path, header) -> tuple[Image.Image, str]:
    """The image and the note of a DICOM data set that has pixels."""
    from pydicom.pixels import apply_color_lut, apply_modality_lut, pixel_array

    _check_pixels(path, header)
    n_frames = int(header.get("NumberOfFrames") or 1)
    _check_size(path, int(header.Rows) * int(header.Columns), most=MAX_PIXELS)
    frame = n_frames // 2
    stored = pixel_array(header, index=frame)  # YBR comes back as RGB
    words = [_modality(header), f"{header.Columns} x {header.Rows} pixels"]
    if n_frames > 1:
        words.append(f"frame {frame + 1} of {n_frames}")
    if header.PhotometricInterpretation == "PALETTE COLOR":
        pixels, how = _to_bytes(apply_color_lut(stored, header)), "palette colours"
    elif stored.ndim == 3:
        pixels, how = _to_bytes(stored, bits=int(header.BitsStored)), "colour as stored"
    else:
        values = apply_modality_lut(stored, _macro(header, frame, "PixelValueTransformationSequence")).astype(float)
        pixels, how = _dicom_grey(header, frame, stored, values)
    image = _square_pixels(Image.fromarray(pixels).convert("RGB"), *_dicom_spacing(header, frame))
    return image, ", ".join([*words, how, *_dicom_remarks(header)])


def _check_pixels(path: Path, header) -> None:
    """Raise where there is nothing to decode: no decoder lacks then, and the file may be whole."""
    size = f"{int(header.Columns or 0)} x {int(header.Rows or 0)} pixels"
    if not (header.Columns and header.Rows):
        raise DataError(
            f"{path.name}: a DICOM file of {size}; expected one pixel at least; its header is damaged, or it never was "
            "an image: get the image from its source again, or leave it out"
        )
    if not header.PixelData:
        raise DataError(
            f"{path.name}: a DICOM file whose pixel data are empty (0 bytes); expected those of {size}; something "
            "removed them: get the image from its source again, or leave it out"
        )


def _macro(header, frame: int, sequence: str):
    """Where an enhanced multi-frame file keeps the named settings of a frame; the data set itself in any other."""
    per_frame = header.get("PerFrameFunctionalGroupsSequence") or []
    groups = [*per_frame[frame : frame + 1], *(header.get("SharedFunctionalGroupsSequence") or [])]
    found = [group[sequence].value[0] for group in groups if sequence in group and group[sequence].value]
    return found[0] if found else header


def _modality(header) -> str:
    """The modality code, if it is one: a free text in its place is not repeated."""
    code = str(header.get("Modality") or "")
    return code if code.isascii() and code.isalnum() and code.isupper() and len(code) <= 8 else "DICOM image"


def _dicom_grey(header, frame: int, stored: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, str]:
    """uint8[H, W] as the file asks to be shown, and how."""
    from pydicom.pixels import apply_voi

    voi = _macro(header, frame, "FrameVOILUTSequence")
    if voi.get("VOILUTSequence"):
        table_bits = int(voi.VOILUTSequence[0].LUTDescriptor[2])
        grey, how = _to_bytes(apply_voi(values.astype(np.int32), voi), bits=table_bits), "look-up table of the file"
    else:
        wanted = [_window_of_file(voi), *([_SOFT_TISSUE] if header.get("Modality") == "CT" else [])]
        window = _choose_window(values[_is_tissue(header, stored)], wanted)
        grey, how = _ramp(values, window), window.words
    if header.PhotometricInterpretation == "MONOCHROME1":
        return 255 - grey, f"{how}, inverted (MONOCHROME1)"
    return grey, how


def _is_tissue(header, stored: np.ndarray) -> np.ndarray:
    """bool[H, W], False where the scanner padded the image; all True rather than none."""
    padding = header.get("PixelPaddingValue")
    is_tissue = stored != padding if isinstance(padding, int) else np.ones(stored.shape, dtype=bool)
    return is_tissue if is_tissue.any() else ~is_tissue


def _window_of_file(voi) -> _Window | None:
    """The first window a DICOM file names, if it names one.

    Source: DICOM PS3.3 C.11.2.1.2; a SIGMOID window is shown by the straight line of the same centre and width.
    """
    centre, width = _first(voi.get("WindowCenter")), _first(voi.get("WindowWidth"))
    if centre is None or width is None or width < 1:
        return None
    words = f"window of the file (centre {centre:g}, width {width:g})"
    if voi.get("VOILUTFunction") == "LINEAR_EXACT" or width == 1:
        return _Window(centre - width / 2, centre + width / 2, words)
    return _Window(centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2, words)


def _first(value) -> float | None:
    """The first of one or several DICOM numbers."""
    if value is None or value == "":
        return None
    return float(value if isinstance(value, int | float | str) else value[0])


def _dicom_spacing(header, frame: int) -> tuple[float, float]:
    """Height and width of a pixel, in any common unit."""
    measures = _macro(header, frame, "PixelMeasuresSequence")
    for source, name in ((measures, "PixelSpacing"), (header, "ImagerPixelSpacing"), (header, "PixelAspectRatio")):
        values = source.get(name)
        if values is not None and len(values) == 2 and min(values) > 0:
            return float(values[0]), float(values[1])
    return 1.0, 1.0


def _dicom_remarks(header) -> list[str]:
    """What the picture does not show, or shows and should not."""
    remarks = []
    if any(0x6000 <= tag >> 16 <= 0x60FF and tag & 0xFFFF == 0x3000 for tag in header.keys()):  # noqa: SIM118
        remarks.append("overlay not drawn")
    if header.get("BurnedInAnnotation") == "YES":
        remarks.append("text is burned into the pixels")
    return remarks


def _read_nifti(path: Path) -> tuple[Image.Image, str]:
    """The middle axial slice of a NIfTI volume as a radiologist sees it, and its note."""
    import nibabel
    from nibabel.filebasedimages import ImageFileError
    from nibabel.orientations import OrientationError
    from nibabel.spatialimages import HeaderDataError, HeaderTypeError

    if not path.name.lower().endswith((".nii", ".nii.gz")):
        raise DataError(f"{path.name}: a NIfTI volume under another name; expected .nii or .nii.gz; rename the file")
    try:
        return _render_nifti(path, nibabel.load(path))
    except DataError:
        raise
    except (HeaderDataError, HeaderTypeError, ImageFileError, OrientationError, *_FAILURES):
        raise _damaged(path, "NIfTI") from None  # the cause may quote the header's free text


def _render_nifti(path: Path, volume) -> tuple[Image.Image, str]:
    """The image and the note of a NIfTI volume."""
    shape, dtype = volume.shape, volume.get_data_dtype()
    if dtype.kind not in "iuf" or min(shape, default=0) < 1:
        raise DataError(f"{path.name}: a NIfTI file of shape {shape} and type {dtype}; expected a volume of numbers")
    _check_size(path, math.prod(shape[:3]), most=MAX_VOXELS)
    _check_whole(path, volume)
    axial, position = _middle_axial(volume)
    values = np.nan_to_num(np.asarray(axial.dataobj, dtype=float)[:, :, 0], posinf=0.0, neginf=0.0)
    window = _choose_window(values, [_SOFT_TISSUE] if np.percentile(values, 1) <= AIR_HU else [])
    # RAS: x grows to the patient's right, y to the front. A radiologist looks from the feet: right on the left.
    grey = _grey(_ramp(values.T[::-1, ::-1], window))
    words = [f"NIfTI, {' x '.join(str(n) for n in shape)} voxels", *(["first volume"] if len(shape) > 3 else [])]
    words += [position, "the patient's left on the right" if _has_orientation(volume) else "left and right are a guess"]
    width, height = (float(zoom) for zoom in axial.header.get_zooms()[:2])
    return _square_pixels(grey, height, width), ", ".join([*words, window.words])


def _check_whole(path: Path, volume) -> None:
    """Refuse a volume whose file ends before its last voxel, even if the slice to be shown is there."""
    expected = volume.dataobj.offset + math.prod(volume.shape) * volume.get_data_dtype().itemsize
    n_found = path.stat().st_size
    if path.name.lower().endswith(".gz"):
        n_found = 0
        with gzip.open(path) as file:
            while n_found < expected and (chunk := file.read(1 << 20)):
                n_found += len(chunk)
    if n_found < expected:
        raise _damaged(path, "NIfTI")


def _middle_axial(volume):
    """The middle axial slice as an RAS volume of thickness one, and which slice it is counted from below.

    Only this slice is read, whatever the order in which the axes are stored.
    """
    import nibabel

    if len(volume.shape) < 3:
        data = np.asarray(volume.dataobj)
        volume = type(volume)(data.reshape(data.shape + (1,) * (3 - data.ndim)), volume.affine)
    orientation = nibabel.io_orientation(volume.affine)
    axis = int(np.flatnonzero(orientation[:, 0] == 2)[0])
    n_slices = volume.shape[axis]
    index = n_slices // 2 if orientation[axis, 1] > 0 else n_slices - 1 - n_slices // 2
    cut = [slice(None)] * 3 + [0] * (len(volume.shape) - 3)
    cut[axis] = slice(index, index + 1)
    return nibabel.as_closest_canonical(volume.slicer[tuple(cut)]), f"axial slice {n_slices // 2 + 1} of {n_slices}"


def _has_orientation(volume) -> bool:
    """Whether the header says which way the axes run."""
    return bool(volume.header["sform_code"] or volume.header["qform_code"])


_READERS: dict[str, Callable[[Path], tuple[Image.Image, str]]] = {
    "png": _read_picture,
    "jpeg": _read_picture,
    "dicom": _read_dicom,
    "nifti": _read_nifti,
}


def _choose_window(values: np.ndarray, wanted: list[_Window | None]) -> _Window:
    """The first wanted window that shows at least a twentieth of the pixels as a grey, else percentiles."""
    for window in wanted:
        if window and np.mean((values > window.low) & (values < window.high)) >= 0.05:
            return window
    return _percentile_window(values)


def _percentile_window(values: np.ndarray) -> _Window:
    """From the 1st to the 99th percentile; the whole range where these are equal."""
    low, high = (float(value) for value in np.percentile(values, PERCENTILES))
    if high > low:
        return _Window(low, high, f"window from the 1st to the 99th percentile ({low:g} to {high:g})")
    return _Window(float(values.min()), float(values.max()), "window from the least to the greatest value")


def _ramp(values: np.ndarray, window: _Window) -> np.ndarray:
    """uint8[H, W], black at ``low`` and below, white at ``high`` and above; black all over for a flat image."""
    span = window.high - window.low
    if span <= 0:
        return np.zeros(values.shape, dtype=np.uint8)
    return np.rint(np.clip((values - window.low) / span, 0.0, 1.0) * 255).astype(np.uint8)


def _to_bytes(pixels: np.ndarray, *, bits: int | None = None) -> np.ndarray:
    """uint8 of the same shape from pixels that use all of ``bits`` (all bits of their type, if not given)."""
    bits = bits or 8 * pixels.dtype.itemsize
    return np.rint(np.clip(pixels.astype(float) / (2**bits - 1), 0.0, 1.0) * 255).astype(np.uint8)


def _grey(pixels: np.ndarray) -> Image.Image:
    """An RGB image of uint8[H, W]."""
    return Image.fromarray(np.ascontiguousarray(pixels)).convert("RGB")


def _square_pixels(image: Image.Image, pixel_height: float, pixel_width: float) -> Image.Image:
    """The image stretched along one side so that a circle in the patient is a circle on the screen."""
    ratio = pixel_height / pixel_width if pixel_width > 0 else 1.0
    if not 0.02 < ratio < 50 or abs(ratio - 1) < 0.01:
        return image
    width, height = (image.width, image.height * ratio) if ratio > 1 else (image.width / ratio, image.height)
    return image.resize((max(1, round(width)), max(1, round(height))), Image.Resampling.BICUBIC)


def _check_size(path: Path, n_found: int, *, most: int) -> None:
    """Refuse what would fill the memory."""
    if n_found > most:
        raise _too_large(path, most=most)


def _too_large(path: Path, *, most: int) -> DataError:
    return DataError(f"{path.name}: claims more than the {most:,} pixels or voxels this reader opens; make it smaller")


def _damaged(path: Path, label: str) -> DataError:
    return DataError(
        f"{path.name}: a {label} file that breaks off or is damaged ({path.stat().st_size:,} bytes found); "
        "expected a whole file; copy it again"
    )
