"""What is typed of a patient: beside the file's word, bounded, with history, in every export."""

import io

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.urls import reverse

from pneumoscope.core.types import Reason
from pneumoscope.web.audit.models import Event
from pneumoscope.web.studies.describing import FIELDS, study_describe
from pneumoscope.web.studies.filters import Filters
from pneumoscope.web.studies.models import Description, Study
from pneumoscope.web.studies.templatetags.described import age_words
from pneumoscope.web.studies.templatetags.reading import age_and_sex
from web.pages import image_analysed, image_make, study_make
from web.studies.test_uploads import send

pytestmark = pytest.mark.django_db

SCRIPT = "<script>alert(1)</script>"
HTMX = {"HX-Request": "true"}
NOTHING = {**dict.fromkeys(FIELDS), "sex": "", "view_position": "", "symptoms": []}


@pytest.fixture
def client(reader, client_of):
    return client_of(reader)


@pytest.fixture
def image(site):
    image = image_make(study_make(patient_id="4711", age_years=3.0, sex="M"))
    image_analysed(image)
    return image


def describe(client, image, **values):
    return client.post(reverse("studies:image_describe", args=[image.pk]), values, headers=HTMX)


def typed(image):
    return Description.objects.get(study=image.study)


def test_typed_values_stand_beside_the_file_s(client, image, reader):
    told = {"age": "14", "age_unit": "years", "sex": "F", "temperature_celsius": "38.5"}
    told |= {"spo2_percent": "94", "crp_mg_per_litre": "48", "symptoms": ["cough", "fever"]}
    block = describe(client, image, **told).content.decode()
    assert "14 years" in block
    assert "the file says 3 years" in block
    assert "the file says Male" in block
    assert "38.5\u00a0°C" in block
    assert "Cough, Fever" in block
    image.study.refresh_from_db()
    assert (image.study.age_years, image.study.sex) == (3.0, "M")
    page = client.get(reverse("studies:study", args=[image.study_id])).content.decode()
    assert "14 years, female" in page


@pytest.mark.parametrize(
    ("years", "words"),
    [
        (0.06, "1 month"),
        (1.99, "2 years"),
        (5.7, "5 years"),
        (5.9999, "6 years"),
        (17.5, "17 years"),
    ],
)
def test_an_age_is_the_same_at_the_head_and_among_the_facts(client, image, years, words):
    """Completed years: a child of five and a half is five."""
    Study.objects.update(age_years=years, sex="")
    image.refresh_from_db()
    assert age_words(years) == age_and_sex(image.study) == words


def test_ages_are_typed_in_months_too(client, image):
    block = describe(client, image, age="18", age_unit="months").content.decode()
    assert typed(image).age_years == 1.5
    assert "18 months" in block


def test_each_change_is_on_record_with_old_and_new_value(client, image, reader):
    describe(client, image, temperature_celsius="38.5")
    describe(client, image, temperature_celsius="39", symptoms=["cough"])
    describe(client, image, temperature_celsius="39", symptoms=["cough"])
    first, second = Event.objects.filter(action="study.change").order_by("pk")
    assert first.detail == {"temperature_celsius": [None, 38.5]}
    assert second.detail == {"temperature_celsius": [38.5, 39.0], "symptoms": ["", "cough"]}
    assert (second.actor, second.study) == (reader, image.study_id)
    page = client.get(reverse("studies:study", args=[image.study_id])).content.decode()
    assert "Temperature, °C: 38.5 → 39" in page
    assert "Symptoms: – → Cough" in page
    assert reader.username in page


def test_the_trail_s_page_shows_old_and_new_value(image, client, user_of, client_of):
    describe(client, image, temperature_celsius="38.5")
    page = client_of(user_of("auditor")).get(reverse("audit:events")).content.decode()
    assert "temperature_celsius: –, 38.5" in page


@pytest.mark.parametrize(
    ("field", "low", "high"),
    [
        ("temperature_celsius", 30, 45),
        ("spo2_percent", 50, 100),
        ("crp_mg_per_litre", 0, 1000),
        ("age_years", 0, 130),
    ],
)
def test_page_and_database_keep_values_within_what_is_possible(client, image, field, low, high):
    name = "age" if field == "age_years" else field
    for value in (low, high):
        describe(client, image, **{name: value, "age_unit": "years"})
        assert getattr(typed(image), field) == value
    for value in (low - 0.1, high + 0.1, "nan", "inf", "warm", SCRIPT):
        answer = describe(client, image, **{name: value, "age_unit": "years"}).content.decode()
        assert 'role="alert"' in answer
        assert "<script>" not in answer
        assert getattr(typed(image), field) == high
    for value in (low - 0.1, high + 0.1):
        with pytest.raises(IntegrityError), transaction.atomic():
            Description.objects.update(**{field: value})
        with pytest.raises(ValidationError):
            study_describe(study=image.study, values={**NOTHING, field: value}, acting_user=None)


@pytest.mark.parametrize("field", ["sex", "view_position", "symptoms", "age_unit"])
def test_words_are_of_closed_sets(client, image, field):
    answer = describe(client, image, **{field: SCRIPT}).content.decode()
    assert "<script>" not in answer
    assert not Description.objects.exists()


