"""Sites know more of themselves; sessions can be ended."""

from django.db import migrations, models

import pneumoscope.web.accounts.models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.RenameField("site", "slug", "code"),
        migrations.AddField("site", "prevalence", models.FloatField(blank=True, null=True)),
        migrations.AddField(
            "site",
            "operating_point",
            models.CharField(blank=True, max_length=60, default=""),
            preserve_default=False,
        ),
        migrations.AddField(
            "site",
            "time_zone",
            models.CharField(
                default="UTC",
                max_length=64,
                validators=[pneumoscope.web.accounts.models.time_zone_check],
            ),
        ),
        migrations.AddField("site", "active", models.BooleanField(default=True)),
        migrations.AddConstraint(
            "site",
            models.CheckConstraint(
                condition=models.Q(
                    ("prevalence", None),
                    models.Q(("prevalence__gt", 0), ("prevalence__lt", 1)),
                    _connector="OR",
                ),
                name="site_prevalence_between_0_and_1",
                violation_error_message=("The prevalence lies between 0 and 1, without its ends."),
            ),
        ),
        migrations.AddField("user", "session_epoch", models.PositiveIntegerField(default=0)),
    ]
