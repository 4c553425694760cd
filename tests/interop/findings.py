"""Made images with their analyses: nothing here is a patient's."""

import io
from datetime import UTC, datetime
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset

from core.images import make_dataset, save
from pneumoscope.core.types import (
    Aetiology,
    Analysis,
    Milliseconds,
    ModelReference,
    Prediction,
    QualityReport,
    Radiograph,
    Reason,
    Region,
)
from pneumoscope.interop.finding import Finding

NAMES = {
    "ISO_IR 100": "Müller^Jürgen",
    "ISO_IR 144": "Люкceмбypг^Анна",
    r"\ISO 2022 IR 87": "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "ISO_IR 192": "शर्मा^प्रज्\u200dञा",
}
MODEL = ModelReference("lite0", "0.1.0", "ab" * 32)
TIMES = Milliseconds(1, 1, 1, 3)
SQUARE = ((20.0, 30.0), (60.0, 30.0), (60.0, 80.0), (20.0, 80.0))


def make_image(rows: int = 100, columns: int = 120, **attributes: Any) -> Dataset:
    """A chest radiograph of a made patient, as read from a file."""
    y, x = np.mgrid[0:rows, 0:columns]
    words = (200 + 20 * y + 10 * x).astype(np.uint16)
    facts = {
        "StudyInstanceUID": "1.2.826.0.1.1",
        "SeriesInstanceUID": "1.2.826.0.1.2",
        "SOPInstanceUID": "1.2.826.0.1.3",
        "PatientName": "Sample^Anna",
        "PatientID": "P-1",
        "PatientBirthDate": "20200102",
        "PatientSex": "F",
        "StudyDate": "20260301",
        "StudyTime": "101500",
        "StudyID": "7",
        "AccessionNumber": "ACC-9",
        "ReferringPhysicianName": "Doe^Ref",
        "BitsStored": 12,
        "BodyPartExamined": "CHEST",
        "BurnedInAnnotation": "NO",
    }
    return dcmread(io.BytesIO(save(make_dataset(words, **facts | attributes))))


def make_analysis(
    kind: str = "positive", *, width: int = 120, height: int = 100, probability: float = 0.92
) -> Analysis:
    """kind: positive, negative or rejected."""
    radiograph = Radiograph(np.full((height, width), 0.5, np.float32), "dicom")
    if kind == "rejected":
        reason = Reason("not_frontal", "This is no frontal chest radiograph.")
        return Analysis("rejected", radiograph, QualityReport("reject", (reason,)), MODEL, TIMES)
    positive = kind == "positive"
    probability = probability if positive else 1 - probability
    aetiology = Aetiology(probability * 0.75, probability * 0.25)
    region = Region("left lower zone", 0.9, (20, 30, 40, 50), (40, 55), SQUARE)
    return Analysis(
        "analysed",
        radiograph,
        QualityReport("pass"),
        MODEL,
        TIMES,
        Prediction(probability, 0.67, positive, aetiology),
        np.full((7, 7), probability, np.float32),
        (region,) if positive else (),
    )


def make_finding(image: Dataset | None = None, analysis: Analysis | None = None) -> Finding:
    return Finding(
        image=image if image is not None else make_image(),
        analysis=analysis or make_analysis(),
        produced=datetime(2026, 11, 22, 12, 30, 15, tzinfo=UTC),
        operating_point="balanced",
        population="Children of one to five years",
    )


def as_read(dataset: Dataset) -> Dataset:
    """What another program reads of it."""
    return dcmread(io.BytesIO(as_file(dataset)))


def as_file(dataset: Dataset) -> bytes:
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
