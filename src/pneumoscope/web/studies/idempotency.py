"""`Idempotency-Key`: a request that is sent again, because its answer was lost, is answered again.

After the IETF's draft-ietf-httpapi-idempotency-key-header: the same key with the same files gets
the same answer for a day; with other files it is refused (422), and while the first is still
being answered, too (409).
"""

import hashlib
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.utils import timezone
from rest_framework.exceptions import APIException, ValidationError

from pneumoscope.web.accounts.models import User
from pneumoscope.web.studies.models import KeptAnswer

KEPT = timedelta(days=1)
# After this long without an answer, whoever was to give it has died.
ANSWERED_WITHIN = timedelta(minutes=10)
MOST_CHARACTERS = 255


class KeyOfOtherFiles(APIException):
    status_code = 422
    default_detail = "This Idempotency-Key was used with other files. Use a new one for each set."


class StillAnswering(APIException):
    status_code = 409
    default_detail = "The first request with this Idempotency-Key is still being answered."


def answer_once(
    *, key: str, user: User, files: Iterable[UploadedFile], answer: Callable[[], Any]
) -> Any:
    """What `answer` returns (JSON), or what it returned when the key was first used.

    An `answer` that raises is not kept: the request may be sent again. Raises ValidationError,
    KeyOfOtherFiles, StillAnswering.
    """
    if not key:
        return answer()
    if len(key) > MOST_CHARACTERS or not key.isprintable():
        raise ValidationError({"Idempotency-Key": f"at most {MOST_CHARACTERS} printable signs"})
    kept, first = _keep(key, user, _digest(files))
    if not first:
        return kept.answer
    try:
        kept.answer = answer()
    except BaseException:
        kept.delete()
        raise
    kept.save(update_fields=["answer"])
    return kept.answer


def _keep(key: str, user: User, sha256: str) -> tuple[KeptAnswer, bool]:
    """The row of the key, and whether this request is the one to answer."""
    now = timezone.now()
    KeptAnswer.objects.filter(created__lt=now - KEPT).delete()
    died = KeptAnswer.objects.filter(answer__isnull=True, created__lt=now - ANSWERED_WITHIN)
    died.filter(user=user, key=key).delete()
    try:
        with transaction.atomic():
            return KeptAnswer.objects.create(user=user, key=key, sha256=sha256), True
    except IntegrityError:
        kept = KeptAnswer.objects.filter(user=user, key=key).first()
    if kept is None:
        # The first request failed at this very moment, and took its key back.
        raise StillAnswering
    if kept.sha256 != sha256:
        raise KeyOfOtherFiles
    if kept.answer is None:
        raise StillAnswering
    return kept, False


def _digest(files: Iterable[UploadedFile]) -> str:
    """Of names and bytes, in their order."""
    whole = hashlib.sha256()
    for file in files:
        file.seek(0)
        part = hashlib.sha256((file.name or "").encode())
        for chunk in file.chunks():
            part.update(chunk)
        whole.update(part.digest())
        file.seek(0)
    return whole.hexdigest()
