"""Sites and people."""

from django.contrib.auth.models import AbstractUser
from django.db import models

from pneumoscope.web.accounts.roles import Right, Role, rights_of


class Site(models.Model):
    """A hospital or practice. Nothing of one site is visible to another."""

    name = models.CharField(max_length=120, unique=True)
    slug = models.SlugField(unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class User(AbstractUser):
    """A person of one site with one role; what the role allows is in `roles`."""

    role = models.CharField(max_length=20, choices=Role.choices, default=Role.READER)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="users")

    REQUIRED_FIELDS = ["email", "site"]

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="user_role_known")
        ]

    def has_right(self, right: Right) -> bool:
        return self.is_active and right in rights_of(self.role)
