"""Receiving radiographs: the one way in, for pages, API and, later, DICOM.

What a sender was told is received lies on the disk and in the database before the answer goes out.
Whether it is a radiograph is found out by the worker; only an empty file, one over the limit and an
unsafe archive are refused at once.
"""

import hashlib
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import BinaryIO

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.utils import timezone

from pneumoscope.core.archive import ArchiveLimits, archive_members, is_archive
from pneumoscope.core.errors import ArchiveError, EmptyFile, FileTooLarge, PneumoscopeError
from pneumoscope.core.record import failure_record
from pneumoscope.core.types import DicomHeader, ModelReference
from pneumoscope.web.accounts.models import Site, User
from pneumoscope.web.audit.services import event_record
from pneumoscope.web.studies.errors import is_ours
from pneumoscope.web.studies.headers import header_read, text_fitted
from pneumoscope.web.studies.models import Image, Source, Study
from pneumoscope.web.studies.states import State, sources_of
from pneumoscope.web.studies.summary import study_refresh
from pneumoscope.web.studies.tasks import image_analyse


@dataclass(frozen=True)
class Receipt:
    """An image that is safely here; `duplicate`: the site had these bytes already."""

    image: Image
    duplicate: bool


@dataclass(frozen=True)
class Kept:
    """Bytes that lie durably in the storage, named by their content, and what their header says."""

    file: str
    sha256: str
    header: DicomHeader


@dataclass(frozen=True)
class Refusal:
    """A file that was not received, and why."""

    source_name: str
    error: PneumoscopeError


def study_receive(
    *,
    data: bytes,
    source_name: str,
    source: Source,
    actor: User | None,
    site: Site,
    passed_over: PneumoscopeError | None = None,
    kept: Kept | None = None,
) -> Receipt:
    """Store one file, queue it for analysis, and record who sent it.

    `passed_over` says why it is not to be analysed: it is then kept as REJECTED. `kept` is given
    where the bytes lie in the storage already: nothing is hashed, parsed or written again.

    Files of one StudyInstanceUID and PatientID meet in one study; any other file is a study of its
    own. Raises EmptyFile or FileTooLarge.
    """
    size_check(len(data))
    sha256 = kept.sha256 if kept else hashlib.sha256(data).hexdigest()
    known = Image.objects.filter(site=site, sha256=sha256)
    image = known.first()
    if image is None:
        # Named by its content: a crash from here on leaves at most a file that nobody asks for.
        with default_storage.kept(file_name(sha256)):
            kept = kept or _keep(data, sha256)
            try:
                image = _create(
                    header=kept.header,
                    source=source,
                    actor=actor,
                    site=site,
                    passed_over=passed_over,
                    sha256=sha256,
                    source_name=text_fitted(PurePosixPath(source_name).name, 255) or "unnamed",
                    file=kept.file,
                    bytes=len(data),
                )
            except IntegrityError:
                # The same bytes arrived at the same time, and the other sender was first.
                image = known.get()
            else:
                return Receipt(image, duplicate=False)
    _receive_again(image, actor)
    return Receipt(image, duplicate=True)


def image_known(*, sha256: str, actor: User, site: Site) -> Receipt | None:
    """The image of these bytes, if the site has it: they need not be sent again."""
    image = Image.objects.filter(site=site, sha256=sha256).first()
    if image is None:
        return None
    _receive_again(image, actor)
    return Receipt(image, duplicate=True)


def archive_receive(
    *, data: bytes | BinaryIO, source: Source, actor: User | None, site: Site
) -> list[Receipt | Refusal]:
    """Receive every member of a zip, each by itself: a bad member never loses the others.

    An archive that is unsafe as a whole raises an ArchiveError subclass, and nothing is received:
    it is read to its end before the first member is stored.
    """
    limits = ArchiveLimits(member_bytes=settings.PNEUMOSCOPE_MAX_FILE_BYTES)
    members = sum(1 for _ in archive_members(data, limits=limits))
    event_record(action="archive.receive", actor=actor, site=site, detail={"members": members})
    outcomes: list[Receipt | Refusal] = []
    for name, member in archive_members(data, limits=limits):
        try:
            if isinstance(member, ArchiveError):
                raise member
            outcomes.append(
                study_receive(data=member, source_name=name, source=source, actor=actor, site=site)
            )
        except PneumoscopeError as error:
            outcomes.append(Refusal(name, error))
    return outcomes


