"""A language is offered only if its catalogue is complete; `make messages` brings it up to date."""

import re

import pytest
from django.conf import settings

from web.catalogues import LANGUAGES, compiled, said, written

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd%]|\{\w*\}|<[^>]+>")


@pytest.fixture(scope="module")
def source():
    return said()


@pytest.mark.parametrize("language", LANGUAGES)
class TestCatalogue:
    def test_holds_what_the_source_says_and_no_more(self, language, source):
        known = set(written(language))
        assert source - known == set(), "run `make messages`, then translate"
        assert known - source == set(), "run `make messages`"

    def test_leaves_nothing_untranslated(self, language):
        assert [key for key, texts in written(language).items() if not all(texts)] == []

    def test_says_that_it_is_no_medical_device(self, language):
        [text] = written(language)[("Research use only – not a medical device",)]
        assert text
        assert text != "Research use only – not a medical device"


@pytest.mark.parametrize("language", [settings.LANGUAGE_CODE, *LANGUAGES])
def test_is_compiled_as_written(language):
    expected = {}
    for key, texts in written(language).items():
        if len(key) == 1:
            expected[key[0]] = texts[0]
        else:
            expected |= {(key[0], form): text for form, text in enumerate(texts)}
    filled = {key: text for key, text in expected.items() if text}
    assert compiled(language) == filled, "run `make messages`"


@pytest.mark.parametrize("language", [settings.LANGUAGE_CODE, *LANGUAGES])
def test_keeps_placeholders_and_tags(language):
    for key, texts in written(language).items():
        for text in filter(None, texts):
            assert sorted(PLACEHOLDER.findall(text)) == sorted(PLACEHOLDER.findall(key[0]))


def test_french_keeps_its_signs_on_the_line():
    """A no-break space stands before : ; ? ! and inside of « »."""
    texts = [text for texts in written("fr").values() for text in texts]
    assert [text for text in texts if re.search(" [:;?!»]|« ", text)] == []


def test_each_language_goes_by_its_own_name():
    names = dict(settings.LANGUAGES)
    assert names["en"] == "English"
    assert len(set(names.values())) == len(names)
