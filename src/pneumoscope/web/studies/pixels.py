"""What the viewer asks for beyond pictures: grey levels at the file's depth, and the priors."""

import gzip
import json
import threading
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_GET, require_safe

from pneumoscope.core.errors import DecodeError
from pneumoscope.core.levels import GreyLevels, read_levels
from pneumoscope.web.accounts.access import require_right
from pneumoscope.web.audit.services import event_record
from pneumoscope.web.studies.models import Image
from pneumoscope.web.studies.pictures import guarded, image_seen, image_visible

# Raised when the same file gives other levels or windows than before.
LEVELS_VERSION = 1
MAX_PRIORS = 20
MAX_WINDOWS = 12
MAX_LABEL = 40
# The largest radiographs need some hundred megabytes while they are read: one at a time.
_reading = threading.Lock()


@require_safe
@require_right("study.view")
def image_pixels(request: HttpRequest, image_id: UUID) -> HttpResponse:
    """Levels as uint16 little endian, row by row, gzip; what they mean in X-Pneumoscope-Levels.

    Only of files that a worker has decoded before: this process meets no file first.
    """
    image = image_visible(request, image_id)
    if not image.rendered:
        raise Http404
    etag = f'"{image.sha256}-levels-{LEVELS_VERSION}"'
    unchanged = get_conditional_response(request, etag=etag)
    if unchanged is not None:
        return guarded(unchanged, etag)
    with _reading, image.file.open("rb") as stored:
        data = stored.read()
        try:
            levels = read_levels(data, max_bytes=max(len(data), 1))
        except DecodeError as error:
            raise Http404 from error
        packed = gzip.compress(levels.pixels.astype("<u2", copy=False).tobytes(), 1, mtime=0)
    image_seen(request, image, "levels")
    response = HttpResponse(packed, content_type="application/octet-stream")
    response.headers["Content-Encoding"] = "gzip"
    response.headers["X-Pneumoscope-Levels"] = json.dumps(_described(levels))
    return guarded(response, etag)


def _described(levels: GreyLevels) -> dict[str, Any]:
    rows, columns = levels.pixels.shape
    return {
        "rows": rows,
        "columns": columns,
        "slope": levels.slope,
        "intercept": levels.intercept,
        "windows": [
            {"name": each.name, "low": each.low, "high": each.high, "label": each.label[:MAX_LABEL]}
            for each in levels.windows[:MAX_WINDOWS]
        ],
        "spacing": levels.spacing
        and {"mm": levels.spacing.mm, "calibrated": levels.spacing.plane == "calibrated"},
    }


@require_GET
@require_right("study.view")
def image_priors(request: HttpRequest, image_id: UUID) -> HttpResponse:
    """The patient's other radiographs at this site to compare with; 204 where there is none.

    Without a patient ID nobody can know which are the same patient's.
    """
    image = image_visible(request, image_id)
    if not image.study.patient_id:
        return HttpResponse(status=204)
    others = (
        Image.objects.visible_to(request.user)
        .filter(site=image.site_id, study__patient_id=image.study.patient_id)
        .exclude(pk=image.pk)
        .exclude(rendered="")
        .select_related("study")
        .order_by("-study__study_date", "-created")[:MAX_PRIORS]
    )
    if not others:
        return HttpResponse(status=204)
    event_record(
        action="study.list", actor=request.user, detail={"count": len(others)}, request=request
    )
    return render(request, "studies/priors.html", {"image": image, "others": others})
