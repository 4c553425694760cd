import socket
import ssl
import threading
from contextlib import contextmanager
from functools import partial
from ipaddress import ip_network

import pytest
from hl7.client import MLLPClient
from hypothesis import given, settings
from hypothesis import strategies as st

from interop import hl7_messages, studies
from interop.listening import certificate_make, closed_port, tcp_server
from pneumoscope.interop import hl7v2
from pneumoscope.interop.delivery import (
    DeliveryError,
    DeliveryRejected,
    PeerUnreachable,
    UnreadableAnswer,
)
from pneumoscope.interop.hl7v2_ack import read_acknowledgement, respond
from pneumoscope.interop.hl7v2_result import Parties, result_message
from pneumoscope.interop.mllp import Frames, MllpPeer, MllpServer, deliver, framed

LOOPBACK = ("127.0.0.1", 0)
MESSAGE = result_message(studies.positive(), Parties("RIS"))
CONTROL_ID = hl7v2.parse(MESSAGE).control_id
ORDER = hl7_messages.ORM.encode()


@contextmanager
def listening(accept=lambda told: None, **options):
    """A server that takes orders and patients; yields its port."""
    server = MllpServer(LOOPBACK, partial(respond, accept=accept), **options)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def peer(port, **options):
    return MllpPeer("127.0.0.1", port, **{"answer_seconds": 5.0} | options)


def ask(connection, data):
    """The next acknowledgement's verdict after sending data as it is."""
    connection.sendall(data)
    answer = Frames(connection).next(idle_seconds=5, message_seconds=5)
    return None if answer is None else read_acknowledgement(answer).verdict


# --- receiving ----------------------------------------------------------------------------------


def test_an_order_is_kept_before_it_is_acknowledged():
    kept = []
    with listening(kept.append) as port:
        assert deliver(peer(port), ORDER).verdict == "AA"
        assert [order.accession_number for order in kept] == ["ACC-1"]


def test_someone_elses_client_is_understood():
    kept = []
    with listening(kept.append) as port, MLLPClient("127.0.0.1", port) as client:
        for text in hl7_messages.ALL.values():
            answer = client.send_message(text.encode())
            assert b"MSA|AA|" in answer
    assert len(kept) == 6


def test_what_is_not_taken_is_refused_with_its_reason():
    with listening() as port, pytest.raises(DeliveryRejected, match=r"ORU\^R01 is not taken"):
        deliver(peer(port), MESSAGE)


def test_a_failure_here_keeps_the_message_with_its_sender():
    def fail(_):
        raise OSError("disk full")

    with listening(fail) as port, pytest.raises(DeliveryError) as raised:
        deliver(peer(port), ORDER)
    assert raised.value.transient


@pytest.mark.parametrize(
    "sent",
    [
        framed(ORDER)[:-1],
        b"\r\n\r\n" + framed(ORDER),
        b"noise" + framed(ORDER),
        b"\x0bhalf a mess" + framed(ORDER),
        b"\x1c\r\x1c" + framed(ORDER),
    ],
)
def test_sloppy_frames_are_read(sent):
    with listening() as port, socket.create_connection(("127.0.0.1", port)) as connection:
        assert ask(connection, sent) == "AA"
        assert ask(connection, framed(ORDER)) == "AA"


def test_messages_in_one_packet_and_in_many_are_both_read():
    with listening() as port, socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(framed(ORDER) * 3)
        frames = Frames(connection)
        for _ in range(3):
            assert frames.next(idle_seconds=5, message_seconds=5)
        for byte in framed(ORDER):
            connection.sendall(bytes([byte]))
        assert frames.next(idle_seconds=5, message_seconds=5)


def test_a_bad_message_does_not_end_the_connection():
    with listening() as port, socket.create_connection(("127.0.0.1", port)) as connection:
        assert ask(connection, framed(b"\xff\xfe\x00")) == "AR"
        assert ask(connection, framed(ORDER)) == "AA"


