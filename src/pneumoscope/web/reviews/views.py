"""The review beside the image, and the list of what waits for a second word."""

from typing import Any

from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.web.accounts.access import require_right
from pneumoscope.web.accounts.roles import Right
from pneumoscope.web.audit.keyset import page_of
from pneumoscope.web.audit.services import list_record
from pneumoscope.web.reviews.forms import ReviewForm
from pneumoscope.web.reviews.models import Kind, Reading
from pneumoscope.web.reviews.services import may_adjudicate, review_create, review_standing
from pneumoscope.web.reviews.similar import similar_cases
from pneumoscope.web.reviews.states import ReadingState
from pneumoscope.web.reviews.told import reviews_told
from pneumoscope.web.studies.blinding import hidden_images
from pneumoscope.web.studies.models import Analysis, Image

PAGE_SIZE = 50
WAITING = {
    "adjudication": (_("Readers disagree"), ReadingState.DISPUTED),
    "second": (_("Second reader wanted"), ReadingState.SECOND_WANTED),
    "done": (_("Adjudicated"), ReadingState.ADJUDICATED),
}


@require_safe
@require_right("study.view")
def review(request: HttpRequest, analysis_id: int) -> HttpResponse:
    """The panel's part: what was said, and the form for those who may say something."""
    analysis = _analysis(request, analysis_id, "study.view")
    return render(request, "reviews/review.html", _context(request, analysis))


@require_safe
@require_right("study.view")
def similar(request: HttpRequest, analysis_id: int) -> HttpResponse:
    """The panel's part: reviewed cases that look alike."""
    cases = similar_cases(_analysis(request, analysis_id, "study.view"), request.user)
    list_record(rows=[case.reading.analysis.image for case in cases], request=request)
    return render(request, "reviews/similar.html", {"cases": cases})


@require_POST
@require_right("review.write")
def review_save(request: HttpRequest, analysis_id: int) -> HttpResponse:
    """Scripts get the panel's part back, plain forms the study."""
    kind = Kind.ADJUDICATION if request.POST.get("kind") == Kind.ADJUDICATION else Kind.READING
    right: Right = "review.adjudicate" if kind == Kind.ADJUDICATION else "review.write"
    analysis = _analysis(request, analysis_id, right)
    form = ReviewForm(analysis, kind, request.POST)
    if not form.is_valid():
        return render(request, "reviews/review.html", _context(request, analysis, form))
    try:
        review_create(
            acting_user=request.user,
            analysis=analysis,
            kind=kind,
            opinion=form.opinion,
            supersedes=form.cleaned_data["supersedes"],
        )
    except PneumoscopeError as error:
        context = _context(request, analysis, form) | {"error": error}
        return render(request, "reviews/review.html", context)
    if request.htmx:
        context = _context(request, analysis) | {"saved": True}
        return render(request, "reviews/review.html", context)
    return redirect("studies:study", analysis.image.study_id)


@require_safe
@require_right("review.write")
def readings(request: HttpRequest) -> HttpResponse:
    """What waits for another reader at the person's sites; `show`: one of `WAITING`."""
    show = request.GET.get("show")
    if show not in WAITING:
        show = "adjudication" if request.user.has_right("review.adjudicate") else "second"
    visible = Reading.objects.visible_to(request.user)
    found = (
        visible.filter(state=WAITING[show][1])
        .select_related("analysis__image__study__site")
        .prefetch_related("reviews")
    )
    page, older = page_of(found, ("changed", "id"), request.GET.get("after", ""), PAGE_SIZE)
    images = [each.analysis.image for each in page]
    list_record(rows=images, request=request)
    open_ones = visible.filter(state__in=[state for _, state in WAITING.values()][:-1])
    counts = dict(open_ones.order_by().values_list("state").annotate(Count("pk")))
    tabs = [(value, word, counts.get(state)) for value, (word, state) in WAITING.items()]
    context = {"page": page, "older": older, "show": show, "tabs": tabs}
    context["hidden"] = hidden_images(request.user, images)
    context["mine"] = {
        each.pk for each in page for said in each.standing if said.reader_id == request.user.pk
    }
    return render(request, "reviews/readings.html", context)


def _analysis(request: HttpRequest, analysis_id: int, right: Right) -> Analysis:
    """A result with a number; a rejected radiograph has nothing to agree with."""
    found: Analysis = get_object_or_404(
        Analysis.objects.filter(
            image__in=Image.objects.visible_to(request.user, right), probability__isnull=False
        ).select_related("image__study", "model_version"),
        pk=analysis_id,
    )
    if hidden_images(request.user, [found.image]):
        raise Http404
    return found


def _context(
    request: HttpRequest, analysis: Analysis, form: ReviewForm | None = None
) -> dict[str, Any]:
    """Other readers' words are shown only to who has said their own, or reads nothing here."""
    user, site = request.user, analysis.image.site_id
    reading = Reading.objects.filter(analysis=analysis).first()
    everything = list(reading.reviews.select_related("reader")) if reading else []
    live = [each for each in everything if each.superseded is None]
    decides = (
        reading is not None
        and user.has_right("review.adjudicate", site)
        and may_adjudicate(reading, user, live)
    )
    reads = user.has_right("review.write", site) and not (
        decides or (reading and reading.state == ReadingState.ADJUDICATED)
    )
    kind = Kind.ADJUDICATION if decides else Kind.READING
    standing = review_standing(live, kind, user)
    if form is not None:
        form = form.again(standing) if form.is_valid() else form
    elif reads or decides:
        form = ReviewForm.written(analysis, kind, standing)
    told = reading is None or reviews_told(user).filter(reading=reading).exists()
    return {
        "analysis": analysis,
        "reading": reading,
        "impressions": analysis.impressions.filter(reader=user),
        "reviews": live if told else [],
        "history": [each for each in everything if each.superseded] if told else [],
        "hidden_reviews": 0 if told else len(live),
        "standing": standing,
        "decides": decides,
        "form": form if reads or decides else None,
    }
