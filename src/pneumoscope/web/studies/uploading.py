"""A file is announced, arrives in parts, and is received when it is whole.

The sender says the file's SHA-256 first: bytes the site has are not sent again, an upload of the
same person that broke off goes on where it ended, and what arrived damaged is refused.
"""

import contextlib
import hashlib
import tempfile
import uuid
from collections.abc import Iterator
from typing import IO, Any, Protocol

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Sum
from django.http import UnreadablePostError
from django.utils import timezone

from pneumoscope.core.archive import is_archive
from pneumoscope.core.errors import EmptyFile, FileTooLarge, PneumoscopeError
from pneumoscope.web.accounts.models import Site, User
from pneumoscope.web.studies.describing import description_read, study_describe
from pneumoscope.web.studies.errors import TooMuchUnfinished, UploadDamaged
from pneumoscope.web.studies.headers import text_fitted
from pneumoscope.web.studies.models import Source, Upload, UploadPart
from pneumoscope.web.studies.models.uploads import expiry
from pneumoscope.web.studies.services import (
    Receipt,
    Refusal,
    image_known,
    size_check,
    upload_receive,
)

PART_BYTES = 4 * 1024**2
# A sender of tiny parts is refused before it has made a million files.
MOST_PARTS = 4096
# Of one person: all that was announced and is not whole.
MOST_UNFINISHED = 4 * 1024**3
_IN_MEMORY = 16 * 1024**2


class Body(Protocol):
    def read(self, size: int, /) -> bytes: ...


class OffsetConflict(Exception):
    """The bytes do not follow those that are here; ask how far the upload has come."""


def upload_begin(
    *, name: str, length: int, sha256: str, patient: dict[str, Any], actor: User, site: Site
) -> Receipt | Upload:
    """The image, if these bytes are here; else the upload to be continued at its `offset`.

    `patient`: what was typed, for what the file becomes. Raises EmptyFile, FileTooLarge,
    DescriptionUnreadable or TooMuchUnfinished.
    """
    uploads_expire()
    _length_check(length)
    description_read(patient)
    known = image_known(sha256=sha256, actor=actor, site=site)
    if known is not None:
        return known
    whose = {"user": actor, "site": site, "sha256": sha256, "finished": None}
    described = {"length": length, "name": text_fitted(name, 255) or "unnamed", "patient": patient}
    for mistaken in Upload.objects.filter(**whose).exclude(length=length):
        upload_end(mistaken)
    begun = Upload.objects.filter(**whose)
    if begun.update(expires=expiry(), patient=patient):
        return begun.get()
    unfinished = Upload.objects.filter(user=actor, finished=None)
    if (unfinished.aggregate(sum=Sum("length"))["sum"] or 0) + length > MOST_UNFINISHED:
        raise TooMuchUnfinished("Too much of what you sent is not finished.")
    upload, _ = Upload.objects.get_or_create(**whose, defaults=described)
    return upload


def upload_append(*, upload: Upload, offset: int, body: Body) -> None:
    """Keep what arrives, to the end of the file at most, and receive the file when it is whole.

    A connection that breaks keeps what came before. Raises OffsetConflict or FileTooLarge.
    """
    if offset != upload.offset or upload.finished:
        raise OffsetConflict
    if upload.parts.count() >= MOST_PARTS:
        raise TooMuchUnfinished("The file comes in too many parts.")
    while data := _read(body, min(PART_BYTES, upload.length - upload.offset)):
        _part_keep(upload, data)
    if upload.offset == upload.length:
        _receive(upload)


def upload_end(upload: Upload) -> None:
    """Forget an upload and its bytes. The row goes last: what is cut short is found again."""
    for part in upload.parts.all():
        default_storage.delete(part.file.name)
    upload.delete()


def uploads_expire() -> int:
    """Forget what nobody has gone on with; returns how many."""
    expired = list(Upload.objects.filter(expires__lt=timezone.now())[:100])
    for upload in expired:
        upload_end(upload)
    return len(expired)


