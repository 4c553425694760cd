"""Damaged PDUs of every type, before an association and inside one: seeded, over real sockets."""

import struct
import threading
import time
from contextlib import ExitStack

import numpy as np
import pytest
from pynetdicom import AE, evt

from interop.dicoms import Store, dicom_make, raw_connection
from interop.test_scp import closed_by_peer, send

IDLE_SECONDS = 1.0
ASSOCIATE_RQ, ASSOCIATE_AC, P_DATA, ABORT = 1, 2, 4, 7
TYPES = range(ASSOCIATE_RQ, ABORT + 1)


@pytest.fixture(scope="module")
def pdus():
    """PDU type → the longest of that type that two real peers exchanged (PS3.8 section 9.3)."""
    found = {}

    def note(event):
        encoded = event.pdu.encode()
        found[encoded[0]] = max(found.get(encoded[0], b""), encoded, key=len)

    entity, image = AE("SENDER"), dicom_make(side=8)
    entity.add_requested_context(image.SOPClassUID)
    handlers = [(evt.EVT_PDU_SENT, note), (evt.EVT_PDU_RECV, note)]
    with Store().listening() as port:
        for called, leave in (("SCOPE", "release"), ("SCOPE", "abort"), ("OTHER", None)):
            opened = entity.associate("127.0.0.1", port, ae_title=called, evt_handlers=handlers)
            if leave:
                assert opened.send_c_store(image).Status == 0x0000
                getattr(opened, leave)()
    assert sorted(found) == list(TYPES)
    return found


@pytest.fixture
def port():
    # Each damaged connection may stay until its silence is over; none is to be refused before.
    others = acceptors()
    with Store().listening(idle_seconds=IDLE_SECONDS, max_associations=500) as port:
        yield port
        deadline = time.monotonic() + 20
        while acceptors() - others and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not acceptors() - others


def acceptors():
    return {each for each in threading.enumerate() if each.name.startswith("AcceptorThread")}


def associated(port, pdus):
    connection = raw_connection(port)
    connection.sendall(pdus[ASSOCIATE_RQ])
    assert connection.recv(65536)[0] == ASSOCIATE_AC
    return connection


def before(port, pdus):
    return raw_connection(port)


@pytest.mark.parametrize("reach", [before, associated])
@pytest.mark.parametrize("pdu_type", TYPES)
def test_changed_bytes_end_no_more_than_their_own_connection(port, pdus, reach, pdu_type):
    random = np.random.default_rng(pdu_type)
    for number in range(10):
        data = bytearray(pdus[pdu_type])
        # Most of what can go wrong stands at the beginning: lengths, contexts, command elements.
        places = random.integers(0, min(len(data), 200), 1 + number % 4)
        for place, value in zip(places, random.bytes(len(places)), strict=True):
            data[place] = value
        with reach(port, pdus) as connection:
            connection.sendall(data)
    assert send(port, dicom_make()) == [0x0000]


def damaged(pdu):
    """The PDU with lengths that lie, and cut short."""
    length = len(pdu) - 6
    for lie in (0, 1, length + 1, (1 << 32) - 1):
        yield pdu[:2] + struct.pack(">L", lie) + pdu[6:]
    for end in (1, 6, 6 + length // 2):
        yield pdu[:end]


@pytest.mark.parametrize("reach", [before, associated])
def test_lengths_that_lie_and_half_pdus_and_then_nothing(port, pdus, reach):
    """All at once: each connection is ended, and the good sender beside them is served."""
    with ExitStack() as connections:
        opened = []
        for pdu in pdus.values():
            for data in damaged(pdu):
                opened.append(connections.enter_context(reach(port, pdus)))
                opened[-1].sendall(data)
        assert send(port, dicom_make()) == [0x0000]
        assert all(closed_by_peer(connection) for connection in opened)


def drip(connection, data):
    """A byte now and then, until the other end has had enough."""
    try:
        for byte in data:
            connection.sendall(bytes([byte]))
            time.sleep(0.05)
    except OSError:
        return


def test_seven_that_dawdle_inside_an_image_slow_nobody_and_are_ended(port, pdus):
    """Each drop comes in time, so that no silence ends them; the eighth sends its images."""
    data = pdus[P_DATA]
    with ExitStack() as connections:
        slow = [connections.enter_context(associated(port, pdus)) for _ in range(7)]
        for number, connection in enumerate(slow):
            connection.sendall(data[: 1 + number * 6])
        rest = data[1 + 6 * 6 :] + data
        drips = [threading.Thread(target=drip, args=[each, rest]) for each in slow]
        for thread in drips:
            thread.start()
        assert send(port, *(dicom_make(number) for number in range(20))) == [0x0000] * 20
        for thread in drips:
            thread.join(20)
        assert not any(thread.is_alive() for thread in drips)
