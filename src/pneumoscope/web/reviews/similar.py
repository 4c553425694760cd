"""Reviewed cases that look alike to the network, with what readers confirmed."""

from dataclasses import dataclass

import numpy as np
from django.db.models import QuerySet

from pneumoscope.web.accounts.models import User
from pneumoscope.web.reviews.models import Reading
from pneumoscope.web.reviews.states import ReadingState
from pneumoscope.web.studies.blinding import hidden_condition
from pneumoscope.web.studies.models import Analysis, Embedding
from pneumoscope.web.studies.models.embeddings import embeddings_unpack

# The newest: at 256 features 10 MB, and with SQLite less than half a second of a busy core, while
# the page can be read already.
MOST = 20_000
SHOWN = 5
CONFIRMED = [ReadingState.READ, ReadingState.CONFIRMED, ReadingState.ADJUDICATED]


@dataclass(frozen=True, slots=True)
class Similar:
    """similarity: the cosine between the features, -1..1. label: as readers confirmed it."""

    reading: Reading
    label: str
    similarity: float


def similar_cases(analysis: Analysis, user: User) -> list[Similar]:
    """The most alike first, of other studies at the person's sites, read by the same model."""
    own = Embedding.objects.filter(analysis=analysis).first()
    if own is None:
        return []
    found = list(_candidates(analysis, user).values_list("analysis", "packed")[:MOST])
    if not found:
        return []
    keys = [key for key, _ in found]
    cosines = embeddings_unpack([row for _, row in found]) @ embeddings_unpack([own.packed])[0]
    nearest = np.argsort(-cosines, kind="stable")[:SHOWN]
    similarity = {keys[place]: float(cosines[place]) for place in nearest}
    readings = Reading.objects.filter(analysis__in=similarity).prefetch_related("reviews")
    cases = [
        Similar(each, each.confirmed_label.label, similarity[each.analysis_id])
        for each in readings.select_related("analysis__image__study")
    ]
    return sorted(cases, key=lambda case: -case.similarity)


def _candidates(analysis: Analysis, user: User) -> QuerySet[Embedding]:
    return (
        Embedding.objects.filter(
            analysis__model_version=analysis.model_version_id,
            analysis__image__site__in=user.sites_with("study.view"),
            analysis__reading__state__in=CONFIRMED,
        )
        .exclude(analysis__image__study=analysis.image.study_id)
        .exclude(hidden_condition(user, "analysis__image"))
        .order_by("-analysis")
    )