@settings(max_examples=20, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_stop_the_server(data):
    with listening(idle_seconds=0.05, message_seconds=0.05) as port:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(data)
        assert deliver(peer(port), ORDER).verdict == "AA"


def test_a_flood_ends_its_own_connection_alone():
    with listening(max_bytes=10_000) as port:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.settimeout(5)
            with pytest.raises(ConnectionError):
                connection.sendall(b"\x0b" + b"A" * 100_000_000)
        assert deliver(peer(port), ORDER).verdict == "AA"


def test_silent_and_slow_peers_are_let_go():
    with listening(idle_seconds=0.1, message_seconds=0.1) as port:
        for started in (b"", b"\x0bMSH|"):
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.settimeout(5)
                connection.sendall(started)
                assert connection.recv(10) == b""


def test_connections_run_side_by_side():
    meeting = threading.Barrier(4, timeout=10)

    with listening(lambda told: meeting.wait()) as port:
        answers = []
        senders = [
            threading.Thread(target=lambda: answers.append(deliver(peer(port), ORDER).verdict))
            for _ in range(4)
        ]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
    assert answers == ["AA"] * 4


def test_connections_beyond_the_limit_are_closed():
    with (
        listening(max_connections=1) as port,
        socket.create_connection(("127.0.0.1", port)) as first,
    ):
        assert ask(first, framed(ORDER)) == "AA"
        with pytest.raises(DeliveryError):
            deliver(peer(port), ORDER)
        assert ask(first, framed(ORDER)) == "AA"


def test_only_allowed_networks_may_connect():
    with listening(allowed=[ip_network("192.0.2.0/24")]) as port, pytest.raises(DeliveryError):
        deliver(peer(port), ORDER)
    with listening(allowed=[ip_network("127.0.0.0/8")]) as port:
        assert deliver(peer(port), ORDER).verdict == "AA"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return certificate_make(tmp_path_factory.mktemp("tls"))


def test_tls_both_ways_and_neither_a_stranger_nor_a_silent_peer(certificate):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    trusting = ssl.create_default_context(cafile=str(certificate))
    with listening(tls=tls, message_seconds=5) as port:
        with socket.create_connection(("127.0.0.1", port)):  # says nothing, holds nobody up
            known = MllpPeer("localhost", port, trusting)
            assert deliver(known, ORDER).verdict == "AA"
        with pytest.raises(PeerUnreachable):
            deliver(MllpPeer("localhost", port, ssl.create_default_context()), ORDER)
        with pytest.raises(DeliveryError):
            deliver(peer(port, answer_seconds=0.5), ORDER)
        assert deliver(known, ORDER).verdict == "AA"


# --- sending ------------------------------------------------------------------------------------


def ack(verdict="AA", control_id=CONTROL_ID):
    return framed(f"MSH|^~\\&|||||||ACK|1|P|2.5.1\rMSA|{verdict}|{control_id}|why\r".encode())


def answering(data):
    def behave(connection):
        assert Frames(connection).next(idle_seconds=5, message_seconds=5) == MESSAGE
        connection.sendall(data)

    return behave


def test_a_message_is_delivered_when_the_peer_says_so():
    with tcp_server(answering(ack())) as port:
        assert deliver(peer(port), MESSAGE).verdict == "AA"


@pytest.mark.parametrize("verdict", ["AE", "AR", "CE", "CR"])
def test_a_refusal_is_final_and_says_why(verdict):
    with tcp_server(answering(ack(verdict))) as port, pytest.raises(DeliveryRejected, match="why"):
        deliver(peer(port), MESSAGE)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        framed(b"nonsense"),
        framed(b"MSH|^~\\&|\rMSH\r"),
        ack()[:-8],
        ack("AA", "other"),
    ],
    ids=["closed", "http", "nonsense", "twice", "cut", "other"],
)
def test_answers_that_say_nothing_are_worth_another_try(answer):
    with tcp_server(answering(answer)) as port, pytest.raises(UnreadableAnswer) as raised:
        deliver(peer(port), MESSAGE)
    assert raised.value.transient


def test_peers_that_are_away_hang_or_pour_are_worth_another_try():
    with pytest.raises(PeerUnreachable):
        deliver(peer(closed_port()), MESSAGE)
    for host in ("no such host", "a..b", "x" * 300):
        with pytest.raises(PeerUnreachable):
            deliver(MllpPeer(host, 2575), MESSAGE)

    def hang(connection):
        connection.settimeout(5)
        while connection.recv(65536):
            pass

    with tcp_server(hang) as port, pytest.raises(PeerUnreachable):
        deliver(peer(port, answer_seconds=0.2), MESSAGE)

    def reset(connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    with tcp_server(reset) as port, pytest.raises(DeliveryError) as raised:
        deliver(peer(port), MESSAGE)
    assert raised.value.transient
