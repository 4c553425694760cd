"""The Python client against a real server on a real port."""

import pytest

from pneumoscope.client import Client, Problem
from pneumoscope.web.accounts.roles import Scope
from pneumoscope.web.people.services import token_create
from pneumoscope.web.studies.models import Image, KeptAnswer
from pneumoscope.web.studies.tasks import image_analyse
from web.pages import BUNDLE_HASH, image_analysed, image_make, study_make


@pytest.fixture
def client(live_server, reader):
    token = token_create(
        acting_user=None, person=reader, site=reader.site, name="t", scope=Scope.WRITE
    )
    return Client(live_server.url, token)


@pytest.mark.usefixtures("model")
def test_a_radiograph_in_and_a_result_out(client, radiograph, tmp_path):
    path = tmp_path / 'a "chest" – é.jpg'
    path.write_bytes(radiograph)
    [study] = client.upload(path)
    image_analyse(str(Image.objects.get().pk))
    done = client.wait(study["id"], seconds=20)
    assert done["state"] == "ANALYSED"
    assert 0 <= done["probability"] <= 1
    assert done["images"][0]["source_name"].endswith("chest%22 – é.jpg")
    assert KeptAnswer.objects.count() == 1
    assert [each["id"] for each in client.list(state="ANALYSED")] == [study["id"]]
    assert list(client.list(state="FAILED")) == []


def test_a_list_of_many_pages(client, reader):
    for _ in range(3):
        image_make(study_make(site=reader.site.code))
    assert len({each["id"] for each in client.list(limit="1")}) == 3


def test_a_review_said_read_and_not_said_twice(client):
    analysis = image_analysed(image_make(study_make()))
    image = analysis.image
    words = {"image": str(image.pk), "model": BUNDLE_HASH, "agreement": "agree"}
    said = client.review(str(image.study_id), **words)
    assert said["label"] == "pneumonia"
    assert list(client.reviews(str(image.study_id))) == list(client.reviews()) == [said]
    with pytest.raises(Problem) as refused:
        client.review(str(image.study_id), **words)
    assert (refused.value.status, refused.value.code) == (409, "review_changed")
    assert client.review(str(image.study_id), **words, supersedes=said["id"])["superseded"] is None


def test_what_is_refused_is_named(client, live_server, tmp_path):
    empty = tmp_path / "empty.jpg"
    empty.write_bytes(b"")
    with pytest.raises(Problem) as refused:
        client.upload(empty)
    assert (refused.value.status, refused.value.code) == (400, "empty_file")
    with pytest.raises(Problem, match="not_authenticated"):
        next(Client(live_server.url, "forged").list())
    with pytest.raises(TimeoutError, match="RECEIVED"):
        client.wait(str(image_make(study_make()).study_id), seconds=0)
    with pytest.raises(ValueError, match="no http"):
        Client("file:///etc", "x")
