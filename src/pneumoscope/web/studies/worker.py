"""What a worker process does beside its tasks: load the model, show that it lives, sweep.

The sweep rings again for images whose message was lost or whose worker died. While this worker has
messages to work on, the waiting rows have theirs too, and only expired leases and a few of the
oldest rows are rung for: a long queue is not rung for over and over.
"""

import logging
import threading
import time
from datetime import timedelta
from typing import Any

from celery.signals import task_postrun, task_prerun, worker_ready, worker_shutting_down
from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django.utils import timezone
from kombu.exceptions import OperationalError

from pneumoscope.core.errors import BundleError
from pneumoscope.web.registry.bundles import bundle_of
from pneumoscope.web.registry.models import ModelVersion, Stage
from pneumoscope.web.studies.models import Worker
from pneumoscope.web.studies.queue import lost
from pneumoscope.web.studies.tasks import image_analyse
from pneumoscope.web.studies.uploading import uploads_expire

logger = logging.getLogger(__name__)
FEW = 10

_stop = threading.Event()
_last_task = 0.0


@task_prerun.connect
@task_postrun.connect
def _note_task(**_: Any) -> None:
    """One process, one time of its last task."""
    global _last_task
    _last_task = time.monotonic()


@worker_ready.connect
def _start(sender: Any, **_: Any) -> None:
    _load_models()
    threading.Thread(target=_sweep_forever, args=[sender.hostname], daemon=True).start()


@worker_shutting_down.connect
def _end(**_: Any) -> None:
    _stop.set()


def _load_models() -> None:
    """Before the first image, so that it does not wait; a failure then shows on the image."""
    for version in ModelVersion.objects.filter(stage=Stage.LIVE):
        try:
            bundle_of(version)
        except BundleError as error:
            logger.error("model %s: %s %s", version, error, error.remedy)  # noqa: TRY400


def _sweep_forever(name: str) -> None:
    while True:
        try:
            heartbeat(name)
            uploads_expire()
            sweep(idle=time.monotonic() - _last_task > settings.PNEUMOSCOPE_SWEEP_SECONDS)
        except (DatabaseError, OperationalError) as error:
            logger.warning("sweep failed, will try again: %s", error)
        close_old_connections()
        if _stop.wait(settings.PNEUMOSCOPE_SWEEP_SECONDS):
            return


def heartbeat(name: str) -> None:
    """Leave a sign of life; forget workers that have been silent for a day."""
    now = timezone.now()
    Worker.objects.update_or_create(name=name, defaults={"seen": now})
    Worker.objects.filter(seen__lt=now - timedelta(days=1)).delete()


def sweep(*, idle: bool) -> int:
    """Ring for lost images; returns for how many."""
    waiting_since = timedelta(seconds=settings.PNEUMOSCOPE_SWEEP_SECONDS)
    found = lost(waiting_since=waiting_since).values_list("pk", flat=True)
    keys = list(found if idle else found[:FEW])
    for key in keys:
        image_analyse.delay(str(key))
    return len(keys)
