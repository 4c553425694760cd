"""Asking and sending: a real Orthanc, our own provider, and peers that behave badly."""

import gc
import socket
import threading
from contextlib import contextmanager
from datetime import date
from functools import partial
from io import BytesIO

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import JPEGBaseline8Bit
from pynetdicom import AE, evt
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelGet

from interop.dicoms import ROOT, Store, dicom_make, file_of
from interop.listening import tcp_server
from interop.test_scp import association_request
from pneumoscope.interop.delivery import (
    CredentialsRefused,
    DeliveryError,
    DeliveryRejected,
    PeerBusy,
    PeerUnreachable,
    UnreadableAnswer,
)
from pneumoscope.interop.query import FoundSeries, FoundStudy, StudyQuery
from pneumoscope.interop.scu import (
    DicomPeer,
    echo,
    find_instances,
    find_series,
    find_studies,
    get_series,
    move_series,
    store,
)
from pneumoscope.interop.storing import CannotUnderstand, OutOfResources

# pynetdicom forgets to close the socket of a connection that was refused.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def _forgotten_sockets():
    yield
    gc.collect()


def test_an_archive_is_asked_and_hands_over_by_get_and_by_move(orthanc):
    peer = DicomPeer("127.0.0.1", orthanc.dicom_port, orthanc.ae_title, "SCOPE")
    mine = Store(known={"ORTHANC"})
    with mine.listening() as port:
        orthanc.know("SCOPE", port)
        echo(peer)
        names = ("Müller^Jürgen", "Люкceмбypг", "山田^太郎", "राम^श्याम")
        sent = [
            dicom_make(n, SpecificCharacterSet="ISO_IR 192", PatientName=name)
            for n, name in enumerate(names, 1)
        ]
        sent.append(dicom_make(9, StudyDate="20200101", BodyPartExamined="HAND"))
        store(peer, sent)
        store(peer, sent)
        assert len(orthanc.ask("/instances")) == 5

        recent = find_studies(peer, StudyQuery(since=date(2026, 1, 1)))
        assert {study.patient_id for study in recent} == {"P1", "P2", "P3", "P4"}
        one = StudyQuery(patient_id="P9", until=date(2021, 1, 1))
        assert find_studies(peer, one) == [FoundStudy(f"{ROOT}.9.2", "P9", "20200101")]
        (series,) = find_series(peer, f"{ROOT}.3.2")
        assert series == FoundSeries(f"{ROOT}.3.2", f"{ROOT}.3.3", "DX", "CHEST")
        assert find_instances(peer, series) == [f"{ROOT}.3.1"]

        got = []
        get_series(peer, series, got.append)
        move_series(peer, series)
    (moved,) = mine.instances
    for instance in (*got, moved):
        assert dcmread(BytesIO(instance.head + instance.data)).PatientName == "山田^太郎"
    assert got[0].sop_instance_uid == moved.sop_instance_uid == f"{ROOT}.3.1"


def test_what_cannot_be_kept_is_told_to_the_archive(orthanc):
    peer = DicomPeer("127.0.0.1", orthanc.dicom_port, orthanc.ae_title, "SCOPE")
    orthanc.know("SCOPE", 1)
    orthanc.ask("/instances", file_of(dicom_make()))
    (series,) = find_series(peer, f"{ROOT}.1.2")

    def refuse(_):
        raise OutOfResources("full")

    with pytest.raises((PeerBusy, DeliveryRejected)):
        get_series(peer, series, refuse)


@pytest.mark.parametrize(
    ("refusal", "error"),
    [(OutOfResources("full"), PeerBusy), (CannotUnderstand("no"), DeliveryRejected)],
)
def test_refusals_say_whether_to_try_again(refusal, error):
    theirs = Store(refuse=refusal)
    with theirs.listening() as port, pytest.raises(error):
        store(DicomPeer("127.0.0.1", port, "SCOPE", "SENDER"), [dicom_make()])


