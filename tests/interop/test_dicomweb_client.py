"""DICOMweb as a client: a real Orthanc, and servers that page, refuse or babble as they like."""

import json
from datetime import date
from io import BytesIO
from urllib.parse import parse_qs, urlsplit

import pytest
from pydicom import dcmread

from interop.dicoms import ROOT, dicom_make, file_of
from interop.findings import NAMES
from interop.listening import closed_port, http_server
from pneumoscope.interop.delivery import (
    CredentialsRefused,
    DeliveryRejected,
    PeerBusy,
    PeerUnreachable,
    UnreadableAnswer,
)
from pneumoscope.interop.dicom_json import json_model
from pneumoscope.interop.dicomweb import DICOM, Part, multipart_write
from pneumoscope.interop.dicomweb_client import (
    ping,
    retrieve_instance,
    search_instances,
    search_series,
    search_studies,
    stow,
)
from pneumoscope.interop.http import HttpPeer
from pneumoscope.interop.query import FoundSeries, FoundStudy, StudyQuery

SERIES = FoundSeries(f"{ROOT}.1.2", f"{ROOT}.1.3", "DX", "CHEST")


def test_what_is_stored_is_found_and_retrieved(orthanc):
    peer = HttpPeer(orthanc.dicomweb_url)
    ping(peer)
    assert search_studies(peer, StudyQuery()) == []
    sent = [
        dicom_make(number, SpecificCharacterSet=charset.split("\\"), PatientName=NAMES[charset])
        for number, charset in enumerate(NAMES, 1)
    ]
    stow(peer, sent)
    stow(peer, sent)
    assert len(orthanc.ask("/instances")) == len(sent)
    one = StudyQuery(patient_id="P3", since=date(2026, 1, 1), until=date(2026, 1, 2))
    assert search_studies(peer, one) == [FoundStudy(f"{ROOT}.3.2", "P3", "20260102")]
    assert search_studies(peer, StudyQuery(since=date(2026, 1, 3))) == []
    for number, charset in enumerate(NAMES, 1):
        (series,) = search_series(peer, f"{ROOT}.{number}.2")
        assert (series.series_instance_uid, series.modality) == (f"{ROOT}.{number}.3", "DX")
        assert search_instances(peer, series) == [f"{ROOT}.{number}.1"]
        got = dcmread(BytesIO(retrieve_instance(peer, series, f"{ROOT}.{number}.1")))
        assert got.PatientName == NAMES[charset]


def found(number):
    return json_model({"StudyInstanceUID": f"1.{number}", "PatientID": f"P{number}"})


def paging(total, *, most=None, knows_offset=True):
    """A server that holds so many studies and gives at most `most` of them at once."""

    def respond(request):
        asked = {
            name: int(each[0]) for name, each in parse_qs(urlsplit(request.path).query).items()
        }
        start = asked["offset"] if knows_offset else 0
        end = min(total, start + min(asked["limit"], most or total))
        return 200, {}, json.dumps([found(number) for number in range(start, end)]).encode()

    return respond


@pytest.mark.parametrize(
    ("respond", "studies", "requests"),
    [
        (paging(0), 0, 1),
        (paging(7), 7, 1),
        (paging(100), 100, 2),
        (paging(230), 230, 3),
        (paging(230, knows_offset=False), 100, 2),
        (paging(7, most=3), 3, 1),
        (lambda _: (204, {}, b""), 0, 1),
    ],
    ids=["none", "few", "full", "three", "no offset", "short", "no content"],
)
def test_searches_page_and_end(respond, studies, requests):
    with http_server(respond) as server:
        assert len(search_studies(HttpPeer(server.url), StudyQuery())) == studies
    assert len(server.requests) == requests


