"""Every page as nobody, as the wrong role, as the right role, and as another site's right role.

A new address must be entered here: `test_every_address_has_an_entry` fails until it is.
"""

import re
import uuid
from http import HTTPStatus

import pytest
from django.test import Client
from django.urls import reverse

from pneumoscope.web.accounts.models import User
from pneumoscope.web.audit.models import Event
from pneumoscope.web.audit.pseudonym import patient_pseudonym
from web.addresses import addresses, view_names
from web.incoming import incoming_row
from web.outgoing import outgoing_row
from web.pages import image_analysed, image_make, model_make, report_make, study_make

pytestmark = pytest.mark.django_db

# name, method, a role without the right, one with it and its answer, another site's right role
PAGES = [
    ("studies:worklist_rows", "get", "auditor", "reader", 200, 200),
    ("studies:export", "get", "technologist", "reader", 200, 200),
    ("studies:selection", "post", "auditor", "reader", 302, 302),
    ("studies:saved_view", "post", "auditor", "reader", 302, 302),
    ("studies:upload", "get", "model_steward", "reader", 200, 200),
    ("studies:first_case", "get", "auditor", "reader", 302, 302),
    ("studies:upload", "post", "model_steward", "reader", 302, 302),
    ("studies:uploads", "post", "model_steward", "reader", 412, 412),
    ("studies:upload_file", "delete", "model_steward", "reader", 404, 404),
    ("studies:study", "get", "auditor", "reader", 200, 404),
    ("studies:study_patient", "post", "model_steward", "reader", 200, 404),
    ("studies:impression", "post", "technologist", "reader", 302, 404),
    ("studies:image_panel", "get", "auditor", "reader", 200, 404),
    ("studies:image_describe", "get", "model_steward", "reader", 200, 404),
    ("studies:image_describe", "post", "model_steward", "reader", 302, 404),
    ("studies:image_rendered", "get", "auditor", "reader", 200, 404),
    ("studies:image_thumbnail", "get", "auditor", "reader", 200, 404),
    ("studies:image_heatmap", "get", "auditor", "reader", 200, 404),
    ("studies:image_pixels", "get", "auditor", "reader", 200, 404),
    ("studies:image_priors", "get", "auditor", "reader", 204, 404),
    ("reviews:review", "get", "auditor", "technologist", 200, 404),
    ("reviews:similar", "get", "auditor", "technologist", 200, 404),
    ("reviews:review_save", "post", "technologist", "reader", 200, 404),
    ("reviews:readings", "get", "technologist", "reader", 200, 200),
    ("reviews:chosen_reports", "post", "technologist", "reader", 302, 302),
    ("reviews:report", "get", "auditor", "technologist", 200, 404),
    ("reviews:report_write", "post", "technologist", "reader", 200, 404),
    ("reviews:report_add", "post", "technologist", "reader", 302, 404),
    ("reviews:report_pdf", "get", "technologist", "reader", 200, 404),
    ("reviews:report_json", "get", "technologist", "reader", 200, 404),
    ("registry:models", "get", "technologist", "reader", 302, 302),
    ("registry:model", "get", "technologist", "reader", 200, 200),
    ("people:people", "get", "senior_reader", "administrator", 200, 200),
    ("people:person", "get", "auditor", "administrator", 200, 404),
    ("people:role", "post", "reader", "administrator", 302, 404),
    ("people:step", "post", "model_steward", "administrator", 302, 404),
    ("people:sites", "get", "auditor", "administrator", 200, 200),
    ("people:site", "get", "reader", "administrator", 200, 404),
    ("incoming:arrivals", "get", "auditor", "reader", 200, 200),
    ("incoming:arrival_retry", "post", "reader", "administrator", 302, 404),
    ("incoming:peers", "get", "reader", "administrator", 200, 200),
    ("incoming:peer", "get", "reader", "administrator", 200, 404),
    ("incoming:peer_delete", "post", "reader", "administrator", 302, 404),
    ("incoming:rules", "get", "reader", "administrator", 200, 200),
    ("incoming:rule", "get", "reader", "administrator", 200, 404),
    ("incoming:rule_delete", "post", "reader", "administrator", 302, 404),
    ("incoming:pulls", "get", "reader", "administrator", 200, 200),
    ("incoming:pull", "get", "reader", "administrator", 200, 404),
    ("incoming:pull_delete", "post", "reader", "administrator", 302, 404),
    ("outgoing:destinations", "get", "reader", "administrator", 200, 200),
    ("outgoing:destination", "get", "reader", "administrator", 200, 404),
    ("outgoing:destination_test", "post", "reader", "administrator", 302, 404),
    ("outgoing:results_retry", "post", "reader", "administrator", 302, 302),
    ("outgoing:deliveries", "get", "reader", "administrator", 200, 200),
    ("outgoing:delivery_resend", "post", "reader", "administrator", 302, 404),
    ("outgoing:dead_resend", "post", "reader", "administrator", 302, 302),
    ("dashboards:dashboard", "get", "technologist", "senior_reader", 200, 200),
    ("audit:events", "get", "reader", "auditor", 200, 200),
    ("audit:export", "get", "senior_reader", "auditor", 200, 200),
]
# For whoever is signed in: their own things, and the answer to a plain request.
OWN = {
    "people:account": 200,
    "people:working_site": 405,
    "people:sessions": 405,
    "people:tokens": 405,
    "people:token_end": 405,
    "account_change_password": 200,
    "mfa_index": 200,
    "mfa_list_webauthn": 200,
}
# For everybody: the ways in, and what holds no data.
OPEN = {
    "account_login",
    "account_logout",
    "account_inactive",
    "mfa_authenticate",
    "mfa_login_webauthn",
    "openid_connect_login",
    "openid_connect_callback",
    "socialaccount_login_cancelled",
    "socialaccount_login_error",
    "people:welcome",
    "people:language",
    "people:session",
    "people:session_lock",
    "people:session_unlock",
    "healthz",
    "manifest",
    "service_worker",
    "offline",
    "api:schema",
}
# django-allauth's own, behind its own sign-in and a second asking for the password.
CONFIRMED = {
    "account_reauthenticate",
    "mfa_reauthenticate",
    "mfa_reauthenticate_webauthn",
    "mfa_activate_totp",
    "mfa_deactivate_totp",
    "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes",
    "mfa_download_recovery_codes",
    "mfa_add_webauthn",
    "mfa_remove_webauthn",
    "mfa_edit_webauthn",
}
# Programs' addresses have tests of their own: as anonymous, wrong role, wrong site, right role.
FOR_PROGRAMS = ("api:", "dicomweb:", "fhir:", "gateway:")


