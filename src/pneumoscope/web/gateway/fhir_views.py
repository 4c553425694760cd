"""/fhir: results as FHIR R4, to be read and searched by programs with a token.

Resources name their patients, so they need the right to export; every look is recorded. What states
a result is not there for who may not see it yet (`studies.blinding`).
"""

import uuid
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils import timezone
from rest_framework.exceptions import APIException
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from pneumoscope.interop.fhir import resources
from pneumoscope.interop.fhir_bundle import (
    MEDIA_TYPE,
    SEARCH_PARAMETERS,
    capability_statement,
    operation_outcome,
    searchset,
)
from pneumoscope.interop.fhir_elements import Resource
from pneumoscope.web.accounts.access import right_required
from pneumoscope.web.accounts.models import Site
from pneumoscope.web.accounts.tokens import PROTOCOL_AUTHENTICATION
from pneumoscope.web.audit.services import event_record
from pneumoscope.web.gateway.fhir_search import PAGING, BadSearch, condition, page_of, uuid_of
from pneumoscope.web.gateway.models import FhirEntry
from pneumoscope.web.gateway.telling import reported_study
from pneumoscope.web.studies.blinding import hidden_condition
from pneumoscope.web.studies.models import Study

# https://hl7.org/fhir/R4/valueset-issue-type.html, by status.
_ISSUES = {400: "invalid", 401: "login", 403: "forbidden", 404: "not-found", 405: "not-supported"}
# The other types say whose image was read, and by which model.
_STATE_A_RESULT = frozenset({"Observation", "DiagnosticReport", "Provenance"})


class FhirRenderer(JSONRenderer):
    media_type = MEDIA_TYPE
    charset = "utf-8"


class _FhirOnly(BaseContentNegotiation):
    """There is one format, whatever is asked for."""

    def select_parser(self, request: Request, parsers: Any) -> Any:  # noqa: ARG002
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:  # noqa: ARG002
        return renderers[0], renderers[0].media_type


class FhirView(APIView):
    """What all addresses under /fhir have in common; errors are OperationOutcomes."""

    authentication_classes = PROTOCOL_AUTHENTICATION
    permission_classes = [right_required("study.export")]
    renderer_classes = [FhirRenderer]
    content_negotiation_class = _FhirOnly
    schema = None

    def entries(self, request: Request, kind: str) -> QuerySet[FhirEntry]:
        if kind not in SEARCH_PARAMETERS:
            raise Http404
        related = ("analysis__image__study__site", "analysis__model_version", "analysis__told")
        mine = FhirEntry.objects.visible_to(request.user, "study.export")
        if kind in _STATE_A_RESULT:
            hidden = Q(analysis__probability__isnull=False)
            mine = mine.exclude(hidden & hidden_condition(request.user, "analysis__image"))
        return mine.filter(resource_type=kind).select_related(*related)

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, BadSearch):
            return self._failed(400, f"{exc} {exc.remedy}")
        if isinstance(exc, Http404):
            return self._failed(404, "There is no such resource here.")
        if isinstance(exc, PermissionDenied):
            return self._failed(403, "Your role does not allow this.")
        if not isinstance(exc, APIException):
            raise exc
        answer = self._failed(exc.status_code, str(exc.detail))
        if exc.status_code == HTTPStatus.UNAUTHORIZED:
            answer["WWW-Authenticate"] = self.get_authenticate_header(self.request)
        if getattr(exc, "wait", None):
            answer["Retry-After"] = str(int(exc.wait))
        return answer

    def _failed(self, status: int, text: str) -> Response:
        return Response(operation_outcome(_ISSUES.get(status, "processing"), text), status=status)


class MetadataView(FhirView):
    """Open to all, as FHIR wants it: it says what the server does and nothing else."""

    permission_classes = []
    authentication_classes = []

    def get(self, request: Request) -> Response:
        base = request.build_absolute_uri("/fhir")
        return Response(
            capability_statement(base_url=base, version=version("pneumoscope"), date=timezone.now())
        )


class ReadView(FhirView):
    def get(self, request: Request, kind: str, resource_id: str) -> Response:
        entry = self.entries(request, kind).filter(resource_id=uuid_of(resource_id)).first()
        found = resource_of(entry, {}) if entry else None
        if entry is None or found is None:
            raise Http404
        ids = [str(entry.resource_id)]
        note(request, "fhir.read", kind, study=entry.analysis.image.study, resources=ids)
        return Response(found)


class SearchView(FhirView):
    def get(self, request: Request, kind: str) -> Response:
        found = self.entries(request, kind)
        asked = [(name, value) for name in request.GET for value in request.GET.getlist(name)]
        sites = list(Site.objects.filter(pk__in=request.user.sites_with("study.export")))
        found = found.filter(condition(kind, asked, sites))
        offset, count = page_of(request.GET.dict())
        total, page = found.count(), list(found[offset : offset + count])
        known: dict[int, list[Resource]] = {}
        shown = [each for entry in page if (each := resource_of(entry, known))]
        names = sorted({name for name, _ in asked} - PAGING)
        note(request, "fhir.search", kind, by=names, shown=len(shown))
        read: dict[Study, list[str]] = {}
        for entry in page:
            read.setdefault(entry.analysis.image.study, []).append(str(entry.resource_id))
        for study, ids in read.items():
            note(request, "fhir.read", kind, study=study, resources=ids)
        return found_answer(request, shown, total=total)


class NothingView(FhirView):
    """Any other address: our errors are OperationOutcomes throughout."""

    def get(self, request: Request, rest: str = "") -> Response:  # noqa: ARG002
        raise Http404


def found_answer(request: Request, shown: list[Resource], *, total: int) -> Response:
    """A page of what was found, and where the next one is."""
    offset, count = page_of(request.GET.dict())
    more = ""
    if count and offset + count < total:
        query = request.GET.copy()
        query["_offset"] = str(offset + count)
        more = f"{request.build_absolute_uri(request.path)}?{query.urlencode()}"
    return Response(
        searchset(
            shown,
            base_url=request.build_absolute_uri("/fhir"),
            own_url=request.build_absolute_uri(),
            total=total,
            next_url=more,
        )
    )


def resource_of(entry: FhirEntry, known: dict[int, list[Resource]]) -> Resource | None:
    """Made from the analysis; `known` keeps what was made for the next entry of the same one."""
    key = entry.analysis_id
    if key not in known:
        known[key] = resources(reported_study(entry.analysis))
    return next(
        (
            each
            for each in known[key]
            if (each["resourceType"], each["id"]) == (entry.resource_type, str(entry.resource_id))
        ),
        None,
    )


def note(
    request: Request, action: str, kind: str, *, study: Study | None = None, **detail: Any
) -> None:
    """`id` names the event as an AuditEvent; of parameters the names are kept, not the values."""
    event_record(
        action=action,
        actor=request.user,
        target=study,
        detail={"id": str(uuid.uuid4()), "type": kind, **detail},
        request=request,
    )
