"""QIDO-RS: which studies, series and instances match (PS3.18 section 10.6), from the tables alone.

Two more rules than the standard's: only what the asking person may export, at their sites, and
nothing that states a result which is still hidden from them (`studies.blinding`).
"""

import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from pydicom.datadict import keyword_for_tag

from pneumoscope.interop.dicom_json import OF_INSTANCE, OF_REQUEST, OF_SERIES, OF_STUDY
from pneumoscope.interop.dicomweb import MalformedRequest
from pneumoscope.web.accounts.models import User
from pneumoscope.web.gateway.held_headers import headers_complete
from pneumoscope.web.gateway.stated import states_result
from pneumoscope.web.studies.blinding import hidden_condition
from pneumoscope.web.studies.models import Analysis, Image

MOST = 200
_MOST_STARS = 3
_MOST_WORDS = 5
_PAGING = {"limit", "offset", "includefield", "fuzzymatching"}
_COLUMNS = {
    "StudyInstanceUID": "study__study_instance_uid",
    "PatientID": "study__patient_id",
    "PatientName": "study__patient_name",
    "PatientSex": "study__sex",
    "AccessionNumber": "study__accession_number",
    "StudyDate": "study__study_date",
    "ModalitiesInStudy": "modality",
    "Modality": "modality",
    "SeriesInstanceUID": "series_instance_uid",
    "SOPInstanceUID": "sop_instance_uid",
    "SOPClassUID": "sop_class_uid",
}
# A birth date may have been corrected since: it is answered, and not searched.
_OF_HEADER = {
    name: f"held_header__attributes__{name}"
    for name in (*OF_STUDY, *OF_SERIES, *OF_REQUEST, *OF_INSTANCE)
    if name != "PatientBirthDate"
}
MATCHED = _COLUMNS | _OF_HEADER
_COUNTED = ("NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances")
ANSWERED = {
    *(*MATCHED, *_COUNTED, "PatientBirthDate", "NumberOfSeriesRelatedInstances"),
    *("SpecificCharacterSet", "InstanceAvailability", "RetrieveURL", "RequestAttributesSequence"),
}
_LISTS = {
    *("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"),
    *("ModalitiesInStudy", "Modality"),
}
_NAMES = {"PatientName", "ReferringPhysicianName"}
# What a time may end with that was not typed: 10 is up to 10:59:59.999999.
_END_OF_DAY = "235959.999999"


def images_held(user: User) -> QuerySet[Image]:
    """Every DICOM instance that the user may export."""
    held = Image.objects.visible_to(user, "study.export").exclude(sop_instance_uid="")
    held = held.filter(study__study_instance_uid__isnull=False).select_related("study")
    return held.filter(~_tells_hidden(user))


def _tells_hidden(user: User) -> Q:
    """Of instances: those that state results, in a study with one that the user may not see yet."""
    results = Analysis.objects.filter(probability__isnull=False)
    of_study = results.filter(hidden_condition(user, "image"), image__study=OuterRef("study"))
    return states_result() & Exists(of_study)


def matching(images: QuerySet[Image], parameters: Iterable[tuple[str, str]]) -> tuple[Any, bool]:
    """The images that match, and whether every parameter could be obeyed.

    Raises MalformedRequest for values that make no sense, and SearchTooBroad.
    """
    asked = [(_keyword(name), value) for name, value in parameters]
    fuzzy = any(name == "fuzzymatching" and value.lower() == "true" for name, value in asked)
    conditions = [(name, value) for name, value in asked if name in MATCHED and value]
    for keyword, value in conditions:
        if keyword in _COLUMNS:
            images = images.filter(_condition(keyword, value, fuzzy=fuzzy))
    if any(keyword in _OF_HEADER for keyword, _ in conditions):
        headers_complete(images)
    for keyword, value in conditions:
        if keyword in _OF_HEADER:
            images = images.filter(_condition(keyword, value, fuzzy=fuzzy))
    return images, all(_is_obeyed(keyword, value) for keyword, value in asked)


