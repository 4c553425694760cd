"""Real associations against the provider: pynetdicom's and dcmtk's senders, and raw bytes."""

import errno
import socket
import ssl
import struct
import subprocess
import threading
import time
from contextlib import suppress

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)
from pynetdicom import AE, build_role, evt
from pynetdicom.dimse_messages import N_EVENT_REPORT_RSP
from pynetdicom.pdu import A_ASSOCIATE_RQ
from pynetdicom.sop_class import StorageCommitmentPushModel, Verification

from interop.dicoms import ROOT, Store, dicom_make, file_of, raw_connection
from peers import require_peer
from pneumoscope.interop.scp import STORAGE_CLASSES, STORAGE_SYNTAXES
from pneumoscope.interop.storing import CannotUnderstand, OutOfResources, StoreRefused

COMMITMENT_INSTANCE = "1.2.840.10008.1.20.1.1"


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def port(store):
    with store.listening() as port:
        yield port


def association(port, *, calling="SENDER", called="SCOPE", contexts=None, **options):
    entity = AE(calling)
    for uid, syntaxes in contexts or [(each, STORAGE_SYNTAXES[:2]) for each in STORAGE_CLASSES]:
        entity.add_requested_context(uid, list(syntaxes))
    entity.add_requested_context(Verification)
    return entity.associate("127.0.0.1", port, ae_title=called, **options)


def send(port, *datasets, **options):
    """The statuses of a C-STORE of each."""
    opened = association(port, **options)
    assert opened.is_established
    statuses = [opened.send_c_store(dataset).Status for dataset in datasets]
    opened.release()
    return statuses


def test_echo_by_dcmtk(port):
    echoscu = require_peer("echoscu", "apt-get install dcmtk")
    command = [echoscu, "-aet", "SENDER", "-aec", "SCOPE", "127.0.0.1", str(port)]
    assert subprocess.run(command, check=False).returncode == 0


def test_store_by_dcmtk_keeps_every_byte_of_the_data_set(port, store, tmp_path):
    storescu = require_peer("storescu", "apt-get install dcmtk")
    sent = dicom_make(1, SpecificCharacterSet="ISO_IR 144", PatientName="Люкceмбypг")
    (tmp_path / "a.dcm").write_bytes(file_of(sent))
    command = [storescu, "-aet", "SENDER", "-aec", "SCOPE", "127.0.0.1", str(port)]
    assert subprocess.run([*command, tmp_path / "a.dcm"], check=False).returncode == 0
    (got,) = store.instances
    (tmp_path / "b.dcm").write_bytes(got.head + got.data)
    assert dcmread(tmp_path / "b.dcm") == sent
    assert got.sop_instance_uid == sent.SOPInstanceUID
    assert (got.peer.calling_ae_title, got.peer.address) == ("SENDER", "127.0.0.1")


@pytest.mark.parametrize(
    "contexts",
    [
        [(storage_class, [STORAGE_SYNTAXES[0]]) for storage_class in STORAGE_CLASSES],
        [(STORAGE_CLASSES[0], [syntax]) for syntax in STORAGE_SYNTAXES],
    ],
    ids=["classes", "syntaxes"],
)
def test_every_storage_class_and_transfer_syntax_is_accepted(port, contexts):
    opened = association(port, contexts=contexts)
    accepted = {
        (each.abstract_syntax, each.transfer_syntax[0]) for each in opened.accepted_contexts
    }
    opened.release()
    assert accepted >= {(storage_class, syntax) for storage_class, (syntax,) in contexts}


def test_other_classes_are_refused_by_name(port):
    opened = association(port, contexts=[(CTImageStorage, [ImplicitVRLittleEndian])])
    (refused,) = opened.rejected_contexts
    opened.release()
    assert (refused.abstract_syntax, refused.status) == (
        CTImageStorage,
        "Abstract Syntax Not Supported",
    )


def test_a_deflated_data_set_is_understood(port, store):
    dataset = dicom_make()
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    contexts = [(dataset.SOPClassUID, [DeflatedExplicitVRLittleEndian])]
    assert send(port, dataset, contexts=contexts) == [0x0000]
    assert store.instances[0].transfer_syntax_uid == DeflatedExplicitVRLittleEndian


