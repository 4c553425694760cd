"""The pages: worklist, upload, study. Every view names the right it needs and sees one site."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST, require_safe

from pneumoscope.web.accounts.access import require_right
from pneumoscope.web.audit.services import event_record, list_record
from pneumoscope.web.studies.blinding import hidden_images, impression_create
from pneumoscope.web.studies.described_views import described
from pneumoscope.web.studies.filters import Filters
from pneumoscope.web.studies.first_case import guide_of, is_offered
from pneumoscope.web.studies.impressions import ImpressionForm
from pneumoscope.web.studies.models import Analysis, Image, Study
from pneumoscope.web.studies.states import PENDING, State
from pneumoscope.web.studies.upload_views import may_upload
from pneumoscope.web.studies.worklist import (
    PAGE_SIZE,
    count_words,
    moment_word,
    page_of,
    rows,
    rows_arrived,
    rows_changed,
)

# Filters with a place in the toolbar; the others are behind a button.
TOOLBAR = {"q", "result", "sort"}


@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """Where signing in leads: the worklist, for who sees no studies the page of their role."""
    user = request.user
    if user.is_authenticated and not user.has_right("study.view"):
        return redirect("audit:events" if user.has_right("audit.view") else "people:account")
    return _worklist(request)


@require_right("study.view")
def _worklist(request: HttpRequest) -> HttpResponse:
    user = request.user
    filters = Filters(user, request.GET.dict())
    studies, after = page_of(filters, request.GET.get("after", ""))
    first = "after" not in request.GET
    list_record(rows=studies, request=request)
    context = {
        "rows": rows(studies),
        "after": after,
        "first": first,
        "since": moment_word(),
        "filters": filters,
        "more_filters": [field for field in filters if field.name not in TOOLBAR],
        "narrowed": {name for name in filters.asked if name != "sort"},
        "blind": filters.blind,
        "first_case": is_offered(request),
        "count": count_words(filters, studies, whole=first and not after),
        "saved_views": user.saved_views.all(),
        "may_upload": may_upload(request),
        "may_export": user.has_right("study.export"),
        "may_delete": user.has_right("study.delete"),
        "readers": filters.readers,
        "max_bytes": settings.PNEUMOSCOPE_MAX_FILE_BYTES,
    }
    return render(request, "studies/worklist.html", context)


@require_GET
@require_right("study.view")
def worklist_rows(request: HttpRequest) -> HttpResponse:
    """`row`: the tokens of the page's pending rows; answers with those that changed.

    With `since`, the header that came with the last answer: also with what has come since, of what
    the page's filters find.
    """
    tokens = request.GET.get("row", "").split(",")[:PAGE_SIZE]
    changed = rows_changed(request.user, tokens)
    context: dict[str, Any] = {"rows": changed, "oob": True}
    arrived = []
    if since := request.GET.get("since", ""):
        filters = Filters(request.user, request.GET.dict())
        if arrived := rows_arrived(filters, since):
            context |= {"arrived": arrived, "count": count_words(filters, [], whole=False)}
    list_record(rows=[row.study for row in [*changed, *arrived]], request=request)
    answer = render(request, "studies/rows.html", context)
    answer.headers["X-Pneumoscope-Since"] = moment_word()
    return answer


@require_safe
@require_right("study.view")
def study(request: HttpRequest, study_id: UUID) -> HttpResponse:
    visible = Study.objects.visible_to(request.user)
    found = get_object_or_404(
        visible.select_related("site", "headline", "description"), pk=study_id
    )
    event_record(action="study.view", actor=request.user, target=found, request=request)
    images = list(found.images.prefetch_related("analyses__model_version"))
    wanted = request.GET.get("image") or str(found.headline and found.headline.image_id)
    image = next((each for each in images if str(each.pk) == wanted), images[0])
    context = {
        "study": found,
        "images": images,
        "may_reveal": request.user.has_right("patient.reveal", found.site_id),
        "guide": guide_of(request),
        **_reading(request, image),
    }
    return render(request, "studies/study.html", context)


@require_GET
@require_right("study.view")
def image_panel(request: HttpRequest, image_id: UUID) -> HttpResponse:
    """Viewer and reading panel; 204 while the image is still in the `state` the page shows."""
    image = get_object_or_404(
        Image.objects.visible_to(request.user)
        .select_related("study__description")
        .prefetch_related("analyses__model_version"),
        pk=image_id,
    )
    if image.state == request.GET.get("state"):
        return HttpResponse(status=204)
    event_record(action="study.view", actor=request.user, target=image.study, request=request)
    return render(request, "studies/reading.html", _reading(request, image))


@require_POST
@require_right("review.write")
def impression(request: HttpRequest, image_id: UUID) -> HttpResponse:
    """What a reader sees before the result. Scripts get panel and viewer, plain forms the study."""
    visible = Image.objects.visible_to(request.user, "review.write").select_related("study")
    scored = visible.filter(analyses__probability__isnull=False).distinct()
    image = get_object_or_404(scored.prefetch_related("analyses__model_version"), pk=image_id)
    form = ImpressionForm(request.POST)
    if form.is_valid():
        impression_create(acting_user=request.user, analysis=image.analysis, **form.cleaned_data)
    if request.htmx:
        context = _reading(request, image) | {"impression_form": form}
        return render(request, "studies/reading.html", context)
    if not form.is_valid():
        messages.error(request, _("Say what you see: pneumonia, no pneumonia, or unsure."))
    return redirect(f"{reverse('studies:study', args=[image.study_id])}?image={image.pk}")


def _reading(request: HttpRequest, image: Image) -> dict[str, Any]:
    """For `reading.html`. Where the result is hidden there is no analysis in it at all."""
    hidden = bool(hidden_images(request.user, [image]))
    analysis: Analysis | None = None if hidden else image.analysis
    return {
        "image": image,
        "analysis": analysis,
        "hidden": hidden,
        "impression_form": ImpressionForm(),
        "pending": image.state in PENDING,
        "heatmap": image.state == State.ANALYSED and analysis and analysis.probability is not None,
        "may_model": request.user.has_right("model.view"),
        **described(request, image),
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
