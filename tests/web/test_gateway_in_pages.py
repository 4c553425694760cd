"""Administrators keep peers, rules and questions; readers see what became of arrivals."""

import pytest
from django.test import Client
from django.urls import reverse

from pneumoscope.web.audit.models import Event
from pneumoscope.web.gateway.models import Arrival, Peer, Pull, RoutingRule
from pneumoscope.web.gateway.models.arrivals import Outcome, Way
from web.incoming import incoming_row, peer_make, pull_make, rule_make

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator(user_of, client_of):
    return client_of(user_of("administrator"))


def arrival_make(site, number=1, **fields):
    values = {"way": Way.STORE, "sender": f"XRAY{number}", "file": "f", **fields}
    return Arrival.objects.create(site=site, **values)


def test_arrivals_show_each_decision_with_its_reason(site, reader, client_of):
    reason = "Passed over by the rule “No <laterals>”."
    arrival_make(site, outcome=Outcome.PASS, reason=reason)
    arrival_make(site, 2)
    page = client_of(reader).get(reverse("incoming:arrivals")).content.decode()
    assert "XRAY1" in page
    assert "No &lt;laterals&gt;" in page
    only = client_of(reader).get(reverse("incoming:arrivals"), {"outcome": "waiting"})
    assert "XRAY1" not in only.content.decode()
    assert "XRAY2" in only.content.decode()


def test_arrivals_of_another_site_do_not_exist(other_site, reader, client_of):
    arrival_make(other_site)
    assert "XRAY1" not in client_of(reader).get(reverse("incoming:arrivals")).content.decode()


def test_many_arrivals_come_in_pages(site, reader, client_of):
    for number in range(60):
        arrival_make(site, number)
    client = client_of(reader)
    first = client.get(reverse("incoming:arrivals"))
    older = client.get(reverse("incoming:arrivals"), {"after": first.context["older"]})
    keys = [row.pk for page in (first, older) for row in page.context["arrivals"]]
    assert len(set(keys)) == 60
    for nonsense in ("x" * 50, "9" * 50, "²"):
        answer = client.get(reverse("incoming:arrivals"), {"after": nonsense})
        assert len(answer.context["arrivals"]) == 50


def test_a_peer_is_added_changed_and_deleted_on_the_record(site, administrator):
    data = {"site": site.pk, "ae_title": "XRAY1", "network": "10.0.0.0/8", "may_send": "on"}
    assert administrator.post(reverse("incoming:peers"), data).status_code == 302
    peer = Peer.objects.get()
    assert (peer.ae_title, peer.may_send, peer.port) == ("XRAY1", True, None)
    page = reverse("incoming:peer", args=[peer.pk])
    assert administrator.post(page, {**data, "ae_title": "XRAY2"}).status_code == 302
    assert administrator.post(f"{page}delete/").status_code == 302
    assert not Peer.objects.exists()
    actions = Event.objects.filter(action__startswith="peer.").order_by("pk")
    assert list(actions.values_list("action", flat=True)) == [
        "peer.create",
        "peer.change",
        "peer.delete",
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"ae_title": ""},
        {"ae_title": "far too long a title"},
        {"ae_title": "B\\D"},
        {"network": "everywhere"},
        {"port": "123456"},
    ],
)
def test_a_peer_that_makes_no_sense_is_refused_on_the_page(site, administrator, wrong):
    data = {"site": site.pk, "ae_title": "XRAY1", **wrong}
    answer = administrator.post(reverse("incoming:peers"), data)
    assert answer.status_code == 200
    assert 'class="error' in answer.content.decode()
    assert not Peer.objects.exists()


def test_nothing_is_added_to_another_site(other_site, administrator):
    data = {"site": other_site.pk, "ae_title": "XRAY1"}
    assert administrator.post(reverse("incoming:peers"), data).status_code == 200
    assert not Peer.objects.exists()


def test_a_rule(site, administrator):
    data = {"site": site.pk, "position": 1, "name": "No laterals", "views": "LL, RL"}
    assert administrator.post(reverse("incoming:rules"), data).status_code == 302
    rule = RoutingRule.objects.get().as_rule()
    assert (rule.analyse, rule.views) == (False, {"LL", "RL"})
    assert "No laterals" in administrator.get(reverse("incoming:rules")).content.decode()


