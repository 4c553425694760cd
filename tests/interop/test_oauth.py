from dataclasses import replace

import pytest

from interop.authority import CLIENT, SECRET, authority, smart_authority
from interop.listening import closed_port, http_server
from pneumoscope.interop.delivery import (
    CredentialsRefused,
    DeliveryRejected,
    PeerBusy,
    PeerUnreachable,
    UnreadableAnswer,
)
from pneumoscope.interop.http import HttpPeer
from pneumoscope.interop.oauth import ClientCredentials, access_token, token_forget
from pneumoscope.interop.signed_assertion import jwk_set, key_algorithm, key_make


def credentials_of(url):
    return ClientCredentials(HttpPeer(url), CLIENT, SECRET, "system/*.write")


def test_a_token_is_kept_until_it_ends_or_is_refused():
    with authority() as (server, _):
        credentials = credentials_of(server.url)
        assert access_token(credentials) == access_token(credentials) == "token-1"
        assert token_forget(credentials)
        assert not token_forget(credentials)
        assert access_token(credentials) == "token-2"
        assert len(server.requests) == 2


@pytest.mark.parametrize("seconds", [30, 0, -1, None, "soon", "nan", True])
def test_a_token_that_is_over_at_once_is_not_kept(seconds):
    with authority(seconds) as (server, given):
        tokens = [access_token(credentials_of(server.url)) for _ in range(2)]
    assert tokens == given == ["token-1", "token-2"]


def test_who_is_not_known_gets_none():
    with authority() as (server, given):
        known = credentials_of(server.url)
        for stranger in (replace(known, secret="x"), replace(known, scope="all")):
            with pytest.raises(CredentialsRefused, match=r"Who is that|invalid_scope") as caught:
                access_token(stranger)
            assert SECRET not in str(caught.value)
        assert not given


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"access_token": "a b\r\nX: y"}, "no bearer token"),
        ({"access_token": None}, "no bearer token"),
        ({"token_type": "mac"}, "of type 'mac'"),
    ],
)
def test_an_answer_that_is_no_bearer_token(changes, words):
    with authority(**changes) as (server, _), pytest.raises(UnreadableAnswer, match=words):
        access_token(credentials_of(server.url))


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (200, b"<html>", UnreadableAnswer),
        (200, b"[]", UnreadableAnswer),
        (400, b"", DeliveryRejected),
        (404, b"{}", DeliveryRejected),
        (503, b"", PeerBusy),
    ],
)
def test_authorities_that_do_not_answer(status, body, error):
    with http_server(lambda _: (status, {}, body)) as server, pytest.raises(error):
        access_token(credentials_of(server.url))


def test_an_authority_that_is_away():
    with pytest.raises(PeerUnreachable):
        access_token(credentials_of(f"http://127.0.0.1:{closed_port()}/"))


def signed_for(url, key, client=CLIENT):
    return ClientCredentials(HttpPeer(url), client, key, "system/*.write", signed=True)


@pytest.mark.parametrize("algorithm", ["ES384", "RS384"])
def test_a_client_proves_itself_by_its_key(algorithm):
    key = key_make(algorithm)
    registered = jwk_set(key)
    assert registered["keys"][0]["alg"] == key_algorithm(key) == algorithm
    # Only what is public is shown.
    assert not set(registered["keys"][0]) & {"d", "p", "q", "dp", "dq", "qi"}
    with smart_authority({CLIENT: registered}) as (server, taken):
        credentials = signed_for(server.url, key)
        assert access_token(credentials) == access_token(credentials) == "signed-1"
        assert token_forget(credentials)
        assert access_token(credentials) == "signed-2"
    assert len({each["jti"] for each in taken}) == 2


def test_an_authority_takes_no_key_but_the_registered_one():
    key, other = key_make("ES384"), key_make("ES384")
    with smart_authority({CLIENT: jwk_set(key)}) as (server, taken):
        for stranger in (signed_for(server.url, other), signed_for(server.url, key, "someone")):
            with pytest.raises(CredentialsRefused, match="invalid_client"):
                access_token(stranger)
        # An assertion for another endpoint is good for that one alone.
        elsewhere = f"{server.url}/other"
        with pytest.raises(CredentialsRefused, match="InvalidAudience"):
            access_token(signed_for(elsewhere, key))
        assert not taken


@pytest.mark.parametrize("key", ["", "s3cret", "-----BEGIN PRIVATE" + " KEY-----"])
def test_what_is_no_key_signs_nothing(key):
    assert key_algorithm(key) is None
    with http_server(lambda _: (500, {}, b"")) as server:
        with pytest.raises(CredentialsRefused, match="cannot sign"):
            access_token(signed_for(server.url, key))
        assert not server.requests
