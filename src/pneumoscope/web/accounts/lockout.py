"""Too many wrong passwords for one name from one address: django-axes counts, this is our part."""

from typing import Any

from axes.utils import reset
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.crypto import salted_hmac

from pneumoscope.web.accounts.models import User


def name_hidden(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """What axes keeps instead of the name that was typed: it may be a password."""
    typed = (credentials or {}).get("username") or request.POST.get("login") or ""
    return _hidden(str(typed))


def locked_out(
    request: HttpRequest,
    response: HttpResponse,  # noqa: ARG001
    credentials: dict[str, Any] | None,  # noqa: ARG001
) -> HttpResponse:
    """429 with what to do; as a fragment for the lock screen."""
    template = "accounts/locked_out_words.html" if request.htmx else "accounts/locked_out.html"
    return render(request, template, status=429)


def attempts_forget(person: User) -> int:
    """Let a person try again at once; returns how many counters there were."""
    return int(reset(username=_hidden(person.username)))


def _hidden(name: str) -> str:
    return salted_hmac("name at sign-in", name.casefold()).hexdigest()
