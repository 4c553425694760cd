"""Grey levels for the viewer: exact, private, and only of what a worker has decoded."""

import gzip
import json

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.urls import reverse

from core.images import RAMP_12_BIT, make_dicom
from pneumoscope.web.audit.models import Event
from web.pages import image_analysed, image_make, study_make

pytestmark = pytest.mark.django_db


@pytest.fixture
def image(site):
    image = image_make(study_make(patient_id="4711"))
    image_analysed(image)
    image.refresh_from_db()
    deep = make_dicom(RAMP_12_BIT, BitsStored=12, ImagerPixelSpacing=[0.15, 0.15])
    image.file.save("deep.dcm", ContentFile(deep))
    return image


def levels_of(client, image):
    answer = client.get(reverse("studies:image_pixels", args=[image.pk]))
    about = json.loads(answer["X-Pneumoscope-Levels"])
    pixels = np.frombuffer(gzip.decompress(answer.content), "<u2")
    return answer, about, pixels.reshape(about["rows"], about["columns"])


def test_every_level_of_the_file_arrives(image, reader, client_of):
    answer, about, pixels = levels_of(client_of(reader), image)
    np.testing.assert_array_equal(pixels, RAMP_12_BIT)
    assert answer["Content-Encoding"] == "gzip"
    assert answer["Cache-Control"] == "private, no-cache"
    assert about["spacing"] == {"mm": 0.15, "calibrated": False}
    assert [window["name"] for window in about["windows"]] == ["received", "full", "lung"]


def test_asked_again_nothing_is_read_and_nothing_recorded(image, reader, client_of):
    client = client_of(reader)
    answer, _, _ = levels_of(client, image)
    url = reverse("studies:image_pixels", args=[image.pk])
    again = client.get(url, headers={"If-None-Match": answer["ETag"]})
    assert again.status_code == 304
    assert Event.objects.filter(action="image.view").count() == 1


def test_no_file_is_decoded_before_a_worker_did(site, reader, client_of):
    image = image_make(study_make())
    answer = client_of(reader).get(reverse("studies:image_pixels", args=[image.pk]))
    assert answer.status_code == 404


def test_priors_are_the_same_patients_at_the_same_site(image, reader, client_of):
    studies = [
        study_make(patient_id="4711"),
        study_make(patient_id="another"),
        study_make(patient_id="4711", site="south"),
    ]
    images = [image_make(study) for study in studies]
    for each in images:
        image_analysed(each)
    page = client_of(reader).get(reverse("studies:image_priors", args=[image.pk])).content.decode()
    assert str(images[0].pk) in page
    assert str(images[1].pk) not in page
    assert str(images[2].pk) not in page
    assert str(image.pk) not in page


def test_without_a_patient_id_nothing_is_compared(image, reader, client_of):
    image_analysed(image_make(study_make()))
    image.study.patient_id = ""
    image.study.save()
    answer = client_of(reader).get(reverse("studies:image_priors", args=[image.pk]))
    assert answer.status_code == 204
