"""Sites, people, who works where as what, and their API tokens."""

import zoneinfo
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from knox.models import AbstractAuthToken

from pneumoscope.web.accounts.operating import point_word
from pneumoscope.web.accounts.roles import Right, Role, Scope, rights_of


def time_zone_check(name: str) -> None:
    if name not in zoneinfo.available_timezones():
        raise ValidationError(_("Write a time zone such as Africa/Nairobi or UTC."))


class Site(models.Model):
    """A hospital or practice. Nothing of one site is visible to another."""

    name = models.CharField(max_length=120, unique=True)
    code = models.SlugField(unique=True)
    # Share of pneumonia among the radiographs read here, for PPV and NPV; None: not known.
    prevalence = models.FloatField(null=True, blank=True)
    # Name of an operating point in the model's card; empty: the card's own choice.
    operating_point = models.CharField(max_length=60, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC", validators=[time_zone_check])
    # Readers say what they see before the result is shown (`studies.blinding`).
    reads_blind = models.BooleanField(default=False)
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(prevalence=None) | models.Q(prevalence__gt=0, prevalence__lt=1),
                name="site_prevalence_between_0_and_1",
                violation_error_message=_("Write a prevalence above 0 and below 1, such as 0.15."),
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def operating_word(self) -> str:
        """For people; empty where the card chooses."""
        return point_word(self.operating_point)


@dataclass(frozen=True, slots=True)
class Seat:
    """What a person may do at one site, now: by role, or by the token they came with."""

    site: Site
    role: str
    rights: frozenset[str]


class User(AbstractUser):
    """A person. What they may do follows from their roles at their sites."""

    # Of its pages; empty: the browser's.
    language = models.CharField(max_length=16, blank=True)
    # Part of every session's hash: raising it ends them all.
    session_epoch = models.PositiveIntegerField(default=0)

    class Meta(AbstractUser.Meta):
        constraints = [
            # Single sign-on finds people by their address.
            models.UniqueConstraint(
                Lower("email"),
                condition=~models.Q(email=""),
                name="one_person_per_email",
                violation_error_message=_("Somebody else has this e-mail address."),
            )
        ]

    # The site whose work is being done, where there are several: set for each request.
    working_site_id: int | None = None

    @cached_property
    def seats(self) -> dict[int, Seat]:
        """By the site's key, in the order of the sites' names; closed sites are left out."""
        found = self.memberships.filter(site__active=True).select_related("site")
        return {each.site_id: Seat(each.site, each.role, rights_of(each.role)) for each in found}

    def sites_with(self, right: Right) -> list[int]:
        """Keys of the sites at which this person has the right."""
        if not self.is_active:
            return []
        return [key for key, seat in self.seats.items() if right in seat.rights]

    def has_right(self, right: Right, site_id: int | None = None) -> bool:
        """Whether the right is there: at this site, or without one, at any."""
        sites = self.sites_with(right)
        return bool(sites) if site_id is None else site_id in sites

    @property
    def site(self) -> Site | None:
        """Where the person works now, and so where uploads go; None without a membership."""
        seat = self.seats.get(self.working_site_id or 0) or next(iter(self.seats.values()), None)
        return seat.site if seat else None

    def get_session_auth_hash(self) -> str:
        """Changes with the password and with the epoch: either ends every session."""
        return self._epoch_hash(super().get_session_auth_hash())

    def get_session_auth_fallback_hash(self) -> Any:
        return map(self._epoch_hash, super().get_session_auth_fallback_hash())

    def _epoch_hash(self, value: str) -> str:
        return salted_hmac("session epoch", f"{value}{self.session_epoch}").hexdigest()


class Membership(models.Model):
    """A person works at a site in one role."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role.choices)

    class Meta:
        ordering = ["site__name", "user__username"]
        constraints = [
            models.UniqueConstraint(fields=["user", "site"], name="one_role_per_person_and_site"),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="membership_role_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} at {self.site}: {self.get_role_display()}"


class ApiToken(AbstractAuthToken):
    """A program's key: one person's rights at one site, no more than its scope, until it ends."""

    name = models.CharField(max_length=60)
    scope = models.CharField(max_length=10, choices=Scope.choices)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-created"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(scope__in=Scope.values), name="token_scope_known"
            ),
            models.CheckConstraint(
                condition=models.Q(expiry__isnull=False), name="token_has_an_end"
            ),
        ]
