"""Programs that some tests talk to and that pip cannot install: browsers, servers, DICOM tools."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

MISSING = "missing peer"
# Debian keeps PostgreSQL's server programs out of PATH.
_FOLDERS_BESIDE_PATH = "usr/lib/postgresql/*/bin"


def require_peer(program: str, install_hint: str) -> Path:
    """Where `program` is; skips the test in one line if it is nowhere, fails it in CI.

    `install_hint` says what to do, as in "apt-get install chromium".
    """
    found = shutil.which(program)
    if found:
        return Path(found)
    for folder in sorted(Path("/").glob(_FOLDERS_BESIDE_PATH), reverse=True):
        if (folder / program).exists():
            return folder / program
    pytest.skip(f"{MISSING}: {program} – {install_hint}")


class Orthanc:
    """A real archive on loopback: DICOM, REST and DICOMweb, its files in a folder of its own.

    `stop` and `start` keep what it holds; `kill` ends it in the middle of whatever it does.
    """

    ae_title = "ORTHANC"

    def __init__(self, folder: Path) -> None:
        self._program = require_peer("Orthanc", "apt-get install orthanc orthanc-dicomweb")
        self.dicom_port, self._http_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self._http_port}"
        self.dicomweb_url = f"{self.url}/dicom-web"
        self._configuration = folder / "orthanc.json"
        self._configuration.write_text(json.dumps(self._settings(folder / "orthanc")))
        self._log = folder / "orthanc.log"
        self._process: subprocess.Popen[bytes] | None = None

    def _settings(self, storage: Path) -> dict[str, object]:
        return {
            "Name": "tests",
            "StorageDirectory": str(storage),
            "IndexDirectory": str(storage),
            "HttpPort": self._http_port,
            "DicomPort": self.dicom_port,
            "DicomAet": self.ae_title,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "Plugins": ["/usr/share/orthanc/plugins"],
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
            "DicomModalities": {},
            "DicomModalitiesInDatabase": True,
            "StableAge": 1,
        }

    def start(self) -> None:
        with self._log.open("ab") as log:
            command = [self._program, self._configuration]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + 120
        while not self._answers():
            assert time.monotonic() < deadline, self._log.read_text()
            assert self._process.poll() is None, self._log.read_text()
            time.sleep(0.1)

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def know(self, ae_title: str, port: int) -> None:
        """Let an application entity ask, and be sent to: C-FIND and C-MOVE want both."""
        entity = {"AET": ae_title, "Host": "127.0.0.1", "Port": port}
        self.ask(f"/modalities/{ae_title}", json.dumps(entity).encode(), method="PUT")

    def ask(self, path: str, data: bytes | None = None, *, method: str | None = None) -> object:
        """REST: the answer's JSON; None for an empty one. With `data` a POST, unless told."""
        request = Request(self.url + path, data=data, method=method)  # noqa: S310 - loopback
        with urlopen(request, timeout=60) as answer:  # noqa: S310
            body = answer.read()
        return json.loads(body) if body else None

    def _answers(self) -> bool:
        try:
            self.ask("/system")
        except (URLError, OSError):
            return False
        return True


@contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL server on loopback, in a folder that goes with it: postgresql://…"""
    hint = "apt-get install postgresql"
    initdb, program = require_peer("initdb", hint), require_peer("postgres", hint)
    folder, port = Path(tempfile.mkdtemp(prefix="pneumoscope-postgres-")), free_port()
    run: list[str] = []
    if os.geteuid() == 0:  # it refuses to run as root
        run = ["runuser", "-u", "postgres", "--"]
        shutil.chown(folder, "postgres")
    data = folder / "data"
    subprocess.run(
        [*run, initdb, "-D", data, "-U", "scope", "-A", "trust", "-E", "UTF8", "--no-sync"],
        check=True,
        capture_output=True,
        cwd=folder,
    )
    command = [*run, program, "-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", str(folder)]
    server = subprocess.Popen([*command, "-F"], cwd=folder, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 120
        while not _listens(port):
            assert time.monotonic() < deadline, "PostgreSQL does not start"
            assert server.poll() is None, "PostgreSQL has ended"
            time.sleep(0.1)
        yield f"postgresql://scope@127.0.0.1:{port}/postgres"
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """A TCP port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
