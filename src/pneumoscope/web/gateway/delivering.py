"""One delivery: claim, send, write the outcome once; and when it is tried again.

A delivery is claimed by one conditional UPDATE and held until its lease ends; finishing it needs
the claim's token. Killed at any moment, nothing is lost: the lease runs out, and the same object
goes out again under the same UIDs.
"""

import logging
import uuid
from datetime import timedelta
from typing import Any

import numpy as np
from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import F
from django.utils import timezone

from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.interop.delivery import PeerBusy, PeerUnreachable
from pneumoscope.web.audit.services import event_record
from pneumoscope.web.gateway.models import Delivery
from pneumoscope.web.gateway.models.deliveries import Stage, due_now, sources_of
from pneumoscope.web.gateway.models.destinations import Kind

logger = logging.getLogger(__name__)

# With the longest pause these are about three days: a peer's weekend.
MAX_ATTEMPTS = 150
LONGEST_PAUSE_SECONDS = 1800.0
LONGEST_WISH_SECONDS = 4 * 3600.0  # of a peer that says when to come back
LEASE_SECONDS = 180.0
_jitter = np.random.default_rng()


class CannotSend(PneumoscopeError):
    """Something failed here, not at the peer."""

    code = "cannot_send"
    remedy = "The log's line of the same moment says more. Mend it, then send again."


class MissingExtra(CannotSend):
    """This installation cannot speak to other systems."""

    code = "missing_extra"
    remedy = "Install it with `pip install 'pneumoscope[dicom]'`, then send again."


def delivery_claim(destination_id: int) -> Delivery | None:
    """The next that is due: suspicious results first, then the oldest. None: nothing is."""
    due = due_now()
    waiting = Delivery.objects.filter(due, destination=destination_id, destination__enabled=True)
    for key in waiting.order_by("-urgent", "pk").values_list("pk", flat=True)[:10]:
        token = uuid.uuid4()
        # The condition again, as a subquery would not be locked: another process may be first.
        claimed = Delivery.objects.filter(due, pk=key).update(
            stage=Stage.SENDING,
            claim_token=token,
            due=timezone.now() + timedelta(seconds=LEASE_SECONDS),
            attempts=F("attempts") + 1,
        )
        if claimed:
            related = ("destination", "site", "analysis__image__study__site")
            found = Delivery.objects.select_related(*related, "analysis__model_version")
            return found.select_related("analysis__told", "event__actor").get(pk=key)
    return None


def delivery_attempt(delivery: Delivery) -> PneumoscopeError | None:
    """Send a claimed delivery once; whatever happens becomes its stage. Returns the failure."""
    error = _send(delivery)
    if error is None:
        with transaction.atomic():
            done = _close(delivery, Stage.DELIVERED, delivered=timezone.now())
            # A record of a record's delivery would be delivered too, without end.
            if done and delivery.kind != Kind.AUDIT:
                _note(delivery)
        return None
    stage, values = _failed(delivery, error)
    _close(delivery, stage, **values)
    logger.warning("delivery %d %s: %s", delivery.pk, stage.lower(), error.code)
    return error


def pause_seconds(failures: int, wished: float | None = None) -> float:
    """Doubled with every failure, up to half an hour, and spread, so that not all come at once."""
    pause = settings.PNEUMOSCOPE_RETRY_SECONDS * 2.0 ** min(failures - 1, 20)
    pause = min(pause, LONGEST_PAUSE_SECONDS) * _jitter.uniform(0.5, 1.0)
    return max(pause, min(wished or 0.0, LONGEST_WISH_SECONDS))


def _send(delivery: Delivery) -> PneumoscopeError | None:
    try:
        # Here and not above: what sends needs the dicom extra, what writes deliveries does not.
        from pneumoscope.web.gateway.sending import delivery_send

        delivery_send(delivery)
    except PneumoscopeError as error:
        return error
    except ImportError as error:
        return MissingExtra(f"{error.name} is not installed.")
    except FileNotFoundError:
        return CannotSend("The radiograph's file is gone.")
    except (DatabaseError, OSError) as error:
        return PeerBusy(f"Not ready here: {type(error).__name__}.")
    except Exception as error:
        # One result that cannot be stated must never hold up the others.
        logger.exception("delivery %d failed here", delivery.pk)
        return CannotSend(f"{type(error).__name__} while it was made or sent.")
    return None


def _failed(delivery: Delivery, error: PneumoscopeError) -> tuple[Stage, dict[str, Any]]:
    said = {"error_code": error.code, "error_text": str(error), "remedy": error.remedy}
    if not getattr(error, "transient", False) or delivery.attempts >= MAX_ATTEMPTS:
        return Stage.DEAD, said
    pause = pause_seconds(delivery.attempts, getattr(error, "retry_after", None))
    return Stage.RETRY, said | {"due": timezone.now() + timedelta(seconds=pause)}


def _close(delivery: Delivery, stage: Stage, **values: Any) -> bool:
    """False if the claim was lost meanwhile: whoever took it over writes the outcome."""
    mine = Delivery.objects.filter(
        pk=delivery.pk, claim_token=delivery.claim_token, stage__in=sources_of(stage)
    )
    return bool(mine.update(stage=stage, claim_token=None, **values))


def _note(delivery: Delivery) -> None:
    """`id` names the event as an AuditEvent, where resources were created elsewhere."""
    named = {"id": str(uuid.uuid4())} if delivery.kind == Kind.FHIR else {}
    event_record(
        action="result.deliver",
        actor=None,
        target=delivery,
        detail={"destination": delivery.destination_id, "kind": delivery.kind, **named},
    )


def is_silent(error: PneumoscopeError | None) -> bool:
    """Whether the peer is away or asks for rest, so that its other deliveries may wait too."""
    return isinstance(error, PeerUnreachable | PeerBusy)
