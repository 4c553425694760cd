"""Pages of the ways in: what arrived and what became of it; peers, rules and standing questions."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pneumoscope.web.accounts.access import require_right
from pneumoscope.web.audit.keyset import page_of
from pneumoscope.web.audit.services import event_record
from pneumoscope.web.gateway import intake
from pneumoscope.web.gateway.incoming_forms import PeerForm, PullForm, RuleForm, SiteForm
from pneumoscope.web.gateway.models import Arrival, Pull
from pneumoscope.web.gateway.models.arrivals import Outcome
from pneumoscope.web.gateway.models.workitems import OPEN

PAGE_SIZE = 50
_FORMS: dict[str, type[SiteForm]] = {"peers": PeerForm, "rules": RuleForm, "pulls": PullForm}
_NOUNS = {"peers": "peer", "rules": "rule", "pulls": "pull"}
_DELETE = {
    "peers": gettext_lazy("Delete this peer"),
    "rules": gettext_lazy("Delete this rule"),
    "pulls": gettext_lazy("Delete this query"),
}


@require_safe
@require_right("study.view")
def arrivals(request: HttpRequest) -> HttpResponse:
    """Every instance that came, newest first, with the decision made of it."""
    found = Arrival.objects.visible_to(request.user).select_related("site", "image")
    outcome = request.GET.get("outcome", "")
    if outcome in Outcome.values:
        found = found.filter(outcome=outcome)
    page, older = page_of(found, ("id",), request.GET.get("after", ""), PAGE_SIZE)
    context = {
        "arrivals": page,
        "older": older,
        "outcome": outcome,
        "outcomes": Outcome.choices,
        "may_manage": request.user.has_right("site.manage"),
        "managed": request.user.sites_with("site.manage"),
    }
    return render(request, "gateway/arrivals.html", context)


@require_POST
@require_right("site.manage")
def arrival_retry(request: HttpRequest, key: int) -> HttpResponse:
    """A failed one waits again: for after what its reason names was mended."""
    mine = Arrival.objects.visible_to(request.user, "site.manage").select_related("site")
    found = get_object_or_404(mine, pk=key)
    if intake.arrival_retry(acting_user=request.user, arrival=found):
        messages.success(request, _("It will be tried again within seconds."))
    return redirect("incoming:arrivals")


@require_http_methods(["GET", "HEAD", "POST"])
@require_right("site.manage")
def rows(request: HttpRequest, kind: str) -> HttpResponse:
    """The rows of one table; POST adds one."""
    form = _FORMS[kind](request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        _save(request, form, kind, "create")
        return redirect(f"incoming:{kind}")
    context = {"rows": _managed(request, kind), "form": form, "kind": kind}
    return render(request, f"gateway/{kind}.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@require_right("site.manage")
def row(request: HttpRequest, kind: str, key: int) -> HttpResponse:
    found = get_object_or_404(_managed(request, kind), pk=key)
    form = _FORMS[kind](request.user, request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        _save(request, form, kind, "change")
        return redirect(f"incoming:{kind}")
    context = {"row": found, "form": form, "kind": kind, "delete_words": _DELETE[kind]}
    if kind == "pulls":
        context["work_items"] = found.work_items.all()[:PAGE_SIZE]
    return render(request, "gateway/row.html", context)


@require_POST
@require_right("site.manage")
def row_delete(request: HttpRequest, kind: str, key: int) -> HttpResponse:
    found = get_object_or_404(_managed(request, kind), pk=key)
    if kind == "peers" and Pull.objects.filter(peer=found).exists():
        messages.error(request, _("A scheduled query asks this peer. Delete the query first."))
        return redirect("incoming:peers")
    if kind == "pulls" and found.work_items.filter(state__in=OPEN).exists():
        messages.error(request, _("Work of this query is in progress. Wait until it has finished."))
        return redirect("incoming:pulls")
    with transaction.atomic():
        _record(request, found, kind, "delete")
        found.delete()
    return redirect(f"incoming:{kind}")


def _managed(request: HttpRequest, kind: str) -> Any:
    sites = request.user.sites_with("site.manage")
    return _FORMS[kind].Meta.model.objects.filter(site__in=sites).select_related("site")


def _save(request: HttpRequest, form: SiteForm, kind: str, verb: str) -> None:
    with transaction.atomic():
        _record(request, form.save(), kind, verb)


def _record(request: HttpRequest, target: Any, kind: str, verb: str) -> None:
    event_record(
        action=f"{_NOUNS[kind]}.{verb}",
        actor=request.user,
        target=target,
        site=target.site,
        request=request,
    )
