"""A PACS and Pneumoscope side by side: a radiograph goes in, its result comes back to its study.

    make pacs-demo            until Ctrl-C
    .venv-dev/bin/python tools/pacs_demo.py --once

Needs Orthanc, dcmtk and dicom3tools (Debian: orthanc orthanc-dicomweb dcmtk dicom3tools). Starts
both with empty folders, sends samples/*.dcm to Orthanc with storescu, as an X-ray machine would;
Orthanc forwards them, and what Pneumoscope sends back is listed and checked with dciodvfy.
Research use only – not a medical device.
"""

# ruff: noqa: S603, S607, T201 - programs of this project and of Debian, no shell; this one talks
import argparse
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from urllib.request import urlopen

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests")]

from peers import Orthanc, free_port, require_peer  # noqa: E402

PATIENCE_SECONDS = 300
FORWARD = """
function OnStoredInstance(id, tags, metadata, origin)
  if origin['RequestOrigin'] == 'DicomProtocol' and origin['RemoteAet'] ~= 'PNEUMOSCOPE' then
    SendToModality(id, 'pneumoscope')
  end
end
"""
# Modalities of what comes back for a positive result: SR, GSPS, secondary capture, SEG, KO.
EXPECTED = {"SR", "PR", "OT", "SEG", "KO"}


class ForwardingOrthanc(Orthanc):
    """Sends every image that it receives on to Pneumoscope."""

    def __init__(self, folder: Path, listener: int) -> None:
        self._folder, self._listener = folder, listener
        (folder / "forward.lua").write_text(FORWARD)
        super().__init__(folder)

    def _settings(self, storage: Path) -> dict[str, object]:
        known = {"pneumoscope": ["PNEUMOSCOPE", "127.0.0.1", self._listener]}
        return super()._settings(storage) | {
            "Name": "Pneumoscope demo",
            "DicomModalities": known,
            "DicomModalitiesInDatabase": False,
            "LuaScripts": [str(self._folder / "forward.lua")],
        }


class Pneumoscope:
    """`pneumoscope serve` with its DICOM listener."""

    def __init__(self, home: Path, listener: int) -> None:
        self.home, self.port = home, free_port()
        ours = {
            "HOME": home,
            "LISTEN_PORT": listener,
            "LISTEN_PROMISCUOUS": "true",
            "LOG_LEVEL": "ERROR",
        }
        named = {f"PNEUMOSCOPE_{name}": str(value) for name, value in ours.items()}
        self._environment = os.environ | named  # noqa: TID251
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pneumoscope.web", "serve", "--port", str(self.port)],
            env=self._environment,
        )

    def wait(self) -> None:
        """Until it answers and its own samples are analysed."""
        wait_until(self._is_well)
        wait_until(lambda: self._count("state IN ('RECEIVED', 'ANALYSING')") == 0)

    def manage(self, *words: str) -> None:
        command = [sys.executable, "-m", "pneumoscope.web", *words]
        subprocess.run(command, env=self._environment, check=True)

    def end(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait()

    def _is_well(self) -> bool:
        if self._process.poll() is not None:
            raise SystemExit("Pneumoscope ended; the lines above say why.")
        with suppress(OSError), urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5):
            return True
        return False

    def _count(self, condition: str) -> int:
        connection = sqlite3.connect(self.home / "pneumoscope.sqlite3", timeout=20)
        try:
            asked = f"SELECT COUNT(*) FROM studies_image WHERE {condition}"  # noqa: S608 - ours
            return int(connection.execute(asked).fetchone()[0])
        finally:
            connection.close()


def main() -> int:
    parser = argparse.ArgumentParser(description="A PACS and Pneumoscope side by side.")
    parser.add_argument("--once", action="store_true", help="end when everything has come back")
    once = parser.parse_args().once
    for program in ("storescu", "dciodvfy"):
        require_peer(program, "apt-get install dcmtk dicom3tools")
    # However it is ended, what it started ends too.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    faults = 0
    with ExitStack() as stack, suppress(KeyboardInterrupt):
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        listener = free_port()
        orthanc = ForwardingOrthanc(folder, listener)
        stack.callback(orthanc.stop)
        pneumoscope = Pneumoscope(folder / "home", listener)
        stack.callback(pneumoscope.end)
        orthanc.start()
        pneumoscope.wait()
        address = ["--host", "127.0.0.1", "--port", str(orthanc.dicom_port)]
        pneumoscope.manage(
            "destination_add", "PACS", "--site", "main", "--protocol", "dicom", *address,
            "--ae-title", orthanc.ae_title,
        )  # fmt: skip
        faults = show(orthanc, folder)
        if not once:
            wait_for_ctrl_c(orthanc)
    return 1 if faults else 0


def show(orthanc: Orthanc, folder: Path) -> int:
    """Send, wait, list and check; returns how many objects are at fault."""
    files = sorted((ROOT / "samples").glob("*.dcm"))
    address = ["127.0.0.1", str(orthanc.dicom_port)]
    # Under new UIDs: Pneumoscope has analysed these files already. -xv: JPEG 2000 as it is.
    command = ["storescu", "-aet", "XRAY", "-aec", orthanc.ae_title, "-xv"]
    new_uids = ["+II", "+IR", "1", "+IS", "1"]
    for path in files:
        subprocess.run([*command, *new_uids, *address, path], check=True)
    print(f"{len(files)} radiographs sent to Orthanc with storescu.")
    sent = time.monotonic()
    wait_until(lambda: is_complete(orthanc, len(files)))
    print(f"All results are back in their studies after {time.monotonic() - sent:.1f} s.\n")
    faults = 0
    for study in orthanc.ask("/studies?expand"):
        print(f"Study {study['MainDicomTags']['StudyInstanceUID']}")
        for key in study["Series"]:
            faults += series_show(orthanc, key, folder)
    return faults


def series_show(orthanc: Orthanc, key: str, folder: Path) -> int:
    series = orthanc.ask(f"/series/{key}")
    tags, faults = series["MainDicomTags"], 0
    for instance in series["Instances"]:
        path = folder / "checked.dcm"
        with urlopen(f"{orthanc.url}/instances/{instance}/file", timeout=60) as file:  # noqa: S310
            path.write_bytes(file.read())
        checked = subprocess.run(["dciodvfy", path], capture_output=True, text=True, check=False)
        errors = [line for line in checked.stderr.splitlines() if line.startswith("Error")]
        verdict = f"dciodvfy: {len(errors)} errors" if errors else "dciodvfy: no error"
        print(f"  {tags['Modality']:4} {tags.get('SeriesDescription', ''):44} {verdict}")
        for line in errors:
            print(f"       {line}")
        faults += len(errors)
    return faults


def is_complete(orthanc: Orthanc, studies: int) -> bool:
    """Every study has its report and picture, and one of them all that a positive result has."""
    found = [
        {orthanc.ask(f"/series/{key}")["MainDicomTags"]["Modality"] for key in study["Series"]}
        for study in orthanc.ask("/studies?expand")
    ]
    told = len(found) == studies and all({"SR", "OT"} <= modalities for modalities in found)
    return told and any(modalities >= EXPECTED for modalities in found)


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        if time.monotonic() > deadline:
            raise SystemExit("Waited in vain; look at the lines above.")
        time.sleep(0.2)


def wait_for_ctrl_c(orthanc: Orthanc) -> None:
    studies = orthanc.ask("/studies")
    print("\nOrthanc's pages, until Ctrl-C:")
    for key in studies:
        print(f"  {orthanc.url}/app/explorer.html#study?uuid={key}")
    signal.pause()


if __name__ == "__main__":
    sys.exit(main())
