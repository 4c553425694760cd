"""What is here already."""

from typing import Any

from pneumoscope.web.accounts.models import Site
from pneumoscope.web.gateway.models import Arrival
from pneumoscope.web.gateway.models.arrivals import Outcome
from pneumoscope.web.studies.models import Image


def is_known(site: Site, sop_instance_uid: str) -> bool:
    """Whether an instance of this UID has come, whatever became of it."""
    named = {"site": site, "sop_instance_uid": sop_instance_uid}
    return Arrival.objects.filter(**named).exists() or Image.objects.filter(**named).exists()


def is_held(site: Site, sop_class_uid: str, sop_instance_uid: str) -> bool:
    """Whether the instance is durably here: as an image, or on its way to become one."""
    named = {"site": site, "sop_class_uid": sop_class_uid, "sop_instance_uid": sop_instance_uid}
    if Image.objects.filter(**named).exists():
        return True
    return Arrival.objects.filter(outcome=Outcome.WAITING, **named).exists()


def arrival_needs_file(sender: type[Image], *, name: str, **_: Any) -> bool:  # noqa: ARG001
    """Whether a file that no image has is still to be taken in (`studies.bulk.file_unused`)."""
    undone = (Outcome.WAITING, Outcome.FAILED)
    return Arrival.objects.filter(file=name, outcome__in=undone).exists()
