"""The pages: worklist, upload, study. Every view names the right it needs and sees one site."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET, require_POST, require_safe

from pneumoscope.web.accounts.access import require_right
from pneumoscope.web.audit.services import event_record, list_record
from pneumoscope.web.studies.bulk import readers_of
from pneumoscope.web.studies.filters import Filters
from pneumoscope.web.studies.models import Analysis, Image, Study
from pneumoscope.web.studies.states import PENDING, State
from pneumoscope.web.studies.upload_views import may_upload
from pneumoscope.web.studies.worklist import (
    PAGE_SIZE,
    count_words,
    page_of,
    rows,
    rows_changed,
)

# Filters with a place in the toolbar; the others are behind a button.
TOOLBAR = {"q", "result", "sort"}


@require_safe
@require_right("study.view")
def worklist(request: HttpRequest) -> HttpResponse:
    user = request.user
    filters = Filters(user, request.GET.dict())
    studies, after = page_of(filters, request.GET.get("after", ""))
    list_record(rows=studies, request=request)
    context = {
        "rows": rows(studies),
        "after": after,
        "first": "after" not in request.GET,
        "filters": filters,
        "more_filters": [field for field in filters if field.name not in TOOLBAR],
        "narrowed": {name for name in filters.asked if name != "sort"},
        "count": count_words(filters.studies()),
        "saved_views": user.saved_views.all(),
        "may_upload": may_upload(request),
        "may_export": user.has_right("study.export"),
        "may_delete": user.has_right("study.delete"),
        "readers": readers_of(user),
        "max_bytes": settings.PNEUMOSCOPE_MAX_FILE_BYTES,
    }
    return render(request, "studies/worklist.html", context)


@require_GET
@require_right("study.view")
def worklist_rows(request: HttpRequest) -> HttpResponse:
    """`row`: the tokens of the page's pending rows; answers with those that changed."""
    tokens = request.GET.get("row", "").split(",")[:PAGE_SIZE]
    changed = rows_changed(request.user, tokens)
    list_record(rows=[row.study for row in changed], request=request)
    return render(request, "studies/rows.html", {"rows": changed, "oob": True})


@require_safe
@require_right("study.view")
def study(request: HttpRequest, study_id: UUID) -> HttpResponse:
    found = get_object_or_404(
        Study.objects.visible_to(request.user).select_related("site", "headline"), pk=study_id
    )
    event_record(action="study.view", actor=request.user, target=found, request=request)
    images = list(found.images.prefetch_related("analyses__model_version"))
    wanted = request.GET.get("image") or str(found.headline and found.headline.image_id)
    image = next((each for each in images if str(each.pk) == wanted), images[0])
    context = {
        "study": found,
        "images": images,
        "may_reveal": request.user.has_right("patient.reveal", found.site_id),
        **_reading(request, image),
    }
    return render(request, "studies/study.html", context)


@require_GET
@require_right("study.view")
def image_panel(request: HttpRequest, image_id: UUID) -> HttpResponse:
    """Viewer and reading panel; 204 while the image is still in the `state` the page shows."""
    image = get_object_or_404(
        Image.objects.visible_to(request.user)
        .select_related("study")
        .prefetch_related("analyses__model_version"),
        pk=image_id,
    )
    if image.state == request.GET.get("state"):
        return HttpResponse(status=204)
    event_record(action="study.view", actor=request.user, target=image.study, request=request)
    return render(request, "studies/reading.html", _reading(request, image))


def _reading(request: HttpRequest, image: Image) -> dict[str, Any]:
    analysis: Analysis | None = image.analysis
    return {
        "image": image,
        "analysis": analysis,
        "pending": image.state in PENDING,
        "heatmap": image.state == State.ANALYSED and analysis and analysis.probability is not None,
        "may_model": request.user.has_right("model.view"),
    }


@require_POST
@require_right("patient.reveal")
def study_patient(request: HttpRequest, study_id: UUID) -> HttpResponse:
    """Name and ID of the patient; each look is audited before it is answered."""
    visible = Study.objects.visible_to(request.user, "patient.reveal")
    found = get_object_or_404(visible, pk=study_id)
    event_record(action="patient.reveal", actor=request.user, target=found, request=request)
    response = render(request, "studies/patient.html", {"study": found})
    response.headers["Cache-Control"] = "no-store"
    return response
