"""The worklist's actions on several studies: export, assign, delete; `reviews` has reports."""

import uuid

from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from pneumoscope.web.accounts.access import require_right
from pneumoscope.web.audit.services import event_record
from pneumoscope.web.studies.bulk import readers_of, studies_assign, studies_delete
from pneumoscope.web.studies.export_csv import export_of
from pneumoscope.web.studies.filters import Filters
from pneumoscope.web.studies.models import Study
from pneumoscope.web.studies.worklist import PAGE_SIZE


@require_safe
@require_right("study.export")
def export(request: HttpRequest) -> HttpResponseBase:
    """All that the filters find, as CSV, written while it is read."""
    filters = Filters(request.user, request.GET.dict())
    if not filters.is_valid():
        # Leaving out what was not understood would export more than was asked for.
        raise BadRequest("A filter is not understood.")
    exportable = request.user.sites_with("study.export")
    studies = filters.studies().filter(site__in=exportable)
    for site_id in studies.order_by().values_list("site", flat=True).distinct():
        event_record(
            action="study.export",
            actor=request.user,
            site=request.user.seats[site_id].site,
            detail={"by": sorted(filters.asked)},
            request=request,
        )
    return export_of(studies, request.user)


@require_POST
@require_right("study.view")
def selection(request: HttpRequest) -> HttpResponseBase:
    """`study`: the keys that were chosen, a page of them at most; `do`: what is to be done."""
    chosen = chosen_keys(request)
    actions = {"export": _export, "assign": _assign, "delete": _delete}
    act = actions.get(request.POST.get("do", ""))
    if act is None or not chosen:
        messages.error(request, _("No study was chosen. Mark studies, then choose what to do."))
        return back_to_worklist(request)
    return act(request, chosen)


def _export(request: HttpRequest, chosen: list[uuid.UUID]) -> HttpResponseBase:
    if not request.user.has_right("study.export"):
        raise PermissionDenied
    studies = Study.objects.visible_to(request.user, "study.export").filter(pk__in=chosen)
    for study in studies:
        event_record(action="study.export", actor=request.user, target=study, request=request)
    return export_of(studies, request.user)


def _assign(request: HttpRequest, chosen: list[uuid.UUID]) -> HttpResponseBase:
    if not request.user.has_right("review.write"):
        raise PermissionDenied
    key = request.POST.get("reader", "")
    reader = readers_of(request.user).filter(pk=key).first() if key.isdecimal() else None
    count = studies_assign(studies=chosen, reader=reader, actor=request.user)
    sentence = (
        _("%(studies)s assigned to %(name)s.") if reader else _("%(studies)s assigned to nobody.")
    )
    words = {"studies": _studies(count), "name": reader and reader.get_username()}
    return _said(request, sentence % words, len(chosen) - count)


def _delete(request: HttpRequest, chosen: list[uuid.UUID]) -> HttpResponseBase:
    if not request.user.has_right("study.delete"):
        raise PermissionDenied
    count, kept = studies_delete(studies=chosen, actor=request.user)
    if kept:
        messages.error(
            request, _("%s kept: a signed report or a review rests on it.") % _studies(kept)
        )
    return _said(request, _("%s deleted.") % _studies(count), len(chosen) - count - kept)


def _said(request: HttpRequest, sentence: str, left: int) -> HttpResponse:
    rest = _("%s left alone: your role there does not allow it.") % _studies(left) if left else ""
    messages.success(request, f"{sentence} {rest}".strip())
    return back_to_worklist(request)


def _studies(count: int) -> str:
    return ngettext("%(n)s study", "%(n)s studies", count) % {"n": count}


def back_to_worklist(request: HttpRequest) -> HttpResponse:
    """As it was filtered when the studies were ticked."""
    query = request.META.get("QUERY_STRING", "")
    return redirect(f"{reverse('studies:worklist')}{'?' if query else ''}{query}")


def chosen_keys(request: HttpRequest) -> list[uuid.UUID]:
    """Studies that were ticked; what is no key is left out."""
    keys = []
    for word in request.POST.getlist("study")[: 4 * PAGE_SIZE]:
        try:
            keys.append(uuid.UUID(word))
        except ValueError:
            continue
    return keys
