"""Orders and patients as the hospital's systems tell of them, and what they change here."""

from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils import timezone

from pneumoscope.interop.hl7v2_inbound import Order as ToldOrder
from pneumoscope.interop.hl7v2_inbound import Patient, PatientMerge, PatientUpdate, Told
from pneumoscope.web.accounts.models import Site
from pneumoscope.web.audit.services import event_record
from pneumoscope.web.gateway.models import KnownPatient, Order
from pneumoscope.web.gateway.patients import study_settle
from pneumoscope.web.studies.headers import text_fitted
from pneumoscope.web.studies.models import Study


def told_accept(site: Site, told: Told) -> None:
    """Keep what was told, and bring the studies it is about in line. Call it inside a transaction.

    Patient numbers are compared without their authority: a site has one.
    """
    match told:
        case ToldOrder():
            order_keep(site, told)
        case PatientUpdate():
            _patient_keep(site, told.patient)
            _studies_settle(site, {told.patient.id})
        case PatientMerge():
            _patient_keep(site, told.surviving)
            # Whoever survives is not merged away, whatever an earlier message said.
            KnownPatient.objects.filter(site=site, patient_id=told.surviving.id).update(
                merged_into=""
            )
            merged = {number for number, _ in told.merged} - {told.surviving.id}
            for number in merged:
                _patient_merge(site, number, told.surviving.id)
            _studies_settle(site, merged | {told.surviving.id})


def order_keep(site: Site, told: ToldOrder) -> bool:
    """Keep an order, and tie it to its studies; returns whether anything of it was new.

    What was said replaces what was known; what was not said stays. Call it inside a transaction.
    """
    values = _order_values(site, told)
    named = {name: values.pop(name) for name in ("placer_order_number", "accession_number")}
    known = Order.objects.filter(site=site, **named)
    if known.filter(**values).exists():
        return False
    order, _ = Order.objects.update_or_create(site=site, **named, defaults=values)
    event_record(action="order.receive", actor=None, target=order, detail={"control": told.control})
    here = Q(pk=None)
    if order.study_instance_uid:
        here |= Q(study_instance_uid=order.study_instance_uid)
    if order.accession_number:
        here |= Q(accession_number=order.accession_number)
    for study in Study.objects.filter(here, site=site):
        study_settle(study)
    return True


def _order_values(site: Site, told: ToldOrder) -> dict[str, Any]:
    """Of the columns that `told` says something of; its two names always."""
    texts = {
        field.name: text_fitted(getattr(told, field.name), field.max_length)
        for field in Order._meta.concrete_fields  # noqa: SLF001 - Django's documented API
        if field.max_length and hasattr(told, field.name)
    }
    scheduled = told.scheduled and timezone.make_aware(told.scheduled, ZoneInfo(site.time_zone))
    more = {
        "patient_id": text_fitted(told.patient.id, 64),
        "indication": told.indication.replace("\0", ""),
        "scheduled": scheduled,
    }
    said = {name: value for name, value in (texts | more).items() if value}
    return {"placer_order_number": "", "accession_number": "", **said}


def _patient_keep(site: Site, patient: Patient) -> None:
    """What was said replaces what was known; what was not said stays."""
    said = {
        "name": None if patient.name is None else text_fitted(patient.name, 324),
        "birth_date": patient.birth_date,
        "sex": patient.sex,
    }
    KnownPatient.objects.update_or_create(
        site=site,
        patient_id=text_fitted(patient.id, 64),
        defaults={name: value for name, value in said.items() if value is not None},
    )


def _patient_merge(site: Site, number: str, into: str) -> None:
    KnownPatient.objects.update_or_create(
        site=site,
        patient_id=text_fitted(number, 64),
        defaults={"merged_into": text_fitted(into, 64)},
    )


def _studies_settle(site: Site, numbers: set[str]) -> None:
    for study in Study.objects.filter(site=site, patient_id__in=numbers):
        study_settle(study)
