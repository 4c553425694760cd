"""Reviews over REST: read and said by the right person, and told to nobody too early."""

import json
from uuid import uuid4

import pytest

from pneumoscope.web.accounts.models import Site
from pneumoscope.web.accounts.roles import Role, Scope
from pneumoscope.web.audit.models import Event
from pneumoscope.web.people.services import person_create, token_create
from pneumoscope.web.reviews.models import Kind, Review
from pneumoscope.web.reviews.services import Opinion, review_create
from pneumoscope.web.studies.blinding import impression_create
from web.pages import BUNDLE_HASH, image_analysed, image_make, image_rejected, study_make

pytestmark = pytest.mark.django_db
SQUARE = [[20, 160], [60, 160], [60, 200], [20.5, 200]]


@pytest.fixture
def analysis(site):
    return image_analysed(image_make(study_make(patient_id="4711")))


@pytest.fixture
def second(site):
    return person_create(
        acting_user=None, username="second", password="secret", role=Role.READER, site=site
    )


def address(analysis):
    return f"/api/v1/studies/{analysis.image.study_id}/reviews"


def words(analysis, agreement="disagree", label="normal", **more):
    said = {"agreement": agreement, "label": label}
    return {"image": str(analysis.image_id), "model": BUNDLE_HASH, **said, **more}


def say(client, analysis, *said, **more):
    body = json.dumps(words(analysis, *said, **more))
    return client.post(address(analysis), body, content_type="application/json")


def said_by(user, analysis, agreement="disagree", label="normal", kind=Kind.READING):
    opinion = Opinion(agreement=agreement, label=label, comment="Motion")
    return review_create(acting_user=user, analysis=analysis, kind=kind, opinion=opinion)


def read(client, analysis):
    return client.get(address(analysis)).json()["results"]


def problem(answer, status, code, words=""):
    body = json.loads(answer.content)
    assert (answer.status_code, body["code"]) == (status, code), body
    assert words in body["detail"], body
    return body


def test_what_is_said_is_read_with_who_when_and_of_which_model(api_of, reader, analysis):
    client = api_of(reader)
    more = {"comment": "A focus", "erased_regions": [0], "drawn_regions": [SQUARE]}
    answer = say(client, analysis, "disagree", "viral", **more)
    assert answer.status_code == 201
    [told] = read(client, analysis)
    assert answer.json() == told
    assert (told["study"], told["image"]) == (str(analysis.image.study_id), str(analysis.image_id))
    assert told["model"] == {"name": "test", "version": "1.0", "hash": BUNDLE_HASH}
    assert (told["probability"], told["positive"]) == (pytest.approx(0.91), True)
    assert (told["reader"], told["kind"], told["agreement"]) == (
        "reader-north",
        "reading",
        "disagree",
    )
    assert (told["label"], told["comment"], told["erased_regions"]) == ("viral", "A focus", [0])
    assert told["drawn_regions"][0]["contour"] == SQUARE
    assert told["drawn_regions"][0]["zone"]
    assert told["reading_state"] == "SECOND_WANTED"
    # Nobody knows for how long a program's person looked.
    assert told["seconds"] is None
    assert told["superseded"] is None
    event = Event.objects.get(action="review.write")
    assert (event.actor, event.study) == (reader, analysis.image.study_id)


def test_a_review_takes_the_place_of_the_one_it_names_and_of_no_other(api_of, reader, analysis):
    client = api_of(reader)
    first = say(client, analysis).json()
    problem(say(client, analysis, "agree", ""), 409, "review_changed")
    again = say(client, analysis, "agree", "", supersedes=first["id"])
    assert (again.status_code, again.json()["label"]) == (201, "pneumonia")
    newest, oldest = read(client, analysis)
    assert (newest["superseded"], oldest["id"]) == (None, first["id"])
    assert oldest["superseded"]


def test_a_senior_reader_decides_between_readers(api_of, user_of, reader, second, analysis):
    for person, said in ((reader, ("agree", "pneumonia")), (second, ("disagree", "normal"))):
        said_by(person, analysis, *said)
    senior = api_of(user_of(Role.SENIOR_READER))
    assert len(read(senior, analysis)) == 2
    problem(say(api_of(reader), analysis, kind="adjudication"), 403, "forbidden")
    problem(say(senior, analysis, "unsure", kind="adjudication"), 400, "bad_request", "agreement")
    decided = say(senior, analysis, kind="adjudication")
    assert (decided.status_code, decided.json()["reading_state"]) == (201, "ADJUDICATED")
    problem(say(api_of(reader), analysis), 409, "reading_closed")


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        ({"agreement": "disagree", "label": ""}, "label: Say what the image shows instead."),
        ({"agreement": "agree", "label": "normal"}, "choose Disagree"),
        ({"agreement": "perhaps"}, "agreement"),
        ({"label": "cancer"}, "label"),
        ({"comment": "x" * 2001}, "comment"),
        ({"comment": 1}, "comment: of the wrong type"),
        ({"comment": "\ud800"}, "comment"),
        ({"supersedes": "1"}, "supersedes: of the wrong type"),
        ({"supersedes": True}, "supersedes: of the wrong type"),
        ({"erased_regions": [9]}, "erased_regions"),
        ({"erased_regions": [-1]}, "erased_regions"),
        ({"drawn_regions": [SQUARE]}, "A normal image has no regions"),
        ({"label": "viral", "drawn_regions": [[[0, 0], [9000, 0], [0, 9]]]}, "outside the image"),
        ({"drawn_regions": [[[0, "1"]]]}, "drawn_regions"),
        ({"drawn_regions": [[[0, 1e400]]]}, "JSON parse error"),
        ({"image": "x"}, "image"),
        ({"image": str(uuid4())}, "no result"),
        ({"model": "cd" * 32}, "no result"),
    ],
)
def test_what_says_nothing_is_refused_with_its_reason(sent, why, api_of, reader, analysis):
    answer = say(api_of(reader), analysis, **sent)
    problem(answer, 400, "bad_request", why)
    assert not Review.objects.exists()


