"""What people of several sites, of none and of closed ones see."""

import pytest
from django.db import IntegrityError, transaction

from pneumoscope.web.accounts.models import Membership, Site, User
from pneumoscope.web.accounts.roles import Role
from pneumoscope.web.studies.models import Study
from web.pages import study_make

pytestmark = pytest.mark.django_db


def fresh(user: User) -> User:
    """As the next request loads them."""
    return User.objects.get(pk=user.pk)


@pytest.fixture
def both(reader, other_site) -> User:
    """Reader in the north, model steward in the south."""
    Membership.objects.create(user=reader, site=other_site, role=Role.MODEL_STEWARD)
    return fresh(reader)


def test_rights_are_of_a_site(both, site, other_site):
    assert both.sites_with("study.view") == [site.pk, other_site.pk]
    assert both.sites_with("patient.reveal") == [site.pk]
    assert both.has_right("patient.reveal")
    assert both.has_right("patient.reveal", site.pk)
    assert not both.has_right("patient.reveal", other_site.pk)


def test_people_of_two_sites_see_the_studies_of_both(both, other_site, client_of):
    here, there = study_make(patient_id="4711"), study_make(site="south", patient_id="4712")
    stranger = study_make(site="east")
    assert set(Study.objects.visible_to(both)) == {here, there}
    assert set(Study.objects.visible_to(both, "patient.reveal")) == {here}
    client = client_of(both)
    assert client.post(f"/studies/{here.pk}/patient/").status_code == 200
    assert client.post(f"/studies/{there.pk}/patient/").status_code == 404
    assert client.post(f"/studies/{stranger.pk}/patient/").status_code == 404


def test_a_search_by_name_finds_only_where_names_may_be_seen(both, client_of):
    here = study_make(patient_name="Doe^Jane")
    there = study_make(site="south", patient_name="Doe^Jane")
    page = client_of(both).get("/", {"q": "doe"}).content.decode()
    assert str(here.pk) in page
    assert str(there.pk) not in page


def test_who_belongs_nowhere_sees_nothing(client_of):
    nobody = User.objects.create_user("nobody", password="x")
    study_make()
    assert nobody.site is None
    assert not nobody.has_right("study.view")
    assert not Study.objects.visible_to(nobody).exists()
    assert client_of(nobody).get("/").url == "/account/"


def test_a_closed_site_is_closed(reader, site, client_of):
    study = study_make()
    Site.objects.filter(pk=site.pk).update(active=False)
    assert client_of(reader).get(f"/studies/{study.pk}/").status_code == 403
    assert fresh(reader).site is None


@pytest.mark.parametrize("prevalence", [0, 1, -0.1, 12])
def test_a_prevalence_is_a_share(site, prevalence):
    with pytest.raises(IntegrityError), transaction.atomic():
        Site.objects.filter(pk=site.pk).update(prevalence=prevalence)


def test_uploads_go_where_the_person_works_now(both, other_site, client_of):
    """And are refused there, if the role there does not include them."""
    client = client_of(both)
    assert client.post("/upload/").status_code == 302
    session = client.session
    session["site"] = other_site.pk
    session.save()
    assert client.post("/upload/").status_code == 403
