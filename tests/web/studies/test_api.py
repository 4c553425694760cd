"""The API as anonymous, the wrong role, the right role and another site's."""

import io
import json
import uuid
import zipfile
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from pneumoscope.core.record import failure_record
from pneumoscope.web.audit.models import Event
from pneumoscope.web.studies.models import Image, KeptAnswer, Study
from pneumoscope.web.studies.states import State

pytestmark = pytest.mark.django_db
STUDIES = "/api/v1/studies"
NOTICE = "Research use only – not a medical device"


@pytest.fixture
def send(api_of, reader, django_capture_on_commit_callbacks):
    """Send files as a reader; the analysis is done when this returns."""

    def call(*files: tuple[str, bytes], user=reader):
        parts = [SimpleUploadedFile(name, data) for name, data in files]
        with django_capture_on_commit_callbacks(execute=True):
            return api_of(user).post(STUDIES, {"file": parts})

    return call


def problem(response, status: int, code: str) -> dict:
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    body = json.loads(response.content)
    assert (body["status"], body["code"]) == (status, code)
    assert body["title"]
    assert body["detail"]
    assert body["remedy"]
    return body


def test_a_radiograph_in_and_a_result_out(send, api_of, reader, radiograph, model):
    sent = send(("chest.jpg", radiograph))
    assert sent.status_code == 202
    [study] = sent.json()["studies"]
    assert sent.json()["notice"] == study["notice"] == NOTICE
    assert (study["state"], study["images"][0]["state"]) == ("RECEIVED", "RECEIVED")
    assert study["images"][0]["record"] is None

    read = api_of(reader).get(f"{STUDIES}/{study['id']}").json()
    image = read["images"][0]
    assert (read["state"], read["notice"]) == ("ANALYSED", NOTICE)
    assert image["record"]["path"] == "chest.jpg"
    assert image["record"]["model"]["hash"] == model.bundle_hash
    assert image["record"]["probability"] == pytest.approx(read["probability"], abs=1e-6)
    assert read["positive"] == image["record"]["positive"]


def test_many_files_and_zips_in_one_request(send, jpeg, model):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("one.jpg", jpeg(1))
        archive.writestr("two.jpg", jpeg(2))
    sent = send(("both.zip", buffer.getvalue()), ("three.jpg", jpeg(3)), ("none.jpg", b""))
    body = sent.json()
    names = [image["source_name"] for study in body["studies"] for image in study["images"]]
    assert names == ["one.jpg", "two.jpg", "three.jpg"]
    assert [(r["source_name"], r["code"]) for r in body["refused"]] == [("none.jpg", "empty_file")]
    assert body["refused"][0]["remedy"]


def test_the_same_bytes_again_are_told_to_be_a_duplicate(send, jpeg, model):
    first, second = send(("a.jpg", jpeg())).json(), send(("b.jpg", jpeg())).json()
    assert not first["studies"][0]["images"][0]["duplicate"]
    assert second["studies"][0]["images"][0]["duplicate"]
    assert first["studies"][0]["id"] == second["studies"][0]["id"]


def test_a_file_that_is_no_image_fails_with_code_and_remedy(send, api_of, reader, model):
    study = send(("note.dcm", b"hello")).json()["studies"][0]
    image = api_of(reader).get(f"{STUDIES}/{study['id']}").json()["images"][0]
    record = image["record"]
    assert (image["state"], record["status"]) == ("FAILED", "failed")
    assert record["code"] == "unsupported_format"
    assert record["reason"]
    assert record["remedy"]
    assert record["probability"] is None
    error, reference = Exception("x"), model
    error.code = error.remedy = ""
    reference.hash = ""
    assert set(record) == set(failure_record("", error, reference))


# Who may what


def test_anonymous_is_401(api_of):
    for response in (
        api_of().get(STUDIES),
        api_of().post(STUDIES),
        api_of().get(f"{STUDIES}/{uuid.uuid4()}"),
        api_of().get("/api/v1/models"),
    ):
        problem(response, 401, "not_authenticated")
        assert response["WWW-Authenticate"] == "Token"


@pytest.mark.parametrize(
    ("role", "reads", "sends", "models"),
    [
        ("reader", 200, 400, 200),
        ("senior_reader", 200, 400, 200),
        ("technologist", 200, 400, 403),
        ("administrator", 200, 400, 200),
        ("model_steward", 200, 403, 200),
        ("auditor", 403, 403, 200),
    ],
)
def test_what_each_role_may(api_of, user_of, reader, role, reads, sends, models):
    study = Study.objects.create(site=reader.site, source="api")
    client = api_of(user_of(role))
    assert client.get(STUDIES).status_code == reads
    assert client.get(f"{STUDIES}/{study.pk}").status_code == reads
    assert client.post(STUDIES).status_code == sends  # 400: allowed, but without a file
    assert client.get("/api/v1/models").status_code == models