@pytest.mark.parametrize(("called", "calling"), [("OTHER", "SENDER"), ("SCOPE", "STRANGER")])
def test_wrong_titles_are_for_a_person_to_mend(called, calling):
    with Store().listening() as port, pytest.raises(CredentialsRefused, match=calling):
        echo(DicomPeer("127.0.0.1", port, called, calling))


def test_a_full_peer_is_tried_again():
    with Store().listening(max_associations=1) as port:
        entity = AE("SENDER")
        entity.add_requested_context("1.2.840.10008.1.1")
        held = entity.associate("127.0.0.1", port, ae_title="SCOPE")
        with pytest.raises(PeerBusy):
            echo(DicomPeer("127.0.0.1", port, "SCOPE", "SENDER"))
        held.release()


def test_a_class_the_peer_does_not_take_is_rejected():
    entity = AE("SCOPE")
    entity.add_supported_context("1.2.840.10008.1.1")
    server = entity.start_server(("127.0.0.1", 0), block=False)
    peer = DicomPeer("127.0.0.1", server.server_address[1], "SCOPE")
    with pytest.raises(DeliveryRejected, match="Digital X-Ray Image Storage"):
        store(peer, [dicom_make()])
    server.shutdown()


def test_a_transfer_syntax_the_peer_does_not_take_is_rejected():
    entity = AE("SCOPE")
    entity.add_supported_context(dicom_make().SOPClassUID, JPEGBaseline8Bit)
    server = entity.start_server(("127.0.0.1", 0), block=False)
    peer = DicomPeer("127.0.0.1", server.server_address[1], "SCOPE")
    with pytest.raises(DeliveryRejected, match="Digital X-Ray Image Storage"):
        store(peer, [dicom_make()])
    server.shutdown()


@pytest.mark.parametrize("attempt", range(5))
def test_a_peer_that_accepts_and_ends_is_tried_again(attempt):
    """As an archive does that is being shut down; it does not refuse the object."""
    entity = AE("SCOPE")
    entity.add_supported_context(dicom_make().SOPClassUID)
    handlers = [(evt.EVT_ACCEPTED, lambda event: event.assoc.abort())]
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
    peer = DicomPeer("127.0.0.1", server.server_address[1], "SCOPE")
    with pytest.raises(DeliveryError) as failure:
        store(peer, [dicom_make()])
    assert failure.value.transient, failure.value
    server.shutdown()


