"""Embeddings get a table of their own, at half the bytes: only likeness reads them."""

import io

import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.lookups
import numpy as np
from django.db import migrations, models


def move(apps, _):
    Analysis, Embedding = (apps.get_model("studies", name) for name in ("Analysis", "Embedding"))
    rows = Analysis.objects.exclude(embedding_npy=None).values_list("pk", "embedding_npy")
    for key, data in rows.iterator(chunk_size=500):
        embedding = np.load(io.BytesIO(data), allow_pickle=False)
        length = float(np.linalg.norm(embedding))
        if np.isfinite(length) and length > 0:
            packed = (embedding / length).astype("<f2").tobytes()
            Embedding.objects.create(analysis_id=key, packed=packed)


def back(apps, _):
    """At unit length: how long they were is not kept."""
    Analysis, Embedding = (apps.get_model("studies", name) for name in ("Analysis", "Embedding"))
    for row in Embedding.objects.iterator(chunk_size=500):
        buffer = io.BytesIO()
        np.save(buffer, np.frombuffer(bytes(row.packed), "<f2").astype(np.float32))
        Analysis.objects.filter(pk=row.analysis_id).update(embedding_npy=buffer.getvalue())


class Migration(migrations.Migration):
    dependencies = [("studies", "0007_description")]

    operations = [
        migrations.CreateModel(
            name="Embedding",
            fields=[
                (
                    "analysis",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="embedding",
                        serialize=False,
                        to="studies.analysis",
                    ),
                ),
                ("packed", models.BinaryField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=django.db.models.lookups.GreaterThan(
                            django.db.models.functions.text.Length("packed"), 0
                        ),
                        name="embedding_not_empty",
                    )
                ],
            },
        ),
        migrations.RunPython(move, back),
        migrations.RemoveField("analysis", "embedding_npy"),
    ]