def test_the_population_warning_follows_the_typed_age_and_view(client, image):
    answer = describe(client, image, age="40", view_position="PA").content.decode()
    assert "The patient is 40 years old" in answer
    assert "View PA; the model was validated on AP." in answer
    assert f'id="population-{image.pk}" hx-swap-oob="true"' in answer
    cleared = describe(client, image, age="4", view_position="AP").content.decode()
    assert "Outside the validated population" not in cleared


def test_a_typed_age_replaces_the_warning_of_the_file_s(client, site):
    image = image_make(study_make(age_years=40.0))
    image_analysed(image, reasons=(Reason("age_outside_population", "The patient is 40 …"),))
    page = reverse("studies:study", args=[image.study_id])
    assert "The patient is 40 …" in client.get(page).content.decode()
    describe(client, image, age="4")
    assert "The patient is 40 …" not in client.get(page).content.decode()


def test_a_typed_view_does_not_speak_for_an_image_whose_file_names_one(client, site):
    image = image_make(study_make(), view_position="AP")
    image_analysed(image)
    answer = describe(client, image, view_position="PA").content.decode()
    assert "AP (typed: PA)" in answer
    assert "Outside the validated population" not in answer


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"age": "6-18"}, True),
        ({"age": "1-6"}, False),
        ({"sex": "F"}, True),
        ({"sex": "M"}, False),
        ({"view": "AP"}, True),
        ({"view": "PA"}, False),
    ],
)
def test_the_worklist_s_filters_go_by_what_was_typed(client, image, reader, query, found):
    assert Filters(reader, {"age": "1-6", "sex": "M"}).studies().count() == 1
    describe(client, image, age="14", sex="F", view_position="AP")
    assert Filters(reader, query).studies().exists() == found


def test_api_and_csv_say_what_was_typed(client, image, reader, api_of):
    address = f"/api/v1/studies/{image.study_id}"
    assert api_of(reader).get(address).json()["typed"] is None
    describe(client, image, age="14", spo2_percent="94", symptoms=["cough", "fever"])
    study = api_of(reader).get(address).json()
    assert study["typed"]["spo2_percent"] == 94.0
    assert study["typed"]["symptoms"] == ["cough", "fever"]
    assert study["images"][0]["population_warnings"][0]["code"] == "age_outside_population"
    lines = b"".join(client.get(reverse("studies:export"))).decode().splitlines()
    row = dict(zip(lines[0].split(","), lines[1].split(","), strict=True))
    assert (row["age_years"], row["typed_age_years"]) == ("3.0", "14.0")
    assert row["typed_symptoms"] == "cough fever"


def test_only_the_right_edits_and_only_at_its_site(image, user_of, client_of, other_site, client):
    steward = client_of(user_of("model_steward"))
    page = f"/studies/{image.study_id}/"
    assert "edit=1" not in steward.get(page).content.decode()
    assert "edit=1" in client.get(page).content.decode()
    address = reverse("studies:image_describe", args=[image.pk])
    assert 'name="symptoms"' in client.get(f"{address}?edit=1", headers=HTMX).content.decode()
    assert 'name="symptoms"' not in client.get(address, headers=HTMX).content.decode()
    assert describe(steward, image, sex="F").status_code == 403
    assert describe(client_of(user_of("reader", site=other_site)), image).status_code == 404
    assert describe(client_of(user_of("technologist")), image, sex="F").status_code == 200


@pytest.mark.usefixtures("model")
def test_what_is_typed_beside_an_upload_belongs_to_what_it_became(client, radiograph, reader):
    told = '{"age": "4", "spo2_percent": "91", "symptoms": ["cough"]}'
    assert send(client, radiograph, patient=told)["X-Pneumoscope-Rows"] == "1"
    assert Study.objects.get().typed.spo2_percent == 91
    assert Event.objects.get(action="study.change").actor == reader
    other = send(client, radiograph, "again.jpg", patient='{"age": "70"}')
    assert "Already here" in other.content.decode()
    assert Study.objects.get().typed.age_years == 4


def test_what_is_typed_beside_an_upload_is_judged_before_the_file_is_sent(client, radiograph):
    answer = send(client, radiograph, patient='{"temperature_celsius": "60"}')
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "Temperature: " in page
    assert "Correct the patient" in page
    assert not Study.objects.exists()


def test_without_scripts_the_form_leads_back_to_the_study(client, image):
    answer = client.post(reverse("studies:image_describe", args=[image.pk]), {"sex": "F"})
    assert answer.url == reverse("studies:study", args=[image.study_id])


def test_an_upload_s_page_takes_the_fields(client):
    page = client.get(reverse("studies:upload")).content.decode()
    assert 'name="crp_mg_per_litre"' in page
    assert 'name="symptoms"' in page


def test_an_upload_by_the_api_has_nothing_typed(api_of, reader, radiograph, model):
    file = SimpleUploadedFile("a.jpg", io.BytesIO(radiograph).read())
    study = api_of(reader).post("/api/v1/studies", {"file": file}).json()["studies"][0]
    assert study["typed"] is None
