"""Memberships, filled from the one role and site that people had; tokens with scope and site.

Tokens made before this version have neither and stay behind: make them anew.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

ROLES = [
    ("reader", "Reader"),
    ("senior_reader", "Senior reader"),
    ("technologist", "Technologist"),
    ("administrator", "Administrator"),
    ("model_steward", "Model steward"),
    ("auditor", "Auditor"),
]
SCOPES = [("read", "Read"), ("write", "Read and write")]


def copy(apps, schema_editor):
    Membership = apps.get_model("accounts", "Membership")
    people = apps.get_model("accounts", "User").objects.all()
    Membership.objects.bulk_create(
        Membership(user=user, site_id=user.site_id, role=user.role) for user in people
    )


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_site_facts")]

    operations = [
        migrations.CreateModel(
            name="Membership",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("role", models.CharField(choices=ROLES, max_length=20)),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="memberships",
                        to="accounts.site",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["site__name", "user__username"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "site"), name="one_role_per_person_and_site"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("role__in", [role for role, _ in ROLES])),
                        name="membership_role_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                ("digest", models.CharField(max_length=128, primary_key=True, serialize=False)),
                ("token_key", models.CharField(db_index=True, max_length=25)),
                ("created", models.DateTimeField(auto_now_add=True)),
                ("expiry", models.DateTimeField(blank=True, null=True)),
                ("name", models.CharField(max_length=60)),
                ("scope", models.CharField(choices=SCOPES, max_length=10)),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.site",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="auth_token_set",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-created"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("scope__in", [scope for scope, _ in SCOPES])),
                        name="token_scope_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("expiry__isnull", False)), name="token_has_an_end"
                    ),
                ],
            },
        ),
        migrations.RunPython(copy, migrations.RunPython.noop),
    ]
