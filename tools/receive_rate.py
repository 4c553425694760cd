"""How fast Pneumoscope receives, beside Orthanc: the same files from the same storescu, in turns.

    .venv-dev/bin/python tools/receive_rate.py [ROUNDS]

Needs Orthanc and dcmtk (Debian: orthanc, dcmtk). Starts both servers with empty folders of their
own, sends by one association and by eight at once, to the one first and the next time to the other,
and prints the median of the rounds in instances per second. Both keep every file on the disk
(fsync) before they answer.
"""

# ruff: noqa: S603 - programs of this project and of Debian, no shell
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests")]

from interop.dicoms import dicom_make, file_of  # noqa: E402
from peers import Orthanc, free_port  # noqa: E402

KINDS = {"400 of 0.1 MB": (400, 224), "40 of 8 MB": (40, 2000), "120 of 8 MB": (120, 2000)}
CONNECTIONS = (1, 8)


def files_make(folder: Path, count: int, side: int, first: int) -> list[Path]:
    """Instances that no server has seen."""
    paths = []
    for number in range(first, first + count):
        path = folder / f"{number}.dcm"
        path.write_bytes(file_of(dicom_make(number, side=side)))
        paths.append(path)
    return paths


def send(paths: list[Path], connections: int, port: int, ae_title: str) -> float:
    """Seconds until every file was answered; storescu fails on any that is not stored."""
    command = ["storescu", "-aec", ae_title, "127.0.0.1", str(port)]
    os.sync()  # what was written before is not written while this is timed
    started = time.perf_counter()
    running = [
        subprocess.Popen([*command, *paths[share::connections]]) for share in range(connections)
    ]
    if any(process.wait() for process in running):
        raise SystemExit("storescu failed")
    return time.perf_counter() - started


def pneumoscope_start(home: Path, port: int) -> subprocess.Popen[bytes]:
    ours = {"HOME": str(home), "LISTEN_PROMISCUOUS": "true", "LOG_LEVEL": "ERROR"}
    environment = os.environ | {f"PNEUMOSCOPE_{name}": value for name, value in ours.items()}  # noqa: TID251
    manage = [sys.executable, "-m", "pneumoscope.web"]
    quiet = {"stdout": subprocess.DEVNULL, "env": environment}
    subprocess.run([*manage, "bootstrap"], check=True, **quiet)
    listener = subprocess.Popen([*manage, "listen", "--port", str(port)], **quiet)
    echo = ["echoscu", "-q", "-aec", "PNEUMOSCOPE", "127.0.0.1", str(port)]
    while subprocess.run(echo, check=False).returncode:
        time.sleep(0.5)
    return listener


def measure(folder: Path, rounds: int) -> None:
    orthanc, port = Orthanc(folder), free_port()
    orthanc.start()
    listener = pneumoscope_start(folder / "home", port)
    peers = [
        ("Orthanc", (orthanc.dicom_port, orthanc.ae_title)),
        ("Pneumoscope", (port, "PNEUMOSCOPE")),
    ]
    number = 1
    try:
        for kind, (count, side) in KINDS.items():
            for connections in CONNECTIONS:
                rates: dict[str, list[float]] = {"Pneumoscope": [], "Orthanc": []}
                for turn in range(rounds):
                    paths = files_make(folder, count, side, number)
                    number += count
                    for name, peer in peers[:: 1 if turn % 2 else -1]:
                        rates[name].append(count / send(paths, connections, *peer))
                    for path in paths:
                        path.unlink()
                ours, theirs = (statistics.median(rates[name]) for name in rates)
                print(  # noqa: T201
                    f"{kind}, {connections} at once: Pneumoscope {ours:.1f}/s, "
                    f"Orthanc {theirs:.1f}/s",
                    flush=True,
                )
    finally:
        listener.terminate()
        listener.wait(30)
        orthanc.kill()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        measure(Path(made), int(sys.argv[1]) if len(sys.argv) > 1 else 5)
