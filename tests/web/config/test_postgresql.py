"""The same tests on a real PostgreSQL: constraints, triggers, claims, concurrent receipt."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from peers import require_peer
from web.installation import wait_until

HINT = "apt-get install postgresql"
ROOT = Path(__file__).parents[3]
# What depends on the database.
TESTS = [
    "accounts/test_roles.py",
    "audit",
    "dashboards",
    "registry/test_versions.py",
    "studies/test_receive.py",
    "studies/test_queue.py",
    "studies/test_constraints.py",
    "studies/test_analysing.py",
    "studies/test_api.py",
]


def _as_postgres() -> list[str]:
    """PostgreSQL refuses to run as root."""
    return ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []


@pytest.fixture
def database_url() -> Iterator[str]:
    """A server of our own on loopback, in a folder that goes with it."""
    initdb, postgres = require_peer("initdb", HINT), require_peer("postgres", HINT)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="pneumoscope-postgres-"))
    run = _as_postgres()
    if run:
        shutil.chown(folder, "postgres")
    data = folder / "data"
    subprocess.run(
        [*run, initdb, "-D", data, "-U", "scope", "-A", "trust", "-E", "UTF8", "--no-sync"],
        check=True,
        capture_output=True,
        cwd=folder,
    )
    command = [*run, postgres, "-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", str(folder)]
    server = subprocess.Popen([*command, "-F"], cwd=folder, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: _listens(port), every=0.1)
        yield f"postgresql://scope@127.0.0.1:{port}/postgres"
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_the_same_on_postgresql(database_url, tmp_path):
    inherited = dict(os.environ)  # noqa: TID251
    ours = {"PNEUMOSCOPE_DATABASE_URL": database_url, "PNEUMOSCOPE_HOME": str(tmp_path)}
    files = [str(ROOT / "tests" / "web" / name) for name in TESTS]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *files],
        env={**inherited, **ours},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    assert "skipped" not in done.stdout
