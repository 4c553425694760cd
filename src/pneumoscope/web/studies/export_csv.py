"""Studies and their results as CSV: pseudonymous, one line each, with the model that spoke."""

import csv
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from pneumoscope.core.render import RESEARCH_USE_ONLY
from pneumoscope.web.audit.pseudonym import patient_pseudonym
from pneumoscope.web.studies.models import Study

COLUMNS = [
    "study",
    "site",
    "patient",
    "age_years",
    "sex",
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
# With one of these at its start a spreadsheet takes a cell for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_of(studies: QuerySet[Study]) -> Iterator[str]:
    """The header, then a line for each study, read a thousand at a time."""
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    related = ("site", "headline__model_version", "assigned_to")
    for study in studies.select_related(*related).iterator(chunk_size=1000):
        yield writer.writerow([_cell(value) for value in _values(study)])


def _values(study: Study) -> list[Any]:
    headline = study.headline
    model = headline.model_version if headline else None
    return [
        study.pk,
        study.site.code,
        patient_pseudonym(study.site_id, study.patient_id),
        study.age_years,
        study.sex,
        study.study_date,
        study.created.isoformat(),
        study.source,
        study.state,
        headline and headline.probability,
        headline and headline.threshold,
        study.positive,
        study.uncertain if headline else None,
        model and f"{model.name} {model.version}",
        model and model.bundle_hash,
        study.assigned_to and study.assigned_to.get_username(),
        RESEARCH_USE_ONLY,
    ]


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


class _Echo:
    """A file for `csv` that gives each line back."""

    def write(self, line: str) -> str:
        return line
