"""Makers of small files for tests: nothing here is a patient's."""

import io
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    generate_uid,
)

# Every 12-bit value once, in a shape that is not square and not symmetric.
RAMP_12_BIT = np.arange(4096, dtype=np.uint16).reshape(32, 128)


def radiograph_8_bit(rows: int = 90, columns: int = 120) -> NDArray[np.uint8]:
    """Something smooth with a bright middle and a mark in one corner: compressible, oriented."""
    y, x = np.mgrid[0:rows, 0:columns]
    picture = 40 + 160 * np.exp(-(((x - columns / 2) / 30) ** 2) - ((y - rows / 2) / 25) ** 2)
    picture[: rows // 8, : columns // 8] = 250
    return picture.astype(np.uint8)


def encode(image: NDArray[Any] | Image.Image, file_format: str, **options: Any) -> bytes:
    """An array or image as the bytes of a raster file."""
    buffer = io.BytesIO()
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def orientation(value: int) -> Image.Exif:
    """EXIF that holds one orientation."""
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """One chunk with its length and checksum."""
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check


def make_dataset(words: NDArray[Any], **attributes: Any) -> Dataset:
    """A DX data set around the words; BitsStored is that of the container unless given.

    An attribute given as None is left out.
    """
    dataset = Dataset()
    dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.SOPInstanceUID = generate_uid(entropy_srcs=["pneumoscope"])
    dataset.Modality = "DX"
    dataset.Rows, dataset.Columns = words.shape[:2]
    dataset.SamplesPerPixel = 1 if words.ndim == 2 else 3
    dataset.PhotometricInterpretation = "MONOCHROME2" if words.ndim == 2 else "RGB"
    if words.ndim == 3:
        dataset.PlanarConfiguration = 0
    bits = 8 * words.dtype.itemsize
    dataset.BitsAllocated = bits
    dataset.BitsStored = bits
    dataset.PixelRepresentation = int(words.dtype.kind == "i")
    for keyword, value in attributes.items():
        if value is not None:
            setattr(dataset, keyword, value)
        elif keyword in dataset:
            delattr(dataset, keyword)
    if "HighBit" not in attributes:
        dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelData = words.tobytes() + b"\0" * (words.nbytes % 2)
    dataset["PixelData"].VR = "OB" if bits == 8 else "OW"
    return dataset


def make_dicom(
    words: NDArray[Any],
    *,
    transfer_syntax: str = ExplicitVRLittleEndian,
    codestream: bytes | None = None,
    **attributes: Any,
) -> bytes:
    """A DICOM file; `codestream` takes the place of the words in an encapsulated syntax."""
    if transfer_syntax == ExplicitVRBigEndian:
        words = words.astype(words.dtype.newbyteorder(">"))
    dataset = make_dataset(words, **attributes)
    if codestream is not None:
        dataset.PixelData = encapsulate([codestream])
        dataset["PixelData"].is_undefined_length = True
        dataset["PixelData"].VR = "OB"
    return save(dataset, transfer_syntax)


def save(dataset: Dataset, transfer_syntax: str = ExplicitVRLittleEndian) -> bytes:
    """The data set as a file with preamble and file meta."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = transfer_syntax
    dataset.file_meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID", "1.2.3")
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", "1.2.3")
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def without_file_meta(dataset: Dataset, transfer_syntax: str = ImplicitVRLittleEndian) -> bytes:
    """The bare data set, as old archives keep it."""
    buffer = io.BytesIO()
    dataset.save_as(
        buffer,
        implicit_vr=transfer_syntax == ImplicitVRLittleEndian,
        little_endian=transfer_syntax != ExplicitVRBigEndian,
        enforce_file_format=False,
    )
    return buffer.getvalue()


def lut_item(entries: NDArray[Any], first: int, bits: int) -> Dataset:
    """An item of a Modality or VOI LUT Sequence."""
    item = Dataset()
    item.add_new("LUTDescriptor", "US" if first >= 0 else "SS", [len(entries) % 65536, first, bits])
    item.add_new("LUTData", "OW", entries.astype("<u2").tobytes())
    return item


NATIVE_SYNTAXES = (
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
)
