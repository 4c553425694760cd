"""How long the dashboards take on a database of many studies, by period, with the slowest queries.

    .venv-dev/bin/python tools/dashboard_rate.py [STUDIES [FOLDER]]

Fills a SQLite database of its own with studies of the last 365 days, at two sites, a third of them
reviewed, and prints the median processor time of five requests per
period, database included. With a FOLDER the database stays there
and is not filled again.
"""

import os
import statistics
import sys
import tempfile
import time
import uuid
from datetime import timedelta
from pathlib import Path

PERIODS = (7, 30, 90, 365)
BATCH = 5000


def django_start(home: Path) -> None:
    os.environ["PNEUMOSCOPE_HOME"] = str(home)  # noqa: TID251
    os.environ["PNEUMOSCOPE_LOG_LEVEL"] = "ERROR"  # noqa: TID251
    os.environ["DJANGO_SETTINGS_MODULE"] = "pneumoscope.web.config.settings"  # noqa: TID251
    home.mkdir(parents=True, exist_ok=True)
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def fill(count: int) -> None:
    """Studies with an image each; of a hundred, four rejected, one failed, the rest analysed."""
    import numpy as np
    from django.db import transaction
    from django.utils import timezone

    from pneumoscope.web.accounts.models import Membership, Site, User
    from pneumoscope.web.registry.models import ModelVersion
    from pneumoscope.web.reviews.models import Reading, Review
    from pneumoscope.web.studies.models import Analysis, Image, Study

    for model in (Study, Image, Analysis, Review):
        model._meta.get_field("created").auto_now_add = False  # noqa: SLF001
    generator = np.random.default_rng(1)
    now = timezone.now()
    sites = [Site.objects.create(name=f"{name} hospital", code=name) for name in ("north", "south")]
    people = [User.objects.create_user(f"reader-{n}") for n in range(3)]
    for site in sites:
        Membership.objects.create(user=people[0], site=site, role="administrator")
    version = ModelVersion.objects.create(
        name="m", version="1", bundle_hash="a" * 64, card={}, stage="live"
    )

    def choose(words: list[object]) -> object:
        return words[int(generator.integers(len(words)))]

    for first in range(0, count, BATCH):
        studies, images, analyses, truths = [], [], [], []
        for number in range(first, min(first + BATCH, count)):
            received = now - timedelta(days=365 * (1 - number / count)) + timedelta(minutes=1)
            received = min(received, now - timedelta(minutes=1))
            chance, truth = generator.random(), generator.random() < 0.35
            state = "REJECTED" if chance < 0.04 else "FAILED" if chance < 0.05 else "ANALYSED"
            probability = float(np.clip(generator.normal(0.75 if truth else 0.15, 0.2), 0, 1))
            positive = probability >= 0.34
            study = Study(
                pk=uuid.UUID(bytes=generator.bytes(16)),
                site=sites[int(generator.random() < 0.3)],
                source="dicom",
                created=received,
                state=state,
                positive=positive if state == "ANALYSED" else None,
                urgency=2 if positive and state == "ANALYSED" else 0,
                age_years=choose([None, 0.5, 3, 4, 10, 40, 70]),
                sex=choose(["F", "M", "F", "M", "O", ""]),
                patient_id=str(number),
            )
            code = {"REJECTED": choose(["lateral_view", "not_a_chest"]), "FAILED": "corrupt_file"}
            image = Image(
                study=study,
                site=study.site,
                sha256=f"{number:064x}",
                source_name=f"{number}.dcm",
                file="-",
                bytes=1,
                created=received,
                queued=received,
                view_position=choose(["PA", "AP", "AP", "LL", ""]),
                state=state,
                failure_code=code.get(state, ""),
            )
            studies.append(study)
            images.append(image)
            if state == "ANALYSED":
                took = timedelta(seconds=float(generator.lognormal(1, 0.7)))
                analyses.append(
                    Analysis(
                        image=image,
                        model_version=version,
                        record={"uncertain": 0.2 < probability < 0.7},
                        verdict="pass",
                        probability=probability,
                        threshold=0.34,
                        positive=positive,
                        heatmap_npy=b"0" * 900,
                        created=received + took,
                    )
                )
                truths.append(truth)
        with transaction.atomic():
            Study.objects.bulk_create(studies, batch_size=500)
            Image.objects.bulk_create(images, batch_size=500)
            analyses = Analysis.objects.bulk_create(analyses, batch_size=500)
            for analysis in analyses:
                analysis.image.study.headline = analysis
            Study.objects.bulk_update(
                [a.image.study for a in analyses], ["headline"], batch_size=500
            )
            read = [(a, t) for a, t in zip(analyses, truths, strict=True) if a.pk % 3 == 0]
            readings = Reading.objects.bulk_create(
                [Reading(analysis=a, state="READ") for a, _ in read], batch_size=500
            )
            Review.objects.bulk_create(
                [
                    Review(
                        reading=reading,
                        reader=people[reading.analysis_id % 2 + 1],
                        agreement="agree" if truth == analysis.positive else "disagree",
                        label="pneumonia" if truth else "normal",
                        seconds=30,
                        created=analysis.created
                        + timedelta(minutes=float(generator.lognormal(4, 1))),
                    )
                    for reading, (analysis, truth) in zip(readings, read, strict=True)
                ],
                batch_size=500,
            )
        print(f"{first + BATCH:,} studies", end="\r", flush=True)  # noqa: T201


def measure() -> None:
    from django.conf import settings
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from pneumoscope.web.accounts.models import User

    settings.ALLOWED_HOSTS = ["testserver"]
    settings.STORAGES["staticfiles"] = {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
    }
    client = Client()
    client.force_login(User.objects.get(username="reader-0"))
    for days in PERIODS:
        times = []
        for _ in range(5):
            started = time.process_time()
            page = client.get("/dashboard/", {"days": days})
            times.append(time.process_time() - started)
        with CaptureQueriesContext(connection) as queries:
            client.get("/dashboard/", {"days": days})
        print(  # noqa: T201
            f"{days} days: {1000 * statistics.median(times):.0f} ms, {len(queries)} queries, "
            f"{len(page.content) / 1000:.0f} kB"
        )
        for query in sorted(queries, key=lambda q: -float(q["time"]))[:4]:
            print(f"   {1000 * float(query['time']):.0f} ms  {query['sql'][:100]}")  # noqa: T201


def main(count: int, home: Path) -> None:
    django_start(home)
    from pneumoscope.web.studies.models import Study

    if not Study.objects.exists():
        fill(count)
    measure()


if __name__ == "__main__":
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    if len(sys.argv) > 2:
        main(wanted, Path(sys.argv[2]))
    else:
        with tempfile.TemporaryDirectory() as made:
            main(wanted, Path(made))
