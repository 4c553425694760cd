"""What a study says of its images: one state, and the analysis that matters most."""

import uuid

from pneumoscope.web.studies.models import Analysis, Study
from pneumoscope.web.studies.states import study_state


def study_refresh(study_id: uuid.UUID) -> None:
    """Derive state and headline from the images. Call it inside a transaction.

    The study's row is locked first, so that two images that finish together see each other.
    """
    study = Study.objects.select_for_update().get(pk=study_id)
    study.state = study_state(set(study.images.values_list("state", flat=True)))
    scored = Analysis.objects.filter(image__study=study, probability__isnull=False)
    study.headline = scored.order_by("-probability", "-pk").first()
    study.save(update_fields=["state", "headline"])
