"""`serve`: one command starts everything, and leaves nothing behind."""

import json
import signal
import subprocess
import sys
import time
from urllib.error import HTTPError
from urllib.request import urlopen

import psutil
import pytest
from django.core.management import CommandError, call_command

from pneumoscope.web.config.supervisor import (
    Child,
    _answers,
    _end,
    _restart_dead,
    listen,
    supervise,
)
from web.installation import Installation, wait_until


def healthy(address: str) -> bool:
    try:
        with urlopen(f"{address}healthz") as answer:  # noqa: S310
            return json.load(answer)["status"] == "ok"
    except HTTPError as error:
        error.close()
        return False


def test_from_nothing_to_results_and_no_process_left(tmp_path):
    installation = Installation(tmp_path)
    words = ["pneumoscope.web", "serve", "--port", "0"]
    process = installation.start(*words, stdout=subprocess.PIPE)
    try:
        said = []
        while not said or "ready" not in said[-1]:
            line = process.stdout.readline()
            assert line, "serve ended"
            said.append(line)
        address = said[-1].split()[3]
        family = [
            psutil.Process(process.pid),
            *psutil.Process(process.pid).children(recursive=True),
        ]
        assert len(family) == 5  # supervisor, gunicorn and its worker, celery, deliverer
        wait_until(lambda: healthy(address), every=0.1)
        pending = "SELECT count(*) FROM studies_image WHERE state IN ('RECEIVED', 'ANALYSING')"
        wait_until(lambda: installation.rows(pending) == [(0,)], every=0.1)
        states = installation.rows("SELECT state, count(*) FROM studies_image GROUP BY state")
        assert states == [("ANALYSED", 18)]
        with urlopen(f"{address}login/") as page:  # noqa: S310
            assert "default-src 'self'" in page.headers["Content-Security-Policy"]
            assert "unsafe" not in page.headers["Content-Security-Policy"]
            assert page.headers["X-Frame-Options"] == "DENY"
    finally:
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert not [member for member in family if member.is_running()]
    assert "password “" in "".join(said)
    assert "Traceback" not in rest

    again = installation.manage("bootstrap")
    assert "password" not in again
    assert "registered" not in again


def test_a_port_in_use_is_named_with_its_remedy():
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=f"port_in_use.*:{port}[^$]*PORT={port + 1}"):
            listen("127.0.0.1", port)


def test_an_address_of_another_machine_is_no_port_in_use():
    """192.0.2.0/24 is nobody's (RFC 5737)."""
    with pytest.raises(CommandError, match=r"cannot_listen: .*192\.0\.2\.1:8000[^$]*this machine"):
        listen("192.0.2.1", 8000)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.1"])  # noqa: S104 - refused
def test_pages_of_errors_are_shown_to_no_other_machine(host, settings):
    settings.DEBUG = True
    with pytest.raises(CommandError, match=r"debug_is_public: [^$]*DEBUG=false"):
        call_command("serve", host=host, port=0)


def test_the_server_is_asked_past_a_proxy(live_server, monkeypatch):
    """A hospital's proxy would answer in its place, or not at all."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9/")
    assert _answers(f"{live_server.url}/healthz")


def test_a_web_server_that_dies_at_once_ends_the_whole():
    dying = Child("dying", [sys.executable, "-c", "raise SystemExit(3)"])
    other = Child("other", [sys.executable, "-c", "import time; time.sleep(600)"])
    with pytest.raises(CommandError, match="child_died: the dying ended at once with status 3"):
        supervise([dying, other], "http://127.0.0.1:9/", lambda _: None)


def test_another_child_that_dies_at_once_ends_the_whole(tmp_path):
    with listen("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    serving = ["-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(tmp_path)]
    living = Child("living", [sys.executable, *serving])
    dying = Child("dying", [sys.executable, "-c", "raise SystemExit(3)"])
    said = []
    with pytest.raises(CommandError, match="child_died: the dying ended at once with status 3"):
        supervise([living, dying], f"http://127.0.0.1:{port}/", said.append)
    assert living.process.poll() is not None
    assert "is ready" in said[0]


def test_a_child_that_dies_later_is_started_again():
    said = []
    child = Child("child", [sys.executable, "-c", "import time; time.sleep(600)"])
    child.start()
    try:
        child.process.kill()
        child.process.wait()
        child.started -= 100
        _restart_dead([child], said.append)
        assert child.process.poll() is None
        assert "starting it again" in said[0]
    finally:
        _end([child])


def test_a_child_that_does_not_want_to_end_is_killed(monkeypatch):
    monkeypatch.setattr("pneumoscope.web.config.supervisor.GRACE_SECONDS", 0.2)
    ignore = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"
    child = Child("stubborn", [sys.executable, "-c", ignore])
    child.start()
    time.sleep(0.3)
    _end([child])
    assert child.process.returncode in {-signal.SIGKILL, -signal.SIGTERM}
