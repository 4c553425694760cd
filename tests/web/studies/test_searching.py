"""Search: where it may begin, who may find whom, and words that follow what they are made of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pneumoscope.web.accounts.models import Membership
from pneumoscope.web.studies import conditions
from pneumoscope.web.studies.filters import Filters
from pneumoscope.web.studies.models import Image, SearchWord
from pneumoscope.web.studies.search_words import LONGEST, end_of, terms_of, words_of
from web.pages import image_make, study_make


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("Müller^Anna", "muller"),
        ("MÜLLER^ANNA", "anna"),
        ("Müller^Anna", "Müller^A"),
        ("0004711", "4711"),
        ("KH0042", "42"),
        ("KH-0042", "kh-0042"),
        ("1.2.840.10008", "1.2.840"),
        ("NORMAL2-IM-1427-0001.jpg", "im-1427"),
        ("chest pa.png", "pa.p"),
        ("Yamada^Tarou=山田^太郎", "太"),
        ("straße", "STRASSE"),
    ],
)
def test_a_search_begins_at_any_word_whatever_case_and_accents(text, typed):
    (term,) = terms_of(typed)
    assert any(word.startswith(term) for word in words_of(text))


@pytest.mark.parametrize("typed", ["üller", "nna", "840", "111"])
def test_a_search_does_not_begin_inside_a_word(typed):
    texts = ["Müller^Anna", "1.2.840.10008", "4711"]
    (term,) = terms_of(typed)
    assert not any(word.startswith(term) for text in texts for word in words_of(text))


@given(st.text(max_size=80), st.text(max_size=10))
def test_words_fit_the_index_and_what_begins_with_a_term_lies_below_its_end(text, more):
    for term in terms_of(text):
        assert len(term) <= LONGEST
        for word in words_of(text + more):
            assert len(word) <= LONGEST
            assert word.startswith(term) == (term <= word < end_of(term))


def found(person, text):
    return set(Filters(person, {"q": text}).studies())


@pytest.fixture(params=["rare", "common"])
def _plan(request, monkeypatch):
    """Both ways in which the database is asked."""
    if request.param == "common":
        monkeypatch.setattr(conditions, "MANY", 0)


@pytest.mark.django_db
@pytest.mark.usefixtures("_plan")
def test_every_word_typed_is_found_in_patient_accession_uid_or_file(reader):
    anna = study_make(patient_name="Müller^Anna", patient_id="0004711", accession_number="A17")
    image_make(anna, "IM-0001.dcm")
    jonas = study_make(patient_name="Müller^Jonas", study_instance_uid="1.2.826.7")
    image_make(jonas, "IM-0002.dcm")
    assert found(reader, "muller") == {anna, jonas}
    assert found(reader, "anna, Müller") == {anna}
    assert found(reader, "4711 im-") == {anna}
    assert found(reader, "a17") == {anna}
    assert found(reader, "1.2.826.7") == {jonas}
    assert found(reader, str(jonas.pk)) == {jonas}
    assert found(reader, "muller 0003") == set()
    assert found(reader, ",") == set()


@pytest.mark.django_db
@pytest.mark.usefixtures("_plan")
def test_patients_are_found_only_where_they_may_be_named(user_of, other_site):
    """At one site this person may see names, at the other files alone."""
    person = user_of("reader")
    Membership.objects.create(user=person, site=other_site, role="model_steward")
    here = study_make(patient_name="Silva^Ana")
    image_make(here, "here.png")
    there = study_make(site="south", patient_name="Silva^Ana")
    image_make(there, "there.png")
    assert found(person, "silva") == {here}
    assert found(person, "there") == {there}
    assert found(user_of("reader", site=other_site), "silva") == {there}


@pytest.mark.django_db
def test_words_follow_a_patient_who_is_named_anew_and_go_with_the_study(reader):
    study = study_make(patient_name="Doe^Jane", patient_id="7")
    image_make(study, "chest.png")
    study.patient_name = "Roe^Jane"
    study.save(update_fields=["patient_name"])
    assert found(reader, "doe") == set()
    assert found(reader, "roe") == found(reader, "7") == found(reader, "chest") == {study}
    before = SearchWord.objects.count()
    Image.objects.get().save()
    study.save(update_fields=["state"])
    assert SearchWord.objects.count() == before
    study.delete()
    assert not SearchWord.objects.exists()
