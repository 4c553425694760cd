"""Invitations, roles, keeping out: what an administrator may do, and to whom not."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from pneumoscope.web.accounts.models import ApiToken, Membership, Site, User
from pneumoscope.web.accounts.roles import Role, Scope
from pneumoscope.web.audit.models import Event
from pneumoscope.web.people.services import token_create

pytestmark = pytest.mark.django_db
PASSWORD = "a short sentence is easy"


@pytest.fixture
def admin(user_of) -> User:
    return user_of(Role.ADMINISTRATOR)


@pytest.fixture
def client(admin, client_of) -> Client:
    return client_of(admin)


def invite(client: Client, site: Site, **fields: str):
    data = {"username": "ann", "role": "reader", "site": site.pk, "email": "", **fields}
    return client.post(reverse("people:people"), data)


def link_of(answer) -> str:
    return re.search(r"http://testserver(/welcome/[^\"]+)", answer.content.decode())[1]


def step(client: Client, person: User, name: str):
    return client.post(reverse("people:step", args=[person.pk, name]), follow=True)


def signs_in(name: str, password: str) -> bool:
    client = Client()
    client.post("/login/", {"login": name, "password": password})
    return client.get("/account/").status_code == 200


def test_an_invitation_leads_to_a_first_sign_in_once(client, site):
    answer = invite(client, site, first_name="Ann", email="ann@example.org")
    assert answer["Cache-Control"] == "no-store"
    link = link_of(answer)
    assert not signs_in("ann", PASSWORD)
    guest = Client()
    too_short = guest.post(link, {"new_password1": "short", "new_password2": "short"})
    assert b"too short" in too_short.content
    chosen = guest.post(link, {"new_password1": PASSWORD, "new_password2": PASSWORD})
    assert chosen.url == "/login/"
    assert signs_in("ann", PASSWORD)
    assert Client().get(link).status_code == 410
    person = User.objects.get(username="ann")
    assert person.has_right("study.view", site.pk)
    assert set(Event.objects.filter(object_id=str(person.pk)).values_list("action", flat=True)) >= {
        "person.create",
        "person.invite",
        "person.password_set",
    }


def test_a_newer_invitation_ends_the_older(client, site):
    first = link_of(invite(client, site))
    person = User.objects.get(username="ann")
    second = link_of(step(client, person, "invitation"))
    assert Client().get(first).status_code == 410
    assert Client().get(second).status_code == 200


def test_an_invitation_expires(client, site, settings):
    link = link_of(invite(client, site))
    settings.PASSWORD_RESET_TIMEOUT = -1
    assert Client().get(link).status_code == 410


@pytest.mark.parametrize("name", ["x", "AAAA", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5"])
def test_a_forged_invitation(name, admin):
    assert Client().get(reverse("people:welcome", args=[name, "abc-def"])).status_code == 410


def test_one_person_per_name_and_address(client, site, reader):
    again = invite(client, site, username=reader.username)
    assert "already exists" in again.content.decode()
    User.objects.filter(pk=reader.pk).update(email="who@example.org")
    again = invite(client, site, email="WHO@example.org")
    assert "Somebody else has this e-mail address" in again.content.decode()
    assert not User.objects.filter(username="ann").exists()


def test_nobody_is_invited_to_another_s_site(client, other_site):
    invite(client, other_site)
    assert not User.objects.filter(username="ann").exists()


def test_a_role_is_of_one_site(client, reader, site, other_site):
    Membership.objects.create(user=reader, site=other_site, role=Role.AUDITOR)
    url = reverse("people:role", args=[reader.pk])
    client.post(url, {"site": site.pk, "role": "technologist"})
    roles = dict(reader.memberships.values_list("site__code", "role"))
    assert roles == {"north": "technologist", "south": "auditor"}
    assert client.post(url, {"site": other_site.pk, "role": "reader"}).status_code == 404
    client.post(url, {"site": site.pk, "role": ""})
    assert [each.site for each in reader.memberships.all()] == [other_site]
    assert client.get(reverse("people:person", args=[reader.pk])).status_code == 404


def test_an_account_of_two_sites_is_for_who_administers_both(client, reader, other_site, user_of):
    """Otherwise a new invitation would let one site into the other."""
    Membership.objects.create(user=reader, site=other_site, role=Role.READER)
    for name in ("invitation", "deactivate", "factors"):
        answer = step(client, reader, name)
        assert "/welcome/" not in answer.content.decode()
        assert "also works at a site" in answer.content.decode()
    reader.refresh_from_db()
    assert reader.is_active
    assert reader.check_password("secret")


def test_the_last_administrator_stays(client, admin, site, user_of):
    url = reverse("people:role", args=[admin.pk])
    answer = client.post(url, {"site": site.pk, "role": "reader"}, follow=True)
    assert "only administrator" in answer.content.decode()
    assert "only administrator" in step(client, admin, "deactivate").content.decode()
    admin.refresh_from_db()
    assert admin.is_active
    second = user_of(Role.READER)
    Membership.objects.filter(user=second).update(role=Role.ADMINISTRATOR)
    client.post(url, {"site": site.pk, "role": "reader"})
    assert not User.objects.get(pk=admin.pk).has_right("people.manage")


def test_who_is_kept_out_is_out_everywhere_at_once(client, reader, client_of, site):
    token_create(acting_user=reader, person=reader, site=site, name="x", scope=Scope.READ)
    theirs = client_of(reader)
    assert theirs.get("/").status_code == 200
    step(client, reader, "deactivate")
    assert theirs.get("/").status_code == 302
    assert not ApiToken.objects.filter(user=reader).exists()
    assert not signs_in(reader.username, "secret")
    step(client, reader, "activate")
    assert signs_in(reader.username, "secret")


def test_signing_out_everywhere_else(reader, client_of):
    here, there = client_of(reader), client_of(reader)
    here.post(reverse("people:sessions"))
    assert here.get("/").status_code == 200
    assert there.get("/").status_code == 302


def test_markup_in_a_name_stays_text(client, site):
    invite(client, site, first_name="<script>alert(1)</script>", username="ann")
    page = client.get(reverse("people:people")).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_a_new_site_is_its_maker_s(client, admin, site):
    data = {"name": "<b>East</b>", "code": "east", "prevalence": "0.1", "time_zone": "UTC"}
    assert client.post(reverse("people:sites"), data | {"active": "on"}).status_code == 302
    east = Site.objects.get(code="east")
    assert User.objects.get(pk=admin.pk).has_right("people.manage", east.pk)
    assert b"<b>East" not in client.get(reverse("people:sites")).content


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("prevalence", "1.5", "above 0 and below 1"),
        ("time_zone", "Mars/Base", "time zone such as"),
        ("operating_point", "balancd", "not one of the available choices"),
    ],
)
def test_a_site_that_cannot_be(client, field, value, words):
    data = {"name": "East", "code": "east", "time_zone": "UTC", "active": "on", field: value}
    assert words in client.post(reverse("people:sites"), data).content.decode()
    assert not Site.objects.filter(code="east").exists()


def test_a_closed_site_can_be_opened_again_by_its_administrator(admin, site, user_of, client_of):
    second = Site.objects.create(name="Second", code="second")
    Membership.objects.create(user=admin, site=second, role=Role.ADMINISTRATOR)
    client = client_of(admin)
    data = {"name": site.name, "code": site.code, "time_zone": "UTC"}
    client.post(reverse("people:site", args=[site.code]), data)
    assert not Site.objects.get(pk=site.pk).active
    client.post(reverse("people:site", args=[site.code]), data | {"active": "on"})
    assert Site.objects.get(pk=site.pk).active


def test_tokens_by_page(reader, site, client_of):
    client = client_of(reader)
    form = {"name": "<i>PACS</i>", "scope": "read", "life": "30", "site": site.pk}
    page = client.post(reverse("people:tokens"), form)
    secret = re.search(r"value=\"(pneumo_\w+)\"", page.content.decode())[1]
    assert page["Cache-Control"] == "no-store"
    assert b"<i>PACS" not in page.content
    assert secret not in client.get(reverse("people:account")).content.decode()
    token = ApiToken.objects.get()
    assert client.post(reverse("people:token_end", args=[token.digest])).status_code == 302
    assert not ApiToken.objects.exists()


def test_another_s_token_is_revoked_by_the_site_s_administrator_alone(
    client, reader, site, other_site, user_of, client_of
):
    token_create(acting_user=reader, person=reader, site=site, name="x", scope=Scope.READ)
    url = reverse("people:token_end", args=[ApiToken.objects.get().digest])
    strangers = [user_of("auditor"), user_of("administrator", site=other_site)]
    assert [client_of(each).post(url).status_code for each in strangers] == [404, 404]
    assert client.post(url).status_code == 302
    assert not ApiToken.objects.exists()
