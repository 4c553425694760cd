"""What choices are called; nothing in the database changes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("gateway", "0009_client_credentials")]

    operations = [
        migrations.AlterField(
            "arrival",
            "way",
            models.CharField(
                choices=[("store", "C-STORE"), ("stow", "STOW-RS"), ("pull", "Fetched")],
                max_length=10,
            ),
        ),
        migrations.AlterField(
            "arrival",
            "outcome",
            models.CharField(
                choices=[
                    ("waiting", "Waiting"),
                    ("analyse", "Analysed"),
                    ("pass", "Passed over"),
                    ("duplicate", "Already here"),
                    ("failed", "Failed"),
                ],
                default="waiting",
                max_length=10,
            ),
        ),
        migrations.AlterField(
            "destination",
            "results",
            models.CharField(
                choices=[
                    ("all", "All results, rejected radiographs too"),
                    ("scored", "Results with a probability"),
                    ("positive", "Suspicious results only"),
                ],
                default="all",
                max_length=10,
            ),
        ),
        migrations.AlterField(
            "workitem",
            "state",
            models.CharField(
                choices=[
                    ("CLAIMING", "Being claimed"),
                    ("CLAIMED", "In progress"),
                    ("COMPLETED", "Completed"),
                    ("CANCELED", "Given up"),
                    ("LOST", "Taken over by another system"),
                ],
                db_index=True,
                default="CLAIMING",
                max_length=10,
            ),
        ),
    ]
