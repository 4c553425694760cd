import json
from datetime import UTC, datetime

import pytest

from interop.listening import closed_port, http_server
from interop.ups_server import ups_server, workitem
from pneumoscope.interop import ups
from pneumoscope.interop.delivery import (
    CredentialsRefused,
    DeliveryRejected,
    PeerBusy,
    PeerUnreachable,
    UnreadableAnswer,
)
from pneumoscope.interop.http import HttpPeer
from pneumoscope.interop.ups_workitem import Output, Performed

OURS, THEIRS = "2.25.1001", "2.25.1002"
PERFORMED = Performed(
    station=("PNEUMOSCOPE", "99TEST", "Pneumoscope"),
    procedure=("CXR-AI", "99TEST", "Chest AI"),
    started=datetime(2026, 11, 22, 9, 30, tzinfo=UTC),
    ended=datetime(2026, 11, 22, 9, 31, tzinfo=UTC),
    outputs=(
        Output("1.2.3", "1.2.3.9", "1.2.840.10008.5.1.4.1.1.88.34", "1.2.3.9.1", "PACS"),
        Output("1.2.3", "1.2.3.8", "1.2.840.10008.5.1.4.1.1.7", "1.2.3.8.1", "", "https://x"),
    ),
)


def test_scheduled_work_for_us_is_found():
    items = [
        workitem("1.1"),
        workitem("1.2", station="OTHER"),
        workitem("1.3", procedure="CT-AI"),
        workitem("1.4"),
    ]
    items[3].ProcedureStepState = "IN PROGRESS"
    with ups_server(*items) as (server, _):
        peer = HttpPeer(server.url)
        [found] = ups.find(peer, station="PNEUMOSCOPE", procedure="CXR-AI")
        assert len(ups.find(peer)) == 3
        assert ups.find(peer, station="NOBODY") == []
    assert (found.uid, found.label, found.priority) == ("1.1", "Chest AI", "HIGH")
    assert (found.patient_id, found.accession_number) == ("4711", "ACC-1")
    assert found.study_instance_uid == "1.2.3"
    assert found.inputs == (("1.2.3", "1.2.3.2", "1.2.3.3"),)
    assert found.retrieve_urls == ("https://pacs.example/rs/studies/1.2.3",)
    assert str(found.dataset.PatientName) == "山田^太郎"


def test_work_is_found_page_by_page():
    with ups_server(*(workitem(f"1.{i}") for i in range(1, 122))) as (server, _):
        peer = HttpPeer(server.url)
        pages = [ups.find(peer), ups.find(peer, offset=100), ups.find(peer, offset=200)]
    assert [len(page) for page in pages] == [100, 21, 0]


def test_claimed_work_is_completed_with_its_outputs():
    with ups_server(workitem("1.1")) as (server, kept):
        peer = HttpPeer(server.url)
        ups.claim(peer, "1.1", OURS)
        assert ups.state(peer, "1.1") == "IN PROGRESS"
        ups.complete(peer, "1.1", OURS, PERFORMED)
        ups.complete(peer, "1.1", OURS, PERFORMED)  # an answer was lost
    item = kept["1.1"]
    assert item.ProcedureStepState == "COMPLETED"
    [done] = item.UnifiedProcedureStepPerformedProcedureSequence
    report, picture = done.OutputInformationSequence
    assert report.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == "1.2.3.9.1"
    assert report.DICOMRetrievalSequence[0].RetrieveAETitle == "PACS"
    assert picture.WADORSRetrievalSequence[0].RetrieveURL == "https://x"
    assert "TransactionUID" not in item


def test_only_one_can_claim():
    with ups_server(workitem("1.1")) as (server, _):
        peer = HttpPeer(server.url)
        ups.claim(peer, "1.1", THEIRS)
        with pytest.raises(ups.WorkitemUnavailable, match="Transaction UID"):
            ups.claim(peer, "1.1", OURS)
        with pytest.raises(ups.WorkitemUnavailable):
            ups.complete(peer, "1.1", OURS, PERFORMED)
        ups.claim(peer, "1.1", THEIRS)  # their first answer was lost: it is still theirs


def test_claimed_work_is_given_up_with_its_reason():
    with ups_server(workitem("1.1")) as (server, kept):
        peer = HttpPeer(server.url)
        ups.claim(peer, "1.1", OURS)
        ups.cancel(peer, "1.1", OURS, "Not a chest radiograph")
        ups.cancel(peer, "1.1", OURS, "Not a chest radiograph")
    assert kept["1.1"].ProcedureStepState == "CANCELED"
    [progress] = kept["1.1"].ProcedureStepProgressInformationSequence
    assert progress.ReasonForCancellation == "Not a chest radiograph"
    assert progress.ProcedureStepDiscontinuationReasonCodeSequence[0].CodeValue == "110513"


def test_work_that_is_gone_or_never_was():
    with ups_server() as (server, _):
        peer = HttpPeer(server.url)
        with pytest.raises(DeliveryRejected):
            ups.claim(peer, "1.9", OURS)
        for uid in ("", "../studies", "1.2/state?x", "1.2 3"):
            with pytest.raises(DeliveryRejected, match="no UID"):
                ups.claim(peer, uid, OURS)
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, CredentialsRefused),
        (400, DeliveryRejected),
        (410, ups.WorkitemUnavailable),
        (503, PeerBusy),
    ],
)
def test_each_status_is_a_named_error(status, error):
    with http_server(lambda request: (status, {"Warning": "299 x: why"}, b"")) as server:
        with pytest.raises(error, match="why"):
            ups.find(HttpPeer(server.url))
        with pytest.raises(error):
            ups.claim(HttpPeer(server.url), "1.1", OURS)


@pytest.mark.parametrize(
    "body", [b"<html>", b"[1]", b'["a"]', b'[{"00080018": 7}]', b"[" * 100_000]
)
def test_an_answer_that_is_no_dicom_json_is_transient(body):
    with http_server(lambda request: (200, {}, body)) as server:
        for ask in (ups.find, lambda peer: ups.state(peer, "1.1")):
            with pytest.raises(UnreadableAnswer):
                ask(HttpPeer(server.url))


def test_one_unusable_item_does_not_hide_the_others():
    items = [workitem("1.1"), workitem("1.2")]
    with ups_server(*items) as (server, _):
        del items[0].SOPInstanceUID
        [found] = ups.find(HttpPeer(server.url))
    assert found.uid == "1.2"


def test_a_worklist_that_is_away():
    with pytest.raises(PeerUnreachable):
        ups.find(HttpPeer(f"http://127.0.0.1:{closed_port()}"))


def test_what_is_sent_is_what_the_standard_says():
    with ups_server(workitem("1.1")) as (server, _):
        ups.claim(HttpPeer(f"{server.url}/"), "1.1", OURS)
        ups.complete(HttpPeer(server.url), "1.1", OURS, PERFORMED)
    claim, update, final = server.requests
    assert (claim.method, claim.path) == ("PUT", "/workitems/1.1/state")
    assert claim.headers["content-type"] == "application/dicom+json"
    assert json.loads(claim.body) == [
        {
            "00081195": {"vr": "UI", "Value": [OURS]},
            "00741000": {"vr": "CS", "Value": ["IN PROGRESS"]},
        }
    ]
    assert (update.method, update.path) == ("POST", f"/workitems/1.1?{OURS}")
    assert (final.method, final.path) == ("PUT", "/workitems/1.1/state")
