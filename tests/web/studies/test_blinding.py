"""At a site that reads blind a result is nowhere before the reader's own word."""

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from pneumoscope.web.accounts.models import Site
from pneumoscope.web.accounts.roles import Role, Scope, rights_of
from pneumoscope.web.audit.models import Event
from pneumoscope.web.people.services import token_create
from pneumoscope.web.reviews.models import Kind
from pneumoscope.web.reviews.services import Opinion, review_create
from pneumoscope.web.studies.blinding import impression_create
from pneumoscope.web.studies.models import Impression, Study
from web.pages import image_analysed, image_make, image_rejected, report_make, study_make

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
VIEWERS = [role for role in Role.values if "study.view" in rights_of(role)]
READERS = [role for role in VIEWERS if "review.write" in rights_of(role)]
SECRETS = (
    "91\u00a0%",
    "Likely pneumonia",
    # All zones have their names on the page, for regions that the reader draws; found is this one.
    'data-region="0"',
    "right lower zone",
    "right_lower",
    "heatmap.png",
)


@pytest.fixture
def image(site):
    site.reads_blind = True
    site.save()
    image = image_make(study_make(patient_id="4711"))
    image_analysed(image)
    image.study.refresh_from_db()
    report_make(image.study)
    return image


def say(client, image, finding="normal", **more):
    url = reverse("studies:impression", args=[image.pk])
    return client.post(url, {"finding": finding, **more})


def pages(image):
    analysis = image.analysis.pk
    return {
        "worklist": "/",
        "changed rows": f"/rows/?row={image.study_id.hex}.RECEIVED.1.0",
        "study": f"/studies/{image.study_id}/",
        "panel": f"/images/{image.pk}/panel/",
        "heatmap": f"/images/{image.pk}/heatmap.png",
        "review": f"/analyses/{analysis}/review/",
        "readings": "/reviews/?show=second",
        "report": f"/studies/{image.study_id}/report/",
        "report as JSON": f"/studies/{image.study_id}/report.json",
        "report as PDF": f"/studies/{image.study_id}/report.pdf",
        "CSV": "/worklist.csv",
        "list of the API": "/api/v1/studies",
        "study of the API": f"/api/v1/studies/{image.study_id}",
    }


def told(client, address):
    """What came back, as text; bytes that are no text count when they were sent at all."""
    answer = client.get(address)
    if answer.status_code == 404:
        return ""
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return body.decode("utf-8", "replace")


def shows(client, address):
    text = told(client, address)
    return any(each in text for each in (*SECRETS, "0.91", "%PDF", "IHDR"))


@pytest.mark.parametrize("role", READERS)
def test_nothing_tells_who_reads_before_they_have_said_what_they_see(
    role, image, user_of, client_of
):
    # So that the list of reviews has it too.
    review_create(
        acting_user=user_of("reader" if role != "reader" else "administrator"),
        analysis=image.analysis,
        kind=Kind.READING,
        opinion=Opinion(agreement="disagree", label="normal", comment="Motion"),
    )
    client = client_of(user_of(role))
    for name, address in pages(image).items():
        assert not shows(client, address), name
        assert "Motion" not in told(client, address), name
    assert "What do you see?" in told(client, f"/studies/{image.study_id}/")
    assert say(client, image, confidence="4").status_code == 302
    for name, address in pages(image).items():
        assert shows(client, address), name
    assert "Your impression before the result: no pneumonia" in told(client, pages(image)["review"])


@pytest.mark.parametrize("role", [role for role in VIEWERS if role not in READERS])
def test_who_does_not_review_sees_results_and_is_not_asked(role, image, user_of, client_of):
    client = client_of(user_of(role))
    assert "Likely pneumonia" in told(client, f"/studies/{image.study_id}/")
    assert "What do you see?" not in told(client, f"/studies/{image.study_id}/")
    assert say(client, image).status_code == 403