def _is_obeyed(keyword: str, value: str) -> bool:
    if keyword == "includefield":
        return {_keyword(each) for each in value.split(",")} <= {*ANSWERED, "all"}
    return keyword in {*MATCHED, *_PAGING}


def _keyword(name: str) -> str:
    """A parameter names its attribute by keyword or by eight hexadecimal digits, and one in an
    item by that of the sequence before it."""
    last = name.rpartition(".")[2]
    return keyword_for_tag(int(last, 16)) if re.fullmatch("[0-9A-Fa-f]{8}", last) else last


def _condition(keyword: str, value: str, *, fuzzy: bool) -> Q:
    field = MATCHED[keyword]
    if "\x00" in value:
        raise MalformedRequest(f"{keyword} holds a NUL character.")
    if keyword in _NAMES:
        literal = _text_condition(field, value, exact="iexact")
        return literal | _resembling(field, value) if fuzzy else literal
    if keyword == "StudyDate":
        return _date_condition(field, value)
    if keyword.endswith(("Date", "Time")):
        return _text_range(field, value)
    if keyword in _LISTS:
        return Q(**{f"{field}__in": value.replace("\\", ",").split(",")})
    return _text_condition(field, value, exact="exact")


def _text_condition(field: str, value: str, *, exact: str) -> Q:
    if "*" in value or "?" in value:
        return Q(**{f"{field}__iregex": _pattern(value)})
    return Q(**{f"{field}__{exact}": value})


def _resembling(field: str, value: str) -> Q:
    """Each word begins a part of the name, in whatever order (PS3.18 section 8.3.4.2)."""
    words = re.findall(r"[^\s^=,*?\0]+", value)
    if len(words) > _MOST_WORDS:
        raise MalformedRequest(f"Use at most {_MOST_WORDS} words of a name.")
    found = Q()
    for word in words:
        found &= Q(**{f"{field}__iregex": rf"(^|[\^= -]){re.escape(word)}"})
    return found


def _pattern(value: str) -> str:
    """Wildcards (PS3.4 C.2.2.2.4) as a regular expression; few, so that none is expensive."""
    once = re.sub(r"\*+", "*", value)
    if once.count("*") > _MOST_STARS:
        raise MalformedRequest(f"Use at most {_MOST_STARS} wildcards.")
    letters = ({"*": ".*", "?": "."}.get(letter) or re.escape(letter) for letter in once)
    return f"^{''.join(letters)}$"


def _date_condition(field: str, value: str) -> Q:
    first, dash, last = value.partition("-")
    if not dash:
        return Q(**{field: _date(first)})
    condition = Q(**{f"{field}__isnull": False})
    if first:
        condition &= Q(**{f"{field}__gte": _date(first)})
    if last:
        condition &= Q(**{f"{field}__lte": _date(last)})
    return condition


def _text_range(field: str, value: str) -> Q:
    """Dates and times as headers write them are in the order of their letters."""
    first, dash, last = value.partition("-")
    last = last if dash else first
    if not re.fullmatch(r"[0-9.]*-?[0-9.]*", value) or max(len(first), len(last)) > 13:
        raise MalformedRequest(f"{value[:40]!r} is no date or time, nor a range of them.")
    condition = Q(**{f"{field}__isnull": False})
    if first:
        condition &= Q(**{f"{field}__gte": first})
    if last:
        condition &= Q(**{f"{field}__lte": last + _END_OF_DAY[len(last) :]})
    return condition


def _date(text: str) -> date:
    try:
        return datetime.strptime(text.strip(), "%Y%m%d").date()  # noqa: DTZ007  a date has no zone
    except ValueError:
        raise MalformedRequest(f"{text!r} is not a date as YYYYMMDD.") from None


def page_of(parameters: dict[str, str]) -> slice:
    """Raises MalformedRequest."""
    try:
        limit, offset = int(parameters.get("limit", MOST)), int(parameters.get("offset", 0))
    except ValueError:
        raise MalformedRequest("limit and offset are numbers.") from None
    if limit < 0 or not 0 <= offset < 1 << 62:
        raise MalformedRequest("limit and offset are not negative, and no larger than 62 bits.")
    return slice(offset, offset + min(limit, MOST))
