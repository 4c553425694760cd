"""What must be refused before a byte of the body is read."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from pneumoscope.web.config.problems import request_too_large


class RequestSizeLimit:
    """413 for bodies over PNEUMOSCOPE_MAX_REQUEST_BYTES, by Content-Length.

    WSGI reads no more than Content-Length says, so that a false header gains nothing.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdigit() and int(length) > settings.PNEUMOSCOPE_MAX_REQUEST_BYTES:
            return request_too_large(request)
        return self.get_response(request)
