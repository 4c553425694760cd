"""QIDO-RS: which studies, series and instances match (PS3.18 section 10.6), from the tables alone.

Two more rules than the standard's: only what the asking person may export, at their sites, and
nothing that states a result which is still hidden from them (`studies.blinding`).
"""

import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from pydicom.datadict import keyword_for_tag

from pneumoscope.interop.dicomweb import MalformedRequest, json_model
from pneumoscope.web.accounts.models import User
from pneumoscope.web.gateway.stated import states_result
from pneumoscope.web.studies.blinding import hidden_condition
from pneumoscope.web.studies.models import Analysis, Image

MOST = 200
_MOST_STARS = 3
_MOST_WORDS = 5
_PAGING = {"limit", "offset", "includefield", "fuzzymatching"}
_FIELDS = {
    "StudyInstanceUID": "study__study_instance_uid",
    "PatientID": "study__patient_id",
    "PatientName": "study__patient_name",
    "AccessionNumber": "study__accession_number",
    "StudyDate": "study__study_date",
    "ModalitiesInStudy": "modality",
    "Modality": "modality",
    "SeriesInstanceUID": "series_instance_uid",
    "SOPInstanceUID": "sop_instance_uid",
    "SOPClassUID": "sop_class_uid",
}
_LISTS = {
    *("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"),
    *("ModalitiesInStudy", "Modality"),
}


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

    Raises MalformedRequest for values that make no sense.
    """
    asked = [(_keyword(name), value) for name, value in parameters]
    fuzzy = any(name == "fuzzymatching" and value.lower() == "true" for name, value in asked)
    for keyword, value in asked:
        if keyword == "PatientName" and fuzzy:
            images = images.filter(_resembling(value))
        elif keyword in _FIELDS and value:
            images = images.filter(_condition(keyword, value))
    return images, all(keyword in {*_FIELDS, *_PAGING} for keyword, _ in asked)


def _keyword(name: str) -> str:
    """A parameter names its attribute by keyword or by eight hexadecimal digits."""
    return keyword_for_tag(int(name, 16)) if re.fullmatch("[0-9A-Fa-f]{8}", name) else name


def _condition(keyword: str, value: str) -> Q:
    field = _FIELDS[keyword]
    if "\x00" in value:
        raise MalformedRequest(f"{keyword} holds a NUL character.")
    if keyword == "StudyDate":
        return _date_condition(field, value)
    if keyword in _LISTS:
        return Q(**{f"{field}__in": value.replace("\\", ",").split(",")})
    if "*" in value or "?" in value:
        return Q(**{f"{field}__iregex": _pattern(value)})
    exact = "iexact" if keyword == "PatientName" else "exact"
    return Q(**{f"{field}__{exact}": value})


def _resembling(value: str) -> Q:
    """Each word begins a part of the name, in whatever order (PS3.18 section 8.3.4.2)."""
    words = re.findall(r"[^\s^=,*?\0]+", value)
    if len(words) > _MOST_WORDS:
        raise MalformedRequest(f"Use at most {_MOST_WORDS} words of a name.")
    found = Q()
    for word in words:
        found &= Q(study__patient_name__iregex=rf"(^|[\^= -]){re.escape(word)}")
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


def studies_found(
    images: QuerySet[Image], page: slice, root: str, *, held: QuerySet[Image]
) -> list[dict[str, Any]]:
    """Study-level results (PS3.18 table 10.6.3-3), newest first, of all that is held of each."""
    keys = images.order_by("-study__created", "-study").values_list("study", flat=True).distinct()
    chosen = list(keys[page])
    by_study: dict[Any, list[Image]] = {}
    for image in held.filter(study__in=chosen):
        by_study.setdefault(image.study_id, []).append(image)
    return [_study_model(by_study[key], root) for key in chosen]


def series_found(images: QuerySet[Image], page: slice, root: str) -> list[dict[str, Any]]:
    """Series-level results (PS3.18 table 10.6.3-4), with their study's."""
    groups = (
        images.exclude(series_instance_uid="")
        .values("study__study_instance_uid", "series_instance_uid", "modality")
        .annotate(instances=Count("pk"))
        .order_by("study__study_instance_uid", "series_instance_uid", "modality")
    )
    return [
        json_model(
            {
                "StudyInstanceUID": group["study__study_instance_uid"],
                "SeriesInstanceUID": group["series_instance_uid"],
                "Modality": group["modality"],
                "NumberOfSeriesRelatedInstances": group["instances"],
                "RetrieveURL": f"{root}/studies/{group['study__study_instance_uid']}"
                f"/series/{group['series_instance_uid']}",
            }
        )
        for group in groups[page]
    ]


def instances_found(images: QuerySet[Image], page: slice, root: str) -> list[dict[str, Any]]:
    """Instance-level results (PS3.18 table 10.6.3-5)."""
    return [
        json_model(
            {
                "SOPClassUID": image.sop_class_uid,
                "SOPInstanceUID": image.sop_instance_uid,
                "StudyInstanceUID": image.study.study_instance_uid,
                "SeriesInstanceUID": image.series_instance_uid,
                "Modality": image.modality,
                "Rows": image.rows,
                "Columns": image.columns,
                "RetrieveURL": instance_url(root, image),
            }
        )
        for image in images.order_by("created", "pk")[page]
    ]


def instance_url(root: str, image: Image) -> str:
    study, series = image.study.study_instance_uid, image.series_instance_uid
    return f"{root}/studies/{study}/series/{series}/instances/{image.sop_instance_uid}"


def _study_model(images: list[Image], root: str) -> dict[str, Any]:
    study = images[0].study
    return json_model(
        {
            "SpecificCharacterSet": "ISO_IR 192",
            "StudyDate": f"{study.study_date:%Y%m%d}" if study.study_date else "",
            "StudyTime": "",
            "AccessionNumber": study.accession_number,
            "InstanceAvailability": "ONLINE",
            "ModalitiesInStudy": sorted({image.modality for image in images}),
            "ReferringPhysicianName": "",
            "PatientName": study.patient_name,
            "PatientID": study.patient_id,
            "PatientBirthDate": "",
            "PatientSex": study.sex,
            "StudyInstanceUID": study.study_instance_uid,
            "StudyID": "",
            "NumberOfStudyRelatedSeries": len({image.series_instance_uid for image in images}),
            "NumberOfStudyRelatedInstances": len(images),
            "RetrieveURL": f"{root}/studies/{study.study_instance_uid}",
        }
    )
