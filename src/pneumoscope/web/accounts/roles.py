"""Which role may do what: the one table."""

from typing import Literal, get_args

from django.db.models import TextChoices

Right = Literal[
    "study.view",
    "study.upload",
    "patient.reveal",
    "model.view",
    "audit.view",
    "people.manage",
]
RIGHTS: frozenset[str] = frozenset(get_args(Right))


class Role(TextChoices):
    READER = "reader", "Reader"
    SENIOR_READER = "senior_reader", "Senior reader"
    TECHNOLOGIST = "technologist", "Technologist"
    ADMINISTRATOR = "administrator", "Administrator"
    MODEL_STEWARD = "model_steward", "Model steward"
    AUDITOR = "auditor", "Auditor"


_READING = frozenset({"study.view", "study.upload", "patient.reveal", "model.view"})
_RIGHTS: dict[str, frozenset[str]] = {
    Role.READER: _READING,
    Role.SENIOR_READER: _READING,
    # Takes the image, so knows the patient already; reads no results of others.
    Role.TECHNOLOGIST: frozenset({"study.view", "study.upload", "patient.reveal"}),
    # A small site has one person for everything; each look at a patient's name is audited.
    Role.ADMINISTRATOR: RIGHTS,
    # Judges models on pseudonymous studies.
    Role.MODEL_STEWARD: frozenset({"study.view", "model.view"}),
    Role.AUDITOR: frozenset({"audit.view", "model.view"}),
}


def rights_of(role: str) -> frozenset[str]:
    """Empty for a role that does not exist."""
    return _RIGHTS.get(role, frozenset())
