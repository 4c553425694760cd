"""Who and what a header names, and every other place of it that repeats one of the names."""

import re

from pydicom.dataset import Dataset

from pneumoscope.interop.basic_profile import SAFE_WORDS

_IDENTIFIERS = (
    *("PatientName", "PatientID", "OtherPatientIDs", "OtherPatientNames", "PatientBirthName"),
    *("AccessionNumber", "StudyID", "ReferringPhysicianName", "PerformingPhysicianName"),
    *("OperatorsName", "NameOfPhysiciansReadingStudy", "PhysiciansOfRecord", "InstitutionName"),
    *("InstitutionAddress", "InstitutionalDepartmentName", "StationName", "DeviceSerialNumber"),
    *("PatientBirthDate", "StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate"),
    *("PatientAddress", "PatientTelephoneNumbers", "RequestingPhysician", "AdmissionID"),
)
_TEXT = ("AE", "AS", "CS", "LO", "LT", "SH", "ST", "UC", "UR", "UT")
# Without these the image is no image; their values are of the standard's own lists.
_STRUCTURAL = frozenset(
    {"ImageType", "PhotometricInterpretation", "Modality", "SpecificCharacterSet"}
    | {"PixelIntensityRelationship", "PresentationLUTShape", "LossyImageCompression"}
    | {"PresentationIntentType", "BurnedInAnnotation", "LossyImageCompressionMethod"}
)
_SHORTEST = 4  # an identifier of fewer letters is looked for as a whole value only


# Values of coded attributes that a one-letter identifier may equal by chance.
_ORDINARY = frozenset({"yes", "no", "m", "f", "o", "u", "l", "r", "0", "1", "00", "01", "dcm"})


def patient_key(dataset: Dataset) -> str:
    """What tells patients apart; for one without any identity, their study stands for them."""
    keys = ("PatientID", "IssuerOfPatientID")
    if not dataset.get("PatientID"):
        keys = ("PatientName", "PatientBirthDate")
    key = "\n".join(str(dataset.get(keyword) or "") for keyword in keys)
    return key if key.strip() else str(dataset.get("StudyInstanceUID") or "")


def identifiers(dataset: Dataset) -> frozenset[str]:
    """What names the patient, the people and the place, in lower case, wherever it stands."""
    found: set[str] = set()
    for element in dataset.iterall():
        if element.keyword in _IDENTIFIERS and element.value:
            values = element.value if element.VM > 1 else [element.value]
            for value in values:
                found.update((str(value), *re.split(r"[\^= ,]+", str(value))))
    return frozenset(text.strip().lower() for text in found if text.strip())


def scrub(dataset: Dataset, known: frozenset[str]) -> int:
    """Empty every text that still repeats an identifier, whatever its attribute; how many."""
    emptied = 0
    for element in list(dataset):
        if element.VR == "SQ":
            emptied += sum(scrub(item, known) for item in element.value)
        elif element.VR in _TEXT and element.keyword not in _STRUCTURAL:
            values = element.value if element.VM > 1 else [element.value]
            if any(_repeats(str(value or ""), known) for value in values):
                element.value = None
                emptied += 1
    return emptied


def _repeats(text: str, known: frozenset[str]) -> bool:
    lowered = text.strip().lower()
    if lowered in SAFE_WORDS or lowered in _ORDINARY:
        return False
    return any(
        lowered == each or (len(each) >= _SHORTEST and each in lowered)
        for each in known
        if each not in SAFE_WORDS and each not in _ORDINARY
    )
