"""A database of very many studies, for the tools that measure pages: filled once, then kept.

The same whatever the machine: two sites, studies over the last 365 days with patients, accession
numbers, UIDs and file names as archives send them; of a hundred, four rejected, one failed, the
rest analysed, a third of those reviewed. Nobody is over 65, no sex is “other” and no view is right
lateral: what is asked for in vain takes longest. It is SQLite in a folder of its own, or what
PNEUMOSCOPE_DATABASE_URL names.
"""

import os
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

BATCH = 5000
FAMILIES = ("Sánchez", "Müller", "Okafor", "Nguyễn", "Silva", "Mwangi", "Sharma", "Dubois", "Li")
GIVEN = ("Ana", "Jonas", "Chidi", "Linh", "João", "Wanjiru", "Asha", "Chloé", "Wei", "Amina")


def django_start(home: Path) -> None:
    """Django on the database in `home`, brought up to date. Before it no model can be imported."""
    os.environ["PNEUMOSCOPE_HOME"] = str(home)  # noqa: TID251
    os.environ["PNEUMOSCOPE_LOG_LEVEL"] = "ERROR"  # noqa: TID251
    os.environ["DJANGO_SETTINGS_MODULE"] = "pneumoscope.web.config.settings"  # noqa: TID251
    home.mkdir(parents=True, exist_ok=True)
    import django
    from django.conf import settings
    from django.core.management import call_command

    django.setup()
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.STORAGES["staticfiles"] = {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
    }
    call_command("migrate", verbosity=0)


