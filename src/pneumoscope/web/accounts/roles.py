"""Which role may do what: the one table."""

from typing import Literal, get_args

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

Right = Literal[
    "study.view",
    "study.upload",
    "study.edit",
    "study.export",
    "study.delete",
    "patient.reveal",
    "review.write",
    "review.adjudicate",
    "report.sign",
    "dashboard.view",
    "model.view",
    "model.promote",
    "audit.view",
    "people.manage",
    "site.manage",
]
RIGHTS: frozenset[str] = frozenset(get_args(Right))


class Role(TextChoices):
    READER = "reader", _("Reader")
    SENIOR_READER = "senior_reader", _("Senior reader")
    TECHNOLOGIST = "technologist", _("Technologist")
    ADMINISTRATOR = "administrator", _("Administrator")
    MODEL_STEWARD = "model_steward", _("Model steward")
    AUDITOR = "auditor", _("Auditor")


_TAKING = frozenset({"study.view", "study.upload", "study.edit", "patient.reveal"})
_READING = _TAKING | {
    "study.export",
    "review.write",
    "report.sign",
    "model.view",
}
_RIGHTS: dict[str, frozenset[str]] = {
    Role.READER: _READING,
    # Agreement is of colleagues: those who adjudicate see it.
    Role.SENIOR_READER: _READING | {"review.adjudicate", "dashboard.view"},
    # Takes the image, so knows the patient already; judges no results.
    Role.TECHNOLOGIST: _TAKING,
    # A small site has one person for everything; each look at a patient's name is audited.
    Role.ADMINISTRATOR: RIGHTS,
    # Judges models on pseudonymous studies.
    Role.MODEL_STEWARD: frozenset({"study.view", "dashboard.view", "model.view", "model.promote"}),
    # Sees who did what to which study, and no study.
    Role.AUDITOR: frozenset({"audit.view", "model.view"}),
}


class Scope(TextChoices):
    """What of a person's rights an API token carries. Administration is in none of them."""

    READ = "read", _("Read")
    WRITE = "write", _("Read and write")


_SCOPES: dict[str, frozenset[str]] = {
    Scope.READ: frozenset(
        {"study.view", "study.export", "patient.reveal", "dashboard.view", "model.view"}
    ),
    Scope.WRITE: RIGHTS - {"people.manage", "site.manage", "audit.view", "model.promote"},
}


def rights_of(role: str) -> frozenset[str]:
    """Empty for a role that does not exist."""
    return _RIGHTS.get(role, frozenset())


def rights_within(scope: str) -> frozenset[str]:
    """The most a token of this scope may do; empty for a scope that does not exist."""
    return _SCOPES.get(scope, frozenset())
