"""Standing questions (`Pull`): when each is due, and what became of asking it."""

import logging
import threading
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, OperationalError, close_old_connections
from django.utils import timezone

from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.web.gateway.fetching import archive_of, pull_run
from pneumoscope.web.gateway.models import Pull
from pneumoscope.web.gateway.models.pulls import Method
from pneumoscope.web.gateway.workitems import workitems_ask
from pneumoscope.web.gateway.worklist import worklist_ask

logger = logging.getLogger(__name__)


def pulls_due() -> list[Pull]:
    now = timezone.now()
    enabled = Pull.objects.filter(enabled=True).select_related("site", "peer")
    return [
        pull
        for pull in enabled
        if pull.asked is None or now - pull.asked >= timedelta(minutes=pull.every_minutes)
    ]


def pull_ask(pull: Pull) -> None:
    """Run one question; what goes wrong stands beside it until it goes right."""
    Pull.objects.filter(pk=pull.pk).update(asked=timezone.now())
    try:
        fetched = _run(pull)
    except PneumoscopeError as error:
        logger.warning("pull %d: %s", pull.pk, error)
        Pull.objects.filter(pk=pull.pk).update(problem=f"{str(error).rstrip('.')}. {error.remedy}")
    except OperationalError:
        raise
    except Exception as error:
        # An archive's answers are a stranger's: one must not end the asking of the others.
        logger.exception("pull %d failed here", pull.pk)
        Pull.objects.filter(pk=pull.pk).update(
            problem=f"{type(error).__name__}: the log says more."
        )
    else:
        Pull.objects.filter(pk=pull.pk).update(problem="")
        if fetched:
            logger.info("pull %d: %d new", pull.pk, fetched)


def _run(pull: Pull) -> int:
    """Returns how many instances, orders or work items were new."""
    match pull.method:
        case Method.WORKLIST:
            return worklist_ask(pull)
        case Method.UPS:
            return workitems_ask(pull)
    return pull_run(pull, archive_of(pull))


def pull_forever(ended: threading.Event) -> None:
    while not ended.wait(settings.PNEUMOSCOPE_SWEEP_SECONDS):
        try:
            for pull in pulls_due():
                if ended.is_set():
                    return
                pull_ask(pull)
        except DatabaseError as error:
            logger.warning("pulling failed, will try again: %s", error)
        close_old_connections()
