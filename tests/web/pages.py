"""Rows as the worker would have left them, for tests that look at pages."""

import uuid

import numpy as np
from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from core.images import encode
from pneumoscope.core.explain import regions_from_heatmap
from pneumoscope.core.record import analysis_record
from pneumoscope.core.types import (
    Aetiology,
    Analysis,
    Milliseconds,
    ModelReference,
    Prediction,
    QualityReport,
    Radiograph,
    Reason,
)
from pneumoscope.web.accounts.models import Site
from pneumoscope.web.registry.models import ModelVersion, Stage
from pneumoscope.web.reviews.models import Report
from pneumoscope.web.reviews.reporting import report_save, sections_written
from pneumoscope.web.studies.models import Analysis as AnalysisRow
from pneumoscope.web.studies.models import Image, Study, array_pack
from pneumoscope.web.studies.renditions import renditions_store
from pneumoscope.web.studies.states import State
from pneumoscope.web.studies.summary import study_refresh

CARD = {
    "name": "test",
    "version": "1.0",
    "title": "A model for tests",
    "description": "Tells light from dark.",
    "intended_use": "Tests.",
    "limits": ["Knows nothing of medicine."],
    "licence": "Apache-2.0",
    "created": "2026-01-01",
    "classes": ["normal", "bacterial", "viral"],
    "calibration": {"prior": "every class equally likely before the image is seen"},
    "population": {"description": "Children of one to five years", "age": [1, 5], "views": ["AP"]},
    "operating_points": [
        {"name": "screening", "threshold": 0.22, "sensitivity": 0.98, "specificity": 0.81},
        {"name": "balanced", "threshold": 0.34, "sensitivity": 0.97, "specificity": 0.9},
        {"name": "rule_in", "threshold": 0.62, "sensitivity": 0.88, "specificity": 0.98},
    ],
    "operating_point": "balanced",
    "uncertain": {"low": 0.2, "high": 0.7, "alpha": 0.1},
    "metrics": {"validation": {"auc": 0.987, "n": 800}},
    "data": {"name": "tests", "patients": 3},
}
THRESHOLD = 0.34
BAND = (0.2, 0.7)
# What was received, as small as a radiograph can be.
RECEIVED = encode(np.arange(64, dtype=np.uint8).reshape(8, 8), "PNG")
BUNDLE_HASH = "ab" * 32
CAUSES = Aetiology(0.71, 0.2)


def site_make(code: str = "north") -> Site:
    return Site.objects.get_or_create(code=code, defaults={"name": code.title()})[0]


def model_make() -> ModelVersion:
    return ModelVersion.objects.get_or_create(
        bundle_hash=BUNDLE_HASH,
        defaults={"name": "test", "version": "1.0", "card": CARD, "stage": Stage.LIVE},
    )[0]


def study_make(*, site: str = "north", **fields: object) -> Study:
    return Study.objects.create(site=site_make(site), source="upload", **fields)


def image_make(study: Study, name: str = "chest.png", **fields: object) -> Image:
    """A received image that waits."""
    sha256 = uuid.uuid4().hex * 2
    stored = default_storage.save(f"received/{sha256[:2]}/{sha256}", ContentFile(RECEIVED))
    image = Image.objects.create(
        study=study,
        site=study.site,
        sha256=sha256,
        source_name=name,
        file=stored,
        bytes=len(RECEIVED),
        **fields,
    )
    study_refresh(study.pk)
    return image


def report_make(study: Study) -> Report:
    """A draft, as the result alone would have it."""
    person = get_user_model().objects.get_or_create(username="writer")[0]
    sections = sections_written(study.headline)
    return report_save(acting_user=person, study=study, sections=sections, revision=0)


def radiograph_make() -> Radiograph:
    y, x = np.mgrid[0:240, 0:200].astype(np.float32)
    return Radiograph(pixels=np.clip((x + y) / 440, 0, 1), file_format="png")


def heatmap_make(peak: float = 0.9) -> np.ndarray:
    """float32 [7, 7] with one bright place in the image's lower left: the patient's right."""
    heatmap = np.full((7, 7), 0.05, np.float32)
    heatmap[4:6, 1:3] = peak
    return heatmap


def image_analysed(
    image: Image,
    probability: float = 0.91,
    *,
    reasons: tuple[Reason, ...] = (),
    radiograph: Radiograph | None = None,
    heatmap: np.ndarray | None = None,
    aetiology: Aetiology | None = CAUSES,
) -> AnalysisRow:
    """Turn a waiting image into a result."""
    radiograph = radiograph or radiograph_make()
    heatmap = heatmap_make(probability) if heatmap is None else heatmap
    version = model_make()
    positive = probability >= THRESHOLD
    regions = regions_from_heatmap(heatmap, radiograph.width, radiograph.height, 0.5)
    outcome = Analysis(
        status="analysed",
        radiograph=radiograph,
        quality=QualityReport("warn" if reasons else "pass", reasons),
        model=ModelReference(version.name, version.version, version.bundle_hash),
        milliseconds=Milliseconds(10, 4, 2, 16),
        prediction=Prediction(
            probability,
            THRESHOLD,
            positive,
            aetiology,
            uncertain=BAND[0] <= probability <= BAND[1],
            band=BAND,
        ),
        heatmap=heatmap,
        regions=regions if positive else (),
    )
    return _finish(image, outcome, State.ANALYSED)


def image_rejected(
    image: Image, code: str = "lateral_view", reason: str = "Lateral view – upload the PA image."
) -> AnalysisRow:
    version = model_make()
    outcome = Analysis(
        status="rejected",
        radiograph=radiograph_make(),
        quality=QualityReport("reject", (Reason(code, reason),)),
        model=ModelReference(version.name, version.version, version.bundle_hash),
        milliseconds=Milliseconds(10, 4, 0, 14),
    )
    return _finish(image, outcome, State.REJECTED, code, reason)


def image_failed(image: Image, code: str, reason: str, remedy: str) -> None:
    Image.objects.filter(pk=image.pk).update(
        state=State.FAILED, failure_code=code, failure_reason=reason, remedy=remedy
    )
    study_refresh(image.study_id)


def _finish(
    image: Image, outcome: Analysis, state: State, code: str = "", reason: str = ""
) -> AnalysisRow:
    record = analysis_record(image.source_name, outcome)
    prediction = outcome.prediction
    row = AnalysisRow.objects.create(
        image=image,
        model_version=model_make(),
        record=record,
        verdict=outcome.quality.verdict,
        probability=prediction.probability if prediction else None,
        threshold=prediction.threshold if prediction else None,
        positive=prediction.positive if prediction else None,
        aetiology=record["aetiology"],
        heatmap_npy=array_pack(outcome.heatmap),
    )
    Image.objects.filter(pk=image.pk).update(
        state=state,
        failure_code=code,
        failure_reason=reason,
        first_result=row.created,
        rows=outcome.radiograph.height,
        columns=outcome.radiograph.width,
        **renditions_store(image.sha256, outcome.radiograph),
    )
    study_refresh(image.study_id)
    return row
