"""What a DICOMweb search answers of a header (PS3.18 tables 10.6.3-3 to -5), and its JSON model."""

from typing import Any

from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from pneumoscope.core.decode_guard import parser_faults, parser_warnings
from pneumoscope.core.errors import DecodeError

# Not asked for by the tables, but by viewers with `includefield`.
EXTRA_OF_STUDY = ("StudyDescription",)
EXTRA_OF_SERIES = ("SeriesDate", "SeriesTime", "BodyPartExamined", "Laterality", "ProtocolName")
OF_STUDY = (
    *("StudyTime", "ReferringPhysicianName", "TimezoneOffsetFromUTC", "PatientBirthDate"),
    *("StudyID", *EXTRA_OF_STUDY),
)
OF_REQUEST = ("ScheduledProcedureStepID", "RequestedProcedureID")
OF_SERIES = (
    *("SeriesDescription", "SeriesNumber", "PerformedProcedureStepStartDate"),
    *("PerformedProcedureStepStartTime", *EXTRA_OF_SERIES),
)
OF_INSTANCE = ("InstanceNumber", "Rows", "Columns", "BitsAllocated", "NumberOfFrames")


def search_attributes(dataset: Dataset) -> dict[str, str]:
    """The values of these attributes as text, without those that are missing or unreadable.

    Those of OF_REQUEST are of the first item of Request Attributes Sequence.
    """
    with parser_warnings.ignored():
        found = {name: _text(dataset, name) for name in (*OF_STUDY, *OF_SERIES, *OF_INSTANCE)}
        request = _first_request(dataset)
        found |= {name: _text(request, name) for name in OF_REQUEST}
    return {name: value for name, value in found.items() if value}


def _first_request(dataset: Dataset) -> Dataset:
    try:
        with parser_faults("The DICOM header"):
            items = dataset.get("RequestAttributesSequence")
            return items[0] if items else Dataset()
    except DecodeError:
        return Dataset()


def _text(dataset: Dataset, keyword: str) -> str:
    try:
        with parser_faults("The DICOM header"):
            value = dataset.get(keyword)
            if isinstance(value, MultiValue):
                value = value[0] if value else None
            text = "" if value is None else str(value)
    except DecodeError:
        return ""
    return text.strip(" \0")


def json_model(attributes: dict[str, object]) -> dict[str, Any]:
    """By keyword → by tag, in the order of tags; items of sequences are models already."""
    return dict(sorted(_json_attribute(keyword, value) for keyword, value in attributes.items()))


def _json_attribute(keyword: str, value: object) -> tuple[str, dict[str, Any]]:
    """An attribute's tag and the JSON of its value; without Value for "" or None."""
    tag, vr = tag_for_keyword(keyword) or 0, dictionary_VR(keyword)
    values = value if isinstance(value, list) else [value]
    kept = [_json_value(vr, each) for each in values if each != "" and each is not None]
    kept = [each for each in kept if each is not None]
    return f"{tag:08X}", {"vr": vr, "Value": kept} if kept else {"vr": vr}


def _json_value(vr: str, value: object) -> object | None:
    """As PS3.18 table F.2.3-1 has it; None for a number that is none."""
    if vr == "PN":
        return _person_name(str(value))
    if vr in {"IS", "US"}:
        try:
            return int(str(value))
        except ValueError:
            return None
    return value


def _person_name(name: str) -> dict[str, str]:
    """By component groups (PS3.18 F.2.2)."""
    named = zip(("Alphabetic", "Ideographic", "Phonetic"), name.split("="), strict=False)
    return {group: value for group, value in named if value}
