"""Which FHIR resources a result consists of, kept so that /fhir can find them by id."""

from uuid import UUID

from pneumoscope.interop.fhir import resources
from pneumoscope.interop.fhir_elements import Resource
from pneumoscope.web.gateway.models import FhirEntry
from pneumoscope.web.gateway.telling import reported_study
from pneumoscope.web.studies.models import Analysis, Study


def entries_write(analysis: Analysis) -> None:
    """Call it inside a transaction. A patient, study or device is of its newest analysis."""
    study = reported_study(analysis)
    made = resources(study)
    patient = next((each["id"] for each in made if each["resourceType"] == "Patient"), None)
    entries = [
        FhirEntry(
            site_id=analysis.image.site_id,
            analysis=analysis,
            resource_type=each["resourceType"],
            resource_id=UUID(each["id"]),
            patient=patient if _is_about_patient(each) else None,
            status=each.get("status", ""),
            at=each.get("issued", analysis.created),
        )
        for each in made
    ]
    FhirEntry.objects.bulk_create(
        entries,
        update_conflicts=True,
        update_fields=["analysis", "patient", "status", "at"],
        unique_fields=["site", "resource_type", "resource_id"],
    )


def _is_about_patient(resource: Resource) -> bool:
    return resource["resourceType"] in {
        "Patient",
        "ImagingStudy",
        "Observation",
        "DiagnosticReport",
    }


def entries_renew(study: Study) -> None:
    """After the study's patient has changed. Call it inside a transaction."""
    analyses = Analysis.objects.filter(image__study=study, told__isnull=False)
    FhirEntry.objects.filter(analysis__in=analyses, resource_type="Patient").delete()
    for analysis in analyses.select_related("image__study__site", "model_version").order_by("pk"):
        entries_write(analysis)
