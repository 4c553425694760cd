"""The queue is the table of images; a broker's message is only a doorbell.

A worker claims a row by one conditional UPDATE and holds it until its lease ends. Finishing needs
the claim's token, so that a worker that was slow and one that took over can never both write. A
worker killed at any moment leaves a lease behind that runs out; `lost` finds the row again.
"""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from pneumoscope.web.studies.models import Image
from pneumoscope.web.studies.states import State, sources_of

MAX_ATTEMPTS = 3


@dataclass(frozen=True)
class Claim:
    """The right to finish one image. As a context: an error ends the lease at once."""

    image_id: uuid.UUID
    token: uuid.UUID

    def close(self, state: State, **values: Any) -> bool:
        """Write the outcome; False if the claim was lost meanwhile and nothing was written."""
        mine = Image.objects.filter(
            pk=self.image_id, claim_token=self.token, state__in=sources_of(state)
        )
        return bool(mine.update(state=state, claim_token=None, leased_until=None, **values))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            mine = Image.objects.filter(pk=self.image_id, claim_token=self.token)
            mine.update(leased_until=timezone.now())


def image_claim(image_id: uuid.UUID) -> Claim | None:
    """Claim an image that waits or whose lease ran out; None if there is nothing to claim."""
    now = timezone.now()
    claim = Claim(image_id, uuid.uuid4())
    claimed = (
        Image.objects.filter(pk=image_id)
        .filter(Q(state=State.RECEIVED) | Q(state=State.ANALYSING, leased_until__lte=now))
        .update(
            state=State.ANALYSING,
            claim_token=claim.token,
            leased_until=now + timedelta(seconds=settings.PNEUMOSCOPE_LEASE_SECONDS),
            attempts=F("attempts") + 1,
        )
    )
    return claim if claimed else None


def lost(*, waiting_since: timedelta) -> QuerySet[Image]:
    """Images nobody seems to be on: leases that ran out, and rows that wait for long."""
    now = timezone.now()
    return Image.objects.filter(
        Q(state=State.ANALYSING, leased_until__lte=now)
        | Q(state=State.RECEIVED, queued__lte=now - waiting_since)
    ).order_by("queued")
