"""What a RIS has scheduled: orders by modality worklist, work items by UPS-RS, from real peers."""

from datetime import timedelta

import pytest
from django.utils import timezone

from interop.dicoms import dicom_make, file_of
from interop.listening import http_server
from interop.ups_server import ups_server, workitem
from interop.worklist_server import AE_TITLE, scheduled, worklist_server
from pneumoscope.interop import ups
from pneumoscope.interop.delivery import PeerUnreachable
from pneumoscope.web.audit.models import Event
from pneumoscope.web.gateway.fetching import http_peer
from pneumoscope.web.gateway.intake import arrival_take_in, arrivals_waiting
from pneumoscope.web.gateway.models import Order, RoutingRule, WorkItem
from pneumoscope.web.gateway.outbox import analyses_tell
from pneumoscope.web.gateway.pulling import pull_ask
from pneumoscope.web.gateway.telling import reported_study
from pneumoscope.web.gateway.workitems import NoArchive, workitems_ask
from pneumoscope.web.gateway.worklist import worklist_ask
from pneumoscope.web.studies.models import Image
from web.incoming import peer_make, pull_make
from web.outgoing import deliver_all, destination_make, dicom_result, to_orthanc
from web.pages import image_analysed

pytestmark = [
    pytest.mark.django_db,
    # pynetdicom leaves the socket of a connection that failed to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def day(offset=0):
    return f"{timezone.now().date() + timedelta(days=offset):%Y%m%d}"


def test_orders_of_a_worklist_meet_their_studies(site, tmp_path):
    steps = [
        scheduled(1, ScheduledProcedureStepStartDate=day()),
        scheduled(2, ScheduledProcedureStepStartDate=day(), ScheduledStationAETitle="XRAY2"),
        scheduled(3, ScheduledProcedureStepStartDate=day(), Modality="CT"),
        scheduled(4, ScheduledProcedureStepStartDate=day(-9)),
        scheduled(5, ScheduledProcedureStepStartDate=day(1)),
    ]
    early = dicom_result(site, 1, PatientID="P1", AccessionNumber="A1")
    with worklist_server(tmp_path, *steps) as port:
        peer = peer_make(AE_TITLE, site=site, port=port)
        pull = pull_make(site=site, peer=peer, method="worklist", station="XRAY1")
        pull_ask(pull)
        pull.refresh_from_db()
        assert pull.problem == ""
        assert worklist_ask(pull) == 0
    assert set(Order.objects.values_list("accession_number", flat=True)) == {"A1", "A5"}
    assert Event.objects.filter(action="order.receive").count() == 2
    order = Order.objects.get(accession_number="A1")
    assert (order.study, order.indication) == (early.image.study, "Cough and fever")
    late = dicom_result(site, 5, PatientID="P5", AccessionNumber="A5")
    analyses_tell()
    told = reported_study(late)
    assert (told.order_number, told.procedure_text) == ("ORD-5", "Chest PA")


@pytest.fixture
def work(orthanc, site):
    """An archive that holds the image of a work item, and takes the results."""
    dataset = dicom_make(1)
    orthanc.ask("/instances", file_of(dataset))
    item = workitem("1.1")
    source = item.InputInformationSequence[0]
    source.StudyInstanceUID = dataset.StudyInstanceUID
    source.SeriesInstanceUID = ""
    source.ReferencedSOPSequence = []
    source.WADORSRetrievalSequence[
        0
    ].RetrieveURL = f"{orthanc.dicomweb_url}/studies/{dataset.StudyInstanceUID}"
    return item


def pull_of(site, server):
    named = {"station": "PNEUMOSCOPE", "procedure": "CXR-AI"}
    return pull_make(site=site, method="ups", url=server.url, token="s3cret", **named)


def take_in():
    for key in arrivals_waiting():
        arrival_take_in(key)


def test_work_is_claimed_fetched_analysed_and_completed(site, orthanc, work):
    destination = to_orthanc(site, orthanc, objects_sent=["sr", "seg"])
    with ups_server(work) as (server, kept):
        pull = pull_of(site, server)
        assert workitems_ask(pull) == 1
        assert kept["1.1"].ProcedureStepState == "IN PROGRESS"
        take_in()
        assert workitems_ask(pull) == 0
        image_analysed(Image.objects.get())
        assert workitems_ask(pull) == 0
        assert deliver_all(destination) == [None, None]
        workitems_ask(pull)
        assert kept["1.1"].ProcedureStepState == "COMPLETED"
        assert workitems_ask(pull) == 0
    done = kept["1.1"].UnifiedProcedureStepPerformedProcedureSequence[0]
    outputs = done.OutputInformationSequence
    told = {each.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for each in outputs}
    held = {
        orthanc.ask(f"/instances/{key}/simplified-tags")["SOPInstanceUID"]
        for key in orthanc.ask("/instances")
    }
    assert len(told) == 2
    assert told < held
    assert {each.DICOMRetrievalSequence[0].RetrieveAETitle for each in outputs} == {
        orthanc.ae_title
    }
    assert done.PerformedWorkitemCodeSequence[0].CodeValue == "CXR-AI"
    row = WorkItem.objects.get()
    assert (row.state, row.reason) == ("COMPLETED", "")
    # The archive is another server than the worklist: it does not get its token.
    assert http_peer(pull, row.root).token == ""
    assert http_peer(pull).token == "s3cret"


def test_work_that_cannot_be_done_is_given_up_with_its_reason(site, work):
    destination_make(site, "stow")
    RoutingRule.objects.create(site=site, name="Nothing", analyse=False)
    nothing = workitem("1.2")
    nothing.InputInformationSequence = []
    with ups_server(work, nothing) as (server, kept):
        pull = pull_of(site, server)
        assert workitems_ask(pull) == 2
        assert kept["1.2"].ProcedureStepState == "CANCELED"
        take_in()
        workitems_ask(pull)
    assert kept["1.1"].ProcedureStepState == "CANCELED"
    said = kept["1.1"].ProcedureStepProgressInformationSequence[0].ReasonForCancellation
    assert said == "Passed over by the rule “Nothing”." == WorkItem.objects.get(uid="1.1").reason


def test_work_is_not_taken_twice_and_not_without_an_archive(site, work):
    with ups_server(work) as (server, kept):
        pull = pull_of(site, server)
        with pytest.raises(NoArchive):
            workitems_ask(pull)
        assert kept["1.1"].ProcedureStepState == "SCHEDULED"
        destination_make(site, "stow")
        # As if the answer to our claim had been lost: the kept key still opens it.
        assert workitems_ask(pull) == 1
        WorkItem.objects.update(state="CLAIMING", instances=None)
        assert workitems_ask(pull) == 0
        assert WorkItem.objects.get().state == "CLAIMED"
        # Another was quicker: its claim stands, and ours leaves no row.
        kept["1.2"] = workitem("1.2")
        ups.claim(http_peer(pull), "1.2", "2.25.99")
        WorkItem.objects.create(
            pull=pull, uid="1.2", transaction_uid="2.25.98", procedure=[], inputs=[], root="x"
        )
        assert workitems_ask(pull) == 0
        assert list(WorkItem.objects.values_list("uid", flat=True)) == ["1.1"]
    assert kept["1.2"].ProcedureStepState == "IN PROGRESS"


def test_a_worklist_that_is_away_is_asked_again(site, work):
    destination_make(site, "stow")
    with ups_server(work) as (server, _):
        pull = pull_of(site, server)
        workitems_ask(pull)
    with pytest.raises(PeerUnreachable):
        workitems_ask(pull)
    assert WorkItem.objects.get().state == "CLAIMED"
    with http_server(lambda _: (200, {}, b"<html>")) as server:
        pull.url = server.url
        pull.save()
        pull_ask(pull)
    pull.refresh_from_db()
    assert "answered no DICOM JSON" in pull.problem
