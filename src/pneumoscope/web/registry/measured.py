"""What was measured on a finished bundle, as the pages about it show it."""

import logging
from dataclasses import dataclass

from pneumoscope.core.errors import BundleError
from pneumoscope.core.report import read_report, whole
from pneumoscope.web.registry.models import ModelVersion, bundle_folder

logger = logging.getLogger(__name__)
# The columns: those of a set's figures that a clinician asks for first.
FIGURES = ("auroc", "sensitivity", "specificity", "ece")


@dataclass(frozen=True, slots=True)
class Measured:
    """One set of radiographs; `figures`: value and 95 % interval in words, as FIGURES has them."""

    title: str
    note: str
    images: int
    ill: int
    figures: list[str]


def measured_of(version: ModelVersion) -> tuple[str, list[Measured]]:
    """The day, and each set that has figures; empty where none are kept beside the bundle."""
    try:
        report = read_report(bundle_folder(version.bundle_hash))
    except BundleError:
        logger.exception("the figures of %s cannot be read", version)
        report = None
    sets = report["sets"].values() if report else []
    return report["date"] if report else "", [_measured(each) for each in sets if _told(each)]


def _told(each: dict[str, object]) -> bool:
    named = isinstance(each, dict) and {"title", "images", "ill", "figures"} <= set(each)
    return named and isinstance(each["figures"], dict)


def _measured(each: dict[str, object]) -> Measured:
    figures = [whole(each["figures"].get(name, [None] * 3)) for name in FIGURES]
    return Measured(each["title"], each.get("note", ""), each["images"], each["ill"], figures)
