"""A guided first case: a walk over a sample study, a step at a time, for who is new here."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from pneumoscope.web.accounts.access import require_right
from pneumoscope.web.studies.models import Source, Study
from pneumoscope.web.studies.states import State

# How long somebody is new. Being done is remembered by the browser alone, so it needs no table.
NEW = timedelta(days=30)
COOKIE = "pneumoscope_first_case"


@dataclass(frozen=True, slots=True)
class Step:
    """part: what of the page is framed meanwhile, see `.guide` in reviews.css."""

    part: str
    title: Promise
    text: Promise


STEPS = [
    Step(
        "viewer",
        gettext_lazy("Look first"),
        gettext_lazy(
            "Read the radiograph as you always do, before you look at the result. Heatmap and "
            "contours are off until you ask for them. The question mark key lists all keys. Where "
            "a site reads blind, the result waits for your own word."
        ),
    ),
    Step(
        "result",
        gettext_lazy("The result is a sentence and a scale"),
        gettext_lazy(
            "The figure is a calibrated probability, the tick is the threshold at which this model "
            "calls pneumonia. In the band below the scale it cannot tell ill from well as it "
            "promises: a second reader is advised there."
        ),
    ),
    Step(
        "viewer",
        gettext_lazy("Where it rests"),
        gettext_lazy(
            "H shows and hides the heatmap, C the contours. A region of the list lights up in the "
            "image. They show what the model looked at, which need not be what is wrong."
        ),
    ),
    Step(
        "review",
        gettext_lazy("Say what you think"),
        gettext_lazy(
            "A agrees, D disagrees, U is unsure. Add what the image shows instead, or a comment, "
            "and save. Where readers differ, a senior reader decides. What you say here is kept "
            "with the model’s version."
        ),
    ),
    Step(
        "report",
        gettext_lazy("The report is yours"),
        gettext_lazy(
            "It begins with the result in words. Correct it, make it yours, then sign it. A signed "
            "report is never changed, only added to."
        ),
    ),
]


def is_offered(request: HttpRequest) -> bool:
    """Whether the worklist asks a person who is new and not done with it."""
    new = timezone.now() - request.user.date_joined < NEW
    return new and COOKIE not in request.COOKIES and request.user.has_right("review.write")


def guide_of(request: HttpRequest) -> dict[str, object] | None:
    """For `guide.html`, from `guide` in the address: the number of the step, from 1."""
    word = request.GET.get("guide", "")
    numbers = {str(number): number for number in range(1, len(STEPS) + 1)}
    if word not in numbers:
        return None
    number = numbers[word]
    return {
        "step": STEPS[number - 1],
        "number": number,
        "count": len(STEPS),
        "before": number - 1,
        "after": number + 1 if number < len(STEPS) else 0,
    }


@require_http_methods(["GET", "HEAD", "POST"])
@require_right("study.view")
def first_case(request: HttpRequest) -> HttpResponse:
    """To the first step on a sample; POST: done, or not wanted."""
    if request.method == "POST":
        response = redirect("studies:worklist")
        response.set_cookie(
            COOKIE,
            "done",
            max_age=NEW,
            httponly=True,
            samesite="Lax",
            secure=settings.SESSION_COOKIE_SECURE,
        )
        return response
    samples = Study.objects.visible_to(request.user).filter(state=State.ANALYSED)
    # A suspicious one has something to show.
    study = samples.filter(source=Source.SAMPLE).order_by("-positive", "created").first()
    if study is None:
        messages.error(
            request, _("Your sites hold no sample study. Any study with a result serves as well.")
        )
        return redirect("studies:worklist")
    return redirect(f"{reverse('studies:study', args=[study.pk])}?guide=1")
