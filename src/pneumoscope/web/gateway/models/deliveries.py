"""What is to be sent, to whom, and how far it has come."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from pneumoscope.web.accounts.models import Site
from pneumoscope.web.audit.models import Event
from pneumoscope.web.gateway.models.destinations import Destination, Kind
from pneumoscope.web.reviews.models import Reading, Report
from pneumoscope.web.studies.models import Analysis, SiteQuerySet


class Stage(models.TextChoices):
    PENDING = "PENDING", _("Waiting")
    SENDING = "SENDING", _("Sending")
    DELIVERED = "DELIVERED", _("Delivered")
    RETRY = "RETRY", _("Will be tried again")
    DEAD = "DEAD", _("Given up")


TRANSITIONS: dict[str, frozenset[str]] = {
    Stage.PENDING: frozenset({Stage.SENDING}),
    # To itself: a claim past its lease is taken over.
    Stage.SENDING: frozenset({Stage.SENDING, Stage.DELIVERED, Stage.RETRY, Stage.DEAD}),
    Stage.RETRY: frozenset({Stage.SENDING, Stage.PENDING}),
    # Sent again by a person.
    Stage.DELIVERED: frozenset({Stage.PENDING}),
    Stage.DEAD: frozenset({Stage.PENDING}),
}
WAITING = frozenset({Stage.PENDING, Stage.SENDING, Stage.RETRY})


def sources_of(target: str) -> list[str]:
    """The stages from which `target` may be reached, for conditional updates."""
    return sorted(source for source, targets in TRANSITIONS.items() if target in targets)


def due_now() -> Q:
    """What may be claimed: it waits and its time has come, or its claim is past its lease."""
    return Q(stage__in=sorted(WAITING), due__lte=timezone.now())


class Delivery(models.Model):
    """One object or message of one result, or one audit record, for one destination.

    The row is its place in the queue.

    What is sent follows from the analysis and is made anew for each try, with the same UIDs and
    message ids: what arrived without our hearing of it is the same thing when it comes again.
    """

    destination = models.ForeignKey(
        Destination, on_delete=models.PROTECT, related_name="deliveries"
    )
    analysis = models.ForeignKey(
        Analysis, null=True, on_delete=models.CASCADE, related_name="deliveries"
    )
    # Of an audit record, which is about no result.
    event = models.ForeignKey(Event, null=True, on_delete=models.PROTECT, related_name="+")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    # Suspicious results go before all that waits for the same destination.
    urgent = models.BooleanField(default=False)
    stage = models.CharField(max_length=10, choices=Stage.choices, default=Stage.PENDING)
    # When it may be claimed next; while it is being sent, the end of the claim's lease.
    due = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveSmallIntegerField(default=0)
    claim_token = models.UUIDField(null=True)
    # Of the last try that failed; kept when a later one succeeds.
    error_code = models.CharField(max_length=60, blank=True)
    error_text = models.TextField(blank=True)
    remedy = models.TextField(blank=True)
    created = models.DateTimeField(auto_now_add=True)
    delivered = models.DateTimeField(null=True)

    objects = SiteQuerySet.as_manager()

    class Meta:
        ordering = ["-created", "-pk"]
        verbose_name_plural = "deliveries"
        # What is due is looked for every second, among all that was ever sent.
        indexes = [models.Index(fields=["destination", "stage", "due"])]
        constraints = [
            models.UniqueConstraint(
                fields=["destination", "analysis", "kind"], name="delivery_once"
            ),
            models.UniqueConstraint(fields=["destination", "event"], name="delivery_once_of_event"),
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="delivery_kind_known"),
            models.CheckConstraint(
                condition=Q(kind=Kind.AUDIT, analysis=None, event__isnull=False)
                | ~Q(kind=Kind.AUDIT) & Q(analysis__isnull=False, event=None),
                name="delivery_of_a_result_or_an_event",
            ),
            models.CheckConstraint(
                condition=Q(stage=Stage.SENDING, claim_token__isnull=False)
                | Q(stage__in=[s for s in Stage.values if s != Stage.SENDING], claim_token=None),
                name="delivery_claimed_while_sending",
            ),
            models.CheckConstraint(
                condition=~Q(stage__in=[Stage.RETRY, Stage.DEAD]) | ~Q(error_code=""),
                name="delivery_failure_has_a_code",
            ),
            models.CheckConstraint(
                condition=~Q(stage=Stage.DELIVERED) | Q(delivered__isnull=False),
                name="delivery_says_when",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    def audit_subject(self) -> tuple[Any, str]:
        if self.event:
            return self.event.study, self.event.patient
        return self.analysis.image.study.audit_subject()


class Told(models.Model):
    """A finished analysis whose deliveries have been written and which /fhir knows.

    `failure`: what kept them from being written; then there are none.
    """

    analysis = models.OneToOneField(
        Analysis, primary_key=True, on_delete=models.CASCADE, related_name="told"
    )
    # Of the image's header, which is read once, until the hospital says otherwise.
    birth_date = models.DateField(null=True)
    failure = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return str(self.pk)


class ToldReading(models.Model):
    """A completed reading of which webhooks have been told, as it stood at `changed`."""

    reading = models.OneToOneField(
        Reading, primary_key=True, on_delete=models.CASCADE, related_name="told"
    )
    changed = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.pk)


class ToldReport(models.Model):
    """A signed report whose deliveries have been written, with as many addenda."""

    report = models.OneToOneField(
        Report, primary_key=True, on_delete=models.CASCADE, related_name="told"
    )
    addenda = models.PositiveIntegerField()
    at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return str(self.pk)
