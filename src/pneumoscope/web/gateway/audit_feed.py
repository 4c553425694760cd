"""Audit records as FHIR AuditEvents: what each says, and which go to servers that collect them.

Recorded so is who read what over /fhir, and what we created on other FHIR servers (IHE BALP). The
records are found by looking for them, as results are (`outbox`).
"""

from uuid import UUID

from django.conf import settings
from django.db.models import Exists, Max, OuterRef, QuerySet

from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.interop.fhir_audit import Access, Interaction, audit_event
from pneumoscope.interop.fhir_elements import Resource
from pneumoscope.web.audit.models import Event
from pneumoscope.web.gateway.models import Delivery, Destination, FhirEntry
from pneumoscope.web.gateway.models.destinations import Kind

ACTIONS: dict[str, Interaction] = {
    "fhir.read": "read",
    "fhir.search": "search",
    "result.deliver": "create",
}
BATCH = 50
# As in `outbox`: a record that took its key before the last one told may be committed after it.
_OPEN_TRANSACTIONS = 1000


class OwnAddressUnknown(PneumoscopeError):
    """A record would not say which server it speaks of."""

    code = "own_address_unknown"
    remedy = "Set PNEUMOSCOPE_PUBLIC_URL, then send again."


def records() -> QuerySet[Event]:
    """Of deliveries, those to FHIR servers have a name."""
    return Event.objects.filter(action__in=ACTIONS, detail__id__isnull=False)


def records_tell() -> None:
    """Write the deliveries of the next records for each destination that wants them."""
    for destination in Destination.objects.filter(enabled=True, audit_since__isnull=False):
        last = destination.deliveries.aggregate(last=Max("event"))["last"] or 0
        told = Delivery.objects.filter(destination=destination, event=OuterRef("pk"))
        untold = records().filter(~Exists(told), site=destination.site_id)
        untold = untold.filter(at__gte=destination.audit_since, pk__gt=last - _OPEN_TRANSACTIONS)
        Delivery.objects.bulk_create(
            [
                Delivery(
                    destination=destination,
                    event=event,
                    site_id=destination.site_id,
                    kind=Kind.AUDIT,
                )
                for event in untold.order_by("pk")[:BATCH]
            ],
            ignore_conflicts=True,
        )


def record_sent(event: Event) -> Resource:
    """As another server gets it, referring to ours. Raises OwnAddressUnknown."""
    public = settings.PNEUMOSCOPE_PUBLIC_URL.rstrip("/")
    if not public:
        raise OwnAddressUnknown("PNEUMOSCOPE_PUBLIC_URL is not set.")
    here = f"{public}/fhir"
    return record_resource(event, here, base=here)


def record_resource(event: Event, here: str, *, base: str = "") -> Resource:
    """here: the address of our /fhir. base: the same, for a reader elsewhere."""
    client, server = event.address or "unknown", here
    if event.action == "result.deliver":
        client, server = here, Destination.objects.get(pk=event.detail["destination"]).url
    return audit_event(
        Access(
            event_id=UUID(event.detail["id"]),
            interaction=ACTIONS[event.action],
            recorded=event.at,
            client=client,
            server=server,
            about=_about(event),
            user=event.actor.get_username() if event.actor else "",
            patient_id=_patient_id(event),
            base=base,
        )
    )


def _patient_id(event: Event) -> str:
    """Whom the reports are about: a Patient itself is kept with their newest study alone."""
    about = FhirEntry.objects.filter(analysis__image__study=event.study, patient__isnull=False)
    entry = about.first() if event.study else None
    return str(entry.patient) if entry else ""


def _about(event: Event) -> tuple[str, ...]:
    """A search's parameters by name; of a look, each resource that was shown; the report sent."""
    kind = str(event.detail.get("type", ""))
    match ACTIONS[event.action]:
        case "search":
            return (f"{kind}?{'&'.join(event.detail.get('by', []))}",)
        case "read":
            return tuple(f"{kind}/{each}" for each in event.detail.get("resources", []))
    sent = FhirEntry.objects.filter(
        resource_type="DiagnosticReport", analysis__deliveries=event.object_id
    )
    return tuple(f"DiagnosticReport/{each.resource_id}" for each in sent)
