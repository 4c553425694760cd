"""Acknowledgements: those we give and those we get (HL7 2.5.1 section 2.9 and 2.14)."""

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.interop.delivery import (
    DeliveryRejected,
    PeerBusy,
    UnreadableAnswer,
    quoted,
)
from pneumoscope.interop.hl7v2 import Message, Segment, parse, segment, write
from pneumoscope.interop.hl7v2_inbound import Told, read
from pneumoscope.interop.hl7v2_text import UTF_8, Hl7Error, NotInCharacterSet

VERSION = "2.5.1"
INTERNAL = "207^Application internal error"
# Table 0357: what may pass if it is sent again (a locked record, an internal error).
PASSING = frozenset({"206", "207"})
logger = logging.getLogger(__name__)


def respond(
    data: bytes, accept: Callable[[Told], None], *, default_character_set: str = UTF_8
) -> bytes:
    """The acknowledgement of a message: AA once `accept` has returned for all that it tells.

    `accept` must have kept it durably and must take the same thing twice: a sender that misses our
    answer sends again. A message at fault gives AE or AR with the reason, and so does whatever
    `accept` raises: nothing is raised to the caller.
    """
    message = None
    try:
        message = parse(data, default_character_set)
        for told in read(message):
            accept(told)
        return acknowledge(message)
    except Hl7Error as error:
        return acknowledge(message, error, condition=error.condition, rejected=error.rejected)
    except PneumoscopeError as error:
        return acknowledge(message, error, condition=INTERNAL)
    except Exception as error:
        # One message must never end the listener; the sender keeps it and hears that it failed.
        logger.exception("An HL7 message failed here: %s", type(error).__name__)
        failure = PneumoscopeError("The message could not be kept.")
        return acknowledge(message, failure, condition=INTERNAL)


def acknowledge(
    message: Message | None,
    error: PneumoscopeError | None = None,
    *,
    condition: str = INTERNAL,
    rejected: bool = False,
) -> bytes:
    """ACK for a message, or for bytes that were none; in the message's own character set."""
    header = message.header if message else Segment("MSH", ())
    verdict = ("AR" if rejected else "AE") if error else "AA"
    reason = quoted(f"{str(error).rstrip('.')}. {error.remedy}") if error else ""
    segments = [
        segment(
            "MSH",
            {
                3: (header.text(5), header.text(5, 2), header.text(5, 3)),
                4: (header.text(6), header.text(6, 2), header.text(6, 3)),
                5: (header.text(3), header.text(3, 2), header.text(3, 3)),
                6: (header.text(4), header.text(4, 2), header.text(4, 3)),
                7: datetime.now(UTC).strftime("%Y%m%d%H%M%S+0000"),
                9: ("ACK", header.text(9, 2), "ACK"),
                10: uuid.uuid4().hex[:20],
                11: header.text(11) or "P",
                12: header.text(12) or VERSION,
            },
        ),
        segment("MSA", {1: verdict, 2: header.text(10), 3: reason}),
    ]
    if error:
        segments.append(_err(error, condition, reason))
    answer = Message(tuple(segments))
    declared = [header.text(18, repetition=i + 1) for i in range(header.repetitions(18))]
    try:
        return write(answer, "~".join(filter(None, declared)) or UTF_8)
    except (Hl7Error, NotInCharacterSet):
        return write(answer)


def _err(error: PneumoscopeError, condition: str, reason: str) -> Segment:
    code, _, text = condition.partition("^")
    location = tuple(error.location.split("^")) if isinstance(error, Hl7Error) else ("",)
    own = (error.code, str(error), "L")
    return segment("ERR", {2: location, 3: (code, text, "HL70357"), 4: "E", 5: own, 8: reason})


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """MSA and ERR of an answer. verdict: AA, AE, AR or their C pendants of enhanced mode."""

    verdict: str
    control_id: str
    reason: str
    condition: str


def read_acknowledgement(data: bytes) -> Acknowledgement:
    """Raises UnreadableAnswer for what is no acknowledgement."""
    try:
        message = parse(data)
    except Hl7Error as error:
        raise UnreadableAnswer(f"the answer is no HL7 message: {error}") from error
    msa, err = message.first("MSA"), message.first("ERR") or Segment("ERR", ())
    if msa is None or msa.text(1) not in {"AA", "AE", "AR", "CA", "CE", "CR"}:
        raise UnreadableAnswer("the answer has no MSA segment with a verdict")
    said = (
        msa.text(3),
        err.text(8),
        err.text(7),
        err.text(3, 2),
        err.text(5, 2),
        err.text(1, 4, part=2),
    )
    reason = "; ".join(dict.fromkeys(filter(None, said)))
    condition = err.text(3) or err.text(1, 4)
    return Acknowledgement(msa.text(1), msa.text(2), reason, condition)


def check_acknowledgement(data: bytes, control_id: str) -> Acknowledgement:
    """The acknowledgement that says a message was taken.

    Raises DeliveryRejected with the peer's reason, PeerBusy where the reason may pass, or
    UnreadableAnswer for the acknowledgement of another message.
    """
    answer = read_acknowledgement(data)
    if answer.control_id != control_id:
        raise UnreadableAnswer(f"the answer is for {answer.control_id!r}, not for {control_id!r}")
    if answer.verdict in {"AA", "CA"}:
        return answer
    message = f"answered {answer.verdict}: {quoted(answer.reason) or 'no reason given'}"
    if answer.condition in PASSING:
        raise PeerBusy(message)
    raise DeliveryRejected(message)
