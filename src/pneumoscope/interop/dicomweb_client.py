"""DICOMweb as a client: search (QIDO-RS), retrieve (WADO-RS) and store (STOW-RS) at a peer.

Every failure is a `delivery.DeliveryError`, so that its reader knows whether to try again.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from pydicom.dataset import Dataset

from pneumoscope.interop.delivery import UnreadableAnswer
from pneumoscope.interop.dicomweb import (
    DICOM,
    DICOM_JSON,
    MalformedRequest,
    media_type,
    multipart_read,
)
from pneumoscope.interop.http import HttpAnswer, HttpPeer, raise_for_status
from pneumoscope.interop.query import (
    FoundSeries,
    FoundStudy,
    StudyQuery,
    found_series,
    found_study,
    text,
)

_PAGE = 100
_MOST_PAGES = 1000


def search_studies(peer: HttpPeer, query: StudyQuery) -> list[FoundStudy]:
    """All studies that match, page by page. Raises DeliveryError subclasses."""
    wanted = [("StudyDate", query.date_range), ("PatientID", query.patient_id)]
    conditions = [(name, value) for name, value in wanted if value]
    return [found_study(answer) for answer in _search(peer, "studies", conditions)]


def search_series(peer: HttpPeer, study_instance_uid: str) -> list[FoundSeries]:
    answers = _search(peer, f"studies/{study_instance_uid}/series", [("includefield", "00180015")])
    return [found_series(answer, study_instance_uid) for answer in answers]


def search_instances(peer: HttpPeer, series: FoundSeries) -> list[str]:
    """The SOP Instance UIDs of a series."""
    answers = _search(peer, f"{_path(series)}/instances", [])
    return [text(answer, "SOPInstanceUID") for answer in answers]


def retrieve_instance(peer: HttpPeer, series: FoundSeries, sop_instance_uid: str) -> bytes:
    """One instance as a DICOM file, in whatever transfer syntax it is stored."""
    accept = f'multipart/related; type="{DICOM}"; transfer-syntax=*'
    path = f"{_path(series)}/instances/{sop_instance_uid}"
    answer = peer.exchange("GET", path, headers={"Accept": accept})
    raise_for_status(answer, peer, answer.text)
    kind, parameters = media_type(answer.headers.get("content-type", ""))
    if kind == DICOM:
        return answer.body
    try:
        return next(multipart_read(answer.body, parameters.get("boundary", ""))).body
    except (MalformedRequest, StopIteration) as error:
        raise UnreadableAnswer(f"{peer.base_url} sent no instance") from error


def _search(peer: HttpPeer, path: str, conditions: list[tuple[str, str]]) -> Iterator[Dataset]:
    """Some servers never give more than a page, some know no offset: either ends the search."""
    last: list[Any] = []
    for page in range(_MOST_PAGES):
        paging = [("limit", str(_PAGE)), ("offset", str(page * _PAGE))]
        answer = peer.exchange(
            "GET", path, query=[*conditions, *paging], headers={"Accept": DICOM_JSON}
        )
        raise_for_status(answer, peer, answer.text)
        found = _results(peer, answer)
        if found == last:
            return
        yield from _datasets(peer, found)
        if len(found) < _PAGE:
            return
        last = found


def _results(peer: HttpPeer, answer: HttpAnswer) -> list[Any]:
    if not answer.body:
        return []
    try:
        found = json.loads(answer.body)
    except ValueError as error:
        raise UnreadableAnswer(f"{peer.base_url} did not answer in JSON") from error
    if not isinstance(found, list):
        raise UnreadableAnswer(f"{peer.base_url} did not answer with a list")
    return found


def _datasets(peer: HttpPeer, found: Iterable[Any]) -> Iterator[Dataset]:
    for model in found:
        try:
            yield Dataset.from_json(model)
        except Exception as error:
            raise UnreadableAnswer(f"{peer.base_url} answered in no DICOM JSON") from error


def _path(series: FoundSeries) -> str:
    return f"studies/{series.study_instance_uid}/series/{series.series_instance_uid}"
