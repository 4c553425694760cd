"""The claim: one holder at a time, and only the holder writes."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from pneumoscope.web.studies.models import Image, Source, Worker
from pneumoscope.web.studies.queue import image_claim, lost
from pneumoscope.web.studies.services import study_receive
from pneumoscope.web.studies.states import State
from pneumoscope.web.studies.worker import FEW, heartbeat, sweep

pytestmark = pytest.mark.django_db
AT_ONCE = timedelta(0)


@pytest.fixture
def image_of(reader, jpeg):
    def make(seed: int = 0) -> Image:
        return study_receive(
            data=jpeg(seed, size=(8, 8)),
            source_name="a.jpg",
            source=Source.API,
            actor=reader,
            site=reader.site,
        ).image

    return make


def end_lease(image: Image) -> None:
    Image.objects.filter(pk=image.pk).update(leased_until=timezone.now() - timedelta(seconds=1))


def test_a_waiting_image_is_claimed_once(image_of):
    image = image_of()
    assert image_claim(image.pk) is not None
    assert image_claim(image.pk) is None
    image.refresh_from_db()
    assert (image.state, image.attempts) == (State.ANALYSING, 1)


def test_nothing_to_claim():
    assert image_claim(uuid.uuid4()) is None


def test_a_claim_past_its_lease_is_taken_over_and_the_slow_worker_writes_nothing(image_of):
    image = image_of()
    slow = image_claim(image.pk)
    end_lease(image)
    quick = image_claim(image.pk)
    assert not slow.close(State.REJECTED, failure_code="slow")
    assert quick.close(State.REJECTED, failure_code="quick")
    assert not slow.close(State.REJECTED, failure_code="slow")
    image.refresh_from_db()
    assert (image.state, image.failure_code, image.attempts) == (State.REJECTED, "quick", 2)


def test_a_finished_image_is_not_claimed_again(image_of):
    image = image_of()
    assert image_claim(image.pk).close(State.ANALYSED)
    assert image_claim(image.pk) is None


def test_an_error_ends_the_lease(image_of):
    image = image_of()
    with pytest.raises(ZeroDivisionError), image_claim(image.pk):
        _ = 1 / 0
    assert list(lost(waiting_since=timedelta(hours=1))) == [image]
    assert image_claim(image.pk) is not None


def test_lost_are_expired_leases_and_rows_that_wait_for_long(image_of):
    waiting, leased, expired, finished = (image_of(seed) for seed in range(4))
    image_claim(leased.pk)
    image_claim(expired.pk)
    end_lease(expired)
    image_claim(finished.pk).close(State.ANALYSED)
    assert set(lost(waiting_since=AT_ONCE)) == {waiting, expired}
    assert set(lost(waiting_since=timedelta(hours=1))) == {expired}


def test_an_idle_sweep_rings_for_all_a_busy_one_for_a_few(image_of, settings, model):
    settings.PNEUMOSCOPE_SWEEP_SECONDS = 0
    for seed in range(FEW + 2):
        image_of(seed)
    assert sweep(idle=False) == FEW
    assert sweep(idle=True) == 2  # rung for means analysed at once here
    assert sweep(idle=True) == 0


def test_a_worker_shows_that_it_lives_and_the_dead_are_forgotten():
    Worker.objects.create(name="old", seen=timezone.now() - timedelta(days=2))
    heartbeat("new")
    heartbeat("new")
    assert [worker.name for worker in Worker.objects.all()] == ["new"]


@pytest.mark.django_db(transaction=True)
def test_many_workers_one_claim(image_of, settings):
    """All at once, many times over."""
    image = image_of()
    Image.objects.update(state=State.RECEIVED, failure_code="")

    def claim(_: int) -> bool:
        try:
            return image_claim(image.pk) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim, range(32))) == 1
