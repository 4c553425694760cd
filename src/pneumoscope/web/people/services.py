"""Changes to people, their roles and their tokens: one transaction with its audit event each."""

from datetime import timedelta

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext as _

from pneumoscope.web.accounts.lockout import attempts_forget
from pneumoscope.web.accounts.models import ApiToken, Membership, Site, User
from pneumoscope.web.accounts.roles import Role, Scope
from pneumoscope.web.audit.services import event_record
from pneumoscope.web.people.errors import LastAdministrator, NotYours


@transaction.atomic
def person_create(
    *,
    acting_user: User | None,
    username: str,
    site: Site,
    role: Role,
    password: str | None = None,
    **details: str,
) -> User:
    """A person with a first role; without a password they need an invitation to sign in."""
    person = User(username=User.normalize_username(username), **details)
    person.set_password(password)
    person.full_clean(exclude=["password"])
    person.save()
    Membership.objects.create(user=person, site=site, role=role)
    event_record(
        action="person.create", actor=acting_user, target=person, site=site, detail={"role": role}
    )
    return person


@transaction.atomic
def invitation_create(*, acting_user: User, person: User) -> str:
    """The path of a one-time link at which a person chooses a password, given back once.

    Whatever password and links they had end now. Raises NotYours.
    """
    account_check(acting_user, person)
    person.set_unusable_password()
    person.save(update_fields=["password"])
    event_record(action="person.invite", actor=acting_user, target=person)
    name = urlsafe_base64_encode(force_bytes(person.pk))
    return reverse("people:welcome", args=[name, default_token_generator.make_token(person)])


@transaction.atomic
def role_set(*, acting_user: User, person: User, site: Site, role: Role | None) -> None:
    """What a person is at one site; None: nothing any more. Raises LastAdministrator."""
    membership = Membership.objects.filter(user=person, site=site).first()
    before = membership.role if membership else None
    if before == role:
        return
    if before == Role.ADMINISTRATOR:
        _others_must_administer(site, person)
    if role is None:
        Membership.objects.filter(user=person, site=site).delete()
        ApiToken.objects.filter(user=person, site=site).delete()
    else:
        Membership.objects.update_or_create(user=person, site=site, defaults={"role": role})
    event_record(
        action="person.role",
        actor=acting_user,
        target=person,
        site=site,
        detail={"before": before, "after": role},
    )


@transaction.atomic
def person_activate(*, acting_user: User, person: User, active: bool) -> None:
    """Let a person in or keep them out; out also means that sessions and tokens end.

    Raises NotYours or LastAdministrator.
    """
    account_check(acting_user, person)
    if not active:
        administered = person.memberships.filter(role=Role.ADMINISTRATOR, site__active=True)
        for membership in administered.select_related("site"):
            _others_must_administer(membership.site, person)
        ApiToken.objects.filter(user=person).delete()
    person.is_active = active
    person.save(update_fields=["is_active"])
    action = "person.activate" if active else "person.deactivate"
    event_record(action=action, actor=acting_user, target=person)
    sessions_end(acting_user=acting_user, person=person)


@transaction.atomic
def sessions_end(*, acting_user: User, person: User) -> None:
    """Sign a person out everywhere; their tokens stay."""
    User.objects.filter(pk=person.pk).update(session_epoch=F("session_epoch") + 1)
    person.refresh_from_db(fields=["session_epoch"])
    event_record(action="person.sessions_end", actor=acting_user, target=person)


@transaction.atomic
def factors_remove(*, acting_user: User, person: User) -> None:
    """For who lost phone and recovery codes: the password alone lets them in. Raises NotYours."""
    account_check(acting_user, person)
    removed, _each = Authenticator.objects.filter(user=person).delete()
    event_record(
        action="person.factors_remove",
        actor=acting_user,
        target=person,
        detail={"removed": removed},
    )


@transaction.atomic
def person_unlock(*, acting_user: User, person: User) -> None:
    """After too many wrong passwords."""
    attempts_forget(person)
    event_record(action="person.unlock", actor=acting_user, target=person)


@transaction.atomic
def site_save(*, acting_user: User, site: Site) -> None:
    """Write a site; who makes one is its first administrator."""
    made = site.pk is None
    site.full_clean()
    site.save()
    if made:
        Membership.objects.create(user=acting_user, site=site, role=Role.ADMINISTRATOR)
    action = "site.create" if made else "site.change"
    event_record(action=action, actor=acting_user, target=site, site=site)


@transaction.atomic
def token_create(
    *,
    acting_user: User | None,
    person: User,
    site: Site,
    name: str,
    scope: Scope,
    life: timedelta | None = None,
) -> str:
    """A token for the API at one site, given back once; only its hash is kept."""
    token, secret = ApiToken.objects.create(
        user=person,
        expiry=life or settings.REST_KNOX["TOKEN_TTL"],
        site=site,
        name=name,
        scope=scope,
    )
    event_record(
        action="token.create",
        actor=acting_user,
        target=person,
        site=site,
        detail={"key": token.token_key, "scope": scope, "until": token.expiry.isoformat()},
    )
    return str(secret)


@transaction.atomic
def token_revoke(*, acting_user: User, token: ApiToken) -> None:
    event_record(
        action="token.revoke",
        actor=acting_user,
        target=token.user,
        site=token.site,
        detail={"key": token.token_key},
    )
    token.delete()


def account_check(acting_user: User, person: User) -> None:
    """An account is more than a role: only who administers all its sites may touch it.

    Otherwise an administrator of one site could sign in as a person of another. Raises NotYours.
    """
    theirs = set(person.memberships.values_list("site_id", flat=True))
    if not theirs <= set(acting_user.sites_with("people.manage")):
        raise NotYours(
            _("%(person)s also works at a site that you do not administer.") % {"person": person}
        )


def _others_must_administer(site: Site, person: User) -> None:
    """Raises LastAdministrator. The rows are locked, so that two cannot leave at once."""
    others = Membership.objects.select_for_update().filter(
        site=site, role=Role.ADMINISTRATOR, user__is_active=True
    )
    if not others.exclude(user=person).exists():
        raise LastAdministrator(
            _("%(person)s is the only administrator of %(site)s.")
            % {"person": person, "site": site}
        )
