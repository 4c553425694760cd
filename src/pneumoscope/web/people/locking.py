"""The lock: what the page asks, how it locks, how its person opens it."""

from django.contrib.auth import authenticate
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from pneumoscope.web.accounts import lock
from pneumoscope.web.accounts.lockout import attempts_forget
from pneumoscope.web.audit.services import event_record
from pneumoscope.web.people.way_back import way_back


@never_cache
@require_GET
def session(request: HttpRequest) -> JsonResponse:
    """Whether the session is open, whose it is, and the token its forms need now."""
    state = lock.state_of(request)
    return JsonResponse({"state": state, "person": request.user.pk, "csrf": get_token(request)})


@require_POST
def session_lock(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated and lock.state_of(request) == "open":
        lock.lock(request)
        event_record(
            action="session.lock", actor=request.user, target=request.user, request=request
        )
    return HttpResponse(status=204) if request.htmx else redirect("/")


@sensitive_post_parameters()
@never_cache
@require_POST
def session_unlock(request: HttpRequest) -> HttpResponseBase:
    """204 or back to the page with the right password; 401 with the wrong one or none to unlock."""
    user = request.user
    if not user.is_authenticated:
        return lock.refusal(request, "ended")
    password = request.POST.get("password", "")
    if authenticate(request, username=user.get_username(), password=password) != user:
        return _wrong(request)
    attempts_forget(user)
    lock.release(request)
    event_record(action="session.unlock", actor=user, target=user, request=request)
    return HttpResponse(status=204) if request.htmx else redirect(way_back(request))


def _wrong(request: HttpRequest) -> HttpResponse:
    template = "people/wrong_password.html" if request.htmx else "people/locked.html"
    context = {"wrong": True, "next": way_back(request)}
    response = render(request, template, context, status=401)
    response.headers[lock.HEADER] = "locked"
    return response
