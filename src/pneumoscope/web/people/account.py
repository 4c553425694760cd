"""One's own account: where one works, how one signs in, the programs that act for one."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from pneumoscope.web.accounts.models import ApiToken, User
from pneumoscope.web.accounts.roles import Scope
from pneumoscope.web.people.forms import TokenForm
from pneumoscope.web.people.services import sessions_end, token_create, token_revoke
from pneumoscope.web.people.way_back import way_back


@require_safe
@login_required
def account(request: HttpRequest) -> HttpResponse:
    return render(request, "people/account.html", _context(request.user))


@require_POST
@login_required
def working_site(request: HttpRequest) -> HttpResponse:
    """Where one works from now on; a site that is not one's own changes nothing."""
    chosen = request.POST.get("site", "")
    mine = {str(key): key for key in request.user.seats}
    if chosen in mine:
        request.session["site"] = mine[chosen]
    return redirect(way_back(request))


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Kept with the account, and by this browser for the pages before sign-in.

    A language that is not offered changes nothing.
    """
    response = redirect(way_back(request))
    chosen = request.POST.get("language", "")
    if chosen not in dict(settings.LANGUAGES):
        return response
    if request.user.is_authenticated:
        request.user.language = chosen
        request.user.save(update_fields=["language"])
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        chosen,
        max_age=settings.LANGUAGE_COOKIE_AGE,
        secure=settings.LANGUAGE_COOKIE_SECURE,
        httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
        samesite=settings.LANGUAGE_COOKIE_SAMESITE,
    )
    return response


@require_POST
@login_required
def sessions(request: HttpRequest) -> HttpResponse:
    """Sign out everywhere but here."""
    sessions_end(acting_user=request.user, person=request.user)
    update_session_auth_hash(request, request.user)
    messages.success(request, _("You are signed out everywhere else."))
    return redirect("people:account")


@require_POST
@login_required
def tokens(request: HttpRequest) -> HttpResponse:
    """Make a token and show it, this once."""
    form = TokenForm(request.user, request.POST)
    context = _context(request.user, form)
    if form.is_valid():
        wanted = form.cleaned_data
        context["secret"] = token_create(
            acting_user=request.user,
            person=request.user,
            site=wanted["site"],
            name=wanted["name"],
            scope=Scope(wanted["scope"]),
            life=wanted["life"],
        )
        context["form"] = TokenForm(request.user)
    response = render(request, "people/account.html", context)
    response.headers["Cache-Control"] = "no-store"
    return response


@require_POST
@login_required
def token_end(request: HttpRequest, digest: str) -> HttpResponse:
    """By its owner, or by an administrator of its site."""
    token = get_object_or_404(ApiToken.objects.select_related("user", "site"), pk=digest)
    if token.user != request.user:
        get_object_or_404(ApiToken, pk=token.pk, site__in=request.user.sites_with("people.manage"))
    token_revoke(acting_user=request.user, token=token)
    messages.success(request, _("The token “%(name)s” works no more.") % {"name": token.name})
    if token.user == request.user:
        return redirect("people:account")
    return redirect("people:person", token.user_id)


def _context(user: User, form: TokenForm | None = None) -> dict[str, object]:
    tokens = ApiToken.objects.filter(user=user).select_related("site")
    factors = user.authenticator_set.exclude(type="recovery_codes").count()
    memberships = user.memberships.filter(site__in=user.seats).select_related("site")
    return {
        "memberships": memberships,
        "tokens": tokens,
        "factors": factors,
        "form": form or TokenForm(user),
    }