def test_every_address_has_an_entry():
    entered = {page[0] for page in PAGES} | set(OWN) | OPEN | CONFIRMED
    entered.add("studies:worklist")  # leads each to where they may be, below
    there = {name for name in view_names() if not name.startswith(FOR_PROGRAMS)}
    assert there == {name for name in entered if not name.startswith(FOR_PROGRAMS)}


@pytest.fixture
def image(site):
    image = image_make(study_make(patient_id="4711", patient_name="Doe^Jane"))
    image_analysed(image)
    image.study.refresh_from_db()
    report_make(image.study)
    return image


def address(name, image):
    arguments = {
        "studies:study": [image.study_id],
        "studies:study_patient": [image.study_id],
        "registry:model": [model_make().bundle_hash],
        "studies:upload_file": [uuid.uuid4()],
        "people:site": ["north"],
        "people:token_end": ["0" * 128],
        "mfa_remove_webauthn": [1],
        "mfa_edit_webauthn": [1],
    }
    if name in {"people:person", "people:role", "people:step"}:
        person = User.objects.get(username="technologist-north")
        step = ["unlock"] if name == "people:step" else []
        return reverse(name, args=[person.pk, *step])
    if name.startswith("reviews:report"):
        return reverse(name, args=[image.study_id])
    if name in {"reviews:review", "reviews:review_save", "reviews:similar"}:
        return reverse(name, args=[image.analysis.pk])
    if "image_" in name or name == "studies:impression":
        return reverse(name, args=[image.pk])
    if name.startswith("outgoing:"):
        return reverse(name, args=outgoing_row(name))
    if name.startswith("incoming:"):
        return reverse(name, args=incoming_row(name))
    return reverse(name, args=arguments.get(name, []))


