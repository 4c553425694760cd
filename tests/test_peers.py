"""A missing part skips in one line on a user's machine and fails in CI."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from commands import REPOSITORY
from peers import require_peer

TESTS = """
import pytest
from peers import require_peer

def test_peer():
    require_peer("no-such-program", "apt-get install no-such-package")

def test_module():
    pytest.importorskip("no_such_module")

def test_other():
    pytest.skip("not on a Tuesday")
"""


@pytest.fixture
def outcome(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """What pytest says of TESTS with the environment's CI set to the parameter."""
    for name in ("conftest.py", "peers.py"):
        shutil.copy(REPOSITORY / "tests" / name, tmp_path)
    (tmp_path / "test_made.py").write_text(TESTS)
    environment = os.environ | {"CI": request.param}  # noqa: TID251
    command = [sys.executable, "-m", "pytest", "-p", "no:django", "-rs", "--rootdir", tmp_path]
    done = subprocess.run(
        [*command, tmp_path], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    return done.stdout


@pytest.mark.parametrize("outcome", [""], indirect=True)
def test_on_a_users_machine_it_skips_with_what_to_install(outcome: str) -> None:
    assert "3 skipped" in outcome
    assert "missing peer: no-such-program – apt-get install no-such-package" in outcome


@pytest.mark.parametrize("outcome", ["true"], indirect=True)
def test_in_ci_it_fails(outcome: str) -> None:
    assert "2 failed, 1 skipped" in outcome
    assert "In CI nothing may skip for a missing part" in outcome


def test_a_program_beside_the_path_is_found() -> None:
    assert require_peer(Path(sys.executable).name, "install Python").exists()
