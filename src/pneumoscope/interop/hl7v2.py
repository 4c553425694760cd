"""HL7 v2 messages: bytes ↔ segments, fields, repetitions, components, subcomponents.

The encoding rules of HL7 2.5.1 chapter 2 ("pipes and hats"), read tolerantly and written strictly.
Field numbers are the standard's: `segment.text(5)` of a PID is PID-5.
"""

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise

from pneumoscope.interop.hl7v2_text import (
    UTF_8,
    Delimiters,
    Hl7Error,
    decode,
    encode,
    escape,
    unescape,
)

# Repetitions of components of subcomponents.
Field = tuple[tuple[tuple[str, ...], ...], ...]
# For building: one value, a tuple of components (a tuple of subcomponents where one has several),
# or a list of repetitions of either.
Component = str | tuple[str, ...]
Value = str | tuple[Component, ...] | list[str] | list[tuple[Component, ...]]
MOMENT = re.compile(r"((?:\d\d){2,7})(?:\.\d{1,4})?(?:[+-]\d{4})?", re.ASCII)
MAX_SEGMENTS = 5000


class NotHl7(Hl7Error):
    """The bytes do not begin as an HL7 v2 message does."""

    code = "hl7_not_a_message"
    remedy = "Check that this port is meant: it takes HL7 v2 messages over MLLP."
    condition = "100^Segment sequence error"
    rejected = True


class MissingField(Hl7Error):
    """Something required is not there."""

    code = "hl7_missing_field"
    condition = "101^Required field missing"


class InvalidField(Hl7Error):
    """A value is not of its data type."""

    code = "hl7_invalid_field"
    condition = "102^Data type error"


@dataclass(frozen=True, slots=True)
class Segment:
    """One line. fields: from field 1 on; for MSH field 1 is the separator itself, as counted."""

    name: str
    fields: tuple[Field, ...]

    def text(self, field: int, component: int = 1, *, repetition: int = 1, part: int = 1) -> str:
        """One value, unescaped, without surrounding blanks; empty where there is none."""
        try:
            return self.fields[field - 1][repetition - 1][component - 1][part - 1].strip()
        except IndexError:
            return ""

    def repetitions(self, field: int) -> int:
        """How many repetitions a field has; 0 for one that is not there."""
        return len(self.fields[field - 1]) if field <= len(self.fields) else 0


@dataclass(frozen=True, slots=True)
class Message:
    """Segments in order. The first is MSH."""

    segments: tuple[Segment, ...]
    delimiters: Delimiters = field(default_factory=Delimiters)

    @property
    def header(self) -> Segment:
        return self.segments[0]

    @property
    def control_id(self) -> str:
        """MSH-10, which the acknowledgement repeats."""
        return self.header.text(10)

    @property
    def kind(self) -> str:
        """Message code and trigger event, as "ORM^O01"."""
        return f"{self.header.text(9, 1)}^{self.header.text(9, 2)}"

    def first(self, name: str) -> Segment | None:
        return next((segment for segment in self.segments if segment.name == name), None)

    def groups(self, start: str) -> list["Message"]:
        """Divided before each segment of that name; what stands before the first is left out."""
        places = [i for i, segment in enumerate(self.segments) if segment.name == start]
        return [
            Message(self.segments[place:end], self.delimiters)
            for place, end in pairwise([*places, len(self.segments)])
        ]


def parse(data: bytes, default_character_set: str = UTF_8) -> Message:
    """Read a message in the character set that its MSH-18 names.

    Lines may end in CR, LF or both. Raises NotHl7 or UnsupportedCharacterSet.
    """
    data = data.strip(b"\r\n \t\0").removeprefix(b"\xef\xbb\xbf")
    delimiters = _delimiters(data)
    # MSH-18 counts the separator itself as MSH-1, so it is part 17 of the divided line.
    head = data.replace(b"\n", b"\r").partition(b"\r")[0].split(delimiters.field.encode())
    declared = head[17].decode("ascii", "replace") if len(head) > 17 else ""
    character_set = "~".join(declared.split(delimiters.repetition))
    text = decode(data, character_set, default_character_set)
    lines = [line for line in text.replace("\n", "\r").split("\r") if line.strip()]
    if len(lines) > MAX_SEGMENTS:
        raise NotHl7(f"more than {MAX_SEGMENTS} segments")
    named = character_set or default_character_set
    return Message(tuple(_segment(line, delimiters, named) for line in lines), delimiters)


