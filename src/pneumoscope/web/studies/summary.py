"""What a study says of its images: one state, and the analysis that matters most."""

import uuid

from pneumoscope.web.studies.models import Analysis, Study, Urgency
from pneumoscope.web.studies.states import PENDING, study_state


def study_refresh(study_id: uuid.UUID) -> None:
    """Derive state, headline and place in the worklist. Call it inside a transaction.

    The study's row is locked first, so that two images that finish together see each other.
    """
    study = Study.objects.select_for_update().get(pk=study_id)
    study.state = study_state(set(study.images.values_list("state", flat=True)))
    scored = Analysis.objects.filter(image__study=study, probability__isnull=False)
    study.headline = scored.order_by("-probability", "-pk").first()
    study.positive = study.headline.positive if study.headline else None
    study.uncertain = bool(study.headline and study.headline.record.get("uncertain"))
    study.urgency = _urgency(study)
    study.save(update_fields=["state", "headline", "positive", "uncertain", "urgency"])


def _urgency(study: Study) -> Urgency:
    if study.state in PENDING:
        return Urgency.PENDING
    if study.positive:
        return Urgency.SUSPICIOUS
    return Urgency.UNCERTAIN if study.uncertain else Urgency.DONE
