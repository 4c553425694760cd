"""A copy of a radiograph that names nobody: bytes in, bytes and a report out.

DICOM: PS3.15 Basic Application Level Confidentiality Profile with the Clean Pixel Data option.
Pixels are decoded and written anew, so that nothing rides along in codestreams, overlays or unused
bits; writing burned into the picture is blanked. PNG, JPEG and TIFF: likewise, without metadata.
"""

import io
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from pneumoscope.core.decode import MAX_BYTES, decode
from pneumoscope.core.decode_guard import parser_faults, parser_warnings
from pneumoscope.core.dicom_file import DicomFile, looks_like_dicom
from pneumoscope.core.dicom_image_pixel import ImagePixel, read_image_pixel
from pneumoscope.core.dicom_pixels import Words, read_words
from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.core.types import Box, FloatImage, Radiograph
from pneumoscope.interop.burned_in_text import find_text
from pneumoscope.interop.deidentify_header import HeaderCleaner, Options
from pneumoscope.interop.pseudonyms import Pseudonyms
from pneumoscope.interop.uids import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME


class BurnedInTextNotFound(PneumoscopeError):
    """The header says that the picture names its patient, and no writing was found in it."""

    code = "burned_in_text_not_found"
    remedy = "Look at the picture, blank the writing by hand and set Burned In Annotation to NO."


@dataclass(frozen=True, slots=True)
class DeidentificationReport:
    """What was done to one file; nothing in it tells whose it was.

    attributes: how many were removed, emptied, replaced … text_boxes: x, y, width, height of
    blanked writing, in pixels as displayed.
    """

    file_format: str
    profile: tuple[str, ...]
    attributes: dict[str, int]
    text_boxes: tuple[Box, ...]

    def record(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Deidentified:
    """name: of the new file, following from the secret and the old one's content.

    Not from its UID: files that differ share one often enough, and one would replace the other.
    """

    data: bytes = field(repr=False)
    name: str
    report: DeidentificationReport


def deidentify(
    data: bytes,
    pseudonyms: Pseudonyms,
    options: Options | None = None,
    *,
    max_bytes: int = MAX_BYTES,
) -> Deidentified:
    """De-identify one radiograph.

    Only what can be decoded is given out, for nothing else can be looked at: a report, a PDF or a
    damaged file raises a DecodeError. Raises BurnedInTextNotFound where the header contradicts the
    search for writing.
    """
    radiograph = decode(data, max_bytes=max_bytes)
    boxes = find_text(radiograph.pixels)
    if not looks_like_dicom(data):
        return _raster(data, radiograph, boxes, pseudonyms)
    with parser_warnings.ignored():
        return _dicom(data, radiograph, boxes, pseudonyms, options or Options(), max_bytes)


def _dicom(
    data: bytes,
    radiograph: Radiograph,
    boxes: tuple[Box, ...],
    pseudonyms: Pseudonyms,
    options: Options,
    max_bytes: int,
) -> Deidentified:
    file = DicomFile(data, max_bytes=max_bytes)
    if str(file.dataset.get("BurnedInAnnotation")) == "YES" and not boxes:
        raise BurnedInTextNotFound("Burned In Annotation is YES, but no writing was found.")
    image = read_image_pixel(file.dataset)
    words = _blanked(_meant_bits(read_words(file, image), image), radiograph.pixels, boxes)
    with parser_faults("The DICOM header"):
        dataset = file.dataset if file.little_endian else _as_little_endian(file.dataset)
        cleaner = HeaderCleaner(dataset, pseudonyms, options)
        cleaner.clean()
        _replace_pixels(dataset, words, image)
        if boxes:
            dataset.BurnedInAnnotation = "NO"
        written = _write(dataset)
    profile = tuple(meaning for _, meaning in options.codes())
    report = DeidentificationReport("dicom", profile, dict(cleaner.done), boxes)
    return Deidentified(written, f"{pseudonyms.name(data)}.dcm", report)


def _meant_bits(words: Words, image: ImagePixel) -> Words:
    """Without what lies beside Bits Stored, where old overlays and anything else may be."""
    mask = ((1 << image.bits_stored) - 1) << image.shift
    meant: Words = words & words.dtype.type(mask)
    if image.signed and image.shift == 0:  # the sign is repeated above, as most readers expect
        negative = meant >> (image.bits_stored - 1) == 1
        meant = np.where(negative, meant | words.dtype.type(~mask & _all_bits(words)), meant)
    return meant


def _all_bits(words: Words) -> int:
    return int(np.iinfo(words.dtype).max)


def _blanked(words: Words, shown: FloatImage, boxes: tuple[Box, ...]) -> Words:
    """Boxes of the displayed picture filled with the word that shows darkest."""
    scale = np.array(words.shape[:2]) / shown.shape
    darkest = np.unravel_index(int(shown.argmin()), shown.shape)
    row, column = (np.array(darkest) * scale).astype(int)
    blanked = words.copy()
    for x, y, width, height in boxes:
        top, bottom = int(y * scale[0]), int(np.ceil((y + height) * scale[0]))
        left, right = int(x * scale[1]), int(np.ceil((x + width) * scale[1]))
        blanked[top:bottom, left:right] = words[row, column]
    return blanked


def _replace_pixels(dataset: Dataset, words: Words, image: ImagePixel) -> None:
    if image.samples == 3:
        dataset.PhotometricInterpretation, dataset.PlanarConfiguration = "RGB", 0
    dataset.BitsAllocated = 8 * words.itemsize
    little = words.astype(words.dtype.newbyteorder("<"))
    dataset.PixelData = little.tobytes() + b"\0" * (words.nbytes % 2)
    dataset["PixelData"].VR = "OB" if words.itemsize == 1 else "OW"


def _as_little_endian(dataset: Dataset) -> Dataset:
    """Values are numbers once read; words kept as bytes are swapped (PS3.5 section 7.3)."""
    copy = Dataset()
    for element in dataset:
        if element.VR == "SQ":
            element.value = [_as_little_endian(item) for item in element.value]
        elif element.VR == "OW" and isinstance(element.value, bytes):
            element.value = np.frombuffer(element.value, ">u2").astype("<u2").tobytes()
        copy[element.tag] = element
    return copy


def _write(dataset: Dataset) -> bytes:
    """With a file meta of our own and an empty preamble: the old ones may name a station."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.ImplementationClassUID = IMPLEMENTATION_CLASS_UID
    dataset.file_meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _raster(
    data: bytes, radiograph: Radiograph, boxes: tuple[Box, ...], pseudonyms: Pseudonyms
) -> Deidentified:
    """As PNG with nothing but pixels: 8 bits where the source had no more, else 16."""
    pixels = _blanked_raster(radiograph.pixels, boxes)
    eight = pixels * 255
    if np.abs(eight - np.rint(eight)).max() < 1e-3:
        image = Image.fromarray(np.rint(eight).astype(np.uint8))
    else:
        image = Image.fromarray(np.rint(pixels * 65535).astype(np.uint16))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    report = DeidentificationReport(radiograph.file_format, ("Metadata removed",), {}, boxes)
    return Deidentified(buffer.getvalue(), f"{pseudonyms.name(data)}.png", report)


def _blanked_raster(pixels: FloatImage, boxes: tuple[Box, ...]) -> FloatImage:
    blanked = pixels.copy()
    for x, y, width, height in boxes:
        blanked[int(y) : int(np.ceil(y + height)), int(x) : int(np.ceil(x + width))] = 0
    return blanked
