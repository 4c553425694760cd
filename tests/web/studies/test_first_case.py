"""The guided first case: offered to who is new, a step at a time, ended at any."""

from datetime import timedelta

import pytest
from django.utils import timezone

from pneumoscope.web.studies.first_case import COOKIE, NEW, STEPS
from pneumoscope.web.studies.models import Study
from web.pages import image_analysed, image_make, study_make

pytestmark = pytest.mark.django_db
ADDRESS = "/first-case/"


@pytest.fixture
def sample(site):
    clear, suspicious = study_make(), study_make()
    image_analysed(image_make(clear), 0.1)
    image_analysed(image_make(suspicious), 0.9)
    Study.objects.update(source="sample")
    return suspicious


def test_each_step_leads_to_the_next_and_the_last_to_the_worklist(sample, reader, client_of):
    client = client_of(reader)
    address = client.get(ADDRESS).url
    assert address == f"/studies/{sample.pk}/?guide=1"
    for number, step in enumerate(STEPS, 1):
        page = client.get(f"/studies/{sample.pk}/", {"guide": number}).content.decode()
        assert str(step.title) in page
        assert f'data-part="{step.part}"' in page
        assert (f"?guide={number + 1}" in page) == (number < len(STEPS))
        guide = page[page.index('class="guide"') : page.index("</section>")]
        assert guide.count("autofocus") == 1
    assert "Done, to the worklist" in page
    assert client.post(ADDRESS).url == "/"


@pytest.mark.parametrize("word", ["0", "6", "x", "-1", "9" * 5000])
def test_there_is_no_other_step(sample, reader, client_of, word):
    page = client_of(reader).get(f"/studies/{sample.pk}/", {"guide": word})
    assert page.status_code == 200
    assert 'class="guide"' not in page.content.decode()


def test_it_is_offered_to_who_is_new_until_they_are_done(sample, reader, user_of, client_of):
    client = client_of(reader)
    assert "New here?" in client.get("/").content.decode()
    client.post(ADDRESS)
    assert client.cookies[COOKIE]["httponly"]
    assert "New here?" not in client.get("/").content.decode()
    assert "Guided first case" in client.get("/").content.decode()
    assert "New here?" not in client_of(user_of("technologist")).get("/").content.decode()
    senior = user_of("senior_reader")
    senior.date_joined = timezone.now() - NEW - timedelta(days=1)
    senior.save()
    assert "New here?" not in client_of(senior).get("/").content.decode()


def test_without_a_sample_it_says_so(reader, client_of, other_site):
    image_analysed(image_make(study_make(site="south")))
    Study.objects.update(source="sample")
    page = client_of(reader).get(ADDRESS, follow=True).content.decode()
    assert "no sample study" in page
