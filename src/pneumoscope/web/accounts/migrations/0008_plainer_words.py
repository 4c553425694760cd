"""What is said of a prevalence that cannot be; nothing in the database changes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_user_language")]

    operations = [
        migrations.AlterConstraint(
            "site",
            "site_prevalence_between_0_and_1",
            models.CheckConstraint(
                condition=models.Q(
                    ("prevalence", None),
                    models.Q(("prevalence__gt", 0), ("prevalence__lt", 1)),
                    _connector="OR",
                ),
                name="site_prevalence_between_0_and_1",
                violation_error_message="Write a prevalence above 0 and below 1, such as 0.15.",
            ),
        ),
    ]