def test_compressed_pixels_come_as_they_are(port, store):
    dataset = dicom_make()
    dataset.compress(RLELossless)
    contexts = [(dataset.SOPClassUID, [RLELossless])]
    assert send(port, dataset, contexts=contexts) == [0x0000]
    assert bytes(dataset.PixelData) in bytes(store.instances[0].data)


@pytest.mark.parametrize(
    ("options", "reason"), [({"calling": "STRANGER"}, 3), ({"called": "OTHER"}, 7)]
)
def test_unknown_and_misdirected_peers_are_rejected(port, options, reason):
    opened = association(port, **options)
    assert opened.is_rejected
    assert opened.acceptor.primitive.diagnostic == reason


class DatabaseAway:
    def __contains__(self, _):
        raise OSError("no database")


def test_nobody_is_let_in_while_nobody_can_say_who_may(port, store):
    store.known = DatabaseAway()
    opened = association(port)
    assert opened.is_rejected
    assert opened.acceptor.primitive.result == 2  # transient: come again
    store.known = {"SENDER"}
    assert send(port, dicom_make()) == [0x0000]


@pytest.fixture
def certificate(tmp_path):
    """A certificate of our own for localhost, with its key, in one file."""
    openssl = require_peer("openssl", "apt-get install openssl")
    key, made, both = (tmp_path / name for name in ("key.pem", "cert.pem", "both.pem"))
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key]
    command += ["-out", made, "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True)
    both.write_bytes(key.read_bytes() + made.read_bytes())
    return both


def test_tls_and_a_handshake_that_never_comes(store, certificate):
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(certificate)
    theirs = ssl.create_default_context(cafile=certificate)
    with (
        store.listening(tls=ours, idle_seconds=5.0) as port,
        raw_connection(port),  # says nothing, and holds up nobody
        raw_connection(port) as plain,
    ):
        assert send(port, dicom_make(side=256), tls_args=(theirs, "localhost")) == [0x0000]
        plain.sendall(association_request())
        assert closed_by_peer(plain)
    assert len(store.instances) == 1


def test_any_called_title_where_that_is_set(store):
    with store.listening(any_called_ae_title=True) as port:
        assert send(port, dicom_make(), called="OTHER") == [0x0000]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (OutOfResources("full"), 0xA700),
        (CannotUnderstand("what"), 0xC000),
        (StoreRefused("no"), 0x0110),
    ],
)
def test_a_refusal_has_its_status_and_the_association_lives_on(port, store, error, status):
    store.refuse = error
    assert send(port, dicom_make(), dicom_make(2)) == [status, status]
    store.refuse = None
    assert send(port, dicom_make()) == [0x0000]


def test_an_unexpected_error_is_no_success(port, store):
    store.refuse = OSError(errno.EIO, "broken")
    assert send(port, dicom_make()) == [0xC211]


def test_more_than_the_limit_is_out_of_resources(store):
    with store.listening(max_instance_bytes=4096) as port:
        statuses = send(port, dicom_make(1, side=512), dicom_make(2))
    assert statuses == [0xA700, 0x0000]


def test_a_data_set_that_cannot_be_read_is_not_understood(port, store):
    contexts = [(dicom_make().SOPClassUID, [STORAGE_SYNTAXES[0]])]
    opened = association(port, contexts=contexts)
    empty = Dataset()
    empty.file_meta = dicom_make().file_meta
    empty.SOPClassUID, empty.SOPInstanceUID = contexts[0][0], f"{ROOT}.9"
    assert opened.send_c_store(empty).Status == 0xC000
    opened.release()
    assert not store.instances


