"""A DICOM header without its patient: PS3.15 Annex E, Basic Application Level Confidentiality.

Every attribute, in sequences too, is either named by the profile's table, or of a kind that cannot
name anyone, or removed. What then still repeats an identifier of the patient is emptied.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag

from pneumoscope.interop.basic_profile import (
    DESCRIPTORS,
    PATIENT_CHARACTERISTICS,
    SAFE_WORDS,
    Action,
    action_for,
)
from pneumoscope.interop.identifiers import identifiers, patient_key, scrub
from pneumoscope.interop.pseudonyms import Pseudonyms

PIXEL_DATA = 0x7FE00010
_BIRTH = frozenset({0x00100030, 0x00100032})
_TEMPORAL = ("DA", "DT", "TM")
# Free text and bytes of unknown meaning; where no table speaks for them they go.
_UNSAFE = ("LT", "OB", "OD", "OF", "OL", "OV", "OW", "PN", "ST", "UC", "UN", "UR", "UT")
_SAFE_BINARY = frozenset({0x00281101, 0x00281102, 0x00281103, 0x00283006, 0x00282000})
_STANDARD_UID = "1.2.840.10008."
_DUMMIES = {"DA": "19000101", "TM": "000000", "DT": "19000101000000", "AS": "000Y"}
_NUMBERS = ("DS", "FD", "FL", "IS", "SL", "SS", "SV", "UL", "US", "UV")


@dataclass(frozen=True, slots=True)
class Options:
    """Of PS3.15 E.3; none by default.

    modified_dates: dates stay, shifted for each patient. patient_characteristics: sex, age (90 at
    most), size, weight. descriptors: descriptions keep the words of a list. safe_private: private
    attributes that may stay, as (creator, group, element within the block).
    """

    modified_dates: bool = False
    patient_characteristics: bool = False
    descriptors: bool = False
    safe_private: frozenset[tuple[str, int, int]] = frozenset()

    def codes(self) -> list[tuple[str, str]]:
        """Value and meaning of what was done (PS3.16 CID 7050)."""
        chosen = [
            (True, "113100", "Basic Application Confidentiality Profile"),
            (True, "113101", "Clean Pixel Data Option"),
            (self.descriptors, "113105", "Clean Descriptors Option"),
            (
                self.modified_dates,
                "113107",
                "Retain Longitudinal Temporal Information Modified Dates Option",
            ),
            (self.patient_characteristics, "113108", "Retain Patient Characteristics Option"),
            (bool(self.safe_private), "113111", "Retain Safe Private Option"),
        ]
        return [(value, meaning) for applies, value, meaning in chosen if applies]


@dataclass(slots=True)
class HeaderCleaner:
    """Cleans one data set in place. done: how many attributes met which fate."""

    dataset: Dataset
    pseudonyms: Pseudonyms
    options: Options
    done: Counter[str] = field(default_factory=Counter)

    def clean(self) -> None:
        known = identifiers(self.dataset)
        key = patient_key(self.dataset)
        self._clean(self.dataset, key)
        self.done["emptied"] += scrub(self.dataset, known)
        pseudonym = self.pseudonyms.patient(key)
        self.dataset.PatientName = self.dataset.PatientID = pseudonym
        self._state_method()

    def _clean(self, dataset: Dataset, key: str) -> None:
        for tag in list(dataset.keys()):
            if tag == PIXEL_DATA:
                continue
            try:
                element = dataset[tag]
            except Exception:  # noqa: BLE001 - what cannot be read cannot be shown harmless
                del dataset[tag]
                self.done["removed"] += 1
                continue
            self._apply(self._action(dataset, element), dataset, element, key)

    def _action(self, dataset: Dataset, element: DataElement) -> Action | str:
        tag, options = element.tag, self.options
        if tag.is_private:
            return "keep" if self._is_safe_private(dataset, tag) else "remove"
        if options.patient_characteristics and tag in PATIENT_CHARACTERISTICS:
            return "keep"
        if options.descriptors and tag in DESCRIPTORS:
            return "words"
        if options.modified_dates and element.VR in _TEMPORAL and tag not in _BIRTH:
            return "shift"
        if named := action_for(tag):
            return named
        return _action_by_vr(element)

    def _apply(
        self, action: Action | str, dataset: Dataset, element: DataElement, key: str
    ) -> None:
        if action == "remove" or (action == "dummy" and element.VR == "SQ"):
            del dataset[element.tag]
        elif action == "empty":
            element.value = [] if element.VR == "SQ" else None
        elif action == "dummy":
            element.value = _dummy(element.VR)
        elif change := self._change(action, element, key):
            element.value = _each(element, change)
        elif element.VR == "SQ":
            for item in element.value:
                self._clean(item, key)
            return
        if action != "keep":
            self.done[_PAST[action]] += 1

    def _change(
        self, action: Action | str, element: DataElement, key: str
    ) -> Callable[[str], str] | None:
        """What becomes of each value."""
        if action == "uid":
            return lambda uid: self.pseudonyms.uid(uid) if uid else uid
        if action == "shift":
            return _time_of_day if element.VR == "TM" else lambda value: self._shifted(value, key)
        if action == "words":
            return _safe_words
        return _capped_age if element.keyword == "PatientAge" else None

    def _is_safe_private(self, dataset: Dataset, tag: BaseTag) -> bool:
        """Safe ones, and the creators of blocks in which one of them lies."""
        if tag.is_private_creator:
            creator = str(dataset[tag].value)
            return any(creator == name and tag.group == group for name, group, _ in self._safe)
        block = BaseTag((tag.group << 16) | (tag.element >> 8))
        if block not in dataset:
            return False
        return (str(dataset[block].value), tag.group, tag.element & 0xFF) in self._safe

    @property
    def _safe(self) -> frozenset[tuple[str, int, int]]:
        return self.options.safe_private

    def _shifted(self, value: str, key: str) -> str:
        """Date part moved, time of day kept; what does not say a day is emptied."""
        text = str(value).replace(".", "") if len(str(value)) == 10 else str(value)
        try:
            moved = self.pseudonyms.shifted(_date(text), key)
        except (ValueError, OverflowError):
            return ""
        return f"{moved:%Y%m%d}{text[8:]}"

    def _state_method(self) -> None:
        dataset, options = self.dataset, self.options
        dataset.PatientIdentityRemoved = "YES"
        dataset.LongitudinalTemporalInformationModified = (
            "MODIFIED" if options.modified_dates else "REMOVED"
        )
        dataset.DeidentificationMethodCodeSequence = []
        for value, meaning in options.codes():
            code = Dataset()
            code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "DCM", meaning
            dataset.DeidentificationMethodCodeSequence.append(code)


_PAST = {
    "remove": "removed",
    "empty": "emptied",
    "dummy": "replaced",
    "uid": "uids",
    "shift": "dates_shifted",
    "words": "descriptors_cleaned",
    "look": "looked_into",
}


def _action_by_vr(element: DataElement) -> str:
    """For attributes that no table names."""
    if element.VR == "SQ":
        return "look"
    if element.VR == "UI":
        values = element.value if element.VM > 1 else [element.value]
        return "keep" if all(str(v or "").startswith(_STANDARD_UID) for v in values) else "uid"
    if element.tag in _SAFE_BINARY:
        return "keep"
    return "remove" if element.VR in (*_UNSAFE, *_TEMPORAL) else "keep"


def _each(element: DataElement, change: Callable[[str], str]) -> object:
    if isinstance(element.value, MultiValue):
        return [change(str(value)) for value in element.value]
    return change(str(element.value)) if element.value else element.value


def _dummy(vr: str) -> object:
    if vr in _NUMBERS:
        return 0
    return _DUMMIES.get(vr, b"" if vr in ("OB", "OW", "UN") else "ANONYMIZED")


def _time_of_day(text: str) -> str:
    return text if re.fullmatch(r"\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?", text) else ""


def _date(text: str) -> date:
    if not re.match(r"\d{8}", text):
        raise ValueError(f"{text} does not say a day")
    return datetime.strptime(text[:8], "%Y%m%d").date()  # noqa: DTZ007  a date has no zone


def _safe_words(text: str) -> str:
    return " ".join(word for word in text.split() if word.lower().strip(",.;") in SAFE_WORDS)


def _capped_age(text: str) -> str:
    """Ages above 89 are one class: they are few enough to name people.

    Years are often written without their letter; what is no age at all does not stay.
    """
    match = re.fullmatch(r"(\d{1,3})([DWMY]?)", text.strip().upper())
    if match is None:
        return ""
    return "090Y" if match[2] in ("Y", "") and int(match[1]) > 89 else text
