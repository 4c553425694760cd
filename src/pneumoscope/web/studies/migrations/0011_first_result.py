"""When each image had its first result stands with the image: dashboards need no results for it."""

from typing import Any

from django.db import migrations, models
from django.db.models import OuterRef, Subquery


def first_results_fill(apps: Any, _editor: Any) -> None:
    of_image = apps.get_model("studies", "Analysis").objects.filter(image=OuterRef("pk"))
    first = of_image.order_by("created").values("created")[:1]
    apps.get_model("studies", "Image").objects.update(first_result=Subquery(first))


class Migration(migrations.Migration):
    dependencies = [("studies", "0010_asked_by_filters")]

    operations = [
        migrations.AddField(
            model_name="image", name="first_result", field=models.DateTimeField(null=True)
        ),
        migrations.RunPython(first_results_fill, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="image",
            index=models.Index(
                fields=["study", "created", "first_result", "view_position"],
                name="image_of_study_when",
            ),
        ),
    ]
