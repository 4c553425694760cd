"""/dicomweb: the DICOMweb Studies Service (PS3.18 chapter 10) for what we hold.

Searches and retrievals show whole headers, so they need the right to export, and are recorded.
"""

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, JsonResponse, StreamingHttpResponse
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

from pneumoscope.interop.dicomweb import (
    DICOM,
    DICOM_JSON,
    OCTETS,
    MalformedRequest,
    Part,
    bulk_data,
    frames,
    metadata,
    multipart_write,
    part10,
)
from pneumoscope.web.accounts.access import right_required
from pneumoscope.web.accounts.tokens import PROTOCOL_AUTHENTICATION
from pneumoscope.web.audit.services import event_record
from pneumoscope.web.gateway.dicomweb_answers import (
    instance_url,
    instances_found,
    series_found,
    studies_found,
)
from pneumoscope.web.gateway.dicomweb_query import MOST, images_held, matching, page_of
from pneumoscope.web.gateway.stow import RelatedParser, request_store
from pneumoscope.web.studies.models import Image
from pneumoscope.web.studies.states import PENDING

# PS3.18 sections 8.3.4.1 and 8.3.4.4.
_IGNORED = '299 pneumoscope: "Parameters that are not supported were ignored."'
_CUT = '299 pneumoscope: "There may be additional results that can be requested by offset."'
_MOST_FRAMES = 1000
_FRAME = re.compile("[0-9]{1,9}")


