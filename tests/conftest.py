"""In CI nothing may skip because a part is missing: such a skip is a failure there."""

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from peers import MISSING, Orthanc

Report = pytest.TestReport | pytest.CollectReport


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--write-screenshots",
        action="store_true",
        help="the pictures of the user guide anew, into docs/images",
    )


def _forbid_missing_parts(report: Report) -> None:
    """Turn a skip for a missing peer or an optional import into a failure, when CI is set."""
    in_ci = os.environ.get("CI")  # noqa: TID251
    if not in_ci or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
    if MISSING in reason or "could not import" in reason:
        report.outcome = "failed"
        report.longrepr = f"In CI nothing may skip for a missing part. {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _forbid_missing_parts(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _forbid_missing_parts(report)
    return report


@pytest.fixture
def orthanc(tmp_path: Path) -> Iterator[Orthanc]:
    """A running archive, empty."""
    archive = Orthanc(tmp_path)
    archive.start()
    yield archive
    archive.kill()
