"""Errors for programs (RFC 9457, application/problem+json) and for people (the templates).

Every problem has a stable `code`, a `detail` that says what happened and a `remedy`.
"""

from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import translation
from django.views import defaults
from rest_framework import exceptions
from rest_framework.views import set_rollback

from pneumoscope.core.errors import FileTooLarge, PneumoscopeError
from pneumoscope.web.reviews.errors import NotIndependent, ReadingClosed, ReviewChanged
from pneumoscope.web.studies.errors import NoRoom

CONTENT_TYPE = "application/problem+json"
API_PREFIX = "/api/"

REMEDIES = {
    400: "Correct the request; the schema is at /api/v1/schema.",
    401: "Send `Authorization: Token …`; make one with `pneumoscope token_create`.",
    403: "Ask an administrator for a role that allows this.",
    404: "Check the address; another site's objects do not exist for you.",
    405: "The schema at /api/v1/schema lists the methods of each address.",
    406: "Accept application/json.",
    409: "Wait a moment, then send the same request again.",
    413: FileTooLarge.remedy,
    415: "Send what the schema at /api/v1/schema names: files as multipart/form-data, else JSON.",
    422: "Send the files that belong to the key, or send these under a new key.",
    429: "Wait as long as the Retry-After header says, then send again.",
    500: "Report this with the time at which it happened.",
}
CODES = {
    400: "bad_request",
    401: "not_authenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    409: "still_answering",
    413: "request_too_large",
    415: "unsupported_media_type",
    422: "key_of_other_files",
    429: "too_many_requests",
    500: "server_error",
}


def problem(status: int, *, detail: str, code: str = "", remedy: str = "") -> dict[str, Any]:
    """The body of one problem."""
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code or CODES.get(status, "error"),
        "detail": detail,
        "remedy": remedy or REMEDIES.get(status, ""),
    }


def error_status(error: PneumoscopeError) -> int:
    if isinstance(error, NoRoom):
        return 507
    if isinstance(error, ReviewChanged | ReadingClosed | NotIndependent):
        return 409
    return 413 if error.code in {"file_too_large", "archive_too_large", "search_too_broad"} else 400


def exception_handler(error: Exception, context: dict[str, Any]) -> HttpResponse | None:  # noqa: ARG001
    """Django REST framework's: every error of an API view becomes a problem.

    As Django's response and not as the framework's, which would write it in whatever format the
    client asked the view for.
    """
    if isinstance(error, PneumoscopeError):
        status = error_status(error)
        body = problem(status, code=error.code, detail=str(error), remedy=error.remedy)
        headers: dict[str, str] = {}
    else:
        known = _as_api_exception(error)
        if known is None:
            return None
        body = problem(known.status_code, detail=_sentence(known.detail))
        headers = _headers(known)
    set_rollback()
    return JsonResponse(body, status=body["status"], headers=headers, content_type=CONTENT_TYPE)


def _as_api_exception(error: Exception) -> exceptions.APIException | None:
    if isinstance(error, Http404):
        return exceptions.NotFound()
    if isinstance(error, PermissionDenied):
        return exceptions.PermissionDenied()
    return error if isinstance(error, exceptions.APIException) else None


def _headers(error: exceptions.APIException) -> dict[str, str]:
    headers = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header
    if getattr(error, "wait", None):
        headers["Retry-After"] = str(int(error.wait))
    return headers


def _sentence(detail: Any) -> str:
    """DRF's nested details as one line: `field: sentence; …`."""
    if isinstance(detail, dict):
        return "; ".join(f"{field}: {_sentence(part)}" for field, part in detail.items())
    if isinstance(detail, list):
        return " ".join(_sentence(part) for part in detail)
    return str(detail)


def _answer(request: HttpRequest, status: int, detail: str, **names: str) -> HttpResponse | None:
    """A problem for the API's addresses; None where a page is wanted."""
    if not request.path.startswith(API_PREFIX):
        return None
    body = problem(status, detail=detail, **names)
    return JsonResponse(body, status=status, content_type=CONTENT_TYPE)


def request_too_large(request: HttpRequest) -> HttpResponse:
    detail = "The request is larger than the configured limit."
    # Before any other middleware, so that the language is not known yet.
    with translation.override(translation.get_language_from_request(request)):
        return _answer(request, 413, detail) or render(request, "413.html", status=413)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, 400, "The request is malformed.") or defaults.bad_request(
        request, exception
    )


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, 403, "Your role does not allow this.") or defaults.permission_denied(
        request, exception
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, 404, "There is nothing at this address.") or defaults.page_not_found(
        request, exception
    )


def server_error(request: HttpRequest) -> HttpResponse:
    return _answer(request, 500, "Something went wrong here.") or defaults.server_error(request)