def upload_receive(
    *, file: UploadedFile, source: Source, actor: User, site: Site
) -> list[Receipt | Refusal]:
    """Receive what a browser or a program sent in one part: a radiograph, or a zip of them.

    Raises what `study_receive` and `archive_receive` raise.
    """
    file.seek(0)
    if is_archive(file.read(4)):
        return archive_receive(data=file.file, source=source, actor=actor, site=site)
    size_check(file.size or 0)
    file.seek(0)
    name = file.name or ""
    return [
        study_receive(data=file.read(), source_name=name, source=source, actor=actor, site=site)
    ]


def size_check(size: int) -> None:
    """Raises EmptyFile or FileTooLarge; ask before reading a file into memory."""
    if size == 0:
        raise EmptyFile("The file is empty.")
    if size > settings.PNEUMOSCOPE_MAX_FILE_BYTES:
        limit = settings.PNEUMOSCOPE_MAX_FILE_BYTES
        raise FileTooLarge(f"The file has {size:,} bytes; the limit is {limit:,}.")


def file_name(sha256: str) -> str:
    """In the storage."""
    return f"received/{sha256[:2]}/{sha256}"


def _keep(data: bytes, sha256: str) -> Kept:
    file = default_storage.save(file_name(sha256), ContentFile(data))
    header = header_read(data, max_bytes=settings.PNEUMOSCOPE_MAX_FILE_BYTES)
    return Kept(file, sha256, header)


def _create(
    *,
    header: DicomHeader,
    source: Source,
    actor: User | None,
    site: Site,
    passed_over: PneumoscopeError | None,
    **fields: object,
) -> Image:
    """Study, image and event in one transaction; the bell rings when it is committed."""
    with transaction.atomic():
        image = Image.objects.create(
            study=_study_of(header, source, actor, site),
            site=site,
            sop_class_uid=header.sop_class_uid,
            sop_instance_uid=header.sop_instance_uid,
            series_instance_uid=header.series_instance_uid,
            view_position=header.view_position,
            modality=header.modality,
            **_outcome(passed_over, str(fields["source_name"])),
            **fields,
        )
        study_refresh(image.study_id)
        event_record(
            action="image.receive",
            actor=actor,
            target=image,
            site=site,
            detail={"sha256": image.sha256, "bytes": image.bytes, "source": source},
        )
        if passed_over is None:
            _ring(image)
    return image


def _outcome(passed_over: PneumoscopeError | None, source_name: str) -> dict[str, object]:
    """What is known of an image before any analysis."""
    if passed_over is None:
        return {"state": State.RECEIVED}
    record = failure_record(source_name, passed_over, ModelReference("", "", ""))
    return {
        "state": State.REJECTED,
        "failure_code": passed_over.code,
        "failure_reason": str(passed_over),
        "remedy": passed_over.remedy,
        "failure_record": record | {"status": "rejected"},
    }


def _study_of(header: DicomHeader, source: Source, actor: User | None, site: Site) -> Study:
    described = {
        "patient_name": header.patient_name,
        "age_years": header.patient_age,
        "sex": header.patient_sex,
        "accession_number": header.accession_number,
        "study_date": header.study_date,
        "source": source,
        "received_by": actor,
    }
    if not header.study_instance_uid:
        return Study.objects.create(site=site, patient_id=header.patient_id, **described)
    study, _ = Study.objects.get_or_create(
        site=site,
        study_instance_uid=header.study_instance_uid,
        patient_id=header.patient_id,
        defaults=described,
    )
    return study


def _receive_again(image: Image, actor: User | None) -> None:
    """Known bytes change nothing, unless their analysis failed by our fault: then try again."""
    with transaction.atomic():
        event_record(action="image.receive_again", actor=actor, target=image, site=image.site)
        if not is_ours(image.failure_code):
            return
        again = Image.objects.filter(pk=image.pk, state__in=sources_of(State.RECEIVED)).update(
            state=State.RECEIVED,
            queued=timezone.now(),
            attempts=0,
            failure_code="",
            failure_reason="",
            remedy="",
            failure_record=None,
        )
        if again:
            study_refresh(image.study_id)
            image.refresh_from_db()
            _ring(image)


def _ring(image: Image) -> None:
    """Robust: without a broker the row still waits, and the sweep will find it."""
    transaction.on_commit(partial(image_analyse.delay, str(image.pk)), robust=True)
