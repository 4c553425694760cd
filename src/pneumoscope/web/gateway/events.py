"""What a webhook is told of: results, completed reviews and signed reports, without names.

An event has one identity for good; told again after a reader thought again, or with an addendum, it
is another event. What was asked to be sent again is the same one.
"""

from typing import Any

from pneumoscope.interop.reported import lasting_id
from pneumoscope.interop.webhook import event
from pneumoscope.web.gateway.models import Delivery
from pneumoscope.web.gateway.models.destinations import Event, Kind
from pneumoscope.web.gateway.telling import reported_study
from pneumoscope.web.reviews.models import Kind as ReviewKind
from pneumoscope.web.reviews.models import Reading, Report
from pneumoscope.web.studies.models import Analysis


def event_told(delivery: Delivery) -> dict[str, Any]:
    """The body of a webhook's message, of what is so now."""
    analysis = delivery.analysis
    told = event(reported_study(analysis))
    match delivery.kind:
        case Kind.REVIEWED:
            return told | _review(analysis)
        case Kind.SIGNED:
            return told | _report(analysis)
        case _:
            return told


def _review(analysis: Analysis) -> dict[str, Any]:
    """The adjudication where there is one, else the last of the readers' words."""
    reading = Reading.objects.get(analysis=analysis)
    live = list(reading.reviews.filter(superseded=None))
    last = max(live, key=lambda each: (each.kind == ReviewKind.ADJUDICATION, each.created))
    return {
        "event": str(Event.REVIEWED),
        "id": lasting_id("webhook", "review", str(reading.pk), reading.changed.isoformat()),
        "review": {
            "state": reading.state.lower(),
            "agreement": last.agreement,
            "label": last.label or None,
            "readers": len({each.reader_id for each in live}),
            "completed": reading.changed.isoformat(timespec="seconds"),
        },
    }


def _report(analysis: Analysis) -> dict[str, Any]:
    report = Report.objects.get(analysis=analysis, signed__isnull=False)
    addenda = report.addenda.count()
    return {
        "event": str(Event.SIGNED),
        "id": lasting_id("webhook", "report", str(report.pk), str(addenda)),
        "report": {"signed": report.signed.isoformat(timespec="seconds"), "addenda": addenda},
    }
