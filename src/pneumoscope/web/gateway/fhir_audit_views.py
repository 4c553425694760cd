"""/fhir/AuditEvent: who read what over /fhir, and what we created on other servers (IHE BALP).

For those who may see the audit trail.
"""

from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response

from pneumoscope.web.accounts.access import right_required
from pneumoscope.web.audit.models import Event
from pneumoscope.web.gateway.audit_feed import record_resource, records
from pneumoscope.web.gateway.fhir_search import BadSearch, all_of, date_condition, page_of, uuid_of
from pneumoscope.web.gateway.fhir_views import FhirView, found_answer
from pneumoscope.web.gateway.models import FhirEntry


class AuditView(FhirView):
    permission_classes = [right_required("audit.view")]

    def events(self, request: Request) -> QuerySet[Event]:
        sites = request.user.sites_with("audit.view")
        return records().filter(site__in=sites).select_related("actor")


class AuditReadView(AuditView):
    def get(self, request: Request, event_id: UUID) -> Response:
        found = self.events(request).filter(detail__id=str(event_id)).first()
        if found is None:
            raise Http404
        return Response(record_resource(found, request.build_absolute_uri("/fhir")))


class AuditSearchView(AuditView):
    def get(self, request: Request) -> Response:
        asked = [(name, value) for name in request.GET for value in request.GET.getlist(name)]
        found = self.events(request).filter(all_of(asked, _one))
        offset, count = page_of(request.GET.dict())
        here = request.build_absolute_uri("/fhir")
        shown = [record_resource(each, here) for each in found[offset : offset + count]]
        return found_answer(request, shown, total=found.count())


def _one(name: str, value: str) -> Q:
    match name:
        case "date":
            return date_condition("at", value)
        case "_id":
            return Q(detail__id=value)
        case "patient":
            # Not of what is about nobody: a Device has no patient either.
            entries = FhirEntry.objects.filter(patient=uuid_of(value), patient__isnull=False)
            return Q(study__in=entries.values("analysis__image__study"))
    raise BadSearch(f"AuditEvent is not searched by {name!r}.")
