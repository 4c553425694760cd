"""What a worker does with one image: claim, analyse, write the outcome once."""

import logging
import time
import uuid

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.core.pipeline import analyze
from pneumoscope.core.record import analysis_record, failure_record
from pneumoscope.core.types import Analysis as Outcome
from pneumoscope.core.types import ModelReference
from pneumoscope.web.audit.services import event_record
from pneumoscope.web.registry.bundles import bundle_of
from pneumoscope.web.registry.errors import NoLiveModel
from pneumoscope.web.registry.models import ModelVersion
from pneumoscope.web.studies.errors import AnalysisInterrupted
from pneumoscope.web.studies.models import Analysis, Embedding, Image, array_pack
from pneumoscope.web.studies.models.embeddings import embedding_pack
from pneumoscope.web.studies.queue import MAX_ATTEMPTS, Claim, image_claim
from pneumoscope.web.studies.renditions import renditions_store
from pneumoscope.web.studies.states import State
from pneumoscope.web.studies.summary import study_refresh

logger = logging.getLogger(__name__)


def image_analyse(image_id: uuid.UUID) -> None:
    """Analyse one image if it can be claimed; every outcome is a state with its reason.

    An unexpected error ends the lease, so that the image is tried again, MAX_ATTEMPTS in all.
    """
    claim = image_claim(image_id)
    if claim is None:
        return
    with claim:
        started = time.perf_counter()
        image = Image.objects.select_related("site").get(pk=image_id)
        version = ModelVersion.objects.live_at(image.site)
        try:
            if image.attempts > MAX_ATTEMPTS:
                raise AnalysisInterrupted(f"The analysis broke off {MAX_ATTEMPTS} times.")
            if version is None:
                raise NoLiveModel("No model is live for this site.")
            outcome = _analyse(image, version)
        except PneumoscopeError as error:
            finished = _finish_failed(claim, image, version, error)
        else:
            finished = _finish(claim, image, version, outcome)
        logger.info(
            "image %s %s after %.0f ms",
            image_id,
            finished.lower() if finished else "was taken over",
            1000 * (time.perf_counter() - started),
        )


def _analyse(image: Image, version: ModelVersion) -> Outcome:
    """Sizes were checked at receipt; a limit lowered since then loses nothing received.

    The site's operating point goes before the installation's, and that before the model's.
    """
    with image.file.open("rb") as file:
        data = file.read()
    return analyze(
        data,
        bundle_of(version),
        max_bytes=max(len(data), 1),
        operating_point=image.site.operating_point or settings.PNEUMOSCOPE_OPERATING_POINT,
    )


def _finish(claim: Claim, image: Image, version: ModelVersion, outcome: Outcome) -> State | None:
    record = analysis_record(image.source_name, outcome)
    state = State.REJECTED if outcome.status == "rejected" else State.ANALYSED
    values = {
        **renditions_store(image.sha256, outcome.radiograph),
        "first_result": image.first_result or timezone.now(),
        "rows": outcome.radiograph.height,
        "columns": outcome.radiograph.width,
        "failure_code": record["code"] or "",
        "failure_reason": record["reason"] or "",
        "remedy": record["remedy"] or "",
    }
    with transaction.atomic():
        if not claim.close(state, **values):
            return None
        _write_analysis(image, version, outcome, record)
        _tell(image, state, values["failure_code"], version)
    return state


def _write_analysis(
    image: Image, version: ModelVersion, outcome: Outcome, record: dict[str, object]
) -> None:
    prediction = outcome.prediction
    row = Analysis.objects.create(
        image=image,
        model_version=version,
        record=record,
        verdict=outcome.quality.verdict,
        probability=prediction.probability if prediction else None,
        threshold=prediction.threshold if prediction else None,
        positive=prediction.positive if prediction else None,
        aetiology=record["aetiology"],
        heatmap_npy=array_pack(outcome.heatmap),
    )
    packed = embedding_pack(outcome.embedding)
    if packed is not None:
        Embedding.objects.create(analysis=row, packed=packed)


def _finish_failed(
    claim: Claim, image: Image, version: ModelVersion | None, error: PneumoscopeError
) -> State | None:
    model = ModelReference("", "", "")
    if version:
        model = ModelReference(version.name, version.version, version.bundle_hash)
    with transaction.atomic():
        closed = claim.close(
            State.FAILED,
            failure_code=error.code,
            failure_reason=str(error),
            remedy=error.remedy,
            failure_record=failure_record(image.source_name, error, model),
        )
        if not closed:
            return None
        _tell(image, State.FAILED, error.code, version)
    return State.FAILED


def _tell(image: Image, state: State, code: str, version: ModelVersion | None) -> None:
    """The study's summary and the audit trail follow in the same transaction."""
    study_refresh(image.study_id)
    event_record(
        action=f"image.{state.lower()}",
        actor=None,
        target=image,
        site=image.site,
        detail={"code": code, "model": version.bundle_hash if version else None},
    )