def test_a_peer_that_ends_the_association_between_two_messages():
    entity = AE("SCOPE")
    entity.add_supported_context(dicom_make().SOPClassUID)

    def leave(event):
        threading.Timer(0.0, event.assoc.abort).start()
        return 0x0000

    server = entity.start_server(
        ("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, leave)]
    )
    peer = DicomPeer("127.0.0.1", server.server_address[1], "SCOPE", seconds=5.0)
    with pytest.raises(UnreadableAnswer):
        store(peer, [dicom_make(number) for number in range(1, 200)])
    server.shutdown()


@pytest.mark.parametrize(
    ("limit", "study", "kept"),
    [(1 << 20, f"{ROOT}.1.2", 1), (1000, f"{ROOT}.1.2", 0), (1 << 20, "", 0)],
)
def test_what_an_archive_hands_over_is_checked_like_what_is_sent(limit, study, kept):
    """C-GET from a peer whose instance is larger than the limit, or does not say whose it is."""
    model = StudyRootQueryRetrieveInformationModelGet
    sent, got = dicom_make(1, side=64, StudyInstanceUID=study), []

    def hand_over(event):
        yield 1
        yield 0xFF00, sent

    entity = AE("SCOPE")
    entity.add_supported_context(model)
    entity.add_supported_context(sent.SOPClassUID, scu_role=True, scp_role=True)
    server = entity.start_server(
        ("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_GET, hand_over)]
    )
    peer = DicomPeer(
        "127.0.0.1", server.server_address[1], "SCOPE", seconds=5.0, max_instance_bytes=limit
    )
    series = FoundSeries(f"{ROOT}.1.2", f"{ROOT}.1.3", "DX", "CHEST")
    if kept:
        get_series(peer, series, got.append)
    else:
        with pytest.raises((PeerBusy, DeliveryRejected)):
            get_series(peer, series, got.append)
    server.shutdown()
    assert len(got) == kept


def test_a_peer_that_answers_nothing_in_time():
    entity = AE("SCOPE")
    entity.add_supported_context("1.2.840.10008.1.1")
    released = threading.Event()

    def hang(_):
        released.wait(20)
        return 0x0000

    server = entity.start_server(
        ("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_ECHO, hang)]
    )
    with pytest.raises(UnreadableAnswer):
        echo(DicomPeer("127.0.0.1", server.server_address[1], "SCOPE", seconds=0.5))
    released.set()
    server.shutdown()


@contextmanager
def saying(answer: bytes | None):
    """A server that says one thing to whoever comes, then closes; None: never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held = []

        def serve():
            try:
                while True:
                    connection, _ = server.accept()
                    held.append(connection)
                    if answer is not None:
                        connection.sendall(answer)
                        connection.close()
            except OSError:
                return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join(10)
    for connection in held:
        connection.close()


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad\r\n\r\n", b"\x02\x00\x00", None])
def test_garbage_silence_and_early_ends_are_tried_again(answer):
    with saying(answer) as port, pytest.raises(PeerUnreachable):
        echo(DicomPeer("127.0.0.1", port, "SCOPE", seconds=1.0))


HALF_ACCEPTED = b"\x02\x00\x00\x00\x01\x00half"


def says_half(connection, ended):
    connection.recv(65536)
    connection.sendall(HALF_ACCEPTED)
    ended.wait(30)


def drips(connection, ended):
    connection.recv(65536)
    connection.sendall(HALF_ACCEPTED)
    while not ended.wait(0.1):
        connection.sendall(b"x")


@pytest.mark.parametrize("behave", [says_half, drips])
def test_half_an_answer_is_not_waited_for(behave):
    ended = threading.Event()
    with tcp_server(partial(behave, ended=ended)) as port:
        with pytest.raises(PeerUnreachable):
            echo(DicomPeer("127.0.0.1", port, "SCOPE", seconds=0.5))
        ended.set()


@pytest.mark.parametrize("cut", [0, 3, 9])
def test_an_answer_that_stops_in_the_middle_is_not_waited_for(cut):
    """A real peer, of whose answer to C-ECHO only the first bytes come."""
    ended = threading.Event()

    def relay(ours, theirs_port):
        with socket.create_connection(("127.0.0.1", theirs_port)) as theirs:
            theirs.sendall(ours.recv(65536))
            ours.sendall(theirs.recv(65536))
            theirs.sendall(ours.recv(65536))
            ours.sendall(theirs.recv(65536)[:cut])
            ended.wait(30)

    with (
        Store().listening() as theirs_port,
        tcp_server(partial(relay, theirs_port=theirs_port)) as port,
    ):
        with pytest.raises(UnreadableAnswer):
            echo(DicomPeer("127.0.0.1", port, "SCOPE", "SENDER", seconds=1.0))
        ended.set()


def test_damaged_answers_end_in_a_named_error_in_time():
    """Seeded: a real acceptance with bytes changed, cut or repeated, lengths that lie, noise."""
    random = np.random.default_rng(20261123)
    with Store().listening() as port, socket.create_connection(("127.0.0.1", port)) as real:
        real.sendall(association_request())
        accepted = real.recv(65536)
    for number in range(24):
        data = bytearray(accepted)
        for place in random.integers(0, len(data), 1 + number % 4):
            data[place] = random.integers(0, 256)
        if number % 3 == 0:
            data = data[: random.integers(1, len(data))]
        if number % 5 == 0:
            data[2:6] = random.bytes(4)
        if number % 7 == 0:
            data = bytearray(random.bytes(100))
        with saying(bytes(data)) as port, pytest.raises(DeliveryError):
            echo(DicomPeer("127.0.0.1", port, "SCOPE", seconds=0.5))


def test_nobody_there():
    with pytest.raises(PeerUnreachable):
        echo(DicomPeer("127.0.0.1", 1, "SCOPE", seconds=2.0))
