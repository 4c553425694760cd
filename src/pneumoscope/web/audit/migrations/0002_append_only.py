"""Updates and deletions of events are refused by the database itself."""

from django.db import migrations

from pneumoscope.web.audit.triggers import triggers_create, triggers_drop


def create(apps, schema_editor):
    triggers_create(schema_editor.connection)


def drop(apps, schema_editor):
    triggers_drop(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]
    operations = [migrations.RunPython(create, drop)]
