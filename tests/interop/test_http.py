"""HTTP over TLS: who is trusted, and that time is limited there too."""

import ssl
import subprocess
import threading
import time

import pytest

from interop.listening import http_server, tcp_server
from peers import require_peer
from pneumoscope.interop.delivery import CredentialsRefused, DeliveryRejected, PeerUnreachable
from pneumoscope.interop.http import HttpPeer


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A self-signed certificate of localhost and its key, in one file."""
    openssl = require_peer("openssl", "apt-get install openssl")
    folder = tmp_path_factory.mktemp("tls")
    key, made, both = (folder / name for name in ("key.pem", "cert.pem", "both.pem"))
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout", key, "-out", made]
    command += ["-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(command, check=True, capture_output=True)
    both.write_bytes(key.read_bytes() + made.read_bytes())
    return both


def over_tls(certificate, behave):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def secured(connection):
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(65536)
            behave(secure)

    return tcp_server(secured)


def answer(secure):
    secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")


def test_a_hospitals_own_authority_is_trusted_by_its_file_alone(certificate):
    with over_tls(certificate, answer) as port:
        url = f"https://localhost:{port}"
        assert HttpPeer(url, ca_file=str(certificate)).exchange("GET").body == b"hi"
        with pytest.raises(PeerUnreachable, match="certificate"):
            HttpPeer(url).exchange("GET")
        with pytest.raises(PeerUnreachable):
            HttpPeer(f"https://127.0.0.1:{port}", ca_file=str(certificate)).exchange("GET")


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_an_answer_in_drops_is_not_waited_for(certificate, head):
    ended = threading.Event()

    def drip(secure):
        secure.sendall(head)
        while not ended.is_set():
            secure.sendall(b"x")
            time.sleep(0.05)

    with over_tls(certificate, drip) as port:
        peer = HttpPeer(
            f"https://localhost:{port}",
            ca_file=str(certificate),
            connect_seconds=0.5,
            answer_seconds=0.5,
        )
        with pytest.raises(PeerUnreachable, match="in time"):
            peer.exchange("GET")
        ended.set()


def test_a_server_that_speaks_no_tls():
    with tcp_server(answer) as port, pytest.raises(PeerUnreachable):
        HttpPeer(f"https://127.0.0.1:{port}", answer_seconds=2.0).exchange("GET")


@pytest.mark.parametrize("url", ["", "host", "ftp://host", "http://", "https://ho st/"])
def test_what_is_no_address(url):
    with pytest.raises((DeliveryRejected, PeerUnreachable)):
        HttpPeer(url, connect_seconds=1.0).exchange("GET", "path")


def test_who_we_are_is_said_by_a_token_or_by_name_and_password():
    with http_server(lambda _: (200, {}, b"")) as server:
        for peer in (
            HttpPeer(server.url, "t0ken"),
            HttpPeer(server.url, "pass:wörd", "me"),
            HttpPeer(server.url),
        ):
            peer.exchange("GET")
    said = [request.headers.get("authorization") for request in server.requests]
    assert said == ["Bearer t0ken", "Basic bWU6cGFzczp3w7ZyZA==", None]


@pytest.mark.parametrize("token", ["t0ken\r\nX-Other: 1", "t0kén", "t0ken\0"])
def test_a_token_that_no_header_can_hold_is_neither_sent_nor_quoted(token):
    with http_server(lambda _: (200, {}, b"")) as server:
        with pytest.raises(CredentialsRefused) as caught:
            HttpPeer(server.url, token).exchange("GET")
        assert "t0k" not in str(caught.value)
    assert server.requests == []