def test_an_impression_is_kept_with_who_when_and_which_model_and_never_changes(
    image, reader, client_of
):
    client = client_of(reader)
    say(client, image, "pneumonia", confidence="5")
    say(client, image, "normal")
    impression = Impression.objects.get()
    assert (impression.reader, impression.finding, impression.confidence) == (
        reader,
        "pneumonia",
        5,
    )
    event = Event.objects.get(action="impression.write")
    assert event.study == image.study_id
    assert event.detail["model"] == image.analysis.model_version.bundle_hash


def test_nobody_says_it_for_another(image, reader, user_of, client_of):
    say(client_of(user_of("senior_reader")), image)
    assert not shows(client_of(reader), f"/studies/{image.study_id}/")


def test_a_token_of_a_reader_is_as_blind_as_the_reader(image, reader, site):
    from rest_framework.test import APIClient

    token = token_create(acting_user=reader, person=reader, site=site, name="x", scope=Scope.READ)
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    study = api.get(f"/api/v1/studies/{image.study_id}").json()
    assert (study["state"], study["probability"], study["images"][0]["record"]) == (
        "ANALYSED",
        None,
        None,
    )
    impression_create(
        acting_user=reader, analysis=image.analysis, finding="unsure", confidence=None
    )
    assert api.get(f"/api/v1/studies/{image.study_id}").json()["probability"] == pytest.approx(0.91)


def test_scripts_get_viewer_and_result_at_once(image, reader, client_of):
    client = client_of(reader)
    url = reverse("studies:impression", args=[image.pk])
    asked_again = client.post(url, {"finding": "maybe"}, headers=HTMX).content.decode()
    assert "Say what you see" in asked_again
    assert not Impression.objects.exists()
    answer = client.post(url, {"finding": "unsure"}, headers=HTMX).content.decode()
    assert "Likely pneumonia" in answer
    assert "heatmap.png" in answer


def test_neither_order_nor_filters_lead_who_reads_blind(image, reader, client_of, api_of):
    clear = image_make(study_make(), "clear")
    image_analysed(clear, 0.1)
    client = client_of(reader)
    page = client.get("/", {"result": "suspicious", "sort": "suspicious"}).content.decode()
    assert page.index(f"study-{clear.study_id}") < page.index(f"study-{image.study_id}")
    assert 'name="result"' not in page
    assert api_of(reader).get("/api/v1/studies", {"result": "suspicious"}).status_code == 400


def test_a_rejected_radiograph_hides_nothing(image, reader, client_of):
    rejected = image_make(study_make())
    image_rejected(rejected)
    assert "Lateral view" in told(client_of(reader), f"/studies/{rejected.study_id}/")
    assert say(client_of(reader), rejected).status_code == 404


def test_other_sites_are_not_blind(image, user_of, other_site, client_of):
    there = image_make(study_make(site="south"))
    image_analysed(there)
    client = client_of(user_of("reader", site=other_site))
    assert "Likely pneumonia" in told(client, f"/studies/{there.study_id}/")


def test_the_database_holds_one_impression_of_a_known_kind(image, reader):
    said = {"analysis": image.analysis, "reader": reader}
    for wrong in ({"finding": "maybe"}, {"finding": "normal", "confidence": 6}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Impression.objects.create(**said, **wrong)
    Impression.objects.create(**said, finding="normal")
    with pytest.raises(IntegrityError), transaction.atomic():
        Impression.objects.create(**said, finding="unsure")


def test_a_study_with_an_impression_is_kept(image, reader, user_of, client_of):
    say(client_of(reader), image)
    data = {"do": "delete", "study": [image.study_id]}
    client_of(user_of("administrator")).post("/selection/", data)
    assert Study.objects.exists()


def test_the_site_s_administrator_turns_it_on(site, user_of, client_of):
    data = {"name": site.name, "code": site.code, "time_zone": "UTC", "active": "on"}
    client = client_of(user_of("administrator"))
    client.post(reverse("people:site", args=[site.code]), data | {"reads_blind": "on"})
    assert Site.objects.get(pk=site.pk).reads_blind
