"""Studies are found by the beginnings of words, from an index."""

import django.db.models.deletion
from django.db import migrations, models

from pneumoscope.web.studies.search_words import words_of

BATCH = 500


def fill(apps, _):
    """What is here already, as Study.save and Image.save write it from now on."""
    Study, Image, SearchWord = (
        apps.get_model("studies", name) for name in ("Study", "Image", "SearchWord")
    )

    def write(study, site, of_patient, *texts):
        words = {word for text in texts if text for word in words_of(text)}
        named = {"study_id": study, "site_id": site, "of_patient": of_patient}
        rows.extend(SearchWord(word=word, **named) for word in words)
        if len(rows) > BATCH:
            SearchWord.objects.bulk_create(rows, batch_size=BATCH)
            rows.clear()

    rows = []
    searched = ("patient_id", "patient_name", "accession_number", "study_instance_uid")
    for study, site, *texts in Study.objects.values_list("pk", "site", *searched).iterator():
        write(study, site, True, *texts)
    for study, site, name in Image.objects.values_list("study", "site", "source_name").iterator():
        write(study, site, False, name)
    SearchWord.objects.bulk_create(rows, batch_size=BATCH)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_user_language"),
        ("studies", "0008_embeddings"),
    ]

    operations = [
        migrations.CreateModel(
            name="SearchWord",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("of_patient", models.BooleanField()),
                ("word", models.BinaryField(max_length=64)),
                (
                    "site",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.site",
                    ),
                ),
                (
                    "study",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="search_words",
                        to="studies.study",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["site", "word", "of_patient", "study"],
                        name="studies_sea_site_id_42ec65_idx",
                    ),
                ],
            },
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