def test_a_session_serves_too_but_only_with_a_csrf_token(reader, jpeg):
    from rest_framework.test import APIClient

    client = APIClient(enforce_csrf_checks=True)
    client.force_login(reader)
    assert client.get(STUDIES).status_code == 200
    problem(client.post(STUDIES, {"file": SimpleUploadedFile("a", jpeg())}), 403, "forbidden")


def test_another_sites_study_does_not_exist(send, api_of, user_of, other_site, jpeg, model):
    study = send(("a.jpg", jpeg())).json()["studies"][0]
    stranger = api_of(user_of("administrator", site=other_site))
    problem(stranger.get(f"{STUDIES}/{study['id']}"), 404, "not_found")
    assert stranger.get(STUDIES).json()["results"] == []


def test_the_same_bytes_at_another_site_tell_nothing(send, user_of, other_site, jpeg, model):
    first = send(("a.jpg", jpeg())).json()["studies"][0]
    other = send(("a.jpg", jpeg()), user=user_of("reader", site=other_site)).json()["studies"][0]
    assert not other["images"][0]["duplicate"]
    assert other["id"] != first["id"]


# Patients


def test_patients_are_named_on_request_by_right_and_for_the_record(
    send, api_of, user_of, reader, dicom_radiograph, model
):
    study = send(("doe.dcm", dicom_radiograph)).json()["studies"][0]
    address = f"{STUDIES}/{study['id']}"
    assert study["patient"] is None
    assert api_of(reader).get(address).json()["patient"] is None
    assert not Event.objects.filter(action="patient.reveal").exists()

    shown = api_of(reader).get(f"{address}?reveal=true").json()["patient"]
    assert shown["patient_id"]
    event = Event.objects.get(action="patient.reveal")
    assert (event.actor, event.object_id) == (reader, study["id"])

    steward = api_of(user_of("model_steward"))
    problem(steward.get(f"{address}?reveal=true"), 403, "forbidden")
    problem(steward.get(f"{address}?reveal=1"), 400, "bad_request")
    image = steward.get(address).json()["images"][0]
    assert image["source_name"] == image["record"]["path"] == ""


# Errors


def test_errors_of_a_single_file(send, settings, jpeg):
    problem(send(("a.jpg", b"")), 400, "empty_file")
    settings.PNEUMOSCOPE_MAX_FILE_BYTES = 10
    problem(send(("a.jpg", jpeg())), 413, "file_too_large")
    problem(send(("a.zip", b"PK\3\4 no zip")), 400, "corrupt_archive")
    assert not Image.objects.exists()


def test_a_request_over_the_limit_is_refused_unread(api_of, reader, settings, jpeg):
    settings.PNEUMOSCOPE_MAX_REQUEST_BYTES = 10
    response = api_of(reader).post(STUDIES, {"file": SimpleUploadedFile("a.jpg", jpeg())})
    problem(response, 413, "request_too_large")


def test_a_length_that_is_no_number_is_no_failure_here(api_of, reader):
    response = api_of(reader).get(STUDIES, CONTENT_LENGTH="²")
    assert response.status_code == 200


def test_errors_of_the_request(api_of, reader):
    client = api_of(reader)
    problem(client.post(STUDIES), 400, "bad_request")
    problem(
        client.post(STUDIES, "{}", content_type="application/json"), 415, "unsupported_media_type"
    )
    problem(client.delete(STUDIES), 405, "method_not_allowed")
    problem(client.get(f"{STUDIES}?state=LOST"), 400, "bad_request")
    problem(client.get(f"{STUDIES}/{uuid.uuid4()}"), 404, "not_found")
    problem(client.get(f"{STUDIES}/1"), 404, "not_found")
    problem(client.get("/api/v1/nothing"), 404, "not_found")
    problem(client.get(STUDIES, HTTP_ACCEPT="text/html"), 406, "not_acceptable")


def test_too_many_requests(api_of, monkeypatch):
    from rest_framework.throttling import AnonRateThrottle

    monkeypatch.setattr(AnonRateThrottle, "rate", "1/min", raising=False)
    api_of().get("/api/v1/schema")
    response = api_of().get("/api/v1/schema")
    problem(response, 429, "too_many_requests")
    assert int(response["Retry-After"]) > 0


# Lists


