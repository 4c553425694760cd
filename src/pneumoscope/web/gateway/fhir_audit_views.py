"""/fhir/AuditEvent: who read what over /fhir, and what we created on other servers (IHE BALP).

For those who may see the audit trail.
"""

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response

from pneumoscope.interop.fhir_audit import Access, audit_event
from pneumoscope.interop.fhir_elements import Resource
from pneumoscope.web.accounts.access import right_required
from pneumoscope.web.audit.models import Event
from pneumoscope.web.gateway.fhir_search import PAGING, BadSearch, date_condition, page_of, uuid_of
from pneumoscope.web.gateway.fhir_views import FhirView, found_answer
from pneumoscope.web.gateway.models import Destination, FhirEntry

ACTIONS: dict[str, Any] = {
    "fhir.read": "read",
    "fhir.search": "search",
    "result.deliver": "create",
}


class AuditView(FhirView):
    permission_classes = [right_required("audit.view")]

    def events(self, request: Request) -> QuerySet[Event]:
        sites = request.user.sites_with("audit.view")
        found = Event.objects.filter(site__in=sites, action__in=ACTIONS)
        # Of deliveries, those to FHIR servers have a name.
        return found.filter(detail__id__isnull=False).select_related("actor")


class AuditReadView(AuditView):
    def get(self, request: Request, event_id: UUID) -> Response:
        found = self.events(request).filter(detail__id=str(event_id)).first()
        if found is None:
            raise Http404
        return Response(event_resource(found, request))


class AuditSearchView(AuditView):
    def get(self, request: Request) -> Response:
        found = self.events(request).filter(_condition(request))
        offset, count = page_of(request.GET.dict())
        shown = [event_resource(each, request) for each in found[offset : offset + count]]
        return found_answer(request, shown, total=found.count())


def event_resource(event: Event, request: Request) -> Resource:
    patient = FhirEntry.objects.filter(
        resource_type="Patient", analysis__image__study=event.study
    ).first()
    here = request.build_absolute_uri("/fhir")
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
            patient_id=str(patient.resource_id) if patient and event.study else "",
        )
    )


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


def _condition(request: Request) -> Q:
    """Raises BadSearch."""
    found = Q()
    for name in set(request.GET) - PAGING:
        for value in request.GET.getlist(name):
            if name == "date":
                found &= date_condition("at", value)
            elif name == "_id":
                found &= Q(detail__id=value)
            elif name == "patient":
                entries = FhirEntry.objects.filter(patient=uuid_of(value))
                found &= Q(study__in=entries.values("analysis__image__study"))
            else:
                raise BadSearch(f"AuditEvent is not searched by {name!r}.")
    return found
