"""Pages in the person's language: chosen, kept, and never the language of programs."""

import re

import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation

from web.catalogues import LANGUAGES
from web.pages import image_analysed, image_make, study_make

NOTICE = "Research use only – not a medical device"
PAGES = {
    "worklist": "/",
    "study": "/studies/{study}/",
    "report": "/studies/{study}/report/",
    "upload": "/upload/",
    "reviews": "/reviews/",
    "account": "/account/",
    "missing": "/no-such-page/",
}


@pytest.fixture
def study(site):
    found = study_make(age_years=3.0, sex="F")
    image_analysed(image_make(found))
    return found


def speak(user, language):
    user.language = language
    user.save(update_fields=["language"])


def translated(text, language):
    with translation.override(language):
        return translation.gettext(text)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_speaks_the_language_of_its_account(language, page, study, reader, client_of):
    speak(reader, language)
    response = client_of(reader).get(PAGES[page].format(study=study.pk))
    words = response.content.decode()
    assert f'<html lang="{language}" dir="ltr">' in words
    assert translated(NOTICE, language) in words
    assert NOTICE not in words
    assert response.headers["Content-Language"] == language
    # A decimal comma is for readers: scripts and drawings take the point.
    assert not re.search(r'(?:width|height|x|y|style)="-?\d+,\d', words)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_result_is_a_sentence_in_that_language(language, study, reader, client_of):
    speak(reader, language)
    page = client_of(reader).get(f"/studies/{study.pk}/").content.decode()
    assert translated("Likely pneumonia", language) in page
    assert "Likely pneumonia" not in page
    assert translated("Right lower zone", language) in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_before_sign_in_the_browser_says_it_and_then_the_choice(language, db):
    client = Client()
    asked = client.get("/accounts/login/", headers={"Accept-Language": language})
    assert f'<html lang="{language}"' in asked.content.decode()
    client.post("/account/language/", {"language": language, "next": "/accounts/login/"})
    chosen = client.get("/accounts/login/", headers={"Accept-Language": "en"})
    assert f'<html lang="{language}"' in chosen.content.decode()


def test_the_choice_is_kept_with_the_account(reader, client_of):
    answer = client_of(reader).post("/account/language/", {"language": "es", "next": "/account/"})
    assert answer.headers["Location"] == "/account/"
    reader.refresh_from_db()
    assert reader.language == "es"
    elsewhere = client_of(reader).get("/account/", headers={"Accept-Language": "en"})
    assert '<html lang="es"' in elsewhere.content.decode()


@pytest.mark.parametrize("word", ["tlh", "", "../es"])
def test_a_language_that_is_not_offered_changes_nothing(word, reader, client_of):
    client = client_of(reader)
    answer = client.post("/account/language/", {"language": word, "next": "https://else.where/"})
    assert answer.headers["Location"] == "/"
    assert settings.LANGUAGE_COOKIE_NAME not in client.cookies
    reader.refresh_from_db()
    assert reader.language == ""


def test_programs_are_answered_in_english(reader, api_of):
    speak(reader, "es")
    answer = api_of(reader).get("/api/v1/no-such-thing", headers={"Accept-Language": "es"})
    assert answer.json()["detail"] == "There is nothing at this address."


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_report_is_written_in_the_language_of_whoever_starts_it(
    language, study, reader, client_of
):
    speak(reader, language)
    page = client_of(reader).get(f"/studies/{study.pk}/report/").content.decode()
    assert translated("Frontal chest radiograph", language) in page
    for english in ("Likely pneumonia", "Automated analysis", "Frontal chest"):
        assert english not in page


def test_a_language_written_from_the_right_turns_the_page(db, settings):
    settings.LANGUAGES = [*settings.LANGUAGES, ("ar", "العربية")]
    page = Client().get("/accounts/login/", headers={"Accept-Language": "ar"})
    assert '<html lang="ar" dir="rtl">' in page.content.decode()
