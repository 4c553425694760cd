"""What happens around every request."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

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


class WorkingSite:
    """Which of their sites the person works at, as they chose; its time zone is the page's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated:
            return self.get_response(request)
        request.user.working_site_id = request.session.get("site")
        site = request.user.site
        with timezone.override(site.time_zone if site else None):
            return self.get_response(request)
