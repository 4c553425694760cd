from django.db import migrations, models
from django.db.models.lookups import Exact

from pneumoscope.web.reviews.models.functions import JsonType


class Migration(migrations.Migration):
    dependencies = [("reviews", "0003_kept_with_the_study")]

    operations = [
        migrations.AddField(
            model_name="review",
            name="drawn_regions",
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    Exact(JsonType("drawn_regions"), models.Value("array")),
                    ("drawn_regions__12__isnull", True),
                ),
                name="drawn_regions_are_few",
            ),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("label", "normal"), _negated=True),
                    ("drawn_regions", []),
                    _connector="OR",
                ),
                name="nothing_is_drawn_on_a_normal",
            ),
        ),
    ]
