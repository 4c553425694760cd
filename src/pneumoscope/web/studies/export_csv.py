"""Studies and their results as CSV: pseudonymous, one line each, with the model that spoke."""

from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.utils import timezone

from pneumoscope.core.render import RESEARCH_USE_ONLY
from pneumoscope.web.accounts.models import User
from pneumoscope.web.audit.csv_answer import csv_answer
from pneumoscope.web.audit.pseudonym import patient_pseudonym
from pneumoscope.web.studies.blinding import with_hidden
from pneumoscope.web.studies.describing import FIELDS
from pneumoscope.web.studies.models import Study

COLUMNS = [
    "study",
    "site",
    "patient",
    "age_years",
    "sex",
    *(f"typed_{name}" for name in FIELDS),
    "study_date",
    "received",
    "source",
    "state",
    "probability",
    "threshold",
    "positive",
    "uncertain",
    "model",
    "model_hash",
    "assigned_to",
    "notice",
]


def export_of(studies: QuerySet[Study], user: User) -> StreamingHttpResponse:
    """A line for each study, read a thousand at a time; no result that is hidden from the user."""
    related = ("site", "headline__model_version", "assigned_to", "description")
    ordered = with_hidden(studies, user).select_related(*related).order_by("-created", "-id")
    found = ordered.iterator(chunk_size=1000)
    name = f"pneumoscope-{timezone.localdate():%Y-%m-%d}.csv"
    return csv_answer(COLUMNS, map(_values, found), name=name)


def _values(study: Study) -> list[Any]:
    headline = None if study.hidden else study.headline
    model = headline.model_version if headline else None
    return [
        study.pk,
        study.site.code,
        patient_pseudonym(study.site_id, study.patient_id),
        study.age_years,
        study.sex,
        *_typed(study),
        study.study_date,
        study.created.isoformat(),
        study.source,
        study.state,
        headline and headline.probability,
        headline and headline.threshold,
        headline and headline.positive,
        study.uncertain if headline else None,
        model and f"{model.name} {model.version}",
        model and model.bundle_hash,
        study.assigned_to and study.assigned_to.get_username(),
        RESEARCH_USE_ONLY,
    ]


def _typed(study: Study) -> list[Any]:
    """What was typed of the patient; several symptoms with a space between their codes."""
    values = [getattr(study.typed, name, None) for name in FIELDS]
    return [" ".join(value) if isinstance(value, list) else value for value in values]
