"""The one-time link of an invitation: choose a password, then sign in."""

from django.contrib import messages
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import urlsafe_base64_decode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from pneumoscope.web.accounts.models import User
from pneumoscope.web.audit.services import event_record


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def welcome(request: HttpRequest, name: str, token: str) -> HttpResponse:
    """410 for a link that was used, has expired, was replaced or never was."""
    person = _invited(name, token)
    if person is None:
        return render(request, "people/invitation_over.html", status=410)
    form = SetPasswordForm(person, request.POST or None)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            form.save()
            event_record(action="person.password_set", actor=person, target=person, request=request)
        messages.success(request, _("Your password is set. Sign in with it now."))
        return redirect("account_login")
    return render(request, "people/welcome.html", {"person": person, "form": form})


def _invited(name: str, token: str) -> User | None:
    try:
        key = int(urlsafe_base64_decode(name))
    except (ValueError, OverflowError):
        return None
    person = User.objects.filter(pk=key, is_active=True).first() if key < 2**63 else None
    valid = person is not None and default_token_generator.check_token(person, token)
    return person if valid else None
