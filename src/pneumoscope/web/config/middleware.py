"""What happens around every request."""

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import logout
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers

from pneumoscope.web.accounts import lock
from pneumoscope.web.config.problems import bad_request, request_too_large


class RequestSizeLimit:
    """413 for bodies over PNEUMOSCOPE_MAX_REQUEST_BYTES, by Content-Length.

    WSGI reads no more than Content-Length says, so that a false header gains nothing.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdecimal() and int(length) > settings.PNEUMOSCOPE_MAX_REQUEST_BYTES:
            return request_too_large(request)
        return self.get_response(request)


class NoNul:
    """400 for a NUL character in an address or a cookie: nothing is called so, and PostgreSQL
    fails when it is asked for it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if any("\x00" in each for each in (request.path, *request.COOKIES.values())):
            return bad_request(request, SuspiciousOperation("NUL"))
        return self.get_response(request)


class Compression(GZipMiddleware):
    """Words travel compressed, a worklist in an eighth of its bytes; pictures are so already.

    Django hides the length of what it compresses (BREACH).
    """

    KINDS = ("text/", "application/json", "application/dicom+json", "application/fhir+json")

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if response.headers.get("Content-Type", "").startswith(self.KINDS):
            return super().process_response(request, response)
        return response


class Language:
    """The language the person chose, else what this browser chose or asks for.

    Programs are answered in the language of the source, whatever their headers say.
    """

    PROGRAMS = ("/api/", "/dicomweb/", "/fhir/")

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(self.PROGRAMS):
            with translation.override(settings.LANGUAGE_CODE):
                return self.get_response(request)
        with translation.override(self._wanted(request)):
            response = self.get_response(request)
            response.headers.setdefault("Content-Language", translation.get_language())
        patch_vary_headers(response, ["Accept-Language"])
        return response

    def _wanted(self, request: HttpRequest) -> str:
        chosen = getattr(request.user, "language", "")
        offered = chosen in dict(settings.LANGUAGES)
        return chosen if offered else translation.get_language_from_request(request)


class SessionLock:
    """Refuses a session that is locked, and ends one that has lasted its time."""

    OPEN = frozenset(
        {
            "session",
            "session_lock",
            "session_unlock",
            "account_login",
            "account_logout",
            "mfa_authenticate",
            "mfa_login_webauthn",
            "openid_connect_login",
            "openid_connect_callback",
            "healthz",
            "schema",
            "manifest",
            "service_worker",
            "offline",
        }
    )

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: object) -> HttpResponse | None:
        """Here and not above: only now the address has its name."""
        if not request.user.is_authenticated:
            return None
        state = lock.state_of(request)
        if state == "ended":
            logout(request)
        elif state == "open":
            lock.note(request)
        elif request.resolver_match.url_name not in self.OPEN:
            return lock.refusal(request, state)
        return None


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
