"""Destinations and deliveries as their administrators see and change them."""

import gc

import pytest
from django.urls import reverse

from interop.listening import closed_port, http_server
from pneumoscope.web.audit.models import Event
from pneumoscope.web.gateway.models import Delivery, Destination, Told
from pneumoscope.web.studies.models import Analysis
from web.outgoing import deliver_all, destination_make, dicom_result, stages

# pynetdicom leaves the socket of a connection that failed to the garbage collector.
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(autouse=True)
def _sockets_are_collected_here():
    yield
    gc.collect()


@pytest.fixture
def administrator(user_of, client_of):
    return client_of(user_of("administrator"))


@pytest.fixture
def form(site):
    return {
        "site": site.pk,
        "name": "RIS",
        "protocol": "webhook",
        "enabled": "on",
        "results": "all",
        "client_proof": "secret",
        "url": "http://127.0.0.1:9/hook",
        "secret": "s3cret-words",
    }


def test_a_destination_is_added_and_changed_and_its_secret_never_shown(administrator, form):
    assert administrator.post(reverse("outgoing:destinations"), form).status_code == 302
    made = Destination.objects.get()
    page = reverse("outgoing:destination", args=[made.pk])
    for address in (page, reverse("outgoing:destinations")):
        assert "s3cret-words" not in administrator.get(address).content.decode()
    assert administrator.post(page, form | {"secret": "", "results": "positive"}).status_code == 302
    made.refresh_from_db()
    assert (made.secret, made.results) == ("s3cret-words", "positive")
    # Another address must not get the secret of the one before.
    elsewhere = form | {"secret": "", "url": "http://127.0.0.1:9/elsewhere"}
    assert b"Needed for this protocol" in administrator.post(page, elsewhere).content
    assert [event.action for event in Event.objects.filter(action__startswith="destination")] == [
        "destination.change",
        "destination.create",
    ]
    assert "s3cret" not in str(list(Event.objects.values_list("detail", flat=True)))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"protocol": "dicom"}, "host"),
        ({"protocol": "hl7", "host": "ris"}, "port"),
        ({"protocol": "fhir", "url": "ftp://x"}, "url"),
        ({"protocol": "fhir", "url": "http://me:pw@x/"}, "url"),
        ({"ae_title": "much too long for a title"}, "ae_title"),
    ],
)
def test_what_cannot_work_is_refused(administrator, form, changes, field):
    answer = administrator.post(reverse("outgoing:destinations"), form | changes)
    assert field in answer.context["form"].errors
    assert not Destination.objects.exists()


def test_the_connection_is_tested(administrator, site):
    with http_server(lambda request: (204, {}, b"")) as server:
        there = destination_make(site, url=server.url)
        url = reverse("outgoing:destination_test", args=[there.pk])
        assert "answers" in administrator.post(url, follow=True).content.decode()
        assert b'"event": "test"' in server.requests[0].body
    silent = destination_make(
        site, "dicom", name="PACS", host="127.0.0.1", port=closed_port(), ae_title="PACS"
    )
    url = reverse("outgoing:destination_test", args=[silent.pk])
    assert "does not answer" in administrator.post(url, follow=True).content.decode()


def test_what_was_given_up_is_listed_and_sent_again(administrator, site):
    answers = [(400, {}, b"no such order"), (204, {}, b"")]
    with http_server(lambda request: answers.pop(0)) as server:
        destination = destination_make(site, url=server.url)
        dicom_result(site)
        assert len(deliver_all(destination)) == 1
        page = administrator.get(reverse("outgoing:deliveries"), {"stage": "DEAD"})
        assert "no such order" in page.content.decode()
        assert (
            "Some given up" in administrator.get(reverse("outgoing:destinations")).content.decode()
        )
        administrator.post(reverse("outgoing:dead_resend"), {"destination": destination.pk})
        assert Event.objects.filter(action="delivery.resend").count() == 1
        assert deliver_all(destination) == [None]
        first, again = server.requests
        assert first.body == again.body
        assert first.headers["pneumoscope-event"] == again.headers["pneumoscope-event"]
    assert stages() == ["DELIVERED"]
    assert "Working" in administrator.get(reverse("outgoing:destinations")).content.decode()
    administrator.post(reverse("outgoing:delivery_resend", args=[Delivery.objects.get().pk]))
    assert stages() == ["PENDING"]


def test_what_could_not_be_prepared_is_prepared_again(administrator, site, other_site):
    for where in (site, other_site):
        destination_make(where)
    mended, broken, theirs = (
        dicom_result(where, number) for number, where in enumerate((site, site, other_site), 1)
    )
    for analysis in (mended, broken, theirs):
        Told.objects.create(analysis=analysis, failure="KeyError")
    record = dict(broken.record)
    Analysis.objects.filter(pk=broken.pk).update(record={})
    page = administrator.get(reverse("outgoing:destinations")).content.decode()
    assert "2 results could not be prepared" in page
    administrator.post(reverse("outgoing:results_retry"))
    assert list(Delivery.objects.values_list("analysis", flat=True)) == [mended.pk]
    assert set(Told.objects.exclude(failure="").values_list("pk", flat=True)) == {
        broken.pk,
        theirs.pk,
    }
    Analysis.objects.filter(pk=broken.pk).update(record=record)
    administrator.post(reverse("outgoing:results_retry"))
    assert Told.objects.exclude(failure="").get().pk == theirs.pk
    assert Event.objects.filter(action="result.retry").count() == 3
