"""The pictures of a study: made by us from the pixels, never the sender's bytes."""

import io
from http import HTTPStatus
from uuid import UUID

from django.db.models.fields.files import FieldFile
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from pneumoscope.core.render import render_heatmap
from pneumoscope.web.accounts.access import require_right
from pneumoscope.web.audit.services import event_record
from pneumoscope.web.studies.blinding import hidden_images
from pneumoscope.web.studies.models import Image

# The browser enlarges the map as smoothly as we would: more pixels would only be slower.
HEATMAP_SIDE = 512


@require_safe
@require_right("study.view")
def image_rendered(request: HttpRequest, image_id: UUID) -> HttpResponse:
    image = image_visible(request, image_id)
    response = _jpeg(request, image.rendered, f'"{image.sha256}-rendered"')
    if response.status_code == HTTPStatus.OK:
        image_seen(request, image, "radiograph")
    return response


@require_safe
@require_right("study.view")
def image_thumbnail(request: HttpRequest, image_id: UUID) -> HttpResponse:
    """Part of a list of studies, whose event stands for it."""
    image = image_visible(request, image_id)
    return _jpeg(request, image.thumbnail, f'"{image.sha256}-thumbnail"')


@require_safe
@require_right("study.view")
def image_heatmap(request: HttpRequest, image_id: UUID) -> HttpResponse:
    """The heatmap as RGBA in the shape of the image; 404 where there is no result."""
    image = image_visible(request, image_id)
    analysis = image.analyses.select_related("model_version").first()
    if analysis is None or analysis.heatmap is None or not image.rows or not image.columns:
        raise Http404
    if hidden_images(request.user, [image]):
        raise Http404
    etag = f'"{image.sha256}-{analysis.model_version.bundle_hash}"'
    unchanged = get_conditional_response(request, etag=etag)
    if unchanged is not None:
        return guarded(unchanged, etag)
    image_seen(request, image, "heatmap")
    scale = HEATMAP_SIDE / max(image.columns, image.rows)
    size = (max(1, round(image.columns * scale)), max(1, round(image.rows * scale)))
    png = io.BytesIO()
    render_heatmap(analysis.heatmap, size).save(png, "PNG")
    return guarded(HttpResponse(png.getvalue(), content_type="image/png"), etag)


def image_visible(request: HttpRequest, image_id: UUID) -> Image:
    visible = Image.objects.visible_to(request.user).select_related("study")
    return get_object_or_404(visible, pk=image_id)


def image_seen(request: HttpRequest, image: Image, picture: str) -> None:
    """Recorded when the picture leaves the server; what the browser kept was recorded before."""
    event_record(
        action="image.view",
        actor=request.user,
        target=image,
        detail={"picture": picture},
        request=request,
    )


def _jpeg(request: HttpRequest, file: FieldFile, etag: str) -> HttpResponse:
    if not file:
        raise Http404
    unchanged = get_conditional_response(request, etag=etag)
    if unchanged is not None:
        return guarded(unchanged, etag)
    with file.open("rb") as stored:
        return guarded(HttpResponse(stored.read(), content_type="image/jpeg"), etag)


def guarded(response: HttpResponse, etag: str) -> HttpResponse:
    """Kept by this browser alone, and asked for again each time, so that rights stay checked."""
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
