"""The study page: what is said of a result, a rejection, a failure, and what is still pending."""

import re

import pytest
from django.test import Client

from pneumoscope.core.types import Reason
from web.pages import (
    BUNDLE_HASH,
    image_analysed,
    image_failed,
    image_make,
    image_rejected,
    model_make,
    study_make,
)

pytestmark = pytest.mark.django_db

OLD = Reason("age_outside_population", "The patient is 60 years old.")
SMALL = Reason("few_pixels", "Fewer pixels than usual.")


@pytest.fixture
def client(reader, client_of):
    return client_of(reader)


@pytest.fixture
def image(site):
    return image_make(study_make())


def words(answer):
    """The page's text without tags, as a person reads it."""
    text = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return re.sub(r"\s+", " ", text.replace("\u00a0", " "))


def page(client, image):
    return words(client.get(f"/studies/{image.study_id}/"))


def test_a_result_is_a_sentence_with_its_operating_point(client, image):
    image_analysed(image, 0.91, reasons=(OLD, SMALL))
    text = page(client, image)
    assert "Likely pneumonia – 91 % (operating threshold 34 %)" in text
    assert "lies above the threshold of 34 %" in text
    assert "At this threshold (balanced)" in text
    assert "found 97 % of pneumonias and cleared 90 % of normal radiographs" in text
    assert "every class equally likely" in text
    assert "resembles bacterial more than viral" in text
    assert "cannot establish the cause" in text
    assert "Right lower zone" in text
    assert "Outside the validated population The patient is 60 years old." in text
    assert "Fewer pixels than usual." in text
    assert "test 1.0" in text
    assert BUNDLE_HASH[:12] in text
    assert "Children of one to five years" in text


@pytest.mark.parametrize(("probability", "advised"), [(0.12, False), (0.5, True), (0.91, False)])
def test_a_second_reader_is_advised_inside_the_band_alone(client, image, probability, advised):
    image_analysed(image, probability)
    text = page(client, image)
    assert ("Uncertain – a second reader is advised." in text) is advised
    assert "Uncertain from 20 % to 70 %" in text
    worklist = words(client.get("/"))
    assert (" uncertain " in worklist) is advised


def test_a_result_made_before_there_was_a_band_shows_none(client, image):
    row = image_analysed(image, 0.5)
    row.record = {k: v for k, v in row.record.items() if k not in {"uncertain", "band"}}
    row.save()
    assert "ncertain" not in page(client, image)


def test_a_negative_result_names_no_cause(client, image):
    image_analysed(image, 0.12)
    text = page(client, image)
    assert "Pneumonia unlikely – 12 % (operating threshold 34 %)" in text
    assert "bacterial" not in text
    assert "No part of the image stands out." in text
    assert "Nothing to remark on." in text


def test_contours_are_drawn_in_the_pixels_of_the_image(client, image):
    image_analysed(image)
    html = client.get(f"/studies/{image.study_id}/").content.decode()
    assert 'viewBox="0 0 200 240"' in html
    assert html.count('data-region="0"') == 2


def test_a_rejected_image_says_why_and_shows_no_number(client, image):
    image_rejected(image)
    text = page(client, image)
    assert "No result: lateral view" in text
    assert "upload the PA image" in text
    assert "%" not in text
    assert "Heatmap" not in re.sub(r"Heatmap on, off", "", text)


def test_a_failed_image_says_what_to_do(client, image):
    image_failed(image, "truncated_file", "The file ends before its image does.", "Send it again.")
    text = page(client, image)
    assert "Not read: truncated file" in text
    assert "The file ends before its image does. Send it again." in text
    assert "%" not in text


def test_a_pending_image_turns_into_its_result(client, image):
    html = client.get(f"/studies/{image.study_id}/").content.decode()
    asks = re.search(r'hx-get="([^"]+)" hx-trigger="every', html).group(1)
    assert client.get(asks).status_code == 204
    image_analysed(image)
    answer = client.get(asks)
    assert "Likely pneumonia – 91 %" in words(answer)
    assert b'hx-trigger="every' not in answer.content


def test_several_images_open_on_the_one_that_speaks_for_the_study(client, image):
    other = image_make(image.study, "other.png")
    image_analysed(image, 0.2)
    image_analysed(other, 0.8)
    assert "Likely pneumonia – 80 %" in page(client, image)
    chosen = client.get(f"/studies/{image.study_id}/", {"image": str(image.pk)})
    assert "Pneumonia unlikely – 20 %" in words(chosen)


def test_the_model_page_tells_what_it_is_for_and_where_it_fails(client):
    version = model_make()
    text = words(client.get(f"/models/{version.bundle_hash}/"))
    for expected in (
        "A model for tests",
        "Knows nothing of medicine.",
        "1 to 5 years",
        "AUC 0.987",
        "Apache-2.0",
        BUNDLE_HASH,
    ):
        assert expected in text


@pytest.mark.parametrize("url", ["/studies/00000000-0000-0000-0000-000000000000/", "/models/no/"])
def test_an_unknown_address_has_a_way_on(client, url):
    answer = client.get(url)
    assert answer.status_code == 404
    assert "There is no such page" in words(answer)
    assert b'href="/"' in answer.content


def test_an_error_of_ours_shows_no_trace(client, image, monkeypatch):
    monkeypatch.setattr("pneumoscope.web.studies.views.rows", lambda page: 1 / 0)
    client.raise_request_exception = False
    answer = client.get("/")
    assert answer.status_code == 500
    assert "Something went wrong on our side" in words(answer)
    assert b"ZeroDivisionError" not in answer.content


def test_signing_in_and_out(reader):
    client = Client()
    page = client.get("/login/", {"next": "/models/"})
    assert "Research use only – not a medical device" in words(page)
    wrong = client.post("/login/", {"login": reader.username, "password": "guess"})
    assert "do not match" in words(wrong)
    right = client.post(
        "/login/", {"login": reader.username, "password": "secret", "next": "//evil.example/"}
    )
    assert right.url == "/"
    assert client.post("/logout/").url == "/login/"
    assert client.get("/").status_code == 302
