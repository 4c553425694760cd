"""Uploads: the page, and the tus resumable upload protocol 1.0.0 behind it (tus.io/protocols).

Core, creation, expiration and termination. Beyond the protocol: a file is announced with its
SHA-256, which may be answered at once (200) with the worklist's row of what is here already; GET
answers with the rows that a finished upload became; refusals are rows too, with their remedy.
"""

import base64
import binascii
import json
import re
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import http_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from pneumoscope.core.errors import FileTooLarge, PneumoscopeError
from pneumoscope.web.accounts.access import require_right
from pneumoscope.web.studies.describing import DescriptionForm
from pneumoscope.web.studies.errors import NoRoom
from pneumoscope.web.studies.models import Source, Study, Upload
from pneumoscope.web.studies.services import Receipt, Refusal, upload_receive
from pneumoscope.web.studies.templatetags.reading import error_words
from pneumoscope.web.studies.uploading import (
    OffsetConflict,
    outcome_of,
    upload_append,
    upload_begin,
    upload_end,
)
from pneumoscope.web.studies.worklist import rows, with_rows

TUS = "1.0.0"
BODY_TYPE = "application/offset+octet-stream"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DIGITS = re.compile(r"[0-9]{1,15}")


@require_http_methods(["GET", "HEAD", "POST"])
@require_right("study.upload")
def upload(request: HttpRequest) -> HttpResponse:
    """The page; a form without scripts posts its parts `file` here."""
    if not may_upload(request):
        raise PermissionDenied
    if request.method == "POST":
        return _plain(request)
    unfinished = request.user.uploads.filter(finished=None, site=request.user.site)
    context = {
        "unfinished": unfinished,
        "may_upload": True,
        "max_bytes": settings.PNEUMOSCOPE_MAX_FILE_BYTES,
        "max_zip_bytes": settings.PNEUMOSCOPE_MAX_REQUEST_BYTES,
        "description": DescriptionForm(auto_id="described-%s"),
    }
    return render(request, "studies/upload.html", context)


def may_upload(request: HttpRequest) -> bool:
    """Uploads go to the site at which the person works now."""
    return bool(request.user.site) and request.user.has_right("study.upload", request.user.site.pk)


def _plain(request: HttpRequest) -> HttpResponse:
    outcomes = [each for file in request.FILES.getlist("file") for each in _receive(request, file)]
    for each in outcomes:
        if isinstance(each, Refusal):
            messages.error(request, f"{each.source_name}: {error_words(each.error)}")
    return redirect("studies:worklist")


def _receive(request: HttpRequest, file: UploadedFile) -> list[Receipt | Refusal]:
    """Every file by itself: one that is refused never loses the others."""
    user = request.user
    try:
        return upload_receive(file=file, source=Source.UPLOAD, actor=user, site=user.site)
    except PneumoscopeError as error:
        return [Refusal(file.name or "", error)]


@require_http_methods(["POST", "OPTIONS"])
@require_right("study.upload")
def uploads(request: HttpRequest) -> HttpResponse:
    """Announce a file: `Upload-Length`, and `Upload-Metadata` with filename, sha256, patient."""
    if request.method == "OPTIONS":
        return _capabilities()
    if not may_upload(request):
        raise PermissionDenied
    if request.headers.get("Tus-Resumable") != TUS:
        return HttpResponse(status=412, headers={"Tus-Version": TUS})
    told = _metadata(request.headers.get("Upload-Metadata", ""))
    name, sha256 = told.get("filename", ""), told.get("sha256", "")
    if not _SHA256.fullmatch(sha256):
        raise BadRequest("Upload-Metadata holds no sha256.")
    try:
        begun = upload_begin(
            name=name,
            length=_number(request, "Upload-Length"),
            sha256=sha256,
            patient=_patient(told.get("patient", "{}")),
            actor=request.user,
            site=request.user.site,
        )
    except PneumoscopeError as error:
        return _refused(request, Refusal(name, error))
    if isinstance(begun, Receipt):
        return _rows(request, outcome_of([begun]))
    location = reverse("studies:upload_file", args=[begun.pk])
    return _progress(begun, status=201, headers={"Location": location})


