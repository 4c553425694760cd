"""People, for the administrators of their sites. Others' people do not exist for them."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.web.accounts.access import require_right
from pneumoscope.web.accounts.models import Membership, User
from pneumoscope.web.accounts.roles import Role
from pneumoscope.web.people import services
from pneumoscope.web.people.errors import NotYours
from pneumoscope.web.people.forms import InvitationForm, RoleForm


@require_http_methods(["GET", "HEAD", "POST"])
@require_right("people.manage")
def people(request: HttpRequest) -> HttpResponse:
    """The people of the sites one administers; POST invites one more."""
    form = InvitationForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        person, link = _invite(request.user, form)
        return _shown_once(request, person, link)
    context = {"people": _managed(request.user), "form": form, "invites": bool(form.errors)}
    return render(request, "people/people.html", context)


@require_safe
@require_right("people.manage")
def person(request: HttpRequest, person_id: int) -> HttpResponse:
    found = _person(request, person_id)
    return render(request, "people/person.html", _person_context(request.user, found))


@require_POST
@require_right("people.manage")
def role(request: HttpRequest, person_id: int) -> HttpResponse:
    found = _person(request, person_id)
    form = RoleForm(request.user, request.POST)
    if not form.is_valid():
        raise Http404
    site, chosen = form.cleaned_data["site"], form.cleaned_data["role"]

    def change() -> None:
        services.role_set(
            acting_user=request.user,
            person=found,
            site=site,
            role=Role(chosen) if chosen else None,
        )

    done = (
        _("%(person)s has the role “%(role)s” at %(site)s now.")
        if chosen
        else _("%(person)s has no access to %(site)s any more.")
    )
    role = Role(chosen).label if chosen else ""
    said = done % {"person": found, "site": site, "role": role}
    return _after(request, found, change, said)


# What one button does to a person, and what is said afterwards.
STEPS: dict[str, tuple[Callable[..., Any], Promise]] = {
    "activate": (
        lambda **who: services.person_activate(active=True, **who),
        _("%(person)s may sign in again."),
    ),
    "deactivate": (
        lambda **who: services.person_activate(active=False, **who),
        _("%(person)s is signed out everywhere and kept out."),
    ),
    "unlock": (services.person_unlock, _("%(person)s may try to sign in again at once.")),
    "factors": (services.factors_remove, _("%(person)s signs in with the password alone now.")),
    "sessions": (services.sessions_end, _("%(person)s is signed out everywhere.")),
}


@require_POST
@require_right("people.manage")
def step(request: HttpRequest, person_id: int, step: str) -> HttpResponse:
    found = _person(request, person_id)
    if step == "invitation":
        return _invitation(request, found)
    if step not in STEPS:
        raise Http404
    act, said = STEPS[step]
    return _after(
        request,
        found,
        lambda: act(acting_user=request.user, person=found),
        said % {"person": found},
    )


def _invitation(request: HttpRequest, person: User) -> HttpResponse:
    try:
        link = services.invitation_create(acting_user=request.user, person=person)
    except NotYours as error:
        messages.error(request, f"{error} {error.remedy}")
        return redirect("people:person", person.pk)
    return _shown_once(request, person, link)


@transaction.atomic
def _invite(acting_user: User, form: InvitationForm) -> tuple[User, str]:
    details = dict(form.cleaned_data)
    person = services.person_create(
        acting_user=acting_user,
        username=details.pop("username"),
        site=details.pop("site"),
        role=Role(details.pop("role")),
        **details,
    )
    return person, services.invitation_create(acting_user=acting_user, person=person)


def _shown_once(request: HttpRequest, person: User, link: str) -> HttpResponse:
    context = {"person": person, "link": request.build_absolute_uri(link)}
    response = render(request, "people/invitation.html", context)
    response.headers["Cache-Control"] = "no-store"
    return response


def _after(
    request: HttpRequest, person: User, change: Callable[[], None], done: str
) -> HttpResponse:
    try:
        change()
    except (PneumoscopeError, ValidationError) as error:
        messages.error(request, f"{error} {getattr(error, 'remedy', '')}")
    else:
        messages.success(request, done)
    mine = _managed(request.user).filter(pk=person.pk).exists()
    return redirect("people:person", person.pk) if mine else redirect("people:people")


def _managed(user: User) -> Any:
    """With their memberships at the sites one administers: other sites' roles are not ours."""
    sites = user.sites_with("people.manage")
    memberships = Membership.objects.filter(site__in=sites).select_related("site")
    return (
        User.objects.filter(memberships__site__in=sites)
        .distinct()
        .order_by("username")
        .prefetch_related(Prefetch("memberships", memberships, to_attr="roles_here"))
    )


def _person(request: HttpRequest, person_id: int) -> User:
    found: User = get_object_or_404(_managed(request.user), pk=person_id)
    return found


def _person_context(user: User, person: User) -> dict[str, Any]:
    here = {membership.site_id: membership.role for membership in person.roles_here}
    sites = user.sites_with("people.manage")
    try:
        services.account_check(user, person)
        theirs = ""
    except NotYours as error:
        theirs = f"{error} {error.remedy}"
    return {
        "person": person,
        "roles": [(user.seats[key].site, here.get(key, "")) for key in sites],
        "role_choices": Role.choices,
        "not_ours": theirs,
        "factors": person.authenticator_set.exclude(type="recovery_codes").count(),
        "tokens": person.auth_token_set.filter(site__in=sites).select_related("site"),
    }