def measured(measure: Callable[[], None]) -> None:
    """Call it on what the command line asks for: [STUDIES [FOLDER]]."""
    with tempfile.TemporaryDirectory() as made:
        django_start(Path(sys.argv[2] if len(sys.argv) > 2 else made))
        fill(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
        measure()


def signed_in() -> Any:
    """A browser of the person who sees both sites."""
    from django.test import Client

    from pneumoscope.web.accounts.models import User

    client = Client()
    client.force_login(User.objects.get(username="reader-0"))
    return client


def processor_seconds() -> float:
    """Spent so far by this process, SQLite included, and by PostgreSQL, which is on this machine.

    What ended is counted with the process that had started it: parallel workers.
    """
    import psutil
    from django.db import connection

    spent = time.process_time()
    if connection.vendor == "postgresql":
        connection.ensure_connection()
        server = psutil.Process(connection.connection.info.backend_pid).parent()
        ended = server.cpu_times()
        alive = [each.cpu_times() for each in (server, *server.children())]
        spent += ended.children_user + ended.children_system
        spent += sum(each.user + each.system for each in alive)
    return spent


class Hospital:
    """Makes studies, each with one image, and what became of it."""

    def __init__(self, count: int) -> None:
        import numpy as np
        from django.utils import timezone

        from pneumoscope.web.accounts.models import Membership, Site, User
        from pneumoscope.web.registry.models import ModelVersion

        self.count = count
        self.random = np.random.default_rng(1)
        self.now = timezone.now()
        names = ("north", "south")
        self.sites = [Site.objects.create(name=f"{name} hospital", code=name) for name in names]
        self.people = [User.objects.create_user(f"reader-{n}") for n in range(3)]
        for site in self.sites:
            Membership.objects.create(user=self.people[0], site=site, role="administrator")
        self.version = ModelVersion.objects.create(
            name="m", version="1", bundle_hash="a" * 64, card={}, stage="live"
        )

    def choose(self, words: Sequence[Any]) -> Any:
        return words[int(self.random.integers(len(words)))]

    def study(self, number: int) -> tuple[Any, float]:
        """The study, and the probability of its result."""
        from pneumoscope.web.studies.models import Study

        received = self.now - timedelta(days=365 * (1 - number / self.count), minutes=-1)
        chance, ill = self.random.random(), self.random.random() < 0.35
        state = "REJECTED" if chance < 0.04 else "FAILED" if chance < 0.05 else "ANALYSED"
        probability = float(min(max(self.random.normal(0.75 if ill else 0.15, 0.2), 0), 1))
        positive, uncertain = probability >= 0.34, 0.2 < probability < 0.7
        read = state == "ANALYSED"
        study = Study(
            pk=uuid.UUID(bytes=self.random.bytes(16)),
            site=self.sites[int(self.random.random() < 0.3)],
            source="dicom",
            created=min(received, self.now - timedelta(minutes=1)),
            state=state,
            positive=positive if read else None,
            uncertain=read and uncertain,
            urgency=(2 if positive else int(uncertain)) if read else 0,
            age_years=self.choose([None, 0.5, 3, 4, 10, 40, 40]),
            sex=self.choose(["F", "M", "F", "M", "F", ""]),
            patient_id=f"{number % (self.count * 4 // 5):07}",
            patient_name=f"{self.choose(FAMILIES)}{number % 997}^{self.choose(GIVEN)}",
            accession_number=f"A{number:09}",
            study_instance_uid=f"1.2.826.0.1.3680043.8.498.{number:012}",
            assigned_to=self.people[0] if number % 50 == 0 else None,
        )
        study.ill = ill
        return study, probability

    def image(self, number: int, study: Any) -> Any:
        from pneumoscope.web.studies.models import Image

        codes = {"REJECTED": self.choose(["lateral_view", "not_a_chest"]), "FAILED": "corrupt_file"}
        return Image(
            study=study,
            site=study.site,
            sha256=f"{number:064x}",
            source_name=f"IM-{number % 1000:04}-{number // 1000:04}.dcm",
            file="-",
            thumbnail="-",
            bytes=1,
            created=study.created,
            queued=study.created,
            view_position=self.choose(["PA", "AP", "AP", "LL", ""]),
            state=study.state,
            failure_code=codes.get(study.state, ""),
        )

    def analysis(self, image: Any, probability: float) -> Any:
        from pneumoscope.web.studies.models import Analysis

        took = timedelta(seconds=float(self.random.lognormal(1, 0.7)))
        return Analysis(
            image=image,
            model_version=self.version,
            record={"uncertain": image.study.uncertain},
            verdict="pass",
            probability=probability,
            threshold=0.34,
            positive=image.study.positive,
            heatmap_npy=b"0" * 900,
            created=image.created + took,
        )

    def review(self, reading: Any) -> Any:
        from pneumoscope.web.reviews.models import Review

        analysis = reading.analysis
        ill = analysis.image.study.ill
        return Review(
            reading=reading,
            reader=self.people[reading.analysis_id % 2 + 1],
            agreement="agree" if ill == analysis.positive else "disagree",
            label="pneumonia" if ill else "normal",
            seconds=30,
            created=analysis.created + timedelta(minutes=float(self.random.lognormal(4, 1))),
        )

    def receive(self, numbers: range) -> None:
        """Write this many studies, as if they had come long ago."""
        from django.db import transaction

        from pneumoscope.web.reviews.models import Reading, Review
        from pneumoscope.web.studies.models import (
            Analysis,
            Description,
            Image,
            SearchWord,
            Study,
        )

        found = [(number, *self.study(number)) for number in numbers]
        images = [self.image(number, study) for number, study, _ in found]
        results = [
            self.analysis(image, probability)
            for image, (_, study, probability) in zip(images, found, strict=True)
            if study.state == "ANALYSED"
        ]
        with transaction.atomic():
            Study.objects.bulk_create([study for _, study, _ in found], batch_size=500)
            Image.objects.bulk_create(images, batch_size=500)
            words = [each.patient_words() for _, each, _ in found]
            words += [each.file_words() for each in images]
            SearchWord.objects.bulk_create([w for some in words for w in some], batch_size=500)
            Description.objects.bulk_create(
                [Description(study=study, age_years=5) for n, study, _ in found if n % 10 == 0]
            )
            results = Analysis.objects.bulk_create(results, batch_size=500)
            for result in results:
                result.image.study.headline = result
                result.image.first_result = result.created
            Image.objects.bulk_update(
                [result.image for result in results], ["first_result"], batch_size=500
            )
            studies = [result.image.study for result in results]
            Study.objects.bulk_update(studies, ["headline"], batch_size=500)
            readings = Reading.objects.bulk_create(
                [
                    Reading(analysis=result, state="DISPUTED" if result.pk % 300 == 0 else "READ")
                    for result in results
                    if result.pk % 3 == 0
                ],
                batch_size=500,
            )
            Review.objects.bulk_create([self.review(each) for each in readings], batch_size=500)


def fill(count: int) -> None:
    """Nothing where there are studies already."""
    from pneumoscope.web.reviews.models import Review
    from pneumoscope.web.studies.models import Analysis, Image, Study

    if Study.objects.exists():
        return
    for model in (Study, Image, Analysis, Review):
        model._meta.get_field("created").auto_now_add = False  # noqa: SLF001
    hospital = Hospital(count)
    for first in range(0, count, BATCH):
        hospital.receive(range(first, min(first + BATCH, count)))
        print(f"{first + BATCH:,} studies", end="\r", flush=True)  # noqa: T201
