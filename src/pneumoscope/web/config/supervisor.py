"""Web server and worker as children of one process: start, watch, restart, end together."""

import contextlib
import errno
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import FrameType
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, build_opener

from django.core.management import CommandError

WEB_THREADS = 8
GRACE_SECONDS = 10.0
# A child that dies sooner than this would only die again.
SHORTEST_LIFE_SECONDS = 10.0
READY_SECONDS = 180.0
POLL_SECONDS = 0.1
# Our own address is asked directly, also where the environment names a proxy.
_DIRECT = build_opener(ProxyHandler({}))

Say = Callable[[str], None]


@dataclass
class Child:
    """One process in a session of its own, so that Ctrl-C reaches the parent alone."""

    name: str
    command: list[str]
    keep_open: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] = field(init=False)
    started: float = field(init=False)

    def start(self) -> None:
        self.started = time.monotonic()
        self.process = subprocess.Popen(  # noqa: S603 - our own programs, no shell
            self.command, pass_fds=self.keep_open, start_new_session=True
        )

    def signal(self, number: int) -> None:
        """To the whole session: gunicorn has a child too."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; its owner hands it to gunicorn, so that no one can take it between."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise CommandError(_refused(error, host, port)) from error
    listener.listen(128)
    return listener


def _refused(error: OSError, host: str, port: int) -> str:
    code, remedy = "cannot_listen", "Choose an address of this machine and a port above 1023."
    if error.errno == errno.EADDRINUSE:
        code = "port_in_use"
        remedy = f"End the program that uses it, or choose another: make run PORT={port + 1}"
    return f"{code}: cannot listen on {host}:{port} ({error.strerror}).\n  {remedy}"


def web_server(listener: socket.socket) -> Child:
    handle = listener.fileno()
    command = [sys.executable, "-m", "gunicorn", "pneumoscope.web.config.wsgi:application"]
    command += ["--bind", f"fd://{handle}", "--workers", "1", "--threads", str(WEB_THREADS)]
    command += ["--graceful-timeout", "5", "--log-level", "warning"]
    return Child("web server", command, keep_open=(handle,))


def worker() -> Child:
    command = [sys.executable, "-m", "celery", "--quiet"]
    command += ["-A", "pneumoscope.web.config.celery", "worker"]
    command += ["--pool", "solo", "--loglevel", "WARNING"]
    command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    return Child("worker", command)


def dicom_listener() -> Child:
    return Child("DICOM listener", [sys.executable, "-m", "pneumoscope.web", "listen"])


def deliverer() -> Child:
    return Child("deliverer", [sys.executable, "-m", "pneumoscope.web", "deliver"])


def hl7_listener() -> Child:
    return Child("HL7 listener", [sys.executable, "-m", "pneumoscope.web", "listen_hl7"])


def supervise(children: list[Child], address: str, say: Say) -> None:
    """Run until a signal comes or a child cannot live; no child outlives this call.

    The first child answers at `address`, and starts alone: people wait for the page, not for the
    others.
    """
    web, *others = children
    running = [web]
    with _signals() as stopped:
        try:
            web.start()
            _wait_until_ready(web, address, stopped)
            if not stopped:
                for child in others:
                    child.start()
                    running.append(child)
                say(f"Pneumoscope is ready: {address}   (Ctrl-C ends it)")
            while not stopped:
                _restart_dead(running, say)
                time.sleep(POLL_SECONDS)
        finally:
            _end(running)


def _restart_dead(children: list[Child], say: Say) -> None:
    for child in children:
        status = child.process.poll()
        if status is None:
            continue
        child.signal(signal.SIGKILL)
        if time.monotonic() - child.started < SHORTEST_LIFE_SECONDS:
            raise CommandError(
                f"child_died: the {child.name} ended at once with status {status}.\n"
                "  The lines above say why; `pneumoscope doctor` looks for the usual reasons."
            )
        say(f"The {child.name} ended with status {status}; starting it again.")
        child.start()


def _wait_until_ready(web: Child, address: str, stopped: list[int]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not stopped and not _answers(f"{address}healthz"):
        if time.monotonic() > deadline:
            raise CommandError(
                f"not_ready: the web server has not answered for {READY_SECONDS:.0f} s.\n"
                "  The lines above may say why; `pneumoscope doctor` looks for the usual reasons."
            )
        _restart_dead([web], lambda _: None)
        time.sleep(POLL_SECONDS)


def _answers(url: str) -> bool:
    try:
        with _DIRECT.open(url, timeout=5):
            return True
    except HTTPError:
        return True  # unwell, but there
    except (URLError, OSError):
        return False


def _end(children: list[Child]) -> None:
    """Politely, then not."""
    alive = [child for child in children if hasattr(child, "process")]
    for child in alive:
        child.signal(signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    for child in alive:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.process.wait(max(0.0, deadline - time.monotonic()))
        child.signal(signal.SIGKILL)
        child.process.wait()


@contextlib.contextmanager
def _signals() -> Iterator[list[int]]:
    """A list that holds the signal once one has come to end us."""
    stopped: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        stopped.append(number)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, note) for number in numbers}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
