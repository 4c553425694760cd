"""Made radiographs for measuring speed: the size and the noise of real ones, no patient."""

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


def made_jpeg(width: int, height: int) -> bytes:
    """8 bits, quality 90."""
    buffer = io.BytesIO()
    grey = np.rint(_made_pixels(width, height) * 255).astype(np.uint8)
    Image.fromarray(grey).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def made_dicom(width: int, height: int) -> bytes:
    """DX, 12 bits, MONOCHROME1, windowed, uncompressed."""
    stored = np.rint(3900 - _made_pixels(width, height) * 3600).astype(np.uint16)
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.SOPInstanceUID = generate_uid()
    dataset.Modality, dataset.BodyPartExamined, dataset.ViewPosition = "DX", "CHEST", "PA"
    dataset.Rows, dataset.Columns = stored.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME1"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelRepresentation = 0
    dataset.WindowCenter, dataset.WindowWidth = 2100.5, 3601
    dataset.PixelData = stored.tobytes()
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _made_pixels(width: int, height: int) -> NDArray[np.float64]:
    """Two dark lungs in a bright chest, with grain. float64 [height, width], 0..1."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    lungs = sum(np.exp(-(((x - side) / 0.3) ** 4) - (y / 0.6) ** 4) for side in (-0.45, 0.45))
    grain = np.random.default_rng(7).normal(0, 0.02, (height, width))
    pixels: NDArray[np.float64] = np.clip(0.8 - 0.2 * np.hypot(x, y) - 0.45 * lungs + grain, 0, 1)
    return pixels
