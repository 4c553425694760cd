"""Modality worklist queries: dcmtk's wlmscpfs, and worklists that behave badly."""

import gc
from contextlib import contextmanager
from datetime import date, datetime

import pytest
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset
from pynetdicom import AE, evt
from pynetdicom.sop_class import ModalityWorklistInformationFind

from interop.findings import NAMES
from interop.worklist_server import AE_TITLE, scheduled, worklist_server
from pneumoscope.interop.association import DicomPeer
from pneumoscope.interop.delivery import (
    CredentialsRefused,
    DeliveryRejected,
    PeerBusy,
    PeerUnreachable,
    UnreadableAnswer,
)
from pneumoscope.interop.modality_worklist import ScheduledStep, WorklistQuery, find_worklist

# pynetdicom forgets to close the socket of a connection that was refused.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def _forgotten_sockets():
    yield
    gc.collect()


def ris(port: int, **options: object) -> DicomPeer:
    return DicomPeer("127.0.0.1", port, AE_TITLE, "SCOPE", **{"seconds": 10.0} | options)


def test_a_scheduled_step_is_told_whole(tmp_path):
    with worklist_server(tmp_path, scheduled()) as port:
        assert find_worklist(ris(port), WorklistQuery()) == [
            ScheduledStep(
                patient_id="P1",
                patient_id_issuer="",
                patient_name="Doe^Jane",
                patient_birth_date=date(2019, 3, 4),
                patient_sex="F",
                accession_number="A1",
                study_instance_uid="1.2.826.0.1.1",
                placer_order_number="ORD-1",
                filler_order_number="FIL-1",
                procedure_id="R1",
                procedure_code="CXR",
                procedure_text="Chest PA",
                priority="HIGH",
                indication="Cough and fever",
                station_ae_title="XRAY1",
                modality="DX",
                step_id="S1",
                step_text="PA",
                start=datetime(2026, 11, 23, 9, 45),  # noqa: DTZ001 - the RIS's own clock
            )
        ]


def test_conditions_are_the_worklists_to_match(tmp_path):
    items = [
        scheduled(1),
        scheduled(2, Modality="CT"),
        scheduled(3, ScheduledStationAETitle="XRAY2"),
        scheduled(4, ScheduledProcedureStepStartDate="20261124"),
    ]
    day = date(2026, 11, 23)
    queries = {
        WorklistQuery(): "1234",
        WorklistQuery(modality="DX"): "134",
        WorklistQuery(station_ae_title="XRAY1", modality="DX"): "14",
        WorklistQuery(since=day, until=day): "123",
        WorklistQuery(since=date(2026, 11, 24)): "4",
        WorklistQuery(until=date(2026, 11, 22)): "",
        WorklistQuery(patient_id="P2"): "2",
        WorklistQuery(accession_number="A3"): "3",
    }
    with worklist_server(tmp_path, *items) as port:
        found = {
            query: "".join(sorted(step.step_id[1:] for step in find_worklist(ris(port), query)))
            for query in queries
        }
    assert found == queries


@pytest.mark.parametrize("charset", NAMES)
def test_names_in_any_script(tmp_path, charset):
    item = scheduled(SpecificCharacterSet=charset.split("\\"), PatientName=NAMES[charset])
    with worklist_server(tmp_path, item) as port:
        (step,) = find_worklist(ris(port), WorklistQuery())
    assert step.patient_name == NAMES[charset]


def test_what_is_not_said_is_empty(tmp_path):
    item = scheduled(
        PatientBirthDate="",
        PatientSex="",
        ReasonForTheRequestedProcedure="",
        RequestedProcedureDescription="",
    )
    with worklist_server(tmp_path, item) as port:
        (step,) = find_worklist(ris(port), WorklistQuery())
    assert (step.patient_birth_date, step.patient_sex) == (None, "")
    assert step.procedure_text == "Chest X-ray"


@contextmanager
def answering(*answers: tuple[int, Dataset | None], title: str = AE_TITLE):
    """A worklist that answers as told, whatever is asked."""
    entity = AE(title)
    entity.add_supported_context(ModalityWorklistInformationFind)
    entity.require_called_aet = True

    def find(_):
        yield from answers

    server = entity.start_server(
        ("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_FIND, find)]
    )
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()


@pytest.mark.parametrize(
    ("status", "error"),
    [(0xA700, PeerBusy), (0xA900, DeliveryRejected), (0xC001, DeliveryRejected)],
)
def test_a_refusal_says_whether_to_ask_again(status, error):
    with answering((status, None)) as port, pytest.raises(error, match=f"{status:04X}"):
        find_worklist(ris(port), WorklistQuery())


def test_one_answer_that_makes_no_sense_does_not_hide_the_others():
    wrong = {"PatientBirthDate": "1.1.2019", "ScheduledProcedureStepStartDate": "20269999"}
    with disable_value_validation():
        broken, bare = scheduled(2, PatientSex="woman", **wrong), Dataset()
    bare.PatientID = "P3"
    answers = [(0xFF00, each) for each in (scheduled(1), broken, bare, scheduled(4))]
    with answering(*answers, (0x0000, None)) as port:
        found = find_worklist(ris(port), WorklistQuery())
    assert [step.patient_id for step in found] == ["P1", "P2", "P4"]
    assert (found[1].start, found[1].patient_birth_date, found[1].patient_sex) == (None, None, "")


def test_a_wrong_title_is_for_a_person_to_mend():
    with answering(title="OTHER") as port, pytest.raises(CredentialsRefused):
        find_worklist(ris(port), WorklistQuery())


def test_an_archive_is_no_worklist():
    entity = AE(AE_TITLE)
    entity.add_supported_context("1.2.840.10008.1.1")
    server = entity.start_server(("127.0.0.1", 0), block=False)
    with pytest.raises(DeliveryRejected, match="Modality Worklist"):
        find_worklist(ris(server.server_address[1]), WorklistQuery())
    server.shutdown()


def test_a_worklist_that_leaves_in_the_middle():
    entity = AE(AE_TITLE)
    entity.add_supported_context(ModalityWorklistInformationFind)

    def leave(event):
        yield 0xFF00, scheduled(1)
        event.assoc.abort()

    server = entity.start_server(
        ("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_FIND, leave)]
    )
    with pytest.raises(UnreadableAnswer):
        find_worklist(ris(server.server_address[1]), WorklistQuery())
    server.shutdown()


def test_nobody_there():
    with pytest.raises(PeerUnreachable):
        find_worklist(ris(1, seconds=2.0), WorklistQuery())