def _length_check(length: int) -> None:
    """A zip may hold many radiographs; whether it is one is seen in its first bytes."""
    if length == 0:
        raise EmptyFile("The file is empty.")
    limit = max(settings.PNEUMOSCOPE_MAX_REQUEST_BYTES, settings.PNEUMOSCOPE_MAX_FILE_BYTES)
    if length > limit:
        raise FileTooLarge(f"The file has {length:,} bytes; the limit is {limit:,}.")


def _read(body: Body, size: int) -> bytes:
    """As much as comes of `size` bytes: less where the body ends or the connection breaks."""
    data = bytearray()
    with contextlib.suppress(UnreadablePostError):
        while len(data) < size and (chunk := body.read(min(64 * 1024, size - len(data)))):
            data += chunk
    return bytes(data)


def _part_keep(upload: Upload, data: bytes) -> None:
    """Of two senders at one offset one wins; what the other sent is forgotten."""
    if upload.offset == 0:
        _first_part_check(upload, data)
    stored = default_storage.save(f"incoming/{uuid.uuid4().hex}", ContentFile(data))
    try:
        _part_write(upload, len(data), stored)
    except BaseException:
        default_storage.delete(stored)
        raise
    upload.offset += len(data)


@transaction.atomic
def _part_write(upload: Upload, length: int, stored: str) -> None:
    here = Upload.objects.filter(pk=upload.pk, offset=upload.offset, finished=None)
    if not here.update(offset=upload.offset + length, expires=expiry()):
        raise OffsetConflict
    UploadPart.objects.create(upload=upload, offset=upload.offset, file=stored)


def _first_part_check(upload: Upload, data: bytes) -> None:
    """What is no zip has the limit of one radiograph: said before the rest is sent."""
    if is_archive(data[:4]):
        return
    try:
        size_check(upload.length)
    except FileTooLarge:
        upload_end(upload)
        raise


def _receive(upload: Upload) -> None:
    """Once more is harmless: the same bytes are the same images."""
    with _whole(upload) as (file, sha256):
        try:
            if sha256 != upload.sha256:
                raise UploadDamaged("Other bytes arrived than were announced.")
            whole = UploadedFile(file, name=upload.name, size=upload.length)
            outcomes = upload_receive(
                file=whole, source=Source.UPLOAD, actor=upload.user, site=upload.site
            )
        except PneumoscopeError as error:
            outcomes = [Refusal(upload.name, error)]
    _describe(upload, outcomes)
    upload.outcome, upload.finished = outcome_of(outcomes), timezone.now()
    upload.save(update_fields=["outcome", "finished"])
    for part in upload.parts.all():
        default_storage.delete(part.file.name)
        part.delete()


def _describe(upload: Upload, outcomes: list[Receipt | Refusal]) -> None:
    """What was typed beside the file belongs to the studies it began, and to no older one."""
    values = description_read(upload.patient)
    for each in outcomes:
        if isinstance(each, Receipt) and not each.duplicate:
            study_describe(study=each.image.study, values=values, acting_user=upload.user)


def outcome_of(outcomes: list[Receipt | Refusal]) -> dict[str, Any]:
    """As JSON: `studies`, those of them that are `known`, `refused`."""
    receipts = [each for each in outcomes if isinstance(each, Receipt)]
    studies = list(dict.fromkeys(str(receipt.image.study_id) for receipt in receipts))
    new = {str(receipt.image.study_id) for receipt in receipts if not receipt.duplicate}
    refused = [
        {
            "name": each.source_name,
            "code": each.error.code,
            "reason": str(each.error),
            "remedy": each.error.remedy,
        }
        for each in outcomes
        if isinstance(each, Refusal)
    ]
    return {
        "studies": studies,
        "known": [study for study in studies if study not in new],
        "refused": refused,
    }


@contextlib.contextmanager
def _whole(upload: Upload) -> Iterator[tuple[IO[bytes], str]]:
    """The parts in one file, and its SHA-256."""
    digest = hashlib.sha256()
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        for part in upload.parts.all():
            with default_storage.open(part.file.name) as stored:
                for chunk in stored.chunks():
                    digest.update(chunk)
                    file.write(chunk)
        file.seek(0)
        yield file, digest.hexdigest()
