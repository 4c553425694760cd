"""Which images are analysed: an ordered list of rules over the header; the first that fits decides.

Every decision names its rule and the values that made it, so that it can be shown beside the image.
Before all rules: what Pneumoscope made, here or elsewhere, is not analysed. An archive that sends
on all that it gets would have results made of results without end.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pneumoscope.core.types import DicomHeader
from pneumoscope.interop.finding import MANUFACTURER


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule fits an image when every condition that is set does; one that is not fits all.

    Words are compared without regard to case. An image that lacks a value fits no condition on it.
    age_from, age_to: years, from inclusive, to exclusive.
    """

    name: str
    analyse: bool
    modalities: frozenset[str] = frozenset()
    body_parts: frozenset[str] = frozenset()
    views: frozenset[str] = frozenset()
    age_from: float | None = None
    age_to: float | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """rule: its name, empty where none fitted; reason: a sentence for the reader."""

    analyse: bool
    rule: str
    reason: str


OWN = Decision(False, "", f"Passed over: {MANUFACTURER} made it of a result itself.")


def route(header: DicomHeader, rules: Iterable[Rule]) -> Decision:
    """Decide for one image; where no rule fits it is analysed: nothing is passed over silently."""
    if header.manufacturer == MANUFACTURER:
        return OWN
    for rule in rules:
        because = _fits(rule, header)
        if because is not None:
            done = "Analysed" if rule.analyse else "Passed over"
            values = f": {', '.join(because)}" if because else ""
            return Decision(rule.analyse, rule.name, f"{done} by the rule “{rule.name}”{values}.")
    return Decision(True, "", "Analysed: no rule says otherwise.")


def _fits(rule: Rule, header: DicomHeader) -> list[str] | None:
    """The values that made the rule fit, or None."""
    because = []
    for title, wanted, value in (
        ("Modality", rule.modalities, header.modality),
        ("Body Part Examined", rule.body_parts, header.body_part_examined),
        ("View Position", rule.views, header.view_position),
    ):
        if wanted and value.upper() not in {word.upper() for word in wanted}:
            return None
        if wanted:
            because.append(f"{title} {value}")
    if rule.age_from is None and rule.age_to is None:
        return because
    age = header.patient_age
    if age is None or not (rule.age_from or 0) <= age < (rule.age_to or float("inf")):
        return None
    return [*because, f"age {age:.3g}"]
