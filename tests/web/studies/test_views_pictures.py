"""The pictures are ours, private to the browser, and never the sender's bytes."""

import io
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from django.urls import reverse
from PIL import Image as Picture

from pneumoscope.core.decode import decode
from pneumoscope.web.studies.renditions import renditions_store
from pneumoscope.web.studies.worklist import PAGE_SIZE
from web.pages import image_analysed, image_make, image_rejected, study_make

pytestmark = pytest.mark.django_db

KINDS = {
    "studies:image_rendered": "image/jpeg",
    "studies:image_thumbnail": "image/jpeg",
    "studies:image_heatmap": "image/png",
}


@pytest.fixture
def image(site):
    return image_make(study_make())


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
def test_served_as_what_they_are_and_kept_by_this_browser_alone(
    name, kind, image, reader, client_of
):
    image_analysed(image)
    client = client_of(reader)
    answer = client.get(reverse(name, args=[image.pk]))
    assert answer["Content-Type"] == kind
    assert answer["Cache-Control"] == "private, no-cache"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert Picture.open(io.BytesIO(answer.content)).format == kind.partition("/")[2].upper()
    again = client.get(reverse(name, args=[image.pk]), headers={"If-None-Match": answer["ETag"]})
    assert again.status_code == 304
    assert again["Cache-Control"] == "private, no-cache"


def test_heatmap_has_the_shape_of_the_image(image, reader, client_of):
    image_analysed(image)
    answer = client_of(reader).get(reverse("studies:image_heatmap", args=[image.pk]))
    picture = Picture.open(io.BytesIO(answer.content))
    image.refresh_from_db()
    assert picture.mode == "RGBA"
    assert picture.width / picture.height == pytest.approx(image.columns / image.rows, rel=0.01)


@pytest.mark.parametrize("name", KINDS)
def test_nothing_to_see_before_the_analysis(name, image, reader, client_of):
    assert client_of(reader).get(reverse(name, args=[image.pk])).status_code == 404


def test_rejected_has_a_picture_and_no_heatmap(image, reader, client_of):
    image_rejected(image)
    client = client_of(reader)
    assert client.get(reverse("studies:image_rendered", args=[image.pk])).status_code == 200
    assert client.get(reverse("studies:image_heatmap", args=[image.pk])).status_code == 404


def test_the_thumbnails_of_a_full_worklist_leave_the_page_light():
    """A page has 300 kB; samples are as rich in detail as radiographs are."""
    samples = sorted((Path(__file__).parents[3] / "samples").glob("*.jpg"))
    stored = [
        renditions_store(sample.stem, decode(sample.read_bytes()))["thumbnail"]
        for sample in samples[:4]
    ]
    heaviest = max(default_storage.size(name) for name in stored)
    assert PAGE_SIZE * heaviest < 120_000