@pytest.mark.parametrize("body", ["", "{", "[]", "null", "NaN", "[" * 100_000])
def test_what_is_no_object_is_refused(body, api_of, reader, analysis):
    answer = api_of(reader).post(address(analysis), body, content_type="application/json")
    problem(answer, 400, "bad_request")


def test_more_than_a_review_can_be_is_refused(api_of, reader, analysis):
    answer = say(api_of(reader), analysis, comment="x" * 3_000_000)
    problem(answer, 400, "bad_request")
    answer = api_of(reader).post(address(analysis), {"agreement": "agree"})
    problem(answer, 415, "unsupported_media_type")


# Who may what


@pytest.mark.parametrize(
    ("role", "reads", "says"),
    [
        (Role.READER, 200, 201),
        (Role.SENIOR_READER, 200, 201),
        (Role.ADMINISTRATOR, 200, 201),
        (Role.TECHNOLOGIST, 200, 403),
        (Role.MODEL_STEWARD, 200, 403),
        (Role.AUDITOR, 403, 403),
    ],
)
def test_what_each_role_may(role, reads, says, api_of, user_of, analysis):
    client = api_of(user_of(role))
    assert client.get(address(analysis)).status_code == reads
    assert client.get("/api/v1/reviews").status_code == reads
    assert say(client, analysis).status_code == says


def test_a_token_that_reads_says_nothing(api_of, reader, site, analysis):
    client = api_of()
    token = token_create(acting_user=None, person=reader, site=site, name="r", scope=Scope.READ)
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    assert client.get(address(analysis)).status_code == 200
    problem(say(client, analysis), 403, "forbidden")


def test_anonymous_is_401(api_of, analysis):
    problem(api_of().get(address(analysis)), 401, "not_authenticated")
    problem(api_of().get("/api/v1/reviews"), 401, "not_authenticated")
    problem(say(api_of(), analysis), 401, "not_authenticated")


def test_another_sites_reviews_do_not_exist(api_of, user_of, other_site, reader, analysis):
    said_by(reader, analysis)
    stranger = api_of(user_of(Role.ADMINISTRATOR, site=other_site))
    problem(stranger.get(address(analysis)), 404, "not_found")
    problem(say(stranger, analysis), 404, "not_found")
    assert stranger.get("/api/v1/reviews").json()["results"] == []
    own = image_analysed(image_make(study_make(site="south")))
    mixed = words(own) | {"image": str(analysis.image_id)}
    problem(stranger.post(address(own), mixed, format="json"), 400, "bad_request", "no result")
    assert Review.objects.count() == 1


def test_a_rejected_radiograph_has_no_result_to_agree_with(api_of, reader, site):
    rejected = image_rejected(image_make(study_make()))
    problem(say(api_of(reader), rejected), 400, "bad_request", "no result")


# What is not told


@pytest.mark.parametrize("scope", Scope.values)
def test_a_second_reader_reads_the_first_after_their_own(scope, reader, second, api_of, analysis):
    said_by(reader, analysis)
    client = api_of()
    site = second.site
    token = token_create(acting_user=None, person=second, site=site, name="t", scope=scope)
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    assert read(client, analysis) == []
    assert client.get("/api/v1/reviews").json()["results"] == []
    said_by(second, analysis)
    assert {each["reader"] for each in read(client, analysis)} == {"reader-north", "second"}


@pytest.mark.parametrize("role", [Role.TECHNOLOGIST, Role.MODEL_STEWARD])
def test_who_does_not_review_reads_all(role, reader, api_of, user_of, analysis):
    said_by(reader, analysis)
    assert len(read(api_of(user_of(role)), analysis)) == 1


def test_a_blind_readers_token_says_and_reads_nothing_before_the_impression(
    reader, second, api_of, analysis
):
    Site.objects.update(reads_blind=True)
    said_by(second, analysis)
    client = api_of(reader)
    assert read(client, analysis) == []
    problem(say(client, analysis), 400, "bad_request", "no result")
    impression_create(acting_user=reader, analysis=analysis, finding="normal", confidence=None)
    assert say(client, analysis).status_code == 201
    assert len(read(client, analysis)) == 2
    assert len(client.get("/api/v1/reviews").json()["results"]) == 2


def test_everything_said_in_pages_and_as_many_queries(reader, api_of, django_assert_num_queries):
    for _ in range(4):
        said_by(reader, image_analysed(image_make(study_make())))
    client = api_of(reader)
    first = client.get("/api/v1/reviews?limit=3").json()
    with django_assert_num_queries(5):
        rest = client.get(first["next"]).json()
    with django_assert_num_queries(5):
        client.get("/api/v1/reviews")
    listed = [*first["results"], *rest["results"]]
    assert [each["id"] for each in listed] == sorted(
        (review.pk for review in Review.objects.all()), reverse=True
    )
    assert Event.objects.filter(action="study.list").count() == 3
