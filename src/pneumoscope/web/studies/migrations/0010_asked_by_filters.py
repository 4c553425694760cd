"""Filters find the keys of what is rare from an index, instead of looking at every study."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_user_language"),
        ("studies", "0009_search_words"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="image",
            index=models.Index(
                fields=["view_position", "study"], name="studies_ima_view_po_67d853_idx"
            ),
        ),
        migrations.AddIndex(
            model_name="image",
            index=models.Index(fields=["failure_code", "study"], name="image_without_a_result"),
        ),
        migrations.AddIndex(
            model_name="study",
            index=models.Index(fields=["age_years", "id"], name="studies_stu_age_yea_282ab2_idx"),
        ),
        migrations.AddIndex(
            model_name="study",
            index=models.Index(fields=["sex", "id"], name="studies_stu_sex_4a08fc_idx"),
        ),
    ]
