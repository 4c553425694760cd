import hashlib
import hmac
import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interop import studies
from interop.listening import closed_port, http_server
from pneumoscope.core.render import RESEARCH_USE_ONLY
from pneumoscope.interop.delivery import DeliveryRejected, PeerBusy, PeerUnreachable
from pneumoscope.interop.http import HttpPeer
from pneumoscope.interop.webhook import WebhookPeer, event, post, sign

NOW = 1_795_340_400


def receivers_code():
    """`genuine` of the documentation."""
    page = (Path(__file__).parents[2] / "docs/integration/fhir-server.md").read_text("utf-8")
    names = {}
    exec(page.split("```python\n")[1].split("```")[0], names)  # noqa: S102 - our own page
    return names["genuine"]


genuine = receivers_code()


def test_a_result_arrives_signed():
    with http_server(lambda request: (204, {}, b"")) as server:
        receiver = WebhookPeer(HttpPeer(f"{server.url}/hook"), "secret")
        post(receiver, event(studies.positive()), NOW)
    [request] = server.requests
    assert request.headers["pneumoscope-signature"] == sign("secret", request.body, NOW)
    assert request.headers["pneumoscope-event"] == json.loads(request.body)["id"]
    assert "secret" not in repr(receiver)


def test_the_signature_is_what_the_documentation_says():
    digest = hmac.new(b"secret", b"1795340400.{}", hashlib.sha256).hexdigest()
    assert sign("secret", b"{}", NOW) == f"t={NOW},v1={digest}"


def test_an_event_tells_the_result_and_nobodys_name():
    told = event(studies.positive())
    assert (told["probability"], told["positive"], told["status"]) == (0.8731, True, "analysed")
    assert told["intended_use"] == RESEARCH_USE_ONLY
    text = json.dumps(told, ensure_ascii=False)
    assert "Müller" not in text
    assert "4711" not in text
    assert told == event(studies.positive())


def test_a_rejected_radiograph_has_no_number():
    told = event(studies.rejected())
    assert (told["probability"], told["threshold"], told["positive"]) == (None, None, None)
    assert told["reasons"] == ["not_frontal"]


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=20), st.binary(max_size=100))
def test_what_is_signed_is_genuine_and_nothing_else(secret, body):
    """By the receiver's code in the documentation."""
    header = sign(secret, body, int(time.time()))
    assert genuine(secret, body, header)
    assert not genuine(secret + "x", body, header)
    assert not genuine(secret, body + b"x", header)


@pytest.mark.parametrize("later", [301, -310, 10**6])
def test_a_replay_is_refused(later):
    now = int(time.time())
    assert not genuine("secret", b"{}", sign("secret", b"{}", now - later))
    later_time = sign("secret", b"{}", now - later).replace(str(now - later), str(now))
    assert not genuine("secret", b"{}", later_time)


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=80))
def test_no_header_does_more_than_fail(header):
    for text in (header, f"t={header},v1=00", f"t=1,v1={header}", "t=" + "9" * 5000):
        assert not genuine("secret", b"{}", text)


def test_receivers_that_refuse_wait_or_are_away():
    for status, error in ((400, DeliveryRejected), (410, DeliveryRejected), (503, PeerBusy)):
        with (
            http_server(lambda request, status=status: (status, {}, b"no")) as server,
            pytest.raises(error),
        ):
            post(WebhookPeer(HttpPeer(server.url), "s"), event(studies.positive()), NOW)
    away = HttpPeer(f"http://127.0.0.1:{closed_port()}")
    with pytest.raises(PeerUnreachable):
        post(WebhookPeer(away, "s"), event(studies.positive()), NOW)
