"""QIDO-RS: what is answered of the studies, series and instances that match.

The patient is as the hospital has corrected them; what the tables do not hold comes from the
headers. Below a study that is named, its own attributes are not said again.
"""

from collections.abc import Hashable, Iterable
from typing import Any

from django.db.models import Q, QuerySet

from pneumoscope.interop.dicom_json import (
    OF_INSTANCE,
    OF_REQUEST,
    OF_SERIES,
    OF_STUDY,
    json_model,
)
from pneumoscope.web.gateway.held_headers import birth_date, headers_of
from pneumoscope.web.gateway.models import KnownPatient
from pneumoscope.web.studies.models import Image, Study

Model = dict[str, Any]
Header = dict[str, str]
# The tables ask for these even where they are empty; what else is not known is left out.
_ALWAYS = frozenset(
    {"StudyTime", "ReferringPhysicianName", "StudyID", "SeriesNumber", "InstanceNumber"}
)


def studies_found(
    images: QuerySet[Image], page: slice, root: str, *, held: QuerySet[Image]
) -> list[Model]:
    """Study-level results (PS3.18 table 10.6.3-3), newest first, of all that is held of each."""
    keys = images.order_by("-study__created", "-study").values_list("study", flat=True).distinct()
    chosen = list(keys[page])
    stated = _studies_stated(chosen, root, held)
    # One that is deleted meanwhile is left out.
    return [json_model(stated[key]) for key in chosen if key in stated]


def series_found(
    images: QuerySet[Image], page: slice, root: str, *, held: QuerySet[Image], whole: bool
) -> list[Model]:
    """Series-level results (PS3.18 table 10.6.3-4), of all that is held of each.

    whole: with the attributes of their studies, for a search that names none.
    """
    named = images.exclude(series_instance_uid="")
    keys = named.order_by("study", "series_instance_uid").values_list(
        "study", "series_instance_uid"
    )
    chosen = list(keys.distinct()[page])
    wanted = Q(study__in=[study for study, _ in chosen])
    wanted &= Q(series_instance_uid__in=[series for _, series in chosen])
    groups = _grouped(
        held.filter(wanted), lambda image: (image.study_id, image.series_instance_uid)
    )
    chosen = [key for key in chosen if key in groups]  # one may be deleted meanwhile
    headers = headers_of(groups[key][0] for key in chosen)
    studies = _studies_stated({study for study, _ in chosen}, root, held) if whole else {}
    return [
        json_model(
            studies.get(key[0], {})
            | _series_stated(groups[key][0], headers[groups[key][0].pk])
            | {
                "NumberOfSeriesRelatedInstances": len(groups[key]),
                "RetrieveURL": _series_url(root, groups[key][0]),
            }
        )
        for key in chosen
    ]


def instances_found(
    images: QuerySet[Image], page: slice, root: str, *, held: QuerySet[Image], whole: bool
) -> list[Model]:
    """Instance-level results (PS3.18 table 10.6.3-5), with their series' attributes."""
    chosen = list(images.order_by("created", "pk")[page])
    headers = headers_of(chosen)
    studies = _studies_stated({each.study_id for each in chosen}, root, held) if whole else {}
    return [
        json_model(
            studies.get(image.study_id, {})
            | _series_stated(image, headers[image.pk])
            | _of_header(headers[image.pk], OF_INSTANCE)
            | {
                "SOPClassUID": image.sop_class_uid,
                "SOPInstanceUID": image.sop_instance_uid,
                "RetrieveURL": instance_url(root, image),
            }
        )
        for image in chosen
    ]


def instance_url(root: str, image: Image) -> str:
    return f"{_series_url(root, image)}/instances/{image.sop_instance_uid}"


def _series_url(root: str, image: Image) -> str:
    return f"{root}/studies/{image.study.study_instance_uid}/series/{image.series_instance_uid}"


def _grouped(images: QuerySet[Image], key: Any) -> dict[Hashable, list[Image]]:
    """Each group in the order in which its images came."""
    groups: dict[Hashable, list[Image]] = {}
    for image in images.order_by("created", "pk"):
        groups.setdefault(key(image), []).append(image)
    return groups


def _studies_stated(keys: Iterable[Any], root: str, held: QuerySet[Image]) -> dict[Any, Model]:
    """By the study's key; what a header says is that of its first image."""
    groups = _grouped(held.filter(study__in=list(keys)), lambda image: image.study_id)
    headers = headers_of(images[0] for images in groups.values())
    born = _corrected_birth_dates(images[0].study for images in groups.values())
    return {
        key: _study_stated(images, headers[images[0].pk], born, root)
        for key, images in groups.items()
    }


def _study_stated(
    images: list[Image], header: Header, born: dict[tuple[int, str], Any], root: str
) -> Model:
    study = images[0].study
    birthday = born.get((study.site_id, study.patient_id)) or birth_date(header)
    return _of_header(header, OF_STUDY) | {
        "SpecificCharacterSet": "ISO_IR 192",
        "InstanceAvailability": "ONLINE",
        "StudyDate": f"{study.study_date:%Y%m%d}" if study.study_date else "",
        "AccessionNumber": study.accession_number,
        "ModalitiesInStudy": sorted({image.modality for image in images}),
        "PatientName": study.patient_name,
        "PatientID": study.patient_id,
        "PatientBirthDate": f"{birthday:%Y%m%d}" if birthday else "",
        "PatientSex": study.sex,
        "StudyInstanceUID": study.study_instance_uid,
        "NumberOfStudyRelatedSeries": len({image.series_instance_uid for image in images}),
        "NumberOfStudyRelatedInstances": len(images),
        "RetrieveURL": f"{root}/studies/{study.study_instance_uid}",
    }


def _series_stated(image: Image, header: Header) -> Model:
    request = {name: header[name] for name in OF_REQUEST if name in header}
    stated = _of_header(header, (*OF_SERIES, "TimezoneOffsetFromUTC")) | {
        "SpecificCharacterSet": "ISO_IR 192",
        "InstanceAvailability": "ONLINE",
        "StudyInstanceUID": image.study.study_instance_uid,
        "SeriesInstanceUID": image.series_instance_uid,
        "Modality": image.modality,
    }
    return stated | ({"RequestAttributesSequence": [json_model(request)]} if request else {})


def _of_header(header: Header, names: Iterable[str]) -> Model:
    return {name: header.get(name) for name in names if name in header or name in _ALWAYS}


def _corrected_birth_dates(studies: Iterable[Study]) -> dict[tuple[int, str], Any]:
    """By site and patient number, where the hospital has said one since."""
    named = {(study.site_id, study.patient_id) for study in studies if study.patient_id}
    known = KnownPatient.objects.filter(
        site__in={site for site, _ in named}, patient_id__in={number for _, number in named}
    )
    return {(each.site_id, each.patient_id): each.birth_date for each in known}
