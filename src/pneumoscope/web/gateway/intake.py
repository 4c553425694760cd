"""From arrivals to studies: the routing rules decide, `study_receive` does the rest.

An arrival is taken in once: its row is locked, and outcome and image are one transaction. Its file
is read before: SQLite has one writer, and senders wait for theirs meanwhile. What fails is tried
again at the next sweep, and after a few times shown as failed with its reason.
"""

import logging
import threading
from pathlib import PurePosixPath

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import DatabaseError, OperationalError, close_old_connections, transaction
from django.db.models import F

from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.core.types import DicomHeader
from pneumoscope.interop.routing import route
from pneumoscope.web.accounts.models import User
from pneumoscope.web.audit.services import event_record
from pneumoscope.web.gateway.models import Arrival
from pneumoscope.web.gateway.models.arrivals import Outcome
from pneumoscope.web.gateway.models.rules import rules_of
from pneumoscope.web.gateway.receiving import Committer
from pneumoscope.web.studies.headers import header_read
from pneumoscope.web.studies.models import Image, Source
from pneumoscope.web.studies.services import Kept, study_receive

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
_FEW = 50
_STEP_ASIDE_SECONDS = 0.2


class NotRouted(PneumoscopeError):
    """A routing rule passes the image over."""

    code = "not_routed"
    remedy = "Change the routing rules, or upload the image by hand."


def arrivals_waiting() -> list[int]:
    """Keys of some of what waits, oldest first; what failed before comes last."""
    waiting = Arrival.objects.filter(outcome=Outcome.WAITING).order_by("attempts", "pk")
    return list(waiting.values_list("pk", flat=True)[:_FEW])


def arrival_take_in(key: int) -> bool:
    """Take in one arrival, whatever it holds; others never suffer from it. False: it failed.

    Raises OperationalError where the database itself is away.
    """
    waiting = Arrival.objects.filter(pk=key, outcome=Outcome.WAITING)
    try:
        arrival = waiting.select_related("site").first()
        if arrival is not None:
            data, kept = _read(arrival.file)
            with transaction.atomic():
                # Another process may have been first.
                if waiting.select_for_update().first():
                    _take_in(arrival, data, kept)
    except OperationalError:
        raise
    except (PneumoscopeError, OSError) as error:
        logger.warning("arrival %d: %s", key, error)
        _note_failure(key, str(error) or type(error).__name__)
    except Exception as error:
        # One file that nobody foresaw must neither end the intake nor stand before all others.
        logger.exception("arrival %d failed here", key)
        _note_failure(key, f"{type(error).__name__} while it was taken in: the log says more.")
    else:
        return True
    return False


def _read(file: str) -> tuple[bytes, Kept]:
    with default_storage.open(file) as opened:
        data = opened.read()
    header = header_read(data, max_bytes=settings.PNEUMOSCOPE_MAX_FILE_BYTES)
    return data, Kept(file, PurePosixPath(file).name, header)  # named by its content


def _take_in(arrival: Arrival, data: bytes, kept: Kept) -> None:
    header = kept.header
    twin = _twin(arrival, header)
    if twin is not None:
        arrival.image, arrival.outcome = twin, Outcome.DUPLICATE
        arrival.reason = "This SOP instance of this patient and study is here already."
    else:
        decision = route(header, rules_of(arrival.site))
        receipt = study_receive(
            data=data,
            source_name=f"{header.sop_instance_uid or 'unnamed'}.dcm",
            source=Source.DICOM,
            actor=None,
            site=arrival.site,
            passed_over=None if decision.analyse else NotRouted(decision.reason),
            kept=kept,
        )
        arrival.image, arrival.reason = receipt.image, decision.reason
        arrival.outcome = Outcome.ANALYSE if decision.analyse else Outcome.PASS
        if receipt.duplicate:
            arrival.outcome = Outcome.DUPLICATE
            arrival.reason = "These bytes are here already."
    arrival.save(update_fields=["image", "outcome", "reason"])


def _twin(arrival: Arrival, header: DicomHeader) -> Image | None:
    """The image with the same UIDs of the same patient.

    Under another patient or study the same SOP Instance UID is a sender's error that must not lose
    an image.
    """
    if not header.sop_instance_uid or not header.study_instance_uid:
        return None
    return Image.objects.filter(
        site=arrival.site,
        study__study_instance_uid=header.study_instance_uid,
        study__patient_id=header.patient_id,
        sop_instance_uid=header.sop_instance_uid,
    ).first()


def _note_failure(key: int, reason: str) -> None:
    waiting = Arrival.objects.filter(pk=key, outcome=Outcome.WAITING)
    waiting.update(attempts=F("attempts") + 1)
    waiting.filter(attempts__gte=MAX_ATTEMPTS).update(outcome=Outcome.FAILED, reason=reason)


def arrival_retry(*, acting_user: User, arrival: Arrival) -> bool:
    """Take in anew what failed. False: it did not wait for that. The listener's intake does it."""
    with transaction.atomic():
        failed = Arrival.objects.filter(pk=arrival.pk, outcome=Outcome.FAILED)
        if not failed.update(outcome=Outcome.WAITING, reason="", attempts=0):
            return False
        event_record(action="arrival.retry", actor=acting_user, target=arrival, site=arrival.site)
    return True


def take_in_forever(committer: Committer, ended: threading.Event) -> None:
    """Take in what the committer tells of, and now and then what others left behind.

    While senders are served they come first: a little is taken in all the same, the rest when they
    have finished.
    """
    while not ended.is_set():
        committer.committed.wait(settings.PNEUMOSCOPE_SWEEP_SECONDS)
        committer.committed.clear()
        try:
            while not ended.is_set() and _some_taken_in(committer, ended):
                pass
        except DatabaseError as error:
            logger.warning("intake failed, will try again: %s", error)
        close_old_connections()


def _some_taken_in(committer: Committer, ended: threading.Event) -> bool:
    """Try some of what waits. False where none came in: the next sweep tries those again."""
    taken_in = False
    for key in arrivals_waiting():
        if committer.busy and ended.wait(_STEP_ASIDE_SECONDS):
            break
        taken_in |= arrival_take_in(key)
    return taken_in
