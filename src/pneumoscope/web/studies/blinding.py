"""Blinded reading: at a site that reads blind, nobody who reviews sees a result before they have
said what they see themselves.

Hidden are probability, finding, regions, heatmap, reviews and report, on every page and in the API,
for their tokens too. Who does not review there, sees results as anywhere.
"""

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from pneumoscope.web.accounts.models import User
from pneumoscope.web.accounts.roles import rights_of
from pneumoscope.web.audit.services import event_record
from pneumoscope.web.studies.models import Analysis, Image, Impression, Study


def blind_sites(user: User) -> list[int]:
    """Keys of the sites at which this person reads blind: by role, whatever a token carries."""
    return [
        key
        for key, seat in user.seats.items()
        if seat.site.reads_blind and "review.write" in rights_of(seat.role)
    ]


def hidden_images(user: User, images: Iterable[Image]) -> set[UUID]:
    """Those of the images whose result this person may not see yet."""
    sites = blind_sites(user)
    blind = [image.pk for image in images if image.site_id in sites]
    if not blind:
        return set()
    results = Analysis.objects.filter(image__in=blind, probability__isnull=False)
    hidden = results.filter(hidden_condition(user, "image"))
    return set(hidden.values_list("image", flat=True))


def hidden_condition(user: User, image: str) -> Q:
    """Of rows that hold a result of the image at this path: those that the person may not see."""
    said = Impression.objects.filter(reader=user, analysis__image=OuterRef(image))
    return Q(**{f"{image}__site__in": blind_sites(user)}) & ~Exists(said)


def with_hidden(studies: QuerySet[Study], user: User) -> QuerySet[Study]:
    """Each study's `hidden`: whether this person may not see its headline yet."""
    hidden = Q(headline__isnull=False) & hidden_condition(user, "headline__image")
    return studies.annotate(hidden=hidden)


@transaction.atomic
def impression_create(
    *, acting_user: User, analysis: Analysis, finding: str, confidence: int | None
) -> Impression:
    """Keep a reader's first word; one that was said before stays as it is."""
    impression, created = Impression.objects.get_or_create(
        analysis=analysis,
        reader=acting_user,
        defaults={"finding": finding, "confidence": confidence},
    )
    if created:
        event_record(
            action="impression.write",
            actor=acting_user,
            target=analysis.image,
            detail={"finding": finding, "model": analysis.model_version.bundle_hash},
        )
    return impression
