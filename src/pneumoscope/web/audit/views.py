"""The audit trail, for auditors. Reading it is an event too."""

import csv
import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from pneumoscope.web.accounts.access import require_right
from pneumoscope.web.accounts.models import Site
from pneumoscope.web.audit.actions import ACTIONS
from pneumoscope.web.audit.models import Event
from pneumoscope.web.audit.search import Search, page_of
from pneumoscope.web.audit.services import event_record

COLUMNS = ["at", "person", "action", "object", "study", "patient", "address", "detail"]
# With one of these at its start a spreadsheet takes a cell for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@require_safe
@require_right("audit.view")
def events(request: HttpRequest) -> HttpResponse:
    search = Search(request.user, request.GET)
    found, older = page_of(search.events(), request.GET.get("before", ""))
    _note(request, "audit.view", search)
    rows = [(event, ACTIONS.get(event.action, event.action)) for event in found]
    context = {"search": search, "rows": rows, "older": older, "first": "before" not in request.GET}
    return render(request, "audit/events.html", context)


@require_safe
@require_right("audit.view")
def export(request: HttpRequest) -> HttpResponse:
    """All that was found, as CSV, written while it is read."""
    search = Search(request.user, request.GET)
    found = search.events()
    _note(request, "audit.export", search)
    response = StreamingHttpResponse(_csv(found.iterator(chunk_size=2000)), content_type="text/csv")
    response.headers["Content-Disposition"] = 'attachment; filename="audit.csv"'
    return response


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


def _csv(found: Iterable[Event]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for event in found:
        yield writer.writerow([_cell(value) for value in _values(event)])


def _values(event: Event) -> list[Any]:
    return [
        event.at.isoformat(),
        event.actor.get_username() if event.actor else "",
        event.action,
        f"{event.object_type} {event.object_id}".strip(),
        event.study or "",
        event.patient,
        event.address or "",
        json.dumps(event.detail, sort_keys=True) if event.detail else "",
    ]


def _cell(value: Any) -> str:
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


class _Echo:
    """A file for `csv` that gives each line back."""

    def write(self, line: str) -> str:
        return line
