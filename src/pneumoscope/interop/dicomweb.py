"""Encodings of DICOMweb (PS3.18): multipart/related bodies, the DICOM JSON model, frames."""

import mmap
import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.message import Message
from typing import Any

from pydicom import uid
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.tag import Tag

from pneumoscope.core.decode_guard import parser_faults, parser_warnings
from pneumoscope.core.dicom_file import UNDEFINED_LENGTH, DicomFile
from pneumoscope.core.errors import NoPixelData, PneumoscopeError
from pneumoscope.interop.part10 import MAGIC, file_head

DICOM = "application/dicom"
DICOM_JSON = "application/dicom+json"
OCTETS = "application/octet-stream"

# Values longer than this are left out of metadata, with a place to fetch them from.
_INLINE_BYTES = 1024
_BULK_VRS = {"OB", "OD", "OF", "OL", "OV", "OW", "UN"}
_FRAME_TYPES = {
    uid.RLELossless: "image/dicom-rle",
    uid.JPEGLSLossless: "image/jls",
    uid.JPEGLSNearLossless: "image/jls",
    uid.JPEG2000Lossless: "image/jp2",
    uid.JPEG2000: "image/jp2",
    uid.HTJ2KLossless: "image/jphc",
    uid.HTJ2KLosslessRPCL: "image/jphc",
    uid.HTJ2K: "image/jphc",
}


class MalformedRequest(PneumoscopeError):
    """A body or query that is not what PS3.18 says."""

    code = "malformed_request"
    remedy = "Send what PS3.18 describes: multipart/related with type and boundary."


@dataclass(frozen=True, slots=True)
class Part:
    content_type: str
    body: bytes


def media_type(header: str) -> tuple[str, dict[str, str]]:
    """`multipart/related; type="…"` → its name and parameters, in lower case names."""
    message = Message()
    message["Content-Type"] = header
    parameters = message.get_params() or []
    return message.get_content_type(), {name.lower(): value for name, value in parameters[1:]}


def multipart_read(body: bytes | mmap.mmap, boundary: str) -> Iterator[Part]:
    """The parts of a multipart body (RFC 2046 5.1), one after another.

    Raises MalformedRequest where it does not begin with the boundary or does not end with it.
    """
    mark = b"--" + boundary.encode()
    here = body.find(mark)
    if here < 0 or not boundary:
        raise MalformedRequest("The body does not hold its boundary.")
    while True:
        here += len(mark)
        if body[here : here + 2] == b"--":
            return
        start = body.find(b"\r\n\r\n", here)
        end = body.find(b"\r\n" + mark, here)
        if start < 0 or end < 0 or start > end:
            raise MalformedRequest("The body ends in the middle of a part.")
        yield Part(_content_type(body[here:start]), body[start + 4 : end])
        here = end + 2


def _content_type(header: bytes) -> str:
    found = re.search(rb"^content-type:[ \t]*([^\r\n]+)", header, re.IGNORECASE | re.MULTILINE)
    return found[1].decode("ascii", "replace").strip() if found else ""


def multipart_write(parts: Iterable[Part], kind: str) -> tuple[str, Iterator[bytes]]:
    """The Content-Type of a multipart/related answer, and its body in pieces."""
    boundary = secrets.token_hex(16)

    def pieces() -> Iterator[bytes]:
        for part in parts:
            head = f"--{boundary}\r\nContent-Type: {part.content_type}\r\n\r\n"
            yield head.encode()
            yield part.body
            yield b"\r\n"
        yield f"--{boundary}--\r\n".encode()

    return f'multipart/related; type="{kind}"; boundary={boundary}', pieces()


def part10(data: bytes, *, max_bytes: int) -> bytes:
    """A DICOM file with preamble and file meta (PS3.10 7.1), also where the sender's had none.

    Raises DecodeError subclasses.
    """
    if data[128:132] == MAGIC:
        return data
    if data[:4] == MAGIC:
        return bytes(128) + data
    if data[:2] == b"\x02\x00":
        return bytes(128) + MAGIC + data
    file = DicomFile(data, max_bytes=max_bytes)
    implicit, little = file.dataset.original_encoding
    explicit = uid.ExplicitVRLittleEndian if little else uid.ExplicitVRBigEndian
    syntax = uid.ImplicitVRLittleEndian if implicit else explicit
    return file_head(file.dataset.SOPClassUID, file.dataset.SOPInstanceUID, syntax) + data