def test_parallel_associations_and_their_limit(store):
    with store.listening(max_associations=3) as port:
        held = [association(port) for _ in range(3)]
        assert all(each.is_established for each in held)
        assert association(port).is_rejected
        for each in held:
            each.release()
        threads = [
            threading.Thread(target=send, args=[port, dicom_make(number)]) for number in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(store.instances) == 3


def test_storage_commitment_reports_what_is_kept_and_what_is_not(port, store):
    kept, reports, told = dicom_make(), [], threading.Event()
    assert send(port, kept) == [0x0000]

    def note(event):
        reports.append((event.event_type, event.event_information))
        return 0x0000, None

    def answered(event):
        """To release before this would leave the provider without its answer."""
        if isinstance(event.message, N_EVENT_REPORT_RSP):
            told.set()

    entity = AE("SENDER")
    entity.add_requested_context(StorageCommitmentPushModel)
    handlers = [(evt.EVT_N_EVENT_REPORT, note), (evt.EVT_DIMSE_SENT, answered)]
    opened = entity.associate("127.0.0.1", port, ae_title="SCOPE", evt_handlers=handlers)
    wanted = Dataset()
    wanted.TransactionUID = f"{ROOT}.77"
    wanted.ReferencedSOPSequence = [reference(kept.SOPInstanceUID), reference(f"{ROOT}.404")]
    status, _ = opened.send_n_action(wanted, 1, StorageCommitmentPushModel, COMMITMENT_INSTANCE)
    assert status.Status == 0x0000
    assert told.wait(20)
    opened.release()
    ((event_type, report),) = reports
    assert (event_type, report.TransactionUID) == (2, f"{ROOT}.77")
    assert [item.ReferencedSOPInstanceUID for item in report.ReferencedSOPSequence] == [
        kept.SOPInstanceUID
    ]
    assert report.FailedSOPSequence[0].FailureReason == 0x0112


def test_storage_commitment_calls_back_where_the_address_is_known(store):
    reports, told = [], threading.Event()

    def note(event):
        reports.append(event.event_type)
        told.set()
        return 0x0000, None

    requester = AE("SENDER")
    requester.add_supported_context(StorageCommitmentPushModel, scu_role=True, scp_role=True)
    requester.require_called_aet = True
    server = requester.start_server(
        ("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_N_EVENT_REPORT, note)]
    )
    store.report_to = ("127.0.0.1", server.server_address[1])
    with store.listening() as port:
        kept = dicom_make()
        send(port, kept)
        entity = AE("SENDER")
        entity.add_requested_context(StorageCommitmentPushModel)
        role = build_role(StorageCommitmentPushModel, scu_role=True)
        opened = entity.associate("127.0.0.1", port, ae_title="SCOPE", ext_neg=[role])
        wanted = Dataset()
        wanted.TransactionUID = f"{ROOT}.78"
        wanted.ReferencedSOPSequence = [reference(kept.SOPInstanceUID)]
        opened.send_n_action(wanted, 1, StorageCommitmentPushModel, COMMITMENT_INSTANCE)
        opened.release()
        assert told.wait(20)
    server.shutdown()
    assert reports == [1]


def reference(uid: str) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = dicom_make().SOPClassUID
    item.ReferencedSOPInstanceUID = uid
    return item


def association_request() -> bytes:
    """A whole A-ASSOCIATE-RQ PDU, as recorded from our own sender."""
    recorded = []
    entity = AE("SENDER")
    entity.add_requested_context(Verification)
    with Store().listening() as port:
        opened = entity.associate(
            "127.0.0.1",
            port,
            ae_title="SCOPE",
            evt_handlers=[(evt.EVT_PDU_SENT, lambda event: recorded.append(event.pdu))],
        )
        opened.release()
    (request,) = [pdu for pdu in recorded if isinstance(pdu, A_ASSOCIATE_RQ)]
    return request.encode()


def test_malformed_pdus_never_end_the_listener(store):
    """Seeded: bytes of a good request changed, cut, repeated; lengths that lie; plain noise."""
    good = association_request()
    random = np.random.default_rng(20261122)
    # What a damaged PDU leaves waiting ends after the silence allowed; many at once may.
    with store.listening(idle_seconds=1.0, max_associations=200) as port:
        for number in range(120):
            data = bytearray(good)
            for place in random.integers(0, len(data), 1 + number % 8):
                data[place] = random.integers(0, 256)
            if number % 3 == 0:
                data = data[: random.integers(1, len(data))]
            if number % 5 == 0:
                data[2:6] = struct.pack(">L", int(random.integers(0, 2**32)))
            if number % 7 == 0:
                data = bytearray(random.bytes(200))
            with raw_connection(port) as connection:
                connection.sendall(data)
        assert send(port, dicom_make()) == [0x0000]


def test_garbage_inside_an_association_ends_it_alone(store):
    good = association_request()
    random = np.random.default_rng(7)
    with store.listening(idle_seconds=1.0) as port:
        for _ in range(20):
            with raw_connection(port) as connection:
                connection.sendall(good)
                assert connection.recv(1) == b"\x02"
                length = int(random.integers(1, 64))
                connection.sendall(b"\x04\x00" + struct.pack(">L", length) + random.bytes(length))
        assert send(port, dicom_make()) == [0x0000]


def closed_by_peer(connection) -> bool:
    try:
        while connection.recv(4096):
            pass
    except ConnectionError:
        pass
    return True


@pytest.mark.parametrize("said", [b"", b"\x01\x00", b"\x01\x00\x00\x00\x01\x00half"])
def test_silence_ends_a_connection_and_holds_up_nobody(store, said):
    with store.listening(idle_seconds=0.5) as port, raw_connection(port) as connection:
        connection.sendall(said)
        assert send(port, dicom_make()) == [0x0000]
        assert closed_by_peer(connection)


@pytest.mark.parametrize("said", [b"", b"\x01\x00\x00\x00\x01\x00half"])
def test_who_asks_for_no_association_gives_the_place_back(store, said):
    options = {"request_seconds": 0.3, "idle_seconds": 600.0}
    with store.listening(**options) as port, raw_connection(port) as connection:
        connection.sendall(said)
        assert closed_by_peer(connection)


def test_who_has_asked_may_be_silent_for_longer():
    """In the middle of a PDU, too."""
    asked, release = association_request(), b"\x05\x00\x00\x00\x00\x04\x00\x00\x00\x00"
    with Store().listening(request_seconds=0.5, idle_seconds=600.0) as port:
        connection = associated(port, asked)
        with connection:
            connection.sendall(release[:3])
            time.sleep(1.5)  # three times as long as a connection may take to ask
            connection.sendall(release[3:])
            assert received(connection)[:1] == b"\x06"  # A-RELEASE-RP


def associated(port, asked):
    """A connection on which an association is open: on a slow machine not the first, perhaps."""
    for _ in range(20):
        connection = raw_connection(port)
        with suppress(ConnectionError):
            connection.sendall(asked)
            if received(connection)[:1] == b"\x02":  # A-ASSOCIATE-AC
                return connection
        connection.close()
    raise AssertionError


def received(connection) -> bytes:
    """One whole PDU; less where the peer closes."""
    head = connection.recv(6, socket.MSG_WAITALL)
    length = struct.unpack(">L", head[2:])[0] if len(head) == 6 else 0
    return head + connection.recv(length, socket.MSG_WAITALL)


def drip(connection):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        connection.sendall(b"x")
        time.sleep(0.05)


def test_a_request_in_drops_is_not_waited_for(store):
    """Each drop comes in time; the whole does not."""
    with store.listening(idle_seconds=0.5) as port, raw_connection(port) as connection:
        connection.sendall(b"\x01\x00\x00\x00\x10\x00")
        with pytest.raises(ConnectionError):
            drip(connection)
        assert send(port, dicom_make()) == [0x0000]


def test_silence_within_an_association_ends_it(store):
    with store.listening(idle_seconds=0.5) as port:
        opened = association(port)
        deadline = time.monotonic() + 20
        while opened.is_established and time.monotonic() < deadline:
            time.sleep(0.05)
        assert opened.is_aborted


def test_a_pdu_longer_than_any_need_is_not_waited_for(store):
    with store.listening(idle_seconds=60) as port, raw_connection(port) as connection:
        connection.sendall(b"\x01\x00\xff\xff\xff\xff")
        assert closed_by_peer(connection)


def test_a_sender_that_leaves_in_the_middle_of_an_image_leaves_nothing(port, store):
    opened = association(port)
    opened.abort()
    with raw_connection(port) as connection:
        connection.sendall(association_request())
        assert connection.recv(1) == b"\x02"
    assert send(port, dicom_make()) == [0x0000]
    assert len(store.instances) == 1
