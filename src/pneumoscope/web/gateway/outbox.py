"""Writes down what is to be sent: for each finished analysis one row per destination and object.

A finished analysis is found by looking for it; no other app knows of the gateway. Its rows and the
note that they are written are one transaction, so that it is told once and never forgotten.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import Count, F, Max, Q, QuerySet
from django.utils import timezone

from pneumoscope.web.gateway.fhir_index import entries_write
from pneumoscope.web.gateway.held_headers import birth_date, headers_of
from pneumoscope.web.gateway.models import Delivery, Destination, Told, ToldReading, ToldReport
from pneumoscope.web.gateway.models.deliveries import Stage, sources_of
from pneumoscope.web.gateway.models.destinations import OBJECT_KINDS, REPORT_KINDS, Kind
from pneumoscope.web.gateway.patients import study_settle
from pneumoscope.web.reviews.models import Reading, Report
from pneumoscope.web.reviews.states import ReadingState
from pneumoscope.web.studies.models import Analysis

logger = logging.getLogger(__name__)

BATCH = 50
# Readings for which nobody is waited any more.
COMPLETED = (ReadingState.READ, ReadingState.CONFIRMED, ReadingState.ADJUDICATED)
# Keys are given out before they are committed: a transaction that took a key may still be open
# while later ones are told. No more than this many run at once.
_OPEN_TRANSACTIONS = 1000


def analyses_tell() -> int:
    """Write the deliveries of the next finished analyses; returns of how many."""
    found = list(analyses_untold()[:BATCH])
    for analysis in found:
        try:
            analysis_tell(analysis)
        except IntegrityError:
            logger.info("analysis %d was told by another process", analysis.pk)
        except DatabaseError:
            raise
        except Exception as error:
            # One result that cannot be told must not hold up those after it.
            logger.exception("analysis %d cannot be told", analysis.pk)
            Told.objects.create(analysis=analysis, failure=type(error).__name__)
    return len(found)


def analysis_tell_again(told: Told) -> bool:
    """For one that failed; where it fails again, the note of it stays. False: it failed."""
    try:
        with transaction.atomic():
            Told.objects.filter(pk=told.pk).delete()
            analysis_tell(told.analysis)
    except DatabaseError:
        raise
    except Exception:
        logger.exception("analysis %d cannot be told", told.analysis_id)
        return False
    return True


def analyses_untold() -> QuerySet[Analysis]:
    """Oldest first."""
    last = Told.objects.aggregate(last=Max("pk"))["last"] or 0
    untold = Analysis.objects.filter(pk__gt=last - _OPEN_TRANSACTIONS, told=None).order_by("pk")
    return untold.select_related("image__study__site", "model_version")


@transaction.atomic
def analysis_tell(analysis: Analysis) -> None:
    """Raises IntegrityError where it is told already."""
    analysis.image.study = study_settle(analysis.image.study)
    header = headers_of([analysis.image])[analysis.image_id]
    Told.objects.create(analysis=analysis, birth_date=birth_date(header))
    entries_write(analysis)
    Delivery.objects.bulk_create(list(_deliveries(analysis)))


def _deliveries(analysis: Analysis) -> Iterator[Delivery]:
    site = analysis.image.site_id
    available = object_kinds(analysis)
    for destination in Destination.objects.filter(site=site, enabled=True):
        for kind in destination.kinds(available) if destination.wants(analysis) else ():
            yield Delivery(
                destination=destination,
                analysis=analysis,
                site_id=site,
                kind=kind,
                urgent=bool(analysis.positive),
            )


def reports_tell() -> None:
    """Write deliveries of reports signed, or added to, since the last time."""
    signed = Report.objects.filter(signed__isnull=False, analysis__told__isnull=False)
    signed = signed.annotate(count=Count("addenda"))
    untold = signed.filter(Q(told=None) | ~Q(told__addenda=F("count")))
    chosen = untold.select_related("study__site", "analysis__image__study__site")[:BATCH]
    _tell_each(chosen, lambda report: report_tell(report, report.count))


def readings_tell() -> None:
    """Write the webhooks' deliveries of readings completed, or changed, since the last time."""
    done = Reading.objects.filter(state__in=COMPLETED, analysis__told__isnull=False)
    untold = done.filter(Q(told=None) | ~Q(told__changed=F("changed"))).order_by("changed", "pk")
    _tell_each(untold.select_related("analysis__image")[:BATCH], reading_tell)


def _tell_each(found: Iterable[Any], tell: Callable[[Any], None]) -> None:
    """As with results, one that cannot be told holds up no other; the next round tries it again."""
    for each in found:
        try:
            tell(each)
        except DatabaseError:
            raise
        except Exception:
            logger.exception("%s %d cannot be told", type(each).__name__, each.pk)


@transaction.atomic
def reading_tell(reading: Reading) -> None:
    """Told again, as another event, where a reader thought again."""
    analysis, site = reading.analysis, reading.analysis.image.site_id
    written = Delivery.objects.filter(analysis=analysis, kind=Kind.REVIEWED)
    if written.filter(stage=Stage.SENDING).exists():
        return  # what is on its way may be as it was before: the next time
    ToldReading.objects.update_or_create(reading=reading, defaults={"changed": reading.changed})
    written.filter(stage__in=sources_of(Stage.PENDING)).update(
        stage=Stage.PENDING, due=timezone.now(), attempts=0
    )
    told = set(written.values_list("destination", flat=True))
    for destination in Destination.objects.filter(site=site, enabled=True).exclude(pk__in=told):
        if destination.wants_review(analysis, reading.changed):
            Delivery.objects.create(
                destination=destination, analysis=analysis, site_id=site, kind=Kind.REVIEWED
            )


@transaction.atomic
def report_tell(report: Report, addenda: int) -> None:
    """Resources and messages are sent again, now final; as a PDF it is an object of its own, and
    with an addendum another one, which leaves the one before as it was.
    """
    analysis = report.analysis
    written = Delivery.objects.filter(analysis=analysis, kind__in=REPORT_KINDS)
    if written.filter(stage=Stage.SENDING).exists():
        return  # what is on its way may be without the report or addendum: the next time
    ToldReport.objects.update_or_create(report=report, defaults={"addenda": addenda})
    entries_write(analysis)
    written.filter(stage__in=sources_of(Stage.PENDING)).update(
        stage=Stage.PENDING, due=timezone.now(), attempts=0
    )
    told = set(written.values_list("destination", flat=True))
    site = report.study.site_id
    for destination in Destination.objects.filter(site=site, enabled=True).exclude(pk__in=told):
        kind = destination.report_kind(analysis, report.signed)
        if kind and (kind != Kind.PDF or object_kinds(analysis)):
            Delivery.objects.create(
                destination=destination, analysis=analysis, site_id=site, kind=kind
            )


def object_kinds(analysis: Analysis) -> tuple[str, ...]:
    """As `interop.objects.kinds_for`, without making anything; none for what came without UIDs."""
    image = analysis.image
    if not (image.sop_instance_uid and image.study.study_instance_uid):
        return ()
    if analysis.probability is None:
        return (Kind.SR,)
    if not analysis.positive:
        return (Kind.SR, Kind.SC)
    drawn = bool(analysis.record["regions"])
    return OBJECT_KINDS if drawn else (Kind.SR, Kind.SC, Kind.KO)
