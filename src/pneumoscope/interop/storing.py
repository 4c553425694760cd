"""An instance on its way in, and why it may be refused: what every way in has in common."""

from dataclasses import dataclass
from typing import ClassVar

from pneumoscope.core.errors import PneumoscopeError


class StoreRefused(PneumoscopeError):
    """An instance that is not kept; `status` is the C-STORE response's (PS3.4 table B.2-1)."""

    code = "store_refused"
    remedy = "The log line of the same moment says why."
    status: ClassVar[int] = 0x0110


class OutOfResources(StoreRefused):
    """No room, or larger than the limit: the sender may try again later."""

    code = "out_of_resources"
    remedy = "Free space on the disk, or raise the size limit in the settings."
    status = 0xA700


class CannotUnderstand(StoreRefused):
    """The data set cannot be read, so that nobody could say whose image it is."""

    code = "cannot_understand"
    remedy = "The sender's data set is damaged: send the image again from its source."
    status = 0xC000


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end: AE titles without padding, and the address it comes from."""

    calling_ae_title: str
    called_ae_title: str
    address: str


@dataclass(frozen=True, slots=True)
class Instance:
    """One SOP instance as it came.

    head, data: together a DICOM file (PS3.10). `head` is what we put before a data set that came
    without; to join the two would copy the sender's bytes.
    """

    data: bytes | memoryview
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    peer: Peer
    head: bytes = b""
