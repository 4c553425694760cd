"""DICOM (PS3.10 file, with or without preamble) → Radiograph."""

import io

import numpy as np
import pydicom
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut

from pneumoscope.core.errors import CorruptFile, NoPixelData
from pneumoscope.core.types import DicomHeader, Radiograph


def looks_like_dicom(data: bytes) -> bool:
    """Magic after the preamble, or a first element of group 0002 or 0008."""
    return data[128:132] == b"DICM" or data[:2] in (b"\x02\0", b"\x08\0")


def decode_dicom(data: bytes, *, max_bytes: int) -> Radiograph:
    """Decode one single-frame monochrome DICOM image."""
    try:
        ds = pydicom.dcmread(io.BytesIO(data), force=True)
    except (OSError, ValueError) as error:
        raise CorruptFile(f"The DICOM cannot be parsed: {error}") from error
    if "PixelData" not in ds:
        raise NoPixelData("The DICOM object holds no image.")
    values = apply_voi_lut(apply_modality_lut(ds.pixel_array, ds), ds).astype(np.float32)
    low, high = float(values.min()), float(values.max())
    pixels = (values - low) / max(high - low, 1e-6)
    if ds.PhotometricInterpretation == "MONOCHROME1":
        pixels = 1 - pixels
    header = DicomHeader(
        modality=str(ds.get("Modality", "")),
        body_part_examined=str(ds.get("BodyPartExamined", "")),
        view_position=str(ds.get("ViewPosition", "")),
        photometric_interpretation=str(ds.PhotometricInterpretation),
        patient_sex=str(ds.get("PatientSex", "")),
        sop_instance_uid=str(ds.get("SOPInstanceUID", "")),
        study_instance_uid=str(ds.get("StudyInstanceUID", "")),
    )
    return Radiograph(np.ascontiguousarray(pixels, dtype=np.float32), "dicom", 0.0, header)
