"""Brings a study in line with what the hospital has said of its patient and its order.

Whichever comes first, the study or the message: `study_settle` is called for both.
"""

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from pneumoscope.web.audit.services import event_record
from pneumoscope.web.gateway.fhir_index import entries_renew
from pneumoscope.web.gateway.models import Delivery, KnownPatient, Order, Told
from pneumoscope.web.gateway.models.deliveries import Stage
from pneumoscope.web.gateway.models.destinations import Kind
from pneumoscope.web.reviews.models import Report
from pneumoscope.web.studies.models import Study
from pneumoscope.web.studies.summary import study_refresh

# A chain of merges as long as this is a circle.
_LONGEST_CHAIN = 20


@transaction.atomic
def study_settle(study: Study) -> Study:
    """Apply what is known: the surviving patient, their data, the order.

    Returns the study that holds the images now: another one, where a merge made two of them one.
    """
    study = patient_apply(study)
    orders_tie(study)
    return study


def patient_apply(study: Study) -> Study:
    """Write the patient as the hospital knows them now, with an event for what changed."""
    number = surviving(study.site_id, study.patient_id)
    known = KnownPatient.objects.filter(site=study.site_id, patient_id=number).first()
    if not study.patient_id or known is None:
        return study
    said = {"patient_id": number, "patient_name": known.name, "sex": known.sex}
    changed = {
        name: value
        for name, value in said.items()
        if value is not None and value != getattr(study, name)
    }
    # Kept with what was told of each result, not with the study.
    told = Told.objects.filter(analysis__image__study=study)
    if known.birth_date and told.exclude(birth_date=known.birth_date).exists():
        changed["birth_date"] = known.birth_date
    if not changed:
        return study
    other = _same_study(study, number) if "patient_id" in changed else None
    if other and _reports(study, other) == 2:
        # Two reports cannot become one: the studies stay two until a person has decided.
        return study
    event_record(
        action="study.patient_correct", actor=None, target=study, detail={"of": sorted(changed)}
    )
    study = _united(study, other) if other else study
    if born := changed.pop("birth_date", None):
        Told.objects.filter(analysis__image__study=study).update(birth_date=born)
    for name, value in changed.items():
        setattr(study, name, value)
    study.save(update_fields=list(changed))
    entries_renew(study)
    _resources_send_again(study)
    return study


def _resources_send_again(study: Study) -> None:
    """A FHIR server hears of no merge by itself; an archive and a RIS have the same messages as we.

    What is on its way may be as it was before: it goes again when its claim has run out.
    """
    written = Delivery.objects.filter(analysis__image__study=study, kind=Kind.FHIR)
    written.filter(stage=Stage.SENDING).update(
        stage=Stage.RETRY,
        claim_token=None,
        error_code="patient_corrected",
        error_text="The patient was corrected while it was sent.",
        remedy="Nothing to do: it is sent again.",
    )
    written.filter(stage__in=(Stage.DELIVERED, Stage.DEAD)).update(
        stage=Stage.PENDING, due=timezone.now(), attempts=0
    )


def surviving(site_id: int, patient_id: str) -> str:
    """The number under which a patient is kept now."""
    for _ in range(_LONGEST_CHAIN):
        merged = KnownPatient.objects.filter(site=site_id, patient_id=patient_id)
        further = merged.values_list("merged_into", flat=True).first()
        if not further:
            break
        patient_id = further
    return patient_id


def orders_tie(study: Study) -> None:
    """Tie orders of the study's accession number or UID, if they are not of another patient."""
    match = Q(pk=None)
    if study.accession_number:
        match |= Q(accession_number=study.accession_number)
    if study.study_instance_uid:
        match |= Q(study_instance_uid=study.study_instance_uid)
    for order in Order.objects.filter(match, site=study.site_id, study=None):
        theirs = surviving(study.site_id, order.patient_id)
        if not theirs or not study.patient_id or theirs == study.patient_id:
            Order.objects.filter(pk=order.pk).update(study=study)


def _same_study(study: Study, patient_id: str) -> Study | None:
    """The surviving patient's study of the same UID; the database allows one."""
    if study.study_instance_uid is None:
        return None
    same = {"site": study.site_id, "study_instance_uid": study.study_instance_uid}
    return Study.objects.filter(patient_id=patient_id, **same).first()


def _reports(*studies: Study) -> int:
    return Report.objects.filter(study__in=studies).count()


def _united(study: Study, other: Study) -> Study:
    """Everything of `study` becomes the other's, which is left; of what there is one, its own."""
    for relation in Study._meta.related_objects:  # noqa: SLF001 - Django's documented API
        rows, name = relation.related_model.objects, relation.field.name
        if not (relation.one_to_one and rows.filter(**{name: other}).exists()):
            rows.filter(**{name: study}).update(**{name: other})
    study.delete()
    study_refresh(other.pk)
    other.refresh_from_db()
    return other
