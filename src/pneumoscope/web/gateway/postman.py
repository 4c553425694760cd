"""The process that delivers: tells finished analyses, and serves each destination by a thread.

A peer that is away is left alone for a while, longer each time; the others do not notice.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import DatabaseError, close_old_connections, connections
from django.db.models import Exists, OuterRef

from pneumoscope.web.gateway.audit_feed import records_tell
from pneumoscope.web.gateway.delivering import (
    delivery_attempt,
    delivery_claim,
    is_silent,
    pause_seconds,
)
from pneumoscope.web.gateway.models import Delivery, Destination
from pneumoscope.web.gateway.models.deliveries import due_now
from pneumoscope.web.gateway.outbox import BATCH, analyses_tell, readings_tell, reports_tell

logger = logging.getLogger(__name__)

ROUND_SECONDS = 1.0
REPORTS_SECONDS = 10.0
LONGEST_REST_SECONDS = 60.0

_Result = TypeVar("_Result")


class Postman:
    """`run` until `ended` is set; what is being sent then is sent to its end."""

    def __init__(self, ended: threading.Event) -> None:
        self._ended = ended
        self._threads: dict[int, threading.Thread] = {}
        self._failures: dict[int, int] = {}
        self._rests_until: dict[int, float] = {}
        self._reports_next = 0.0

    def run(self) -> None:
        while not self._ended.is_set():
            busy = attempt(analyses_tell) == BATCH
            self._tell_reports()
            attempt(self.round)
            close_old_connections()
            self._ended.wait(0 if busy else ROUND_SECONDS)
        for thread in self._threads.values():
            thread.join()

    def _tell_reports(self) -> None:
        """Signing takes minutes: no need to look every second."""
        if time.monotonic() > self._reports_next:
            self._reports_next = time.monotonic() + REPORTS_SECONDS
            for tell in (readings_tell, reports_tell, records_tell):
                attempt(tell)

    def round(self) -> None:
        """Give every destination with something due a thread, unless it has one or rests."""
        for key in destinations_due():
            thread = self._threads.get(key)
            resting = time.monotonic() < self._rests_until.get(key, 0.0)
            if resting or (thread and thread.is_alive()):
                continue
            self._threads[key] = threading.Thread(
                target=self._serve, args=[key], name=f"destination {key}"
            )
            self._threads[key].start()

    def _serve(self, key: int) -> None:
        """Send what is due until nothing is, or the peer is away."""
        try:
            while not self._ended.is_set() and (delivery := delivery_claim(key)):
                if is_silent(delivery_attempt(delivery)):
                    self._rest(key)
                    return
                self._failures.pop(key, None)
        except DatabaseError as error:
            logger.warning("destination %d: %s", key, error)
        finally:
            connections.close_all()

    def _rest(self, key: int) -> None:
        self._failures[key] = self._failures.get(key, 0) + 1
        pause = min(pause_seconds(self._failures[key]), LONGEST_REST_SECONDS)
        self._rests_until[key] = time.monotonic() + pause


def attempt(step: Callable[[], _Result]) -> _Result | None:
    """Whatever one row or one moment does to a step must not end it for good, nor the others."""
    try:
        return step()
    except DatabaseError as error:
        logger.warning("delivering failed, will try again: %s", error)
    except Exception:
        logger.exception("delivering failed, will try again")
    return None


def destinations_due() -> list[int]:
    """Keys of the enabled destinations for which something is due."""
    waiting = Delivery.objects.filter(due_now(), destination=OuterRef("pk"))
    found = Destination.objects.filter(Exists(waiting), enabled=True)
    return list(found.order_by().values_list("pk", flat=True))
