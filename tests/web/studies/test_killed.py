"""Kill a real worker in the middle of an analysis: nothing is lost, nothing is done twice."""

import io

import numpy as np
import pytest
from PIL import Image as Picture

from web.installation import Installation, wait_until

# Large enough that the worker is still at it when it is seen to have begun.
SIDE = 5000
RECEIVE = """
from pathlib import Path
from pneumoscope.core.bundle import bundle_find
from pneumoscope.web.accounts.models import Site, User
from pneumoscope.web.registry.services import bundle_register
from pneumoscope.web.studies.services import study_receive
site = Site.objects.create(name="North", code="north")
user = User.objects.create_user("reader", password="secret")
bundle_register(folder=bundle_find(), actor=None)
data = Path({path!r}).read_bytes()
study_receive(data=data, source_name="a.png", source="api", actor=user, site=site)
"""


@pytest.fixture
def installation(tmp_path) -> Installation:
    return Installation(tmp_path / "home", {"LEASE_SECONDS": "2", "SWEEP_SECONDS": "0.3"})


@pytest.fixture
def large_file(tmp_path) -> str:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)
    picture = Picture.fromarray(noise).resize((SIDE, SIDE), Picture.Resampling.BICUBIC)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    path = tmp_path / "large.png"
    path.write_bytes(buffer.getvalue())
    return str(path)


def test_a_worker_killed_in_the_middle(installation, large_file):
    def state() -> tuple[str, int]:
        [row] = installation.rows("SELECT state, attempts FROM studies_image")
        return row

    installation.manage("migrate", "--verbosity", "0")
    installation.manage("shell", "--verbosity", "0", "--command", RECEIVE.format(path=large_file))
    assert state() == ("RECEIVED", 0)

    first = installation.start_worker()
    try:
        wait_until(lambda: state()[0] == "ANALYSING", every=0.002)
    finally:
        first.kill()
        first.wait()
    assert state() == ("ANALYSING", 1)
    assert installation.rows("SELECT count(*) FROM studies_analysis") == [(0,)]

    second = installation.start_worker()
    try:
        wait_until(lambda: state()[0] not in {"RECEIVED", "ANALYSING"})
        assert state()[0] in {"ANALYSED", "REJECTED"}
        assert state()[1] >= 2
        installation.manage("check")  # time for a second result, if there were one to come
    finally:
        second.terminate()
        second.wait()
    assert installation.rows("SELECT count(*) FROM studies_analysis") == [(1,)]
    outcomes = (
        "SELECT count(*) FROM audit_event WHERE action IN ('image.analysed', 'image.rejected')"
    )
    assert installation.rows(outcomes) == [(1,)]
