"""From a stored analysis back to the values that `core.pipeline.analyze` returned."""

from functools import lru_cache

from pneumoscope.core.decode import decode
from pneumoscope.core.types import (
    Aetiology,
    Milliseconds,
    ModelReference,
    Prediction,
    QualityReport,
    Reason,
    Region,
)
from pneumoscope.core.types import Analysis as Outcome
from pneumoscope.web.studies.models import Analysis


@lru_cache(maxsize=2)
def outcome(analysis_id: int) -> Outcome:
    """The value that `core.pipeline.analyze` returned; the objects of a result share it."""
    analysis = Analysis.objects.select_related("image", "model_version").get(pk=analysis_id)
    with analysis.image.file.open("rb") as file:
        data = file.read()
    return Outcome(
        status="rejected" if analysis.probability is None else "analysed",
        radiograph=decode(data, max_bytes=max(len(data), 1)),
        quality=quality_of(analysis),
        model=model_of(analysis),
        milliseconds=Milliseconds(**analysis.record["milliseconds"]),
        prediction=prediction_of(analysis),
        heatmap=analysis.heatmap,
        regions=regions_of(analysis),
    )


def model_of(analysis: Analysis) -> ModelReference:
    version = analysis.model_version
    return ModelReference(version.name, version.version, version.bundle_hash)


def quality_of(analysis: Analysis) -> QualityReport:
    reasons = analysis.record["quality"]["reasons"]
    return QualityReport(analysis.verdict, tuple(Reason(**reason) for reason in reasons))


def prediction_of(analysis: Analysis) -> Prediction | None:
    if analysis.probability is None:
        return None
    record, band = analysis.record, analysis.record.get("band")
    return Prediction(
        probability=analysis.probability,
        threshold=analysis.threshold,
        positive=analysis.positive,
        aetiology=Aetiology(**analysis.aetiology) if analysis.aetiology else None,
        operating_point=record.get("operating_point") or "balanced",
        uncertain=bool(record.get("uncertain")),
        band=(band[0], band[1]) if band else None,
    )


def regions_of(analysis: Analysis) -> tuple[Region, ...]:
    return tuple(
        Region(
            zone=region["zone"],
            score=region["score"],
            box=tuple(region["box"]),
            peak=tuple(region["peak"]),
            contour=tuple((x, y) for x, y in region["contour"]),
        )
        for region in analysis.record["regions"]
    )
