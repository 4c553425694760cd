"""DICOMweb as a client: search (QIDO-RS), retrieve (WADO-RS) and store (STOW-RS) at a peer.

Every failure is a `delivery.DeliveryError`, so that its reader knows whether to try again.
"""

import json
from collections.abc import Iterator, Sequence
from io import BytesIO

from pydicom.dataset import Dataset

from pneumoscope.interop.delivery import DeliveryRejected, PeerBusy, UnreadableAnswer, quoted
from pneumoscope.interop.dicomweb import (
    DICOM,
    DICOM_JSON,
    MalformedRequest,
    Part,
    media_type,
    multipart_read,
    multipart_write,
)
from pneumoscope.interop.http import HttpAnswer, HttpPeer, raise_for_status
from pneumoscope.interop.query import (
    FoundSeries,
    FoundStudy,
    StudyQuery,
    date_range,
    found_series,
    found_study,
    text,
)

_PAGE = 100
_MOST_PAGES = 1000
_PROCESSING_FAILURE = 0x0110
# Where the JSON of an error says it: Orthanc's two, dcm4chee's, RFC 9457's.
_WORDS = ("Message", "Details", "errorMessage", "detail")


def ping(peer: HttpPeer) -> None:
    """Search for one study, whatever it is. Raises DeliveryError subclasses."""
    answer = peer.exchange("GET", "studies", query=[("limit", "1")], headers={"Accept": DICOM_JSON})
    raise_for_status(answer, peer, _reason(answer))


def search_studies(peer: HttpPeer, query: StudyQuery) -> list[FoundStudy]:
    """All studies that match, page by page. Raises DeliveryError subclasses."""
    wanted = [("StudyDate", date_range(query.since, query.until)), ("PatientID", query.patient_id)]
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
    raise_for_status(answer, peer, _reason(answer))
    kind, parameters = media_type(answer.headers.get("content-type", ""))
    if kind == DICOM:
        return answer.body
    try:
        return next(multipart_read(answer.body, parameters.get("boundary", ""))).body
    except (MalformedRequest, StopIteration) as error:
        raise UnreadableAnswer(f"{peer.base_url} sent no instance") from error


def stow(peer: HttpPeer, instances: Sequence[Dataset]) -> None:
    """Store all in one request; storing again what is there already changes nothing.

    Raises DeliveryError subclasses, also where the archive took some and refused others.
    """
    content_type, pieces = multipart_write((Part(DICOM, _file(each)) for each in instances), DICOM)
    headers = {"Content-Type": content_type, "Accept": DICOM_JSON}
    answer = peer.exchange("POST", "studies", body=b"".join(pieces), headers=headers)
    # 409: none was stored; the body says why (PS3.18 table 10.5.3-1).
    refused = _failures(peer, answer) if answer.status in {200, 202, 409} else []
    if refused:
        reasons = ", ".join(f"0x{reason:04X}" for reason in sorted(set(refused)))
        message = f"{peer.base_url} refused {len(refused)} instances: {reasons}"
        busy = all(reason >> 8 == 0xA7 for reason in refused)
        raise PeerBusy(message) if busy else DeliveryRejected(message)
    raise_for_status(answer, peer, _reason(answer))


def datasets(peer: HttpPeer, answer: HttpAnswer) -> list[Dataset]:
    """An answer in the DICOM JSON model (PS3.18 F.2): several data sets, one, or none.

    Raises UnreadableAnswer.
    """
    if not answer.body.strip():
        return []
    try:
        models = json.loads(answer.body)
        models = models if isinstance(models, list) else [models]
        return [Dataset.from_json(model) for model in models if model]
    except Exception as error:  # pydicom's reader raises nearly anything on a wrong model
        said = quoted(answer.text)[:100]
        raise UnreadableAnswer(f"{peer.base_url} answered no DICOM JSON: {said}") from error


def _search(peer: HttpPeer, path: str, conditions: list[tuple[str, str]]) -> Iterator[Dataset]:
    """Some servers never give more than a page, some know no offset: either ends the search."""
    last: list[Dataset] = []
    for page in range(_MOST_PAGES):
        paging = [("limit", str(_PAGE)), ("offset", str(page * _PAGE))]
        answer = peer.exchange(
            "GET", path, query=[*conditions, *paging], headers={"Accept": DICOM_JSON}
        )
        raise_for_status(answer, peer, _reason(answer))
        found = datasets(peer, answer)
        if found == last:
            return
        yield from found
        if len(found) < _PAGE:
            return
        last = found


def _failures(peer: HttpPeer, answer: HttpAnswer) -> list[int]:
    """Failure reasons of the instances that were not stored (PS3.18 section 10.5.3.1)."""
    try:
        failed = [
            item for each in datasets(peer, answer) for item in each.get("FailedSOPSequence") or []
        ]
        return [int(item.get("FailureReason") or _PROCESSING_FAILURE) for item in failed]
    except (UnreadableAnswer, ValueError, TypeError) as error:
        if answer.status == 409:
            return []
        raise UnreadableAnswer(str(error)) from error


def _reason(answer: HttpAnswer) -> str:
    """The sentence in an error's JSON, as of Orthanc or dcm4chee; else the whole body."""
    try:
        said = json.loads(answer.body)
        words = [said[name] for name in _WORDS if said.get(name)]
    except (ValueError, AttributeError, RecursionError):
        return answer.text
    return ": ".join(map(str, words)) or answer.text


def _file(dataset: Dataset) -> bytes:
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def _path(series: FoundSeries) -> str:
    return f"studies/{series.study_instance_uid}/series/{series.series_instance_uid}"
