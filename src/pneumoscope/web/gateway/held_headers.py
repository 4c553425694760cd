"""The headers of what we hold, as far as searches and messages state them; each is read once."""

import logging
from collections.abc import Iterable
from datetime import date
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from pneumoscope.core.decode_guard import parser_faults, parser_warnings
from pneumoscope.core.dicom_file import DicomFile
from pneumoscope.core.errors import DecodeError, PneumoscopeError
from pneumoscope.interop.dicom_json import search_attributes
from pneumoscope.web.gateway.models import HeldHeader
from pneumoscope.web.studies.headers import text_fitted
from pneumoscope.web.studies.models import Image

logger = logging.getLogger(__name__)

# As many files as one search may have to read.
READ_AT_ONCE = 500
_LONGEST = 324  # a person's name in three scripts


class SearchTooBroad(PneumoscopeError):
    """A search for what only headers say, among more files than can be read while one waits."""

    code = "search_too_broad"
    remedy = "Add a date, patient or accession number; or ask again: what was read stays known."


def headers_of(images: Iterable[Image]) -> dict[UUID, dict[str, str]]:
    """By the image's key; empty for what has none, is gone or cannot be read."""
    wanted = {image.pk: image for image in images}
    known = HeldHeader.objects.in_bulk(wanted)
    made = [
        HeldHeader(image=image, attributes=attributes)
        for key, image in wanted.items()
        if key not in known and image.sop_instance_uid
        if (attributes := _read(image)) is not None
    ]
    HeldHeader.objects.bulk_create(made, ignore_conflicts=True)
    found = {header.pk: header.attributes for header in (*known.values(), *made)}
    return {key: {} for key in wanted} | found


def headers_complete(images: QuerySet[Image]) -> None:
    """Read what was not read yet of these. Raises SearchTooBroad, having read a part of them."""
    unread = list(images.filter(held_header=None)[: READ_AT_ONCE + 1])
    headers_of(unread[:READ_AT_ONCE])
    if len(unread) > READ_AT_ONCE:
        raise SearchTooBroad(f"More than {READ_AT_ONCE} headers have not been read yet.")


def birth_date(header: dict[str, str]) -> date | None:
    """PatientBirthDate; None where there is none, or one that is no day."""
    try:
        return date.fromisoformat(header.get("PatientBirthDate", ""))
    except ValueError:
        return None


def _read(image: Image) -> dict[str, str] | None:
    """None: not now; {}: never."""
    try:
        with image.file.open("rb") as file:
            data = file.read()
        limit = max(len(data), settings.PNEUMOSCOPE_MAX_FILE_BYTES)
        with parser_warnings.ignored(), parser_faults("The DICOM header"):
            stated = search_attributes(DicomFile(data, max_bytes=limit).dataset)
        return {name: text_fitted(value, _LONGEST) for name, value in stated.items()}
    except DecodeError:
        return {}
    except OSError as error:
        logger.warning("image %s: header not read: %s", image.pk, type(error).__name__)
        return None
