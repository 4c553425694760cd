"""DICOM image → Radiograph: the order of the steps, colour, and the shape of the pixels."""

from typing import cast

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from pneumoscope.core.decode_guard import MAX_PIXELS, parser_faults
from pneumoscope.core.dicom_file import DicomFile
from pneumoscope.core.dicom_grayscale import show_grayscale
from pneumoscope.core.dicom_header import read_header
from pneumoscope.core.dicom_image_pixel import ImagePixel, read_image_pixel
from pneumoscope.core.dicom_pixels import Words, read_words
from pneumoscope.core.dicom_spacing import read_aspect
from pneumoscope.core.errors import ColourImage, CorruptFile, NoPixelData, UnsupportedFormat
from pneumoscope.core.types import FloatImage, Radiograph, Reason

_FLOAT_PIXELS = (0x7FE00008, 0x7FE00009)
_GREY_TOLERANCE = 2 / 255
_SQUARE_TOLERANCE = 0.01


def decode_dicom(data: bytes, *, max_bytes: int) -> Radiograph:
    """Decode one single-frame monochrome image: CR, DX, or secondary capture.

    pixels: float32 [H, W], 0..1, air dark, resampled to square pixels.
    Raises the DecodeError subclasses of DICOM; see `core.errors`.
    """
    file = DicomFile(data, max_bytes=max_bytes)
    if file.pixel_data is None:
        raise _no_image(file.dataset)
    with parser_faults("The DICOM header"):
        image = read_image_pixel(file.dataset)
    words = read_words(file, image)
    with parser_faults("The DICOM header"):
        if image.samples == 1:
            pixels, notes = show_grayscale(words, image, file.dataset)
        else:
            pixels, notes = _show_grey_in_colour(words, image)
        pixels, remarks = square_pixels(pixels, file.dataset)
        header = read_header(file.dataset, file.transfer_syntax)
    notes = (*notes, *remarks, *_assumptions(file))
    return Radiograph(np.ascontiguousarray(pixels), "dicom", 0.0, header, notes)


def _no_image(dataset: Dataset) -> Exception:
    if any(tag in dataset for tag in _FLOAT_PIXELS):
        return UnsupportedFormat("The DICOM object holds floating-point pixels: no radiograph.")
    if "SOPClassUID" not in dataset and "Modality" not in dataset:
        return CorruptFile("The file begins like DICOM, but no DICOM attributes follow.")
    return NoPixelData("The DICOM object holds no image.")


def _show_grey_in_colour(words: Words, image: ImagePixel) -> tuple[FloatImage, tuple[Reason, ...]]:
    """Radiographs exported as RGB: accepted where the three samples are the same."""
    top = 2**image.bits_stored - 1
    red, green, blue = (words[..., channel] for channel in range(3))
    highest = np.maximum(np.maximum(red, green), blue)
    lowest = np.minimum(np.minimum(red, green), blue)
    if (highest - lowest).max() > _GREY_TOLERANCE * top:
        raise ColourImage("The DICOM image is in colour.")
    pixels = np.clip(green.astype(np.float32) / np.float32(top), 0, 1)
    return pixels, (Reason("grey_from_colour", "A grey image stored in colour was read as grey."),)


def square_pixels(pixels: FloatImage, dataset: Dataset) -> tuple[FloatImage, tuple[Reason, ...]]:
    """Enlarge the coarser direction until pixels are square (PS3.3 C.7.6.3.1.7, 10.7.1.3)."""
    aspect, notes = read_aspect(dataset)
    if abs(aspect - 1) <= _SQUARE_TOLERANCE:
        return pixels, notes
    rows, columns = pixels.shape
    size = (columns, round(rows * aspect)) if aspect > 1 else (round(columns / aspect), rows)
    if size[0] * size[1] > MAX_PIXELS:
        return pixels, (Reason("pixel_spacing_ignored", "Square pixels would be too many."),)
    square = Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR)
    message = f"Pixels are not square (ratio {aspect:.3g}); the image was resampled."
    return np.clip(np.asarray(square), 0, 1), (*notes, Reason("pixels_resampled", message))


def _assumptions(file: DicomFile) -> tuple[Reason, ...]:
    """What the header leaves open that a reader of the result should know."""
    notes = []
    if not file.transfer_syntax:
        notes.append(Reason("no_file_meta", "The DICOM file meta information is missing."))
    if str(file.dataset.get("PresentationIntentType") or "") == "FOR PROCESSING":
        message = (
            "The image is for processing, not for presentation: its contrast is the detector's."
        )
        notes.append(Reason("for_processing", message))
    orientation = file.dataset.get("PatientOrientation")
    if isinstance(orientation, MultiValue) and str(cast(object, orientation[0])).startswith("R"):
        message = "Patient Orientation says that the image is mirrored: sides may be exchanged."
        notes.append(Reason("mirrored", message))
    return tuple(notes)