@require_http_methods(["GET", "HEAD", "PATCH", "DELETE"])
@require_right("study.upload")
def upload_file(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """One's own upload; anybody else's does not exist."""
    mine = request.user.uploads.filter(site__in=request.user.sites_with("study.upload"))
    found = get_object_or_404(mine, pk=upload_id)
    if request.method == "DELETE":
        upload_end(found)
        return HttpResponse(status=204, headers={"Tus-Resumable": TUS})
    if request.method == "PATCH":
        return _append(request, found)
    if request.method == "HEAD":
        return _progress(found, status=200)
    return _rows(request, found.outcome) if found.finished else HttpResponse(status=409)


def _append(request: HttpRequest, found: Upload) -> HttpResponse:
    if request.content_type != BODY_TYPE:
        return HttpResponse(status=415, headers={"Tus-Resumable": TUS})
    try:
        upload_append(upload=found, offset=_number(request, "Upload-Offset"), body=request)
    except OffsetConflict:
        return HttpResponse(status=409, headers={"Tus-Resumable": TUS})
    except PneumoscopeError as error:
        return _refused(request, Refusal(found.name, error))
    return _progress(found, status=204)


def _progress(upload: Upload, *, status: int, headers: dict[str, str] | None = None) -> Any:
    expires = http_date(upload.expires.timestamp())
    return HttpResponse(
        status=status,
        headers={
            "Tus-Resumable": TUS,
            "Upload-Offset": str(upload.offset),
            "Upload-Length": str(upload.length),
            "Upload-Expires": expires,
            "Cache-Control": "no-store",
            **(headers or {}),
        },
    )


def _capabilities() -> HttpResponse:
    largest = max(settings.PNEUMOSCOPE_MAX_REQUEST_BYTES, settings.PNEUMOSCOPE_MAX_FILE_BYTES)
    return HttpResponse(
        status=204,
        headers={
            "Tus-Resumable": TUS,
            "Tus-Version": TUS,
            "Tus-Extension": "creation,expiration,termination",
            "Tus-Max-Size": str(largest),
        },
    )


def _rows(request: HttpRequest, outcome: dict[str, Any], status: int = 200) -> HttpResponse:
    """What a file became, as rows of the worklist."""
    known = {UUID(key) for key in outcome["known"]}
    order = {UUID(key): place for place, key in enumerate(outcome["studies"])}
    visible = Study.objects.visible_to(request.user)
    studies = with_rows(visible.filter(pk__in=order), request.user)
    shown = rows(sorted(studies, key=lambda study: order[study.pk]), known)
    context = {"rows": shown, "refusals": outcome["refused"]}
    response = render(request, "studies/rows.html", context, status=status)
    response.headers["X-Pneumoscope-Rows"] = str(len(shown) + len(outcome["refused"]))
    response.headers["Tus-Resumable"] = TUS
    return response


def _refused(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    statuses = {FileTooLarge.code: 413, NoRoom.code: 507}
    return _rows(request, outcome_of([refusal]), statuses.get(refusal.error.code, 400))


def _number(request: HttpRequest, name: str) -> int:
    word = request.headers.get(name, "")
    if not _DIGITS.fullmatch(word):
        raise BadRequest(f"{name} is no number.")
    return int(word)


def _metadata(header: str) -> dict[str, str]:
    """`key base64, key base64, …`; what is not UTF-8 is replaced."""
    pairs = [pair.strip().partition(" ") for pair in header.split(",") if pair.strip()]
    try:
        return {
            key: base64.b64decode(value, validate=True).decode("utf-8", "replace")
            for key, _space, value in pairs
        }
    except (binascii.Error, ValueError):
        raise BadRequest("Upload-Metadata is not base64.") from None


def _patient(text: str) -> dict[str, Any]:
    try:
        told = json.loads(text)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise BadRequest(_("The patient's details are not understood."))
    return told
