"""`/api/v1/studies`: send radiographs, read results. Errors: `config.problems`."""

import json
from collections.abc import Iterable
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.forms import DateField
from django.shortcuts import get_object_or_404
from django.utils import translation
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.generics import ListAPIView
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.web.accounts.access import right_required
from pneumoscope.web.accounts.models import User
from pneumoscope.web.audit.services import event_record, list_record
from pneumoscope.web.studies.blinding import hidden_images, with_hidden
from pneumoscope.web.studies.filters import Filters
from pneumoscope.web.studies.idempotency import answer_once
from pneumoscope.web.studies.models import Image, Source, Study
from pneumoscope.web.studies.serializers import (
    ReceiptSerializer,
    StudyRowSerializer,
    StudySerializer,
    UploadSerializer,
)
from pneumoscope.web.studies.services import Receipt, Refusal, upload_receive

REVEAL = OpenApiParameter(
    "reveal", bool, description="Name the patient: needs the right, and is recorded."
)
ONCE = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="Sent again with the same files within a day, the answer is the same.",
)
# The worklist's own, without what a program has another way to ask for. The first request imports
# this, in whatever language; what describes the API is English.
with translation.override("en"):
    FILTERS = [
        OpenApiParameter(
            name,
            OpenApiTypes.DATE if isinstance(field, DateField) else OpenApiTypes.STR,
            description=str(field.label),
            enum=[value for value, _ in getattr(field, "choices", []) if value] or None,
        )
        for name, field in Filters.base_fields.items()
        if name != "sort"
    ]
WITH_IMAGES = Prefetch(
    "images", Image.objects.prefetch_related("analyses__model_version").order_by("created", "id")
)


class StudiesView(ListAPIView[Study]):
    """The site's studies, newest first; POST sends radiographs."""

    permission_classes = [right_required("study.view", to_write="study.upload")]
    serializer_class = StudyRowSerializer

    def get_queryset(self) -> Any:
        asked = self.request.query_params.dict()
        # An empty field of a form asks for nothing; a program that sends one has lost something.
        if lost := [each.name for each in FILTERS if _is_lost(each, asked)]:
            raise ValidationError(dict.fromkeys(lost, "empty: leave it out, or say which"))
        filters = Filters(self.request.user, asked)
        if not filters.is_valid():
            raise ValidationError(dict(filters.errors))
        return with_hidden(filters.studies(), self.request.user).select_related("headline")

    def paginate_queryset(self, queryset: Any) -> Any:
        page = super().paginate_queryset(queryset)
        list_record(rows=page, request=self.request)
        return page

    @extend_schema(
        operation_id="studies_list",
        parameters=FILTERS,
        responses=StudyRowSerializer,
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="studies_send",
        parameters=[ONCE],
        request=UploadSerializer,
        responses={202: ReceiptSerializer},
    )
    def post(self, request: Request) -> Response:
        """Send one or more files (part name `file`): DICOM, JPEG, PNG, TIFF, or zips of them.

        202 means that what is listed under `studies` is safely stored and will be analysed; ask
        for each study until its state is neither RECEIVED nor ANALYSING. Files that could not be
        received are under `refused`; if none could, the answer is the first one's problem.
        """
        if not request.user.has_right("study.upload", request.user.site.pk):
            raise PermissionDenied
        files = request.FILES.getlist("file")
        if not files:
            raise ValidationError({"file": "send at least one part of this name"})
        body = answer_once(
            key=request.headers.get("Idempotency-Key", ""),
            user=request.user,
            files=files,
            answer=lambda: _receipt(files, request),
        )
        return Response(body, status=202)


def _is_lost(filtered: OpenApiParameter, asked: dict[str, str]) -> bool:
    """Whether a day or one of several words is asked for by an empty text."""
    has_form = filtered.enum is not None or filtered.type == OpenApiTypes.DATE
    return has_form and asked.get(filtered.name) == ""


def _receipt(files: list[Any], request: Request) -> Any:
    """Raises the first refusal where nothing could be received."""
    outcomes = list(_receive(files, request))
    receipts = [outcome for outcome in outcomes if isinstance(outcome, Receipt)]
    refusals = [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
    if not receipts:
        raise refusals[0].error
    studies = _studies_of(receipts, request.user)
    body = {"studies": studies, "refused": refusals}
    context = _context(request, studies, receipts)
    # As plain JSON, which is what is kept.
    return json.loads(JSONRenderer().render(ReceiptSerializer(body, context=context).data))


class StudyView(APIView):
    """One study."""

    permission_classes = [right_required("study.view")]

    @extend_schema(
        operation_id="studies_read",
        parameters=[REVEAL],
        responses=StudySerializer,
    )
    def get(self, request: Request, study_id: str) -> Response:
        """A study with the result of each image. Another site's study is 404."""
        visible = with_images(Study.objects.visible_to(request.user), request.user)
        study = get_object_or_404(visible, pk=study_id)
        reveal = {"true": True, "false": False}.get(request.query_params.get("reveal", "false"))
        if reveal is None:
            raise ValidationError({"reveal": "true or false"})
        if reveal:
            if not request.user.has_right("patient.reveal", study.site_id):
                raise PermissionDenied
            event_record(action="patient.reveal", actor=request.user, target=study, request=request)
        event_record(action="study.view", actor=request.user, target=study, request=request)
        context = {**_context(request, [study]), "reveal": reveal}
        return Response(StudySerializer(study, context=context).data)


def with_images(studies: QuerySet[Study], user: User) -> QuerySet[Study]:
    """Everything `StudySerializer` reads and may show this person."""
    related = with_hidden(studies, user).select_related("headline", "description")
    return related.prefetch_related(WITH_IMAGES)


def _receive(files: Iterable[Any], request: Request) -> Iterable[Receipt | Refusal]:
    """Every file by itself: one that is refused never loses the others."""
    for file in files:
        try:
            yield from upload_receive(
                file=file,
                source=Source.API,
                actor=request.user,
                site=request.user.site,
            )
        except PneumoscopeError as error:
            yield Refusal(file.name, error)


def _studies_of(receipts: list[Receipt], user: User) -> list[Study]:
    """In the order of arrival, each once, with their images."""
    keys = list(dict.fromkeys(receipt.image.study_id for receipt in receipts))
    found = with_images(Study.objects.all(), user).in_bulk(keys)
    return [found[key] for key in keys]


def _context(
    request: Request, studies: Iterable[Study], receipts: Iterable[Receipt] = ()
) -> dict[str, Any]:
    images = [image for study in studies for image in study.images.all()]
    return {
        "request": request,
        "hidden": hidden_images(request.user, images),
        "duplicates": {receipt.image.pk for receipt in receipts if receipt.duplicate},
    }
