"""Orders from a RIS's modality worklist: kept, and tied to studies, as those that HL7 tells of."""

import logging
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from pneumoscope.interop.hl7v2_inbound import Order, Patient
from pneumoscope.interop.modality_worklist import ScheduledStep, WorklistQuery, find_worklist
from pneumoscope.web.gateway.fetching import OVERLAP, dicom_peer
from pneumoscope.web.gateway.models import Pull
from pneumoscope.web.gateway.models.rules import words
from pneumoscope.web.gateway.told import order_keep

logger = logging.getLogger(__name__)

_AHEAD = timedelta(days=7)


def worklist_ask(pull: Pull) -> int:
    """Ask for what is scheduled from two days back to a week ahead; returns how many orders were
    new or changed. Raises DeliveryError subclasses.
    """
    today = timezone.now().date()
    steps: list[ScheduledStep] = []
    for modality in sorted(words(pull.modalities)) or [""]:
        wanted = WorklistQuery(
            since=max(pull.since, today - OVERLAP),
            until=max(pull.since, today) + _AHEAD,
            modality=modality,
            station_ae_title=pull.station,
        )
        steps += find_worklist(dicom_peer(pull.peer), wanted)
    orders = [order_of_step(step) for step in steps]
    named = [each for each in orders if each.placer_order_number or each.accession_number]
    if len(named) < len(orders):
        logger.warning("pull %d: %d steps without a number", pull.pk, len(orders) - len(named))
    with transaction.atomic():
        return sum(order_keep(pull.site, order) for order in named)


def order_of_step(step: ScheduledStep) -> Order:
    """As if HL7 had told of it; a worklist has no order control."""
    patient = Patient(
        id=step.patient_id,
        authority=step.patient_id_issuer,
        name=step.patient_name,
        birth_date=step.patient_birth_date,
        sex=step.patient_sex,
    )
    return Order(
        control="",
        patient=patient,
        placer_order_number=step.placer_order_number,
        filler_order_number=step.filler_order_number,
        accession_number=step.accession_number,
        study_instance_uid=step.study_instance_uid,
        procedure_code=step.procedure_code,
        procedure_text=step.procedure_text or step.step_text,
        modality=step.modality,
        priority=step.priority,
        indication=step.indication,
        scheduled=step.start,
    )