def metadata(data: bytes, bulk_url: str, *, max_bytes: int) -> dict[str, Any]:
    """The DICOM JSON model of a file (PS3.18 Annex F): text in UTF-8, long values by URI.

    An element that cannot be read is left out: no reason to withhold the others.
    Raises DecodeError subclasses for what is no DICOM file.
    """
    with parser_warnings.ignored(), parser_faults("The DICOM header"):
        file = DicomFile(data, max_bytes=max_bytes)
        model: dict[str, Any] = {}
        for tag in sorted(file.dataset.keys()):
            element = _json_element(file.dataset, tag, bulk_url)
            if element is not None:
                model[f"{int(tag):08X}"] = element
        model["00080005"] = {"vr": "CS", "Value": ["ISO_IR 192"]}
        model["00083002"] = {
            "vr": "UI",
            "Value": [file.transfer_syntax or uid.ImplicitVRLittleEndian],
        }
    return model


def _json_element(dataset: Dataset, tag: int, bulk_url: str) -> dict[str, Any] | None:
    try:
        raw: object = dataset.get_item(tag)
        if isinstance(raw, RawDataElement) and _is_bulk(raw):
            vr = str(raw.VR or ("OW" if tag == 0x7FE00010 else "UN"))
            return {"vr": vr, "BulkDataURI": f"{bulk_url}/{tag:08X}"}
        found: dict[str, Any] = dataset[tag].to_json_dict(None, _INLINE_BYTES)
    except Exception:  # noqa: BLE001 - a stranger's element may raise anything
        return None
    return found


def _is_bulk(raw: RawDataElement) -> bool:
    if raw.length == UNDEFINED_LENGTH:
        return raw.VR != "SQ"
    return raw.VR in {*_BULK_VRS, None} and raw.length > _INLINE_BYTES


def bulk_data(data: bytes, tag: str, *, max_bytes: int) -> bytes | None:
    """The value of one element as it is stored; None where there is none."""
    if not re.fullmatch("[0-9A-Fa-f]{8}", tag):
        return None
    file = DicomFile(data, max_bytes=max_bytes)
    number = Tag(int(tag, 16))
    raw = file.dataset.get_item(number) if number in file.dataset else None
    value = raw.value if raw is not None else None
    return value if isinstance(value, bytes) else None


def frames(data: bytes, wanted: Iterable[int], *, max_bytes: int) -> list[Part]:
    """Frames by number, from 1, in the transfer syntax in which they are stored.

    Raises DecodeError subclasses, or IndexError for a frame that is not there.
    """
    file = DicomFile(data, max_bytes=max_bytes)
    raw = file.pixel_data
    if raw is None or not isinstance(raw.value, bytes):
        raise NoPixelData("The object holds no image.")
    with parser_warnings.ignored(), parser_faults("The pixel data"):
        count = int(file.dataset.get("NumberOfFrames") or 1)
        if raw.length == UNDEFINED_LENGTH:
            all_frames = list(generate_frames(raw.value, number_of_frames=count))
            kind = _FRAME_TYPES.get(uid.UID(file.transfer_syntax), "image/jpeg")
        else:
            all_frames = _native_frames(file.dataset, raw.value, count)
            kind = OCTETS
    kind = f"{kind}; transfer-syntax={file.transfer_syntax or uid.ImplicitVRLittleEndian}"
    return [Part(kind, _frame(all_frames, number)) for number in wanted]


def _native_frames(dataset: Dataset, value: bytes, count: int) -> list[bytes]:
    pixels = int(dataset.Rows) * int(dataset.Columns) * int(dataset.get("SamplesPerPixel") or 1)
    size = pixels * int(dataset.BitsAllocated) // 8
    return [value[number * size : (number + 1) * size] for number in range(min(count, 10_000))]


def _frame(all_frames: list[bytes], number: int) -> bytes:
    if not 1 <= number <= len(all_frames) or not all_frames[number - 1]:
        raise IndexError(number)
    return all_frames[number - 1]
