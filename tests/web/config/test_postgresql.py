"""The same tests on a real PostgreSQL: constraints, triggers, claims, concurrent receipt."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from peers import postgres

ROOT = Path(__file__).parents[3]
# What depends on the database.
TESTS = [
    "accounts/test_roles.py",
    "audit",
    "dashboards",
    "test_gateway_audit_feed.py",
    "test_gateway_in_dicomweb.py",
    "test_misuse_input.py",
    "registry/test_versions.py",
    "reviews/test_api.py",
    "reviews/test_export.py",
    "reviews/test_regions.py",
    "reviews/test_review.py",
    "studies/test_receive.py",
    "studies/test_queue.py",
    "studies/test_constraints.py",
    "studies/test_analysing.py",
    "studies/test_api.py",
    "studies/test_searching.py",
]


@pytest.fixture
def database_url() -> Iterator[str]:
    with postgres() as url:
        yield url


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
