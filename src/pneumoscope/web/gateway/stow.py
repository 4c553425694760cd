"""STOW-RS (PS3.18 section 10.5): instances sent by HTTP go the same way as by C-STORE."""

import mmap
import tempfile
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from django.conf import settings
from django.http import HttpRequest
from rest_framework.parsers import BaseParser

from pneumoscope.core.types import DicomHeader
from pneumoscope.interop.dicom_json import json_model
from pneumoscope.interop.dicomweb import DICOM, MalformedRequest, media_type, multipart_read
from pneumoscope.interop.storing import CannotUnderstand, Instance, OutOfResources, StoreRefused
from pneumoscope.interop.storing import Peer as Caller
from pneumoscope.web.accounts.models import User
from pneumoscope.web.gateway.intake import arrival_take_in
from pneumoscope.web.gateway.models import Arrival
from pneumoscope.web.gateway.models.arrivals import Way
from pneumoscope.web.gateway.receiving import instance_stored
from pneumoscope.web.studies.headers import header_read

_ANOTHER_STUDY = 0xA900
_PIECE = 1 << 20


class RelatedParser(BaseParser):
    """Leaves the body of a multipart/related request in a file: it may be larger than memory."""

    media_type = "multipart/related"

    def parse(self, stream: BinaryIO, media_type: str | None = None, context: Any = None) -> Any:  # noqa: ARG002
        spooled = tempfile.TemporaryFile()  # noqa: SIM115 - closed by its reader
        while piece := stream.read(_PIECE):
            spooled.write(piece)
        spooled.flush()
        return spooled


@dataclass
class Stored:
    """What became of the parts of one request."""

    kept: list[DicomHeader] = field(default_factory=list)
    failed: list[tuple[DicomHeader, int]] = field(default_factory=list)

    @property
    def status(self) -> int:
        """All, some or none of them stored (PS3.18 table 10.5.3-1)."""
        if not self.failed:
            return 200
        return 202 if self.kept else 409

    def model(self, root: str) -> dict[str, Any]:
        """The Store Instances Response Module (PS3.18 section 10.5.3.3)."""
        return json_model(
            {
                "RetrieveURL": _one_study(self.kept, root),
                "FailedSOPSequence": [
                    json_model(
                        {
                            "ReferencedSOPClassUID": header.sop_class_uid,
                            "ReferencedSOPInstanceUID": header.sop_instance_uid,
                            "FailureReason": reason,
                        }
                    )
                    for header, reason in self.failed
                ],
                "ReferencedSOPSequence": [
                    json_model(
                        {
                            "ReferencedSOPClassUID": header.sop_class_uid,
                            "ReferencedSOPInstanceUID": header.sop_instance_uid,
                            "RetrieveURL": f"{root}/studies/{header.study_instance_uid}"
                            f"/series/{header.series_instance_uid}"
                            f"/instances/{header.sop_instance_uid}",
                        }
                    )
                    for header in self.kept
                ],
            }
        )


def request_store(request: HttpRequest, body: BinaryIO, *, study: str | None, user: User) -> Stored:
    """Store every part by itself: one that is refused never loses the others.

    Raises MalformedRequest.
    """
    stored = Stored()
    with body:
        _, parameters = media_type(request.headers.get("Content-Type", ""))
        if parameters.get("type", DICOM).lower() != DICOM:
            raise MalformedRequest(f"Only type=“{DICOM}” is stored.")
        with _mapped(body) as mapped:
            for part in multipart_read(mapped, parameters.get("boundary", "")):
                address = request.META["REMOTE_ADDR"]
                _store(part.body, stored, study=study, user=user, address=address)
    if not stored.kept and not stored.failed:
        raise MalformedRequest("The body has no part.")
    return stored


def _mapped(body: BinaryIO) -> mmap.mmap:
    try:
        return mmap.mmap(body.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError:
        raise MalformedRequest("The body is empty.") from None


def _store(data: bytes, stored: Stored, *, study: str | None, user: User, address: str) -> None:
    header = DicomHeader()
    try:
        if len(data) > settings.PNEUMOSCOPE_MAX_FILE_BYTES:
            raise OutOfResources("The instance is larger than the limit.")
        header = header_read(data, max_bytes=settings.PNEUMOSCOPE_MAX_FILE_BYTES)
        if not header.sop_instance_uid or not header.study_instance_uid:
            raise CannotUnderstand("The part is no DICOM file with the UIDs of its study.")
        if study is not None and header.study_instance_uid != study:
            stored.failed.append((header, _ANOTHER_STUDY))
            return
        arrival = _arrival(data, header, user, address)
    except StoreRefused as error:
        stored.failed.append((header, error.status))
        return
    # Durable from here on: should the intake fail now, the listener's or the next one's finds it.
    arrival_take_in(arrival.pk)
    stored.kept.append(header)


def _arrival(data: bytes, header: DicomHeader, user: User, address: str) -> Arrival:
    caller = Caller(user.get_username(), "", address)
    instance = Instance(
        data, header.sop_class_uid, header.sop_instance_uid, header.transfer_syntax_uid, caller
    )
    with instance_stored(instance) as file:
        return Arrival.objects.create(
            site=user.site,
            way=Way.STOW,
            sender=user.get_username()[:64],
            address=address or None,
            file=file,
            sop_class_uid=header.sop_class_uid,
            sop_instance_uid=header.sop_instance_uid,
        )


def _one_study(kept: list[DicomHeader], root: str) -> str:
    studies = {header.study_instance_uid for header in kept}
    return f"{root}/studies/{studies.pop()}" if len(studies) == 1 else ""
