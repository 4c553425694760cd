"""Radiographs for measuring speed: a small one enlarged to the size of real ones, with grain."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    generate_uid,
)


def made_jpeg(small: NDArray[np.uint8], width: int, height: int) -> bytes:
    """8 bits, quality 90."""
    buffer = io.BytesIO()
    grey = np.rint(_enlarged(small, width, height) * 255).astype(np.uint8)
    Image.fromarray(grey).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def made_dicom(small: NDArray[np.uint8], width: int, height: int) -> bytes:
    """DX, 12 bits, MONOCHROME1, windowed, uncompressed."""
    stored = np.rint(3900 - _enlarged(small, width, height) * 3600).astype(np.uint16)
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.SOPInstanceUID = generate_uid()
    dataset.Modality, dataset.BodyPartExamined, dataset.ViewPosition = "DX", "CHEST", "AP"
    dataset.Rows, dataset.Columns = stored.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME1"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelRepresentation = 0
    dataset.WindowCenter, dataset.WindowWidth = 2100.5, 3601
    dataset.PixelData = stored.tobytes()
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _enlarged(small: NDArray[np.uint8], width: int, height: int) -> NDArray[np.float64]:
    """small: uint8 [h, w], air dark. Returns float64 [height, width], 0..1."""
    large = Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)
    grain = np.random.default_rng(7).normal(0, 0.01, (height, width))
    pixels: NDArray[np.float64] = np.clip(np.asarray(large) / 255 + grain, 0, 1)
    return pixels
