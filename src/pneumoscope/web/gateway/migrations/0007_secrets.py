"""Tokens and secrets that lay open are encrypted."""

from django.db import migrations, models

import pneumoscope.web.gateway.secrets
from pneumoscope.web.gateway.secrets import decrypted, encrypted

COLUMNS = {"Destination": "secret", "Pull": "token"}


def encrypt(apps, schema_editor):
    rewrite(apps, encrypted)


def decrypt(apps, schema_editor):
    rewrite(apps, decrypted)


def rewrite(apps, change):
    for model, column in COLUMNS.items():
        rows = apps.get_model("gateway", model).objects
        for key, value in rows.exclude(**{column: ""}).values_list("pk", column):
            rows.filter(pk=key).update(**{column: change(value)})


def fields(kind):
    return [
        migrations.AlterField(
            "destination",
            "secret",
            kind(blank=True, max_length=500, verbose_name="token or shared secret"),
        ),
        migrations.AlterField("pull", "token", kind(blank=True, max_length=400)),
    ]


class Migration(migrations.Migration):
    dependencies = [("gateway", "0006_work_items")]

    operations = [
        *fields(models.TextField),
        migrations.RunPython(encrypt, decrypt),
        *fields(pneumoscope.web.gateway.secrets.SecretField),
    ]