@pytest.mark.parametrize(
    "body", [b"<html>", b"[1]", b'["a"]', b'[{"0020000D": 7}]', b"[" * 100_000]
)
def test_a_search_answered_in_no_dicom_json_is_tried_again(body):
    with http_server(lambda _: (200, {}, body)) as server, pytest.raises(UnreadableAnswer):
        search_studies(HttpPeer(server.url), StudyQuery())


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, CredentialsRefused), (404, DeliveryRejected), (503, PeerBusy), (302, DeliveryRejected)],
)
def test_each_status_is_a_named_error(status, error):
    with http_server(lambda _: (status, {}, b"why")) as server:
        peer = HttpPeer(server.url)
        for ask in (
            lambda: ping(peer),
            lambda: search_instances(peer, SERIES),
            lambda: retrieve_instance(peer, SERIES, "1.2"),
            lambda: stow(peer, [dicom_make()]),
        ):
            with pytest.raises(error, match="why"):
                ask()


def related(*bodies):
    content_type, pieces = multipart_write([Part(DICOM, body) for body in bodies], DICOM)
    return {"Content-Type": content_type}, b"".join(pieces)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            b'{"HttpStatus": 404, "Message": "Unknown resource", "Uri": "/x"}',
            "404: Unknown resource",
        ),
        (b'{"errorMessage": "No such AE"}', "404: No such AE"),
        (b'{"other": 1}', '404: {"other": 1}'),
        (b"[1]", r"404: [1]"),
        (b"<p>no</p>", "404: <p>no</p>"),
    ],
)
def test_the_reason_is_the_peers_own_sentence(body, words):
    refusing = http_server(lambda _: (404, {}, body))
    with refusing as server, pytest.raises(DeliveryRejected) as caught:
        ping(HttpPeer(server.url))
    assert str(caught.value).endswith(words)


def test_an_instance_comes_in_parts_or_alone():
    data = file_of(dicom_make())
    for headers, body in (related(data), ({"Content-Type": DICOM}, data)):
        with http_server(lambda _, head=headers, body=body: (200, head, body)) as server:
            assert retrieve_instance(HttpPeer(server.url), SERIES, "1.2") == data


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b""),
        ({"Content-Type": "text/html"}, b"<html>"),
        ({"Content-Type": "multipart/related"}, b"--\r\n\r\nabc"),
        (*related(),),
        (related(b"abc" * 50)[0], b"--nothing of this--"),
    ],
    ids=["nothing", "html", "no boundary", "no part", "another boundary"],
)
def test_an_instance_that_did_not_come_is_tried_again(headers, body):
    with http_server(lambda _: (200, headers, body)) as server, pytest.raises(UnreadableAnswer):
        retrieve_instance(HttpPeer(server.url), SERIES, "1.2")


def failed(*reasons):
    items = [{"00081197": {"vr": "US", "Value": [reason]}} for reason in reasons]
    return json.dumps({"00081198": {"vr": "SQ", "Value": items}}).encode()


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, b"", None),
        (200, b"{}", None),
        (202, failed(), None),
        (202, failed(0xA700), PeerBusy),
        (409, failed(0xA700, 0xA701), PeerBusy),
        (409, failed(0xA700, 0xC000), DeliveryRejected),
        (202, failed(0x0110), DeliveryRejected),
        (200, failed(0x0122), DeliveryRejected),
        (409, b"<html>", DeliveryRejected),
        (200, b"<html>", UnreadableAnswer),
        (200, b'{"00081198": 7}', UnreadableAnswer),
        (200, failed("many"), UnreadableAnswer),
        (507, b"full", DeliveryRejected),
        (503, b"later", PeerBusy),
    ],
)
def test_an_instance_counts_as_stored_only_where_the_archive_says_so(status, body, error):
    with http_server(lambda _: (status, {}, body)) as server:
        if error is None:
            stow(HttpPeer(server.url), [dicom_make()])
        else:
            with pytest.raises(error):
                stow(HttpPeer(server.url), [dicom_make()])


def test_nobody_there():
    with pytest.raises(PeerUnreachable):
        stow(HttpPeer(f"http://127.0.0.1:{closed_port()}"), [dicom_make()])
