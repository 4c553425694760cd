"""Which of the instances we hold state a result, and which are what a result was made of."""

from django.db.models import Exists, OuterRef, Q

from pneumoscope.web.studies.models import Analysis

# PS3.4 table B.5-1: presentation states, segmentations, structured reports and key objects,
# encapsulated documents. Ours come back where an archive sends everything here.
_STATEMENTS = ("11.", "66.4", "88.", "104.")
_CAPTURES = "7"
_STORAGE = "1.2.840.10008.5.1.4.1.1."


def states_result() -> Q:
    """Of images. A secondary capture is one too, unless it was read itself, as a film scan is."""
    was_read = Exists(Analysis.objects.filter(image=OuterRef("pk"), probability__isnull=False))
    found = Q(sop_class_uid__startswith=f"{_STORAGE}{_CAPTURES}") & ~was_read
    for each in _STATEMENTS:
        found |= Q(sop_class_uid__startswith=f"{_STORAGE}{each}")
    return found
