"""What hospital messages tell us: orders, patient updates and patient merges.

ORM^O01 and OMI^O23 in the way of IHE Radiology RAD-4 (Scheduled Workflow), ADT^A08 and ADT^A40 in
that of RAD-12. Texts are None where the message does not say, "" where it says there is none
(HL7's two quotation marks).
"""

from dataclasses import dataclass
from datetime import date, datetime
from operator import itemgetter

from pneumoscope.interop.hl7v2 import Message, MissingField, Segment, day, timestamp
from pneumoscope.interop.hl7v2_text import Hl7Error
from pneumoscope.interop.reported import PersonName, dicom_name

NULL = '""'
REPRESENTATIONS = frozenset("AIP")


class UnsupportedMessage(Hl7Error):
    """A message type or event that is not taken here."""

    code = "hl7_unsupported_message"
    remedy = "Send ORM^O01, OMI^O23, ADT^A08 and ADT^A40 only."
    condition = "200^Unsupported message type"
    rejected = True


@dataclass(frozen=True, slots=True)
class Patient:
    """PID. authority: who gave out the id, namespace or OID. name: as a DICOM person name.
    sex: DICOM's M, F, O."""

    id: str
    authority: str
    name: str | None
    birth_date: date | None
    sex: str | None


@dataclass(frozen=True, slots=True)
class Order:
    """One imaging order. control: ORC-1, as NW new, XO changed, CA cancelled, DC stopped.

    accession_number: OMI's IPC-1, ORM's OBR-18, else the filler order number.
    indication: reason for study, clinical information and diagnoses, one sentence each.
    """

    control: str
    patient: Patient
    placer_order_number: str
    filler_order_number: str
    accession_number: str
    study_instance_uid: str
    procedure_code: str
    procedure_text: str
    modality: str
    priority: str
    indication: str
    scheduled: datetime | None


@dataclass(frozen=True, slots=True)
class PatientUpdate:
    """ADT^A08: what is now known of a patient."""

    patient: Patient


@dataclass(frozen=True, slots=True)
class PatientMerge:
    """ADT^A40: all that is kept under `merged` (id, authority) belongs to `surviving`.

    merged: numbers of the surviving number's authority; where it gave out none, the record number.
    """

    surviving: Patient
    merged: tuple[tuple[str, str], ...]


Told = Order | PatientUpdate | PatientMerge


def read(message: Message) -> tuple[Told, ...]:
    """What the message tells, in order. Raises an Hl7Error."""
    match message.kind:
        case "ORM^O01" | "OMI^O23":
            return _orders(message)
        case "ADT^A08":
            return (PatientUpdate(_patient(_required(message, "PID"))),)
        case "ADT^A40":
            return _merges(message)
    raise UnsupportedMessage(f"{message.kind} is not taken here", "MSH^1^9")


def _orders(message: Message) -> tuple[Told, ...]:
    patient = _patient(_required(message, "PID"))
    groups = message.groups("ORC") or message.groups("OBR")
    if not groups:
        raise MissingField("no ORC or OBR segment", "ORC")
    return tuple(_order(group, patient) for group in groups)


def _order(group: Message, patient: Patient) -> Order:
    nothing = Segment("", ())
    orc, obr = group.first("ORC") or nothing, group.first("OBR") or nothing
    ipc, zds = group.first("IPC") or nothing, group.first("ZDS") or nothing
    filler = orc.text(3) or obr.text(3)
    order = Order(
        control=orc.text(1) or "NW",
        patient=patient,
        placer_order_number=orc.text(2) or obr.text(2),
        filler_order_number=filler,
        accession_number=ipc.text(1) or obr.text(18) or filler,
        study_instance_uid=ipc.text(3) or zds.text(1),
        procedure_code=obr.text(4, 1),
        procedure_text=obr.text(4, 2),
        modality=ipc.text(5) or obr.text(24),
        priority=obr.text(27, 6) or orc.text(7, 6) or obr.text(5),
        indication=_indication(group, obr),
        scheduled=timestamp(obr.text(36) or orc.text(7, 4), "OBR^1^36"),
    )
    if not (order.placer_order_number or order.accession_number):
        raise MissingField("the order has neither a number nor an accession number", "ORC^1^2")
    return order


def _indication(group: Message, obr: Segment) -> str:
    said = [_coded(obr, 31, each) for each in range(1, obr.repetitions(31) + 1)]
    said += [obr.text(13)]
    said += [_coded(each, 3, 1) or each.text(4) for each in group.segments if each.name == "DG1"]
    return "; ".join(dict.fromkeys(filter(None, said)))


def _coded(segment: Segment, field: int, repetition: int) -> str:
    """The words of a coded element, its code where it has none."""
    words = segment.text(field, 2, repetition=repetition)
    return words or segment.text(field, 1, repetition=repetition)


def _merges(message: Message) -> tuple[Told, ...]:
    merges = []
    for group in message.groups("PID"):
        surviving = _patient(group.segments[0])
        merged = _identifiers(_required(group, "MRG"), 1)
        if not merged:
            raise MissingField("MRG-1 names no patient", "MRG^1^1")
        # A number of another authority, as of an insurance, may be another patient's record here.
        alike = tuple(each for each in merged if each[1] == surviving.authority)
        merges.append(PatientMerge(surviving, alike or merged[:1]))
    if not merges:
        raise MissingField("no PID segment", "PID")
    return tuple(merges)


def _required(message: Message, name: str) -> Segment:
    segment = message.first(name)
    if segment is None:
        raise MissingField(f"no {name} segment", name)
    return segment


def _patient(pid: Segment) -> Patient:
    known = _identifiers(pid, 3)
    legacy = pid.text(2)
    if not known and not legacy:
        raise MissingField("PID-3 has no patient identifier", "PID^1^3")
    number, authority = known[0] if known else (legacy, "")
    sex = _said(pid.text(8))
    return Patient(
        id=number,
        authority=authority,
        name=_name(pid),
        birth_date=day(pid.text(7), "PID^1^7"),
        sex=sex if sex in (None, "", "M", "F") else "O",
    )


def _identifiers(segment: Segment, field: int) -> tuple[tuple[str, str], ...]:
    """(id, authority) of each repetition of a CX field, record numbers (MR, PI) first."""
    found = []
    for place in range(1, segment.repetitions(field) + 1):
        number = segment.text(field, 1, repetition=place)
        universal = segment.text(field, 4, repetition=place, part=2)
        namespace = segment.text(field, 4, repetition=place)
        kind = segment.text(field, 5, repetition=place)
        if number and number != NULL:
            found.append((kind not in {"MR", "PI"}, number, universal or namespace))
    return tuple((number, authority) for _, number, authority in sorted(found, key=itemgetter(0)))


def _name(pid: Segment) -> str | None:
    """PID-5's repetitions by their representation; those without one are alphabetic."""
    names: dict[str, PersonName] = {}
    for place in range(1, pid.repetitions(5) + 1):
        parts = [_said(pid.text(5, i, repetition=place)) or "" for i in range(1, 9)]
        family, given, middle, suffix, prefix, _, _, representation = parts
        shown = representation if representation in REPRESENTATIONS else "A"
        if family or given:
            names.setdefault(shown, PersonName(shown, family, given, middle, prefix, suffix))
    return dicom_name(tuple(names.values())) or _said(pid.text(5))


def _said(value: str) -> str | None:
    return {"": None, NULL: ""}.get(value, value)