@pytest.mark.parametrize(("name", "method", "wrong", "right", "answer", "elsewhere"), PAGES)
def test_each_page_lets_in_whom_it_should(
    name, method, wrong, right, answer, elsewhere, image, user_of, client_of, other_site
):
    user_of("technologist")
    url = address(name, image)
    data = {"site": image.site_id, "role": "reader"} if method == "post" else {}

    def status(client):
        return getattr(client, method)(url, data).status_code

    anonymous = getattr(Client(), method)(url)
    assert anonymous.status_code == HTTPStatus.FOUND
    assert anonymous.url.startswith(reverse("account_login"))
    assert status(client_of(user_of(wrong))) == HTTPStatus.FORBIDDEN
    assert status(client_of(user_of(right))) == answer
    stranger = user_of(right, site=other_site)
    assert status(client_of(stranger)) == elsewhere
    if elsewhere == HTTPStatus.NOT_FOUND:
        _assert_no_trace(getattr(client_of(stranger), method), url, dict(addresses())[name], data)
        assert not Event.objects.filter(actor=stranger).exclude(action="user.login").exists()


def _assert_no_trace(ask, url, nowhere, data):
    """What is another site's is told like what never was: by word and by header."""
    forms = rb'name="csrfmiddlewaretoken" value="[^"]+"'
    there, nothing = ask(url, data), ask(nowhere, data)
    assert re.sub(forms, b"", there.content) == re.sub(forms, b"", nothing.content)
    assert dict(there.headers) == dict(nothing.headers)


@pytest.mark.parametrize("name", [*OWN, *CONFIRMED])
def test_one_s_own_things_need_a_sign_in(name, image):
    """405 comes before: a method that is none tells nothing."""
    for method in (Client().get, Client().post):
        answer = method(address(name, image))
        assert answer.status_code in {302, 405}
        if answer.status_code == HTTPStatus.FOUND:
            assert answer.url.startswith(reverse("account_login"))


@pytest.mark.parametrize("name", OWN)
def test_one_s_own_things_are_for_every_role(name, image, user_of, client_of):
    for role in ("auditor", "technologist"):
        assert client_of(user_of(role)).get(address(name, image)).status_code == OWN[name]


STARTS = {
    "reader": None,
    "technologist": None,
    "model_steward": None,
    "auditor": "audit:events",
    None: "people:account",
}


@pytest.mark.parametrize(("role", "place"), STARTS.items())
def test_signing_in_leads_to_a_page_one_may_open(role, place, user_of, client_of):
    who = user_of(role) if role else User.objects.create_user("nobody", password="x")
    answer = client_of(who).get("/", follow=True)
    assert answer.status_code == HTTPStatus.OK
    assert [way[0] for way in answer.redirect_chain] == ([reverse(place)] if place else [])
    assert Client().get("/").url.startswith(reverse("account_login"))


def test_another_site_sees_no_row(image, user_of, client_of, other_site):
    client = client_of(user_of("reader", site=other_site))
    assert b"No radiographs yet" in client.get("/").content
    asked = client.get("/rows/", {"row": f"{image.study_id.hex}.RECEIVED.1.0"})
    assert b"<tr" not in asked.content


# Each look at patient data, and the event it leaves.
LOOKS = {
    "studies:worklist": "study.list",
    "studies:study": "study.view",
    "studies:study_patient": "patient.reveal",
    "studies:image_panel": "study.view",
    "studies:image_rendered": "image.view",
    "studies:image_heatmap": "image.view",
    "studies:image_pixels": "image.view",
}


@pytest.mark.parametrize("name", LOOKS)
def test_each_look_at_patient_data_is_on_record(name, image, reader, client_of):
    url = address(name, image)
    method = {page[0]: page[1] for page in PAGES}.get(name, "get")
    getattr(client_of(reader), method)(url)
    event = Event.objects.get(action=LOOKS[name])
    assert (event.actor, event.site) == (reader, image.site)
    if name != "studies:worklist":
        assert event.study == image.study_id
        assert event.patient == patient_pseudonym(image.site_id, "4711")
    assert "4711" not in f"{event.patient} {event.detail}"


def test_a_picture_the_browser_kept_is_no_second_look(image, reader, client_of):
    client = client_of(reader)
    url = address("studies:image_rendered", image)
    etag = client.get(url)["ETag"]
    assert client.get(url, headers={"If-None-Match": etag}).status_code == 304
    assert Event.objects.filter(action="image.view").count() == 1


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_upload_and_reveal_only_by_post(method, image, reader, client_of):
    client = client_of(reader)
    addresses = [address("studies:study_patient", image)]
    addresses += [reverse("studies:uploads" if method == "get" else "studies:upload")]
    for url in addresses:
        assert getattr(client, method)(url).status_code == HTTPStatus.METHOD_NOT_ALLOWED


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
