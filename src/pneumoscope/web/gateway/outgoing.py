"""Changes to destinations and deliveries by people: one transaction with its event each."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, Max, Q, QuerySet
from django.utils import timezone

from pneumoscope.interop.signed_assertion import key_algorithm, key_make
from pneumoscope.web.accounts.models import User
from pneumoscope.web.audit.services import event_record
from pneumoscope.web.gateway.models import Delivery, Destination, Told
from pneumoscope.web.gateway.models.deliveries import WAITING, Stage, sources_of
from pneumoscope.web.gateway.outbox import BATCH, analysis_tell_again


@dataclass(frozen=True, slots=True)
class Health:
    """How a destination is doing. light: off, new, well, trying or dead."""

    destination: Destination
    light: str
    waiting: int
    dead: int
    last_success: datetime | None


def destination_save(*, acting_user: User | None, destination: Destination) -> None:
    """With a new private key, where it signs by none of its kind yet. Raises ValidationError.

    What changed is named, never the values: one may be a secret.
    """
    made = destination.pk is None
    with transaction.atomic():
        if destination.signs and key_algorithm(destination.secret) != destination.client_proof:
            destination.secret = key_make(destination.client_proof)
        destination.full_clean()
        destination.save()
        event_record(
            action="destination.create" if made else "destination.change",
            actor=acting_user,
            target=destination,
            detail={"protocol": destination.protocol, "enabled": destination.enabled},
        )


@transaction.atomic
def deliveries_resend(*, acting_user: User, deliveries: QuerySet[Delivery]) -> int:
    """Send again what was delivered or given up; returns how many. What waits goes on waiting."""
    resent = 0
    for delivery in deliveries.select_related("analysis__image__study"):
        again = Delivery.objects.filter(pk=delivery.pk, stage__in=sources_of(Stage.PENDING))
        if again.update(stage=Stage.PENDING, due=timezone.now(), attempts=0):
            resent += 1
            event_record(
                action="delivery.resend",
                actor=acting_user,
                target=delivery,
                detail={"destination": delivery.destination_id, "kind": delivery.kind},
            )
    return resent


def untold(user: User) -> QuerySet[Told]:
    """Results of the user's sites whose deliveries could not be written."""
    sites = user.sites_with("site.manage")
    return Told.objects.exclude(failure="").filter(analysis__image__site__in=sites)


def untold_retry(*, acting_user: User) -> tuple[int, int]:
    """Write some of them anew, each by itself; returns of how many it succeeded and failed."""
    related = ("analysis__image__study__site", "analysis__model_version")
    failed = list(untold(acting_user).select_related(*related)[:BATCH])
    done = 0
    for each in failed:
        image = each.analysis.image
        event_record(
            action="result.retry",
            actor=acting_user,
            target=image,
            detail={"code": each.failure},
        )
        done += analysis_tell_again(each)
    return done, len(failed) - done


def healths(user: User) -> list[Health]:
    """Of the destinations that the user manages: two queries."""
    mine = Destination.objects.visible_to(user, "site.manage").select_related("site")
    figures = Delivery.objects.filter(destination__in=mine).values("destination")
    counted: dict[int, dict[str, Any]] = {
        row["destination"]: row
        for row in figures.annotate(
            waiting=Count("pk", Q(stage__in=WAITING)),
            retrying=Count("pk", Q(stage=Stage.RETRY)),
            dead=Count("pk", Q(stage=Stage.DEAD)),
            last_success=Max("delivered"),
        ).order_by()
    }
    return [_health(each, counted.get(each.pk, {})) for each in mine]


def _health(destination: Destination, row: dict[str, Any]) -> Health:
    last_success = row.get("last_success")
    light = "well" if last_success else "new"
    if row.get("dead"):
        light = "dead"
    if row.get("retrying"):
        light = "trying"
    return Health(
        destination=destination,
        light=light if destination.enabled else "off",
        waiting=row.get("waiting", 0),
        dead=row.get("dead", 0),
        last_success=last_success,
    )
