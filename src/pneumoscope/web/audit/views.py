"""The audit trail, for auditors. Reading it is an event too."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from pneumoscope.web.accounts.access import require_right
from pneumoscope.web.accounts.models import Site, User
from pneumoscope.web.audit.actions import ACTIONS
from pneumoscope.web.audit.csv_answer import csv_answer
from pneumoscope.web.audit.keyset import page_of
from pneumoscope.web.audit.models import Event
from pneumoscope.web.audit.search import ORDER, Search
from pneumoscope.web.audit.services import event_record

COLUMNS = ["at", "person", "action", "object", "study", "patient", "address", "detail"]
PAGE_SIZE = 100
PERSON = "accounts.user"


@require_safe
@require_right("audit.view")
def events(request: HttpRequest) -> HttpResponse:
    search = Search(request.user, request.GET)
    found, older = page_of(search.events(), ORDER, request.GET.get("before", ""), PAGE_SIZE)
    _note(request, "audit.view", search)
    names = _names(found)
    rows = [(each, ACTIONS.get(each.action, each.action), names.get(each.pk)) for each in found]
    context = {"search": search, "rows": rows, "older": older, "first": "before" not in request.GET}
    return render(request, "audit/events.html", context)


@require_safe
@require_right("audit.view")
def export(request: HttpRequest) -> HttpResponseBase:
    """All that was found, as CSV, written while it is read."""
    search = Search(request.user, request.GET)
    _note(request, "audit.export", search)
    found = search.events().iterator(chunk_size=2000)
    return csv_answer(COLUMNS, map(_values, found), name="audit.csv")


def _names(found: list[Event]) -> dict[int, str]:
    """Of whom events tell, by the events' keys."""
    about = {event.pk: event.object_id for event in found if event.object_type == PERSON}
    people = User.objects.filter(pk__in=set(about.values())).values_list("pk", "username")
    names = {str(key): name for key, name in people}
    return {event: names[key] for event, key in about.items() if key in names}


def _note(request: HttpRequest, action: str, search: Search) -> None:
    """Which questions were asked; not for whom: that may be a patient's ID."""
    asked = search.cleaned_data if search.is_valid() else {}
    site_id = search.keys.get(asked.get("site", ""))
    event_record(
        action=action,
        actor=request.user,
        site=Site.objects.get(pk=site_id) if site_id else None,
        detail={"by": sorted(name for name, value in asked.items() if value)},
        request=request,
    )


def _values(event: Event) -> list[Any]:
    return [
        event.at.isoformat(),
        event.actor and event.actor.get_username(),
        event.action,
        f"{event.object_type} {event.object_id}".strip(),
        event.study,
        event.patient,
        event.address,
        json.dumps(event.detail, sort_keys=True) if event.detail else None,
    ]
