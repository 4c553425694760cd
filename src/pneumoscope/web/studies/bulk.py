"""What is done with several studies at once. Each is asked for its right, and is on record."""

import uuid
from collections.abc import Iterable
from functools import partial

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import ProtectedError, QuerySet
from django.dispatch import Signal

from pneumoscope.web.accounts.models import User
from pneumoscope.web.accounts.roles import Role, rights_of
from pneumoscope.web.audit.services import event_record
from pneumoscope.web.studies.models import Image, Study

# `name`: of a file whose image was deleted. Whoever still needs it answers True.
file_unused = Signal()
_READERS = [role for role in Role.values if "review.write" in rights_of(role)]


def readers_of(user: User) -> QuerySet[User]:
    """To whom this person may assign: who reviews at the sites at which they review."""
    sites = user.sites_with("review.write")
    seated = User.objects.filter(memberships__site__in=sites, memberships__role__in=_READERS)
    return seated.filter(is_active=True).distinct().order_by("username")


def studies_assign(*, studies: Iterable[uuid.UUID], reader: User | None, actor: User) -> int:
    """Give studies to a reader, None: to nobody. Returns how many; others' are left alone."""
    with transaction.atomic():
        visible = Study.objects.visible_to(actor, "review.write")
        if reader is not None:
            visible = visible.filter(site__in=reader.sites_with("review.write"))
        found = list(visible.select_for_update().filter(pk__in=studies))
        for study in found:
            study.assigned_to = reader
            study.save(update_fields=["assigned_to"])
            detail = {"to": reader.pk if reader else None}
            event_record(action="study.assign", actor=actor, target=study, detail=detail)
    return len(found)


def studies_delete(*, studies: Iterable[uuid.UUID], actor: User) -> tuple[int, int]:
    """Delete studies with images, results and files. Returns how many, and how many are kept.

    Kept is what something signed rests on. Each study by itself: one that is kept loses no other.
    """
    found = Study.objects.visible_to(actor, "study.delete").filter(pk__in=studies)
    deleted = [_delete(study, actor) for study in found]
    return sum(deleted), len(deleted) - sum(deleted)


def _delete(study: Study, actor: User) -> bool:
    try:
        with transaction.atomic():
            event_record(action="study.delete", actor=actor, target=study)
            names = {
                name
                for image in study.images.all()
                for name in (image.file.name, image.rendered.name, image.thumbnail.name)
                if name
            }
            study.delete()
            transaction.on_commit(partial(_files_delete, names))
    except ProtectedError:
        return False
    return True


def _files_delete(names: set[str]) -> None:
    """The same bytes at another site are one file: it goes with the last that has it."""
    for name in names:
        default_storage.delete_unused(name, partial(_file_needed, name))


def _file_needed(name: str) -> bool:
    """Images are asked last: what an arrival needs no longer is an image's by then."""
    sha256 = name.rpartition("/")[2].partition(".")[0].partition("-")[0]
    needed = any(needed for _, needed in file_unused.send(Image, name=name))
    return needed or Image.objects.filter(sha256=sha256).exists()
