"""A session left alone locks. The page stays as it is; the server answers only to its password.

`seen` in the session is when its person last did something. Scripts that ask by themselves say in
`X-Idle-Seconds` how long nobody has touched the page, so that polling keeps no session open.
"""

import time
from typing import Literal

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

HEADER = "X-Pneumoscope-Session"
IDLE = "X-Idle-Seconds"
# A session is written at most this often, and so may lock this much later than the page.
WRITE_EVERY = 60.0

State = Literal["open", "locked", "ended"]


def state_of(request: HttpRequest) -> State:
    """Whether this session may be used now."""
    session = request.session
    now = time.time()
    if not request.user.is_authenticated or now > session.get("until", now):
        return "ended"
    idle = now - session.get("seen", now)
    if session.get("locked") or idle > settings.PNEUMOSCOPE_LOCK_SECONDS + WRITE_EVERY:
        return "locked"
    return "open"


def note(request: HttpRequest) -> None:
    """Remember that the person did something, as long ago as the page says."""
    session = request.session
    seen = time.time() - _idle(request)
    session.setdefault("until", time.time() + settings.SESSION_COOKIE_AGE)
    if seen > session.get("seen", 0.0) + WRITE_EVERY:
        session["seen"] = seen


def lock(request: HttpRequest) -> None:
    request.session["locked"] = True


def release(request: HttpRequest) -> None:
    """After the right password."""
    request.session.pop("locked", None)
    request.session["seen"] = time.time()


def refusal(request: HttpRequest, state: State) -> HttpResponse:
    """401, as what asked can use it: a problem, a fragment, nothing, or a page with the form."""
    if request.path.startswith("/api/"):
        return _problem(state)
    if request.htmx or request.headers.get("Sec-Fetch-Dest", "document") != "document":
        return HttpResponse(status=401, headers={HEADER: state})
    return render(request, "people/locked.html", status=401, context={"next": _way_back(request)})


def _problem(state: State) -> JsonResponse:
    body = {
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "code": f"session_{state}",
        "detail": f"The session is {state}.",
        "remedy": "Unlock it in the browser, or send a token.",
    }
    return JsonResponse(body, status=401, content_type="application/problem+json")


def _way_back(request: HttpRequest) -> str:
    return request.get_full_path() if request.method == "GET" else "/"


def _idle(request: HttpRequest) -> float:
    word = request.headers.get(IDLE, "0")
    return float(word) if word.isdecimal() else 0.0
