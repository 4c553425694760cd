"""FHIR search parameters as conditions on our tables (https://hl7.org/fhir/R4/search.html).

A parameter that is not supported is refused: to ignore one would show more patients than asked for.
"""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from django.db.models import Q

from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.interop.fhir_bundle import SEARCH_PARAMETERS
from pneumoscope.interop.fhir_subject import DICOM_UID
from pneumoscope.interop.reported import lasting_id
from pneumoscope.web.accounts.models import Site
from pneumoscope.web.gateway.models import FhirEntry
from pneumoscope.web.gateway.telling import own_id_system

MOST = 100
USUAL = 20
PAGING = frozenset({"_count", "_offset", "_format"})
_OF_ENTRIES = {"issued": "at"}
_DATE = re.compile(
    r"(eq|ne|ge|le|gt|lt|sa|eb)?(\d{4}(?:-\d\d(?:-\d\d(?:T\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)?)?)?)?)",
    re.ASCII,
)


class BadSearch(PneumoscopeError):
    """A search that cannot be obeyed."""

    code = "bad_search"
    remedy = "GET /fhir/metadata lists the parameters of each resource type."


def condition(kind: str, parameters: Iterable[tuple[str, str]], sites: list[Site]) -> Q:
    """Of the resources of a kind, as entries. Raises BadSearch."""
    return all_of(parameters, lambda name, value: _one(kind, name, value, sites))


def all_of(parameters: Iterable[tuple[str, str]], one: Callable[[str, str], Q]) -> Q:
    """All parameters together; values divided by commas are alternatives, each `one(name, value)`.

    Raises BadSearch.
    """
    found = Q()
    for name, value in parameters:
        if name in PAGING:
            continue
        if "\x00" in value:
            raise BadSearch(f"{name} holds a NUL character.")
        either = Q(pk=None)
        for each in value.split(","):
            either |= one(name, each.strip())
        found &= either
    return found


def page_of(parameters: dict[str, str]) -> tuple[int, int]:
    """(offset, count). Raises BadSearch."""
    try:
        count, offset = int(parameters.get("_count", USUAL)), int(parameters.get("_offset", 0))
    except ValueError:
        raise BadSearch("_count and _offset are numbers.") from None
    if count < 0 or not 0 <= offset < 1 << 62:
        raise BadSearch("_count and _offset are not negative.")
    return offset, min(count, MOST)


def date_condition(field: str, value: str, *, whole_days: bool = False) -> Q:
    """A date parameter, with its prefix, as a condition on a column. Raises BadSearch."""
    found = _DATE.fullmatch(value)
    try:
        start, end = _span(found[2]) if found else (None, None)
    except (ValueError, OverflowError):
        start = end = None
    if found is None or start is None or end is None:
        raise BadSearch(f"{value[:40]!r} is no date or time.")
    first: datetime | date = start
    after: datetime | date = end
    if whole_days:
        first, after = start.date(), max(end.date(), start.date() + timedelta(days=1))
    inside = Q(**{f"{field}__gte": first, f"{field}__lt": after})
    by_prefix = {
        "ne": ~inside,
        "ge": Q(**{f"{field}__gte": first}),
        "gt": Q(**{f"{field}__gte": after}),
        "sa": Q(**{f"{field}__gte": after}),
        "le": Q(**{f"{field}__lt": after}),
        "lt": Q(**{f"{field}__lt": first}),
        "eb": Q(**{f"{field}__lt": first}),
    }
    return by_prefix.get(found[1] or "eq", inside)


def uuid_of(text: str) -> UUID | None:
    """The id of a reference or identifier: bare, "Type/id", an address of it, or a URN."""
    try:
        return UUID(text.rpartition("/")[2])
    except ValueError:
        return None


def _one(kind: str, name: str, value: str, sites: list[Site]) -> Q:
    if name not in {"_id", *SEARCH_PARAMETERS[kind]}:
        raise BadSearch(f"{kind} is not searched by {name!r}.")
    if name == "started":
        return date_condition("analysis__image__study__study_date", value, whole_days=True)
    if name in _OF_ENTRIES:
        return date_condition(_OF_ENTRIES[name], value)
    if name == "status":
        return Q(status=value.rpartition("|")[2])
    if name == "patient":
        return _if(uuid_of(value), lambda found: Q(patient=found))
    if name == "target":
        return _if(uuid_of(value), _made_with)
    if name == "identifier":
        return _identified(kind, value, sites)
    return _if(uuid_of(value), lambda found: Q(resource_id=found))


def _if(found: UUID | None, made: Callable[[UUID], Q]) -> Q:
    return Q(pk=None) if found is None else made(found)


def _made_with(resource_id: UUID) -> Q:
    """Of the same analysis as another resource."""
    entries = FhirEntry.objects.filter(
        resource_id=resource_id, resource_type__in=["DiagnosticReport", "Observation"]
    )
    return Q(analysis__in=entries.values("analysis"))


def _identified(kind: str, token: str, sites: list[Site]) -> Q:
    """By an identifier, `system|value` or the value alone."""
    system, bar, value = token.rpartition("|")
    if kind == "Patient":
        systems = [system] if bar else [own_id_system(site) for site in sites]
        return Q(resource_id__in=[lasting_id("Patient", each, value) for each in systems])
    if kind == "ImagingStudy":
        uid = value.removeprefix("urn:oid:")
        named = Q(resource_id=lasting_id("ImagingStudy", uid))
        by_accession = Q(analysis__image__study__accession_number=value)
        return named if system == DICOM_UID or uid != value else by_accession
    return _if(uuid_of(value), lambda found: Q(resource_id=found))


def _span(text: str) -> tuple[datetime, datetime]:
    """The time that a date of any precision stands for: from inclusive, to exclusive."""
    moment = datetime.fromisoformat(text + "-01-01"[: 10 - len(text)] if len(text) < 10 else text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if len(text) == 4:
        return moment, moment.replace(year=moment.year + 1)
    if len(text) == 7:
        return moment, (moment + timedelta(days=32)).replace(day=1)
    if len(text) == 10:
        return moment, moment + timedelta(days=1)
    seconds = text.count(":") - (1 if text[-6] in "+-" else 0)
    return moment, moment + (timedelta(seconds=1) if seconds == 2 else timedelta(minutes=1))
