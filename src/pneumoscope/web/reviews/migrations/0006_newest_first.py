"""Reviews are listed newest first, and the dashboards begin at those of their period."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("reviews", "0005_report_language"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="review",
            index=models.Index(fields=["created", "id"], name="reviews_rev_created_7be413_idx"),
        ),
    ]
