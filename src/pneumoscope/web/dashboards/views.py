"""The dashboard: counts and shares of the person's own sites, and no patient."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from pneumoscope.web.accounts.access import require_right
from pneumoscope.web.dashboards.overview import overview
from pneumoscope.web.dashboards.question import Question


@require_safe
@require_right("dashboard.view")
def dashboard(request: HttpRequest) -> HttpResponse:
    question = Question(request.user, request.GET.dict())
    return render(request, "dashboards/dashboard.html", overview(question))