def test_the_list_is_newest_first_in_pages_and_by_state(api_of, reader):
    for state in (State.ANALYSED, State.FAILED, State.ANALYSED):
        Study.objects.create(site=reader.site, source="api", state=state)
    Study.objects.update(created=Study.objects.latest("created").created - timedelta(hours=1))
    newest = Study.objects.create(site=reader.site, source="api")
    body = api_of(reader).get(f"{STUDIES}?limit=2").json()
    assert len(body["results"]) == 2
    rest = api_of(reader).get(body["next"]).json()
    assert len({row["id"] for row in body["results"] + rest["results"]}) == 4
    assert rest["next"] is None
    assert body["results"][0]["id"] == str(newest.pk)
    assert body["results"][0]["probability"] is None
    assert len(api_of(reader).get(f"{STUDIES}?state=ANALYSED").json()["results"]) == 2


@pytest.mark.parametrize("query", ["result=suspicious", "q=4711", "site=south", "since=2999-01-01"])
def test_the_list_takes_the_worklists_filters(api_of, reader, other_site, query):
    Study.objects.create(site=reader.site, source="api", patient_id="471")
    answer = api_of(reader).get(f"{STUDIES}?{query}")
    if query == "site=south":
        problem(answer, 400, "bad_request")
    else:
        assert answer.json()["results"] == []


UNCLEAR = ["since=yesterday", "since=", "state=LOST", "state=", "age=x", "result=no"]
UNCLEAR += ["limit=null", "limit=0", "limit=2&limit=x"]


@pytest.mark.parametrize("query", UNCLEAR)
def test_a_filter_that_is_not_understood_is_an_error(api_of, reader, query):
    problem(api_of(reader).get(f"{STUDIES}?{query}"), 400, "bad_request")


def test_more_than_a_page_holds_is_a_page(api_of, reader):
    assert api_of(reader).get(f"{STUDIES}?limit={'9' * 5000}").status_code == 200


def test_a_cursor_that_is_none_is_an_error(api_of, reader):
    problem(api_of(reader).get(f"{STUDIES}?cursor=x"), 404, "not_found")


# Sent again


@pytest.mark.usefixtures("model")
def test_the_same_key_and_files_get_the_same_answer(api_of, reader, jpeg):
    client = api_of(reader)

    def send_it(number, key="k1"):
        file = SimpleUploadedFile("a.jpg", jpeg(number))
        return client.post(STUDIES, {"file": file}, HTTP_IDEMPOTENCY_KEY=key)

    first, again = send_it(1), send_it(1)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert not again.json()["studies"][0]["images"][0]["duplicate"]
    assert Event.objects.filter(action="image.receive_again").count() == 0
    problem(send_it(2), 422, "key_of_other_files")
    problem(send_it(2, "k" * 256), 400, "bad_request")
    assert send_it(2, "k2").status_code == 202
    KeptAnswer.objects.filter(key="k1").update(answer=None)
    problem(send_it(1), 409, "still_answering")
    # Whoever was to answer has died.
    KeptAnswer.objects.update(created=timezone.now() - timedelta(minutes=11))
    assert send_it(1).status_code == 202
    KeptAnswer.objects.update(created=timezone.now() - timedelta(days=2))
    assert send_it(1).json()["studies"][0]["images"][0]["duplicate"]


def test_a_request_that_failed_may_be_sent_again_under_its_key(api_of, reader):
    client = api_of(reader)
    for _ in range(2):
        empty = SimpleUploadedFile("a.jpg", b"")
        problem(client.post(STUDIES, {"file": empty}, HTTP_IDEMPOTENCY_KEY="k"), 400, "empty_file")
    assert not KeptAnswer.objects.exists()


def test_a_key_is_its_persons_own(api_of, reader, user_of, jpeg, model):
    for user in (reader, user_of("senior_reader")):
        answer = api_of(user).post(
            STUDIES,
            {"file": SimpleUploadedFile("a.jpg", jpeg(len(user.username)))},
            HTTP_IDEMPOTENCY_KEY="k",
        )
        assert answer.status_code == 202


def test_a_study_costs_as_many_queries_with_many_images(
    api_of, reader, django_assert_max_num_queries
):
    from web.pages import image_make

    study = Study.objects.create(site=reader.site, source="api")
    for number in range(5):
        image_make(study, f"{number}.png")
    client = api_of(reader)
    with django_assert_max_num_queries(8):
        client.get(f"{STUDIES}/{study.pk}")


def test_models(api_of, reader, model):
    [listed] = api_of(reader).get("/api/v1/models").json()["results"]
    assert (listed["hash"], listed["stage"]) == (model.bundle_hash, "live")
    assert listed["card"]["population"]
