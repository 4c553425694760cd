"""Confirmed readings → a folder that names nobody and that `pneumoscope train` and `evaluate` read.

    images/       the radiographs, de-identified (`interop.deidentify`)
    manifest.csv  one row each: path, label, patient, age, sex, view, site, finding
    boxes.csv     the regions that readers drew: image, finding, x, y, width, height

Columns as in docs/data.md; `finding` is the readers' own word, boxes are in pixels as displayed.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from django.db.models import QuerySet
from django.utils.crypto import salted_hmac

from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.interop.deidentify import deidentify
from pneumoscope.interop.pseudonyms import Pseudonyms
from pneumoscope.web.accounts.models import User
from pneumoscope.web.audit.services import event_record
from pneumoscope.web.reviews.models import Reading
from pneumoscope.web.reviews.states import Label, ReadingState
from pneumoscope.web.studies.blinding import hidden_condition
from pneumoscope.web.studies.errors import UploadDamaged
from pneumoscope.web.studies.models import Image, Study

MANIFEST = ("path", "label", "patient", "age", "sex", "view", "site", "finding")
BOXES = ("image", "finding", "x", "y", "width", "height")
CONFIRMED = (ReadingState.CONFIRMED, ReadingState.ADJUDICATED)
# The names that the lab's localisation knows (RSNA, NIH); anything else is another finding to it.
FINDINGS = {Label.OTHER: "Other finding"}
PNEUMONIA = "Pneumonia"
# Above 89 an age may tell who it is (45 CFR 164.514(b)(2)(i)(C)).
OLDEST = 90.0


@dataclass(slots=True)
class Exported:
    """refused: keys of images that were left out, with the reason."""

    images: int = 0
    boxes: int = 0
    refused: list[tuple[str, PneumoscopeError]] = field(default_factory=list)


def confirmed_readings(user: User) -> QuerySet[Reading]:
    """Of the images this person may export and see: the newest reading first."""
    return (
        Reading.objects.visible_to(user, "study.export")
        .filter(state__in=CONFIRMED)
        .exclude(hidden_condition(user, "analysis__image"))
        .select_related("analysis__image__study__description", "analysis__image__site")
        .prefetch_related("reviews")
    )


def readings_export(*, folder: Path, acting_user: User) -> Exported:
    """Write all of them into `folder`, which is empty. One that cannot be costs no other.

    Each image is on record with the name it was given. Raises OSError.
    """
    pseudonyms = Pseudonyms(salted_hmac("learning export", "", algorithm="sha256").digest())
    done = Exported()
    (folder / "images").mkdir(parents=True)
    with (
        (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as rows,
        (folder / "boxes.csv").open("w", encoding="utf-8", newline="") as boxes,
    ):
        manifest, marked = _writer(rows, MANIFEST), _writer(boxes, BOXES)
        for reading in _newest(confirmed_readings(acting_user)):
            image = reading.analysis.image
            try:
                name = _image_write(folder / "images", image, pseudonyms)
            except PneumoscopeError as error:
                done.refused.append((str(image.pk), error))
                continue
            event_record(
                action="study.export", actor=acting_user, target=image, detail={"name": name}
            )
            manifest.writerow(_row(reading, name, pseudonyms))
            found = list(_boxes(reading, name))
            marked.writerows(found)
            done.images += 1
            done.boxes += len(found)
    return done


def _writer(file: TextIO, columns: tuple[str, ...]) -> "csv.DictWriter[str]":
    writer = csv.DictWriter(file, columns, lineterminator="\n")
    writer.writeheader()
    return writer


def _newest(readings: QuerySet[Reading]) -> Iterator[Reading]:
    """One for each image, where several models read it."""
    seen = set()
    for reading in readings.iterator(chunk_size=200):
        if reading.analysis.image_id not in seen:
            seen.add(reading.analysis.image_id)
            yield reading


def _image_write(folder: Path, image: Image, pseudonyms: Pseudonyms) -> str:
    try:
        with image.file.open("rb") as stored:
            data = stored.read()
    except OSError as error:
        raise UploadDamaged("The stored file cannot be read.") from error
    made = deidentify(data, pseudonyms, max_bytes=max(len(data), 1))
    (folder / made.name).write_bytes(made.data)
    return made.name


def _row(reading: Reading, name: str, pseudonyms: Pseudonyms) -> dict[str, Any]:
    image = reading.analysis.image
    study, label = image.study, reading.confirmed_label
    return {
        "path": f"images/{name}",
        "label": Label.NORMAL.value if label == Label.OTHER else label.value,
        "patient": pseudonyms.patient(_patient_key(study)),
        "age": "" if study.age is None else f"{min(study.age, OLDEST):g}",
        "sex": study.known_sex if study.known_sex in {"M", "F", "O"} else "",
        "view": image.view_position if image.view_position in {"AP", "PA"} else "",
        "site": image.site.code,
        "finding": label.value,
    }


def _patient_key(study: Study) -> str:
    """Without a patient ID nobody can know which studies are the same patient's."""
    return f"{study.site_id}\n{study.patient_id}" if study.patient_id else str(study.pk)


def _boxes(reading: Reading, name: str) -> Iterator[dict[str, Any]]:
    finding = FINDINGS.get(reading.confirmed_label, PNEUMONIA)
    for region in reading.confirmed_regions:
        sides = zip(BOXES[2:], region["box"], strict=True)
        yield {"image": name, "finding": finding, **dict(sides)}
