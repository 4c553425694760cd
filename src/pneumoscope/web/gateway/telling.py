"""From a stored analysis back to the values that interop tells: `ReportedStudy` and `Finding`.

A result has one identity for good, whatever version of this software states it: sent again it is
the same objects, resources and messages. Who the patient is and what was ordered are asked at the
time of telling, so that a correction is in whatever is told after it.
"""

from typing import Any

from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import to_locale
from pydicom.dataset import Dataset

from pneumoscope.core.decode_guard import parser_faults, parser_warnings
from pneumoscope.core.dicom_file import DicomFile
from pneumoscope.interop.finding import Finding
from pneumoscope.interop.reported import (
    HeldInstance,
    ReportedStudy,
    SignedReport,
    lasting_id,
)
from pneumoscope.web.accounts.models import Site
from pneumoscope.web.gateway.models import KnownPatient, Order
from pneumoscope.web.gateway.recorded import (
    model_of,
    outcome,
    prediction_of,
    quality_of,
    regions_of,
)
from pneumoscope.web.gateway.stated import states_result
from pneumoscope.web.reviews.models import Report
from pneumoscope.web.studies.models import Analysis, Image, Study


def result_id(analysis: Analysis) -> str:
    """One image read by one model, for good."""
    return lasting_id("result", str(analysis.image_id), analysis.model_version.bundle_hash)


def reported_study(analysis: Analysis, *, patient_id_system: str = "") -> ReportedStudy:
    """The result in plain values. `patient_id_system`: whose the patient numbers are."""
    image, study = analysis.image, analysis.image.study
    order = order_of(study)
    return ReportedStudy(
        result_id=result_id(analysis),
        issued=analysis.created,
        model=model_of(analysis),
        quality=quality_of(analysis),
        prediction=prediction_of(analysis),
        regions=regions_of(analysis),
        patient_id_system=patient_id_system or own_id_system(study.site),
        **_patient(analysis),
        study_instance_uid=study.study_instance_uid or "",
        series_instance_uid=image.series_instance_uid,
        sop_instance_uid=image.sop_instance_uid,
        sop_class_uid=image.sop_class_uid,
        modality=image.modality,
        held=_held(image),
        study_date=study.study_date,
        accession_number=study.accession_number or (order.accession_number if order else ""),
        order_number=order.placer_order_number if order else "",
        procedure_code=order.procedure_code if order else "",
        procedure_text=order.procedure_text if order else "",
        site=study.site.name,
        link=_link(study),
        report=_signed_report(analysis),
    )


def finding(analysis: Analysis) -> Finding:
    """The result as DICOM objects state it. Raises DecodeError or SourceIncomplete."""
    with analysis.image.file.open("rb") as file:
        data = file.read()
    header = _corrected(_header(data), analysis.image.study)
    card = analysis.model_version.card
    return Finding(
        image=header,
        analysis=outcome(analysis.pk),
        produced=analysis.created,
        operating_point=analysis.record.get("operating_point") or "",
        population=card.get("population", {}).get("description", ""),
        identity=result_id(analysis),
    )


def order_of(study: Study) -> Order | None:
    """The order last told for this study, cancelled ones too: the image was taken."""
    return study.orders.first()


def own_id_system(site: Site) -> str:
    """Who gave out the patient numbers, where no one has said: this site."""
    return settings.PNEUMOSCOPE_PATIENT_ID_SYSTEM or (
        f"urn:uuid:{lasting_id('patient numbers', site.code)}"
    )


def _signed_report(analysis: Analysis) -> SignedReport | None:
    signed = Report.objects.filter(analysis=analysis, signed__isnull=False)
    report = signed.select_related("signed_by").first()
    if report is None:
        return None
    signer = report.signed_by.get_full_name() or report.signed_by.get_username()
    return SignedReport(
        signed=report.signed,
        signer=signer,
        impression=report.impression,
        language=to_locale(report.language).replace("_", "-"),  # pt-br → pt-BR
        addenda=report.addenda.count(),
    )


def _patient(analysis: Analysis) -> dict[str, Any]:
    study = analysis.image.study
    known = _known(study)
    told = getattr(analysis, "told", None)
    merged = KnownPatient.objects.filter(site=study.site_id, merged_into=study.patient_id)
    return {
        "patient_id": study.patient_id,
        "patient_corrected": known is not None,
        "merged_patient_ids": tuple(merged.order_by("pk").values_list("patient_id", flat=True))
        if study.patient_id
        else (),
        "patient_name": study.patient_name,
        "patient_sex": study.sex,
        "patient_birth_date": (known and known.birth_date) or (told and told.birth_date),
    }


def _held(read: Image) -> tuple[HeldInstance, ...]:
    """The study's images, without what came back of results: that would tell what was found."""
    images = Image.objects.filter(~states_result() | Q(pk=read.pk), study=read.study_id)
    images = images.exclude(sop_instance_uid="")
    names = ("series_instance_uid", "sop_instance_uid", "sop_class_uid", "modality")
    return tuple(HeldInstance(*row) for row in images.order_by("created", "pk").values_list(*names))


def _known(study: Study) -> KnownPatient | None:
    return KnownPatient.objects.filter(site=study.site_id, patient_id=study.patient_id).first()


def _header(data: bytes) -> Dataset:
    with parser_warnings.ignored(), parser_faults("The DICOM header"):
        return DicomFile(
            data, max_bytes=max(len(data), settings.PNEUMOSCOPE_MAX_FILE_BYTES)
        ).dataset


def _corrected(header: Dataset, study: Study) -> Dataset:
    """With the patient as the study has it, where the hospital has corrected the image."""
    known = _known(study)
    if known is None:
        return header
    with parser_warnings.ignored():
        header.decode()
        # The corrected name may be of any script.
        header.SpecificCharacterSet = "ISO_IR 192"
        header.PatientID, header.PatientName = study.patient_id, study.patient_name
        header.PatientSex = study.sex
        if known.birth_date:
            header.PatientBirthDate = known.birth_date.strftime("%Y%m%d")
    return header


def _link(study: Study) -> str:
    base = settings.PNEUMOSCOPE_PUBLIC_URL.rstrip("/")
    return base + reverse("studies:study", args=[study.pk]) if base else ""
