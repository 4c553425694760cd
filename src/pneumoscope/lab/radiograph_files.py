"""Which files of a folder are radiographs, and what their headers say of the patient."""

from pathlib import Path

from pneumoscope.core.decode import MAX_BYTES
from pneumoscope.core.dicom_file import DicomFile, looks_like_dicom
from pneumoscope.core.dicom_header import read_header
from pneumoscope.core.errors import DecodeError
from pneumoscope.core.types import DicomHeader

SUFFIXES = (".jpeg", ".jpg", ".png", ".tif", ".tiff")
SEXES = ("M", "F", "O")
_START = 4096


def is_radiograph_file(path: Path) -> bool:
    """JPEG, PNG and TIFF by their names, DICOM by its first bytes: archives name it as they like.
    DICOMDIR is a table of contents."""
    if not path.is_file() or path.name == "DICOMDIR":
        return False
    return path.suffix.lower() in SUFFIXES or looks_like_dicom(_start(path))


def header_of(path: Path) -> DicomHeader:
    """An empty header where there is none to read: whoever wants the pixels will name the file."""
    if path.suffix.lower() in SUFFIXES:
        return DicomHeader()
    try:
        data = path.read_bytes()
        if not looks_like_dicom(data):
            return DicomHeader()
        file = DicomFile(data, max_bytes=MAX_BYTES)
    except (OSError, DecodeError):
        return DicomHeader()
    return read_header(file.dataset, file.transfer_syntax)


def stated_sex(header: DicomHeader) -> str:
    """M, F or O; "" for anything else."""
    return header.patient_sex if header.patient_sex in SEXES else ""


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_START)
    except OSError:
        return b""
