"""Password, second factors and passkeys in the person's language, though two are ours alone."""

import re
from html import unescape
from pathlib import Path

import allauth
import django
import pytest
from django.conf import settings

from pneumoscope.web.accounts import borrowed_words
from web.catalogues import LANGUAGES, of_python, written

SOURCE = Path(borrowed_words.__file__).read_text("utf8")
PAGES = [
    "/account/password/",
    "/account/confirm/",
    "/account/factors/",
    "/account/factors/totp/activate/",
    "/account/factors/recovery-codes/generate/",
    "/account/factors/webauthn/",
    "/account/factors/webauthn/add/",
    "/logout/",
]


def plain(text):
    return " ".join(unescape(re.sub(r"{{ *(\w+) *}}", r"%(\1)s", text)).split())


def test_each_is_still_said():
    roots = [Path(allauth.__file__).parent, Path(django.__file__).parent]
    folders = "account", "mfa", "templates", "contrib/auth", "core", "forms"
    found = (file for root in roots for each in folders for file in (root / each).rglob("*.*"))
    files = [file for file in found if file.suffix in {".py", ".html", ".txt"}]
    said = plain(" ".join(file.read_text("utf8") for file in files))
    said = re.sub(r'" "', "", said)
    assert [key[0] for key in of_python(SOURCE) if key[0] not in said] == []


def test_english_headings_and_buttons_are_no_titles():
    borrowed = {key[0] for key in of_python(SOURCE)}
    ours = {key[0]: text for key, (text,) in written(settings.LANGUAGE_CODE).items()}
    assert set(ours) <= borrowed
    title = re.compile(r"[a-z][ -][A-Z][a-z][^.]*$")
    said = [ours.get(text, text) for text in borrowed]
    assert [text for text in said if title.search(text)] == []


@pytest.mark.parametrize("page", PAGES)
def test_pages_say_it_in_our_english(page, reader, client_of):
    client = client_of(reader)
    client.post("/account/confirm/", {"password": "secret"})
    shown = {plain(each) for each in re.findall(r">([^<>]+)<", client.get(page).content.decode())}
    assert shown & {key[0] for key in written(settings.LANGUAGE_CODE)} == set()


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_say_it_in_the_language(language, page, reader, client_of):
    reader.language = language
    reader.save()
    client = client_of(reader)
    client.post("/account/confirm/", {"password": "secret"})
    answer = client.get(page)
    assert answer.status_code == 200
    shown = [plain(each) for each in re.findall(r">([^<>]+)<", answer.content.decode())]
    ours = {key[0] for key, (text, *_) in written(language).items() if text != key[0]}
    # A label that allauth makes from the field's own name.
    assert [each for each in shown if each in ours - {"Name"}] == []
