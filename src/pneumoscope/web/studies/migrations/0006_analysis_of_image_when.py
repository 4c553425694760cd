from django.db import migrations, models


class Migration(migrations.Migration):
    """An index and nothing else: going back drops it."""

    dependencies = [("studies", "0005_uploads")]

    operations = [
        migrations.AddIndex(
            model_name="analysis",
            index=models.Index(
                fields=["image", "created", "positive"], name="analysis_of_image_when"
            ),
        ),
    ]
