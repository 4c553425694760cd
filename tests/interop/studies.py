"""Results to be told, of every kind: positive, negative, rejected; names in four scripts."""

from datetime import UTC, date, datetime

from pneumoscope.core.types import (
    Aetiology,
    ModelReference,
    Prediction,
    QualityReport,
    Reason,
    Region,
)
from pneumoscope.interop.reported import ReportedStudy

ISSUED = datetime(2026, 11, 22, 9, 30, 5, tzinfo=UTC)
MODEL = ModelReference("lite0", "1.0.0", "ab12" * 16)
REGION = Region(
    "right lower zone", 0.87, (410.0, 980.5, 300.0, 250.0), (500.0, 1100.0), ((1.0, 2.0),)
)
# Latin-1, Cyrillic, Japanese in its three forms, Hindi: as DICOM writes them.
NAMES = {
    "latin": "Müller^Åsa^Zoë^Dr.^Jr.",
    "cyrillic": "Люкceмбypг^Анна",
    "japanese": "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "hindi": "शर्मा^अनिल",
}
FACTS = {
    "patient_id": "4711",
    "patient_id_system": "urn:oid:2.16.840.1.113883.19.5",
    "patient_name": NAMES["latin"],
    "patient_birth_date": date(1957, 3, 1),
    "patient_sex": "F",
    "study_instance_uid": "1.2.826.0.1.3680043.8.498.1",
    "series_instance_uid": "1.2.826.0.1.3680043.8.498.2",
    "sop_instance_uid": "1.2.826.0.1.3680043.8.498.3",
    "sop_class_uid": "1.2.840.10008.5.1.4.1.1.1.1",
    "modality": "DX",
    "study_date": date(2026, 11, 21),
    "accession_number": "ACC-1",
    "order_number": "ORD-1",
    "procedure_text": "Chest PA",
    "site": "General Hospital",
}


def positive(**changes):
    prediction = Prediction(0.8731, 0.42, True, Aetiology(0.6, 0.2731))
    return _study(prediction, (REGION,), QualityReport("pass"), changes)


def negative(**changes):
    remark = Reason("age_outside", "The patient is older than those the model was validated on.")
    prediction = Prediction(0.031, 0.42, False, None)
    return _study(prediction, (), QualityReport("warn", (remark,)), changes)


def rejected(**changes):
    reason = Reason("not_frontal", "This is a lateral view.")
    return _study(None, (), QualityReport("reject", (reason,)), changes)


def _study(prediction, regions, quality, changes):
    return ReportedStudy(
        **{
            "result_id": "0b6d6a52-8a3e-4f0e-9d0e-6d6f3e0c9a11",
            "issued": ISSUED,
            "model": MODEL,
            "quality": quality,
            "prediction": prediction,
            "regions": regions,
        }
        | FACTS
        | changes
    )
