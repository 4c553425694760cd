"""The population warning by what is known now: typed since the analysis, or said by the file."""

from dataclasses import asdict
from typing import Any

from pneumoscope.core.population import POPULATION_CODES, population_reasons
from pneumoscope.web.studies.models import Analysis


def warnings_of(analysis: Analysis) -> list[dict[str, Any]]:
    """As reasons of a record: those of the analysis, except where something was typed."""
    typed = analysis.image.study.typed
    age = typed.age_years if typed else None
    view = typed.view_position if typed and not analysis.image.view_position else ""
    known = {"age_outside_population": age is not None, "view_outside_population": bool(view)}
    quality = analysis.record.get("quality") or {}
    recorded = [
        reason
        for reason in quality.get("reasons", [])
        if reason["code"] in POPULATION_CODES and not known[reason["code"]]
    ]
    population = analysis.model_version.card.get("population")
    if not population:
        return recorded
    ages, views = tuple(population["age"]), population["views"]
    return [
        *(asdict(r) for r in population_reasons(age=age, view=view, ages=ages, views=views)),
        *recorded,
    ]
