"""Every page as nobody, as the wrong role, as the right role, and as another site's right role."""

from http import HTTPStatus

import pytest
from django.test import Client
from django.urls import reverse

from pneumoscope.web.audit.models import Event
from web.pages import image_analysed, image_make, model_make, study_make

pytestmark = pytest.mark.django_db

# name, method, a role without the right, what another site's reader gets
PAGES = [
    ("studies:worklist", "get", "auditor", 200),
    ("studies:worklist_rows", "get", "auditor", 200),
    ("studies:upload", "post", "model_steward", 302),
    ("studies:study", "get", "auditor", 404),
    ("studies:study_patient", "post", "model_steward", 404),
    ("studies:image_panel", "get", "auditor", 404),
    ("studies:image_rendered", "get", "auditor", 404),
    ("studies:image_thumbnail", "get", "auditor", 404),
    ("studies:image_heatmap", "get", "auditor", 404),
    ("registry:models", "get", "technologist", 302),
    ("registry:model", "get", "technologist", 200),
]
RIGHT = {"studies:upload": 302, "registry:models": 302}


@pytest.fixture
def image(site):
    image = image_make(study_make(patient_id="4711", patient_name="Doe^Jane"))
    image_analysed(image)
    return image


def address(name, image):
    keys = {
        "studies:study": image.study_id,
        "studies:study_patient": image.study_id,
        "registry:model": model_make().bundle_hash,
    }
    if name in keys:
        return reverse(name, args=[keys[name]])
    return reverse(name, args=[image.pk] if "image_" in name else [])


@pytest.mark.parametrize(("name", "method", "wrong", "elsewhere"), PAGES)
def test_each_page_lets_in_whom_it_should(
    name, method, wrong, elsewhere, image, user_of, client_of, other_site
):
    url = address(name, image)

    def status(client):
        return getattr(client, method)(url).status_code

    anonymous = getattr(Client(), method)(url)
    assert anonymous.status_code == HTTPStatus.FOUND
    assert anonymous.url.startswith(reverse("account_login"))
    assert status(client_of(user_of(wrong))) == HTTPStatus.FORBIDDEN
    assert status(client_of(user_of("reader"))) == RIGHT.get(name, 200)
    assert status(client_of(user_of("reader", site=other_site))) == elsewhere


def test_another_site_sees_no_row(image, user_of, client_of, other_site):
    client = client_of(user_of("reader", site=other_site))
    assert b"No radiographs yet" in client.get("/").content
    asked = client.get("/rows/", {"row": f"{image.study_id.hex}.RECEIVED.1.0"})
    assert b"<tr" not in asked.content


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_upload_and_reveal_only_by_post(method, image, reader, client_of):
    client = client_of(reader)
    for url in (reverse("studies:upload"), address("studies:study_patient", image)):
        assert getattr(client, method)(url).status_code == HTTPStatus.METHOD_NOT_ALLOWED


def test_upload_needs_the_token_of_a_form(reader):
    client = Client(enforce_csrf_checks=True)
    client.force_login(reader)
    answer = client.post(reverse("studies:upload"))
    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert b"This form has expired" in answer.content


def test_patients_are_pseudonymous_until_revealed_and_each_look_is_audited(
    image, reader, client_of
):
    client = client_of(reader)
    for url in ("/", address("studies:study", image)):
        page = client.get(url).content.decode()
        assert "Doe" not in page
        assert "4711" not in page
    answer = client.post(address("studies:study_patient", image))
    assert "Doe^Jane" in answer.content.decode()
    assert answer["Cache-Control"] == "no-store"
    event = Event.objects.get(action="patient.reveal")
    assert (event.actor, event.object_id) == (reader, str(image.study_id))
    assert "Doe" not in str(event.detail)


def test_searching_for_a_name_needs_the_right_to_see_it(image, user_of, client_of):
    def found(role):
        return b"chest.png" in client_of(user_of(role)).get("/", {"q": "doe"}).content

    assert found("reader")
    assert not found("model_steward")