def test_a_standing_question_and_its_secret(site, administrator):
    url = "https://pacs.example/dicom-web"
    data = {"site": site.pk, "name": "web", "method": "web", "url": url, "token": "secret-word"}
    data |= {"since": "2026-01-01", "priors": 1, "every_minutes": 5, "enabled": "on"}
    assert administrator.post(reverse("incoming:pulls"), data).status_code == 302
    pull = Pull.objects.get()
    page = reverse("incoming:pull", args=[pull.pk])
    assert "secret-word" not in administrator.get(page).content.decode()
    assert administrator.post(page, {**data, "token": "", "priors": 2}).status_code == 302
    pull.refresh_from_db()
    assert (pull.token, pull.priors) == ("secret-word", 2)
    # Another address must not get the secret of the one before.
    elsewhere = {**data, "token": "", "url": "https://elsewhere.example"}
    assert administrator.post(page, elsewhere).status_code == 302
    pull.refresh_from_db()
    assert pull.token == ""


@pytest.mark.parametrize("wrong", [{"method": "get"}, {"url": ""}, {"url": "ftp://x.example"}])
def test_a_question_needs_an_address_that_fits(site, administrator, wrong):
    data = {"site": site.pk, "name": "web", "method": "web", "url": "https://pacs.example"}
    data |= {"since": "2026-01-01", "priors": 1, "every_minutes": 5, **wrong}
    assert administrator.post(reverse("incoming:pulls"), data).status_code == 200
    assert not Pull.objects.exists()


def test_a_peer_that_is_asked_stays(administrator):
    pull = pull_make(peer=peer_make())
    administrator.post(reverse("incoming:peer_delete", args=[pull.peer_id]))
    assert Peer.objects.exists()


def test_pages_with_rows(administrator):
    rule_make(age_from=1, age_to=18)
    pull_make()
    for name in ("peers", "rules", "pulls"):
        assert administrator.get(reverse(f"incoming:{name}")).status_code == 200


@pytest.mark.parametrize("noun", ["peer", "rule", "pull"])
def test_each_page_lets_in_whom_it_should(noun, user_of, client_of, other_site):
    many, one = f"incoming:{noun}s", f"incoming:{noun}"
    urls = {many: 200, one: 404}
    for name, elsewhere in urls.items():
        url = reverse(name, args=incoming_row(name))
        assert Client().get(url).status_code == 302
        assert client_of(user_of("reader")).get(url).status_code == 403
        assert client_of(user_of("administrator")).get(url).status_code == 200
        far = client_of(user_of("administrator", site=other_site))
        assert far.get(url).status_code == elsewhere
    delete = reverse(f"{one}_delete", args=incoming_row(one))
    assert far.post(delete).status_code == 404
    assert client_of(user_of("administrator")).get(delete).status_code == 405


def test_arrivals_are_for_readers(user_of, client_of):
    url = reverse("incoming:arrivals")
    assert Client().get(url).status_code == 302
    assert client_of(user_of("auditor")).get(url).status_code == 403


def test_a_failed_arrival_waits_again_and_others_stay(site, other_site, administrator):
    failed = arrival_make(site, outcome=Outcome.FAILED, reason="Full disk.", attempts=3)
    passed = arrival_make(site, 2, outcome=Outcome.PASS, reason="A rule.")
    theirs = arrival_make(other_site, 3, outcome=Outcome.FAILED, reason="Full disk.")
    page = administrator.get(reverse("incoming:arrivals")).content.decode()
    assert page.count("Try again") == 1
    for arrival in (failed, passed):
        url = reverse("incoming:arrival_retry", args=[arrival.pk])
        assert administrator.post(url).status_code == 302
    assert (
        administrator.post(reverse("incoming:arrival_retry", args=[theirs.pk])).status_code == 404
    )
    for arrival in (failed, passed, theirs):
        arrival.refresh_from_db()
    assert (failed.outcome, failed.reason, failed.attempts) == (Outcome.WAITING, "", 0)
    assert (passed.outcome, theirs.outcome) == (Outcome.PASS, Outcome.FAILED)
    assert Event.objects.get(action="arrival.retry").object_id == str(failed.pk)


def test_who_does_not_manage_the_site_sees_no_button(site, reader, client_of):
    arrival_make(site, outcome=Outcome.FAILED, reason="Full disk.")
    assert "Try again" not in client_of(reader).get(reverse("incoming:arrivals")).content.decode()