def write(message: Message, character_set: str = UTF_8) -> bytes:
    """The message's bytes, segments ended by CR, with MSH-18 set to the character set.

    Raises NotInCharacterSet, or UnsupportedCharacterSet for a set not known.
    """
    header = message.header
    fields = [*header.fields, *[_field("")] * (18 - len(header.fields))]
    fields[17] = _field(character_set.split("~"))
    segments = [Segment("MSH", tuple(fields)), *message.segments[1:]]
    lines = [_line(segment, message.delimiters) for segment in segments]
    return encode("\r".join(lines) + "\r", character_set)


def segment(name: str, values: dict[int, Value]) -> Segment:
    """Build a segment from its field numbers: `segment("PID", {3: ("4711", "", "", "HOSP")})`."""
    fields = (_field(values.get(number, "")) for number in range(1, max(values) + 1))
    return Segment(name, tuple(fields))


def timestamp(value: str, location: str) -> datetime | None:
    """An HL7 DTM, YYYY[MM[DD[HH[MM[SS[.s]]]]]][±ZZZZ], as far as it goes; None for an empty one.

    Raises InvalidField.
    """
    if not value or value == '""':
        return None
    found = MOMENT.fullmatch(value)
    digits = found[1] if found else ""
    try:
        padded = digits + "00000101000000"[len(digits) :]
        return datetime.strptime(padded, "%Y%m%d%H%M%S")  # noqa: DTZ007 - local to the sender
    except ValueError as error:
        raise InvalidField(f"{location} is no time: {value[:26]!r}", location) from error


def day(value: str, location: str) -> date | None:
    """The date of an HL7 DT or DTM; None where it does not say the day. Raises InvalidField."""
    moment = timestamp(value, location)
    return moment.date() if moment and len(value) >= len("YYYYMMDD") else None


def _delimiters(data: bytes) -> Delimiters:
    if data[:3] != b"MSH" or len(data) < 8:
        raise NotHl7("the message does not begin with MSH")
    try:
        signs = data[3:8].decode("ascii")
    except UnicodeDecodeError as error:
        raise NotHl7("delimiters are not ASCII") from error
    delimiters = Delimiters(signs[0], signs[1], signs[2], signs[3], signs[4])
    printable = all(sign.isprintable() and not sign.isalnum() and sign != " " for sign in signs)
    if not printable or len(set(signs)) < 5:
        raise NotHl7(f"delimiters {signs!r} are not five different signs")
    return delimiters


def _segment(line: str, delimiters: Delimiters, character_set: str) -> Segment:
    name, *raw = line.split(delimiters.field)
    start = 0
    fields: list[Field] = []
    if name == "MSH" and raw:
        fields = [(((delimiters.field,),),), (((raw[0],),),)]
        start = 1
    for each in raw[start:]:
        fields.append(_divided(each, delimiters, character_set))
    return Segment(name.strip(), tuple(fields))


def _divided(raw: str, delimiters: Delimiters, character_set: str) -> Field:
    return tuple(
        tuple(
            tuple(
                unescape(part, delimiters, character_set)
                for part in component.split(delimiters.subcomponent)
            )
            for component in repetition.split(delimiters.component)
        )
        for repetition in raw.split(delimiters.repetition)
    )


def _field(value: Value) -> Field:
    return tuple(_repetition(each) for each in (value if isinstance(value, list) else [value]))


def _repetition(value: str | tuple[Component, ...]) -> tuple[tuple[str, ...], ...]:
    components = (value,) if isinstance(value, str) else value
    return tuple((each,) if isinstance(each, str) else each for each in components)


def _line(segment: Segment, delimiters: Delimiters) -> str:
    fields = [_joined(field, delimiters) for field in segment.fields]
    if segment.name == "MSH":
        return delimiters.field.join(["MSH", str(delimiters), *fields[2:]])
    return delimiters.field.join([segment.name, *fields]).rstrip(delimiters.field)


def _joined(field: Field, delimiters: Delimiters) -> str:
    return delimiters.repetition.join(
        delimiters.component.join(
            delimiters.subcomponent.join(escape(part, delimiters) for part in component)
            for component in repetition
        ).rstrip(delimiters.component)
        for repetition in field
    )
