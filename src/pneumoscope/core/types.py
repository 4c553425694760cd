"""The values that pass between the rooms. Frozen: nothing downstream may alter a result.

Coordinates are pixels of the radiograph as displayed, x to the right, y down, origin top left.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatImage: TypeAlias = NDArray[np.float32]
Verdict: TypeAlias = Literal["pass", "warn", "reject"]
Point: TypeAlias = tuple[float, float]
Box: TypeAlias = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something was remarked on: a stable code and a sentence for the reader."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class DicomHeader:
    """What the rest of the system needs of a DICOM header; empty string or None where absent.

    Names are the DICOM keywords (PS3.6). `patient_age` is in years, from PatientAge or from
    PatientBirthDate and StudyDate.
    """

    sop_class_uid: str = ""
    sop_instance_uid: str = ""
    series_instance_uid: str = ""
    study_instance_uid: str = ""
    transfer_syntax_uid: str = ""
    modality: str = ""
    body_part_examined: str = ""
    view_position: str = ""
    photometric_interpretation: str = ""
    patient_id: str = ""
    patient_name: str = ""
    patient_sex: str = ""
    patient_age: float | None = None
    accession_number: str = ""
    study_date: date | None = None
    burned_in_annotation: str = ""
    manufacturer: str = ""


@dataclass(frozen=True, slots=True)
class Radiograph:
    """One decoded radiograph.

    pixels: float32 [H, W], 0..1, air dark, square pixels, as displayed (EXIF orientation and
        pixel aspect ratio applied).
    file_format: what the bytes were.
    chroma: mean difference between the largest and smallest of R, G, B, 0..1; 0 for grey files.
    dicom: the header, for DICOM files.
    notes: what decode had to assume (several windows, padding …), for the quality report.
    """

    pixels: FloatImage
    file_format: Literal["jpeg", "png", "tiff", "dicom"]
    chroma: float = 0.0
    dicom: DicomHeader | None = None
    notes: tuple[Reason, ...] = ()

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])


@dataclass(frozen=True, slots=True)
class QualityReport:
    """pass: nothing to say; warn: read with care; reject: no result is given."""

    verdict: Verdict
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Aetiology:
    """Calibrated P(bacterial) and P(viral); with P(normal) they sum to 1."""

    bacterial: float
    viral: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model says of one radiograph.

    probability: calibrated P(pneumonia), 0..1. positive: probability >= threshold, the threshold of
    the operating point. uncertain: the probability lies in `band`, lowest and highest, where the
    model cannot tell the classes apart as surely as it promises: a second reader is advised.
    """

    probability: float
    threshold: float
    positive: bool
    aetiology: Aetiology | None
    operating_point: str = "balanced"
    uncertain: bool = False
    band: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Region:
    """One connected part of a positive result's heatmap, above the bundle's share of its maximum.

    zone: one of `core.explain.ZONES`; sides are the patient's.
    score: highest heatmap value inside, 0..1.
    box: x, y, width, height. peak: x, y. contour: closed polygon without its repeated first point.
    """

    zone: str
    score: float
    box: Box
    peak: Point
    contour: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class ModelReference:
    """Which model spoke: `hash` is the bundle's content hash (SHA-256, hexadecimal)."""

    name: str
    version: str
    hash: str


@dataclass(frozen=True, slots=True)
class Milliseconds:
    """Wall-clock time of each step."""

    decode: float
    infer: float
    explain: float
    total: float


@dataclass(frozen=True, slots=True)
class Analysis:
    """All that is known of one radiograph after `core.pipeline.analyze`.

    A rejected radiograph has no prediction, no heatmap and no regions: never a silent number.
    heatmap: float32 [h, w], 0..1, at the network's map resolution, covering the whole image.
    embedding: float32 [d], the network's features, for similar cases and drift.
    """

    status: Literal["analysed", "rejected"]
    radiograph: Radiograph
    quality: QualityReport
    model: ModelReference
    milliseconds: Milliseconds
    prediction: Prediction | None = None
    heatmap: FloatImage | None = None
    regions: tuple[Region, ...] = ()
    embedding: FloatImage | None = field(default=None, repr=False)
