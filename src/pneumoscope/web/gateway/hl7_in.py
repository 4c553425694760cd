"""Orders, patient updates and merges from the hospital's systems, and what they change here.

A message is taken in one transaction with the note that it was taken: sent again, because our
answer was lost, it is acknowledged and changes nothing, even if newer ones have come meanwhile.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from ipaddress import ip_network
from threading import Thread
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import close_old_connections, transaction
from django.db.models import Q
from django.utils import timezone

from pneumoscope.interop.hl7v2 import Message, parse
from pneumoscope.interop.hl7v2_ack import acknowledge, read_acknowledgement, respond
from pneumoscope.interop.hl7v2_inbound import Order as ToldOrder
from pneumoscope.interop.hl7v2_inbound import Patient, PatientMerge, PatientUpdate, Told
from pneumoscope.interop.hl7v2_text import Hl7Error
from pneumoscope.interop.mllp import MllpServer
from pneumoscope.web.accounts.models import Site
from pneumoscope.web.audit.services import event_record
from pneumoscope.web.gateway.models import Hl7Message, KnownPatient, Order
from pneumoscope.web.gateway.patients import study_settle
from pneumoscope.web.studies.headers import text_fitted
from pneumoscope.web.studies.models import Study


@contextmanager
def hl7_listener(host: str, port: int) -> Iterator[int]:
    """Receive while the context lasts; gives the port. Raises OSError."""
    allowed = [ip_network(each) for each in settings.PNEUMOSCOPE_HL7_ALLOWED]

    def answer(data: bytes) -> bytes:
        try:
            return message_answer(data)
        finally:
            close_old_connections()

    server = MllpServer((host, port), answer, allowed=allowed)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="hl7")
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def message_answer(data: bytes) -> bytes:
    """The acknowledgement, once what the message tells is committed; nothing is raised."""
    try:
        message = parse(data, settings.PNEUMOSCOPE_HL7_CHARACTER_SET)
    except Hl7Error:
        message = None
    with transaction.atomic():
        return _taken(message, data) if message else _answered(data, lambda _: None)


def _taken(message: Message, data: bytes) -> bytes:
    """Call it inside a transaction, which is rolled back where the answer is not AA."""
    site = site_of(message)
    header = message.header
    named = {
        "site": site,
        "sender": text_fitted(f"{header.text(3)}|{header.text(4)}", 255),
        "control_id": text_fitted(message.control_id, 199),
    }
    if message.control_id and Hl7Message.objects.filter(**named).exists():
        return acknowledge(message)
    answer = _answered(data, partial(told_accept, site))
    if read_acknowledgement(answer).verdict != "AA":
        transaction.set_rollback(True)
    elif message.control_id:
        Hl7Message.objects.create(kind=text_fitted(message.kind, 20), **named)
    return answer


def _answered(data: bytes, accept: Callable[[Told], None]) -> bytes:
    default = settings.PNEUMOSCOPE_HL7_CHARACTER_SET
    return respond(data, accept, default_character_set=default)


def site_of(message: Message) -> Site:
    """By the receiving facility (MSH-6), where it is a site's code; else as set; else the first.

    Raises Site.DoesNotExist where there is none.
    """
    sites = Site.objects.filter(active=True).order_by("pk")
    for code in (message.header.text(6), settings.PNEUMOSCOPE_HL7_SITE):
        if code and (found := sites.filter(code__iexact=code).first()):
            return found
    return sites.earliest("pk")


def told_accept(site: Site, told: Told) -> None:
    """Keep what was told, and bring the studies it is about in line. Call it inside a transaction.

    Patient numbers are compared without their authority: a site has one.
    """
    match told:
        case ToldOrder():
            _order_keep(site, told)
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


def _order_keep(site: Site, told: ToldOrder) -> None:
    limits = {
        field.name: field.max_length
        for field in Order._meta.concrete_fields  # noqa: SLF001 - Django's documented API
        if field.max_length
    }
    values = {
        name: text_fitted(getattr(told, name), length)
        for name, length in limits.items()
        if hasattr(told, name)
    }
    scheduled = told.scheduled and timezone.make_aware(told.scheduled, ZoneInfo(site.time_zone))
    values |= {"indication": told.indication, "scheduled": scheduled}
    order, _ = Order.objects.update_or_create(
        site=site,
        placer_order_number=values.pop("placer_order_number"),
        accession_number=values.pop("accession_number"),
        defaults=values | {"patient_id": text_fitted(told.patient.id, 64)},
    )
    event_record(action="order.receive", actor=None, target=order, detail={"control": told.control})
    here = (
        Q(study_instance_uid=order.study_instance_uid) if order.study_instance_uid else Q(pk=None)
    )
    if order.accession_number:
        here |= Q(accession_number=order.accession_number)
    for study in Study.objects.filter(here, site=site):
        study_settle(study)


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