class _AsAsked(BaseContentNegotiation):
    """DICOMweb's media types carry parameters of their own; each view answers with its one."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        kind = request.content_type.partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == kind), None)

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:  # noqa: ARG002
        return renderers[0], renderers[0].media_type


class DicomwebView(APIView):
    """Images of the address: of a study, a series or one instance, as far as it names them."""

    authentication_classes = PROTOCOL_AUTHENTICATION
    permission_classes = [right_required("study.export", to_write="study.upload")]
    content_negotiation_class = _AsAsked
    parser_classes = [RelatedParser]
    schema = None

    def images(self, request: Request, **names: str) -> QuerySet[Image]:
        held = images_held(request.user)
        fields = {"study": "study__study_instance_uid", "series": "series_instance_uid"}
        fields["instance"] = "sop_instance_uid"
        return held.filter(**{fields[name]: value for name, value in names.items()})

    def found(self, request: Request, **names: str) -> list[Image]:
        """Raises Http404 where there is none; each is recorded as exported."""
        images = list(self.images(request, **names).order_by("created", "pk"))
        if not images:
            raise Http404
        for study in {image.study for image in images}:
            event_record(
                action="study.export",
                actor=request.user,
                target=study,
                site=study.site,
                detail={"as": "dicomweb", "images": len(images)},
                request=request,
            )
        return images

    def root(self, request: Request) -> str:
        return request.build_absolute_uri("/dicomweb")


class SearchView(DicomwebView):
    """QIDO-RS; on /studies also STOW-RS."""

    level = "studies"

    def get(self, request: Request, **names: str) -> HttpResponse:
        asked = [(name, value) for name, values in request.query_params.lists() for value in values]
        images, obeyed = matching(self.images(request, **names), asked)
        page = page_of(request.query_params.dict())
        found = self.answers(images, page, self.root(request), images_held(request.user), names)
        detail = {"as": "dicomweb", "count": len(found)}
        event_record(action="study.list", actor=request.user, detail=detail, request=request)
        response = _json(found) if found else HttpResponse(status=HTTPStatus.NO_CONTENT)
        warnings = [] if obeyed else [_IGNORED]
        if len(found) == MOST:
            warnings.append(_CUT)
        if warnings:
            response.headers["Warning"] = ", ".join(warnings)
        return response

    def answers(
        self,
        images: QuerySet[Image],
        page: slice,
        root: str,
        held: QuerySet[Image],
        names: dict[str, str],
    ) -> list[dict[str, Any]]:
        if self.level == "studies":
            return studies_found(images, page, root, held=held)
        found = series_found if self.level == "series" else instances_found
        return found(images, page, root, held=held, whole="study" not in names)


class StudiesView(SearchView):
    def post(self, request: Request) -> HttpResponse:
        return _stow(self, request, None)


class RetrieveView(DicomwebView):
    """WADO-RS: the stored files of a study, a series or an instance; a study also takes more."""

    def get(self, request: Request, **names: str) -> HttpResponse | StreamingHttpResponse:
        images = self.found(request, **names)
        parts = (Part(DICOM, part10(_bytes(image), max_bytes=_limit())) for image in images)
        return _multipart(parts, DICOM)


class StudyView(RetrieveView):
    def post(self, request: Request, study: str) -> HttpResponse:
        return _stow(self, request, study)


class MetadataView(DicomwebView):
    def get(self, request: Request, **names: str) -> HttpResponse:
        root = self.root(request)
        return _json(
            [
                metadata(_bytes(image), f"{instance_url(root, image)}/bulkdata", max_bytes=_limit())
                for image in self.found(request, **names)
            ]
        )


class FramesView(DicomwebView):
    def get(self, request: Request, numbers: str, **names: str) -> StreamingHttpResponse:
        wanted = numbers.split(",")
        if len(wanted) > _MOST_FRAMES or not all(map(_FRAME.fullmatch, wanted)):
            raise MalformedRequest(f"Frames are named by numbers, at most {_MOST_FRAMES} of them.")
        image = self.found(request, **names)[0]
        try:
            parts = frames(_bytes(image), map(int, wanted), max_bytes=_limit())
        except IndexError:
            raise Http404 from None
        kind = parts[0].content_type.partition(";")[0] if parts else OCTETS
        return _multipart(iter(parts), kind)


class BulkDataView(DicomwebView):
    def get(self, request: Request, tag: str, **names: str) -> StreamingHttpResponse:
        value = bulk_data(_bytes(self.found(request, **names)[0]), tag, max_bytes=_limit())
        if value is None:
            raise Http404
        return _multipart(iter([Part(OCTETS, value)]), OCTETS)


class RenderedView(DicomwebView):
    """As the worklist shows it; while the worker has not made it yet, 503 and when to ask again."""

    thumbnail = False

    def get(self, request: Request, **names: str) -> HttpResponse:
        image = self.found(request, **names)[0]
        file = image.thumbnail if self.thumbnail else image.rendered
        if not file:
            if image.state in PENDING:
                return HttpResponse(status=503, headers={"Retry-After": "2"})
            raise Http404
        with file.open("rb") as stored:
            response = HttpResponse(stored.read(), content_type="image/jpeg")
        response.headers["Cache-Control"] = "private, no-cache"
        return response


def _stow(view: DicomwebView, request: Request, study: str | None) -> HttpResponse:
    """What is sent goes to the site at which the person works now."""
    if not request.user.has_right("study.upload", request.user.site.pk):
        raise PermissionDenied
    body = request.data
    if not hasattr(body, "fileno"):
        raise MalformedRequest("The body is empty.")
    stored = request_store(request, body, study=study, user=request.user)
    return _json(stored.model(view.root(request)), status=stored.status)


def _json(body: Any, status: int = 200) -> HttpResponse:
    response = JsonResponse(body, safe=False, status=status, content_type=DICOM_JSON)
    response.headers["Cache-Control"] = "no-store"
    return response


def _multipart(parts: Iterator[Part], kind: str) -> StreamingHttpResponse:
    content_type, pieces = multipart_write(parts, kind)
    response = StreamingHttpResponse(pieces, content_type=content_type)
    response.headers["Cache-Control"] = "no-store"
    return response


def _bytes(image: Image) -> bytes:
    with image.file.open("rb") as file:
        data: bytes = file.read()
    return data


def _limit() -> int:
    return int(settings.PNEUMOSCOPE_MAX_FILE_BYTES)
