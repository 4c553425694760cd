"""Webhooks: which events a destination gets, signed, tried again, given up and sent again."""

import json
import time
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone

from interop.listening import http_server
from pneumoscope.interop.webhook import EVENT, SIGNATURE, sign
from pneumoscope.web.accounts.roles import Role
from pneumoscope.web.gateway.models import Delivery, Destination
from pneumoscope.web.gateway.outbox import readings_tell, reports_tell
from pneumoscope.web.reviews.models import Kind
from pneumoscope.web.reviews.reporting import report_save, sections_written
from pneumoscope.web.reviews.services import Opinion, review_create
from web.outgoing import deliver_all, destination_make, stages
from web.pages import image_analysed, image_make, image_rejected, study_make

pytestmark = pytest.mark.django_db

SCRIPT = "<script>alert(1)</script>"


def take(request):
    return 200, {}, b""


def told(receiver):
    """The events that came, each with its signature proven."""
    for request in receiver.requests:
        header = request.headers[SIGNATURE.lower()]
        signed_at = int(header.partition(",")[0].removeprefix("t="))
        assert header == sign("s3cret", request.body, signed_at)
        assert abs(time.time() - signed_at) < 300
        assert request.headers[EVENT.lower()] == json.loads(request.body)["id"]
    return [json.loads(request.body) for request in receiver.requests]


def result(probability=0.91):
    image = image_make(study_make(patient_id="4711", patient_name="Doe^Jane"))
    return image_analysed(image, probability)


def review(analysis, user, agreement="agree", label="pneumonia", supersedes=None):
    return review_create(
        acting_user=user,
        analysis=analysis,
        kind=Kind.READING,
        opinion=Opinion(agreement=agreement, label=label),
        supersedes=supersedes,
    )


def everything(destination):
    deliver_all(destination)
    readings_tell()
    reports_tell()
    return deliver_all(destination)


def signed(analysis, user):
    study = analysis.image.study
    study.refresh_from_db()
    sections = sections_written(study.headline)
    return report_save(acting_user=user, study=study, sections=sections, revision=0, sign=True)


def test_results_are_told_by_what_became_of_them(site):
    with http_server(take) as receiver:
        destination = destination_make(site, url=receiver.url)
        result()
        image_rejected(image_make(study_make()))
        everything(destination)
        events = told(receiver)
    assert [each["event"] for each in events] == ["study.analysed", "study.rejected"]
    assert "Doe" not in str(events)
    assert "4711" not in str(events)


def test_a_completed_review_is_told_and_told_anew_when_it_changes(site, reader, user_of):
    with http_server(take) as receiver:
        destination = destination_make(site, url=receiver.url, events=["review.completed"])
        analysis = result()
        first = review(analysis, reader)
        everything(destination)
        everything(destination)
        review(analysis, reader, label="viral", supersedes=first.pk)
        everything(destination)
        events = told(receiver)
    assert [each["event"] for each in events] == ["review.completed"] * 2
    assert [each["review"]["label"] for each in events] == ["pneumonia", "viral"]
    assert events[0]["review"] | {"state": "read", "readers": 1} == events[0]["review"]
    assert events[0]["id"] != events[1]["id"]
    assert reader.username not in str(events)


def test_a_review_that_waits_for_another_is_not_completed(site, reader):
    with http_server(take) as receiver:
        destination = destination_make(site, url=receiver.url, events=["review.completed"])
        review(result(), reader, agreement="disagree", label="normal")
        everything(destination)
    assert receiver.requests == []


def test_a_signed_report_is_told(site, reader):
    with http_server(take) as receiver:
        destination = destination_make(site, url=receiver.url, events=["report.signed"])
        signed(result(), reader)
        everything(destination)
        [event] = told(receiver)
    assert event["event"] == "report.signed"
    assert event["report"]["addenda"] == 0


def test_a_webhook_gets_nothing_of_before_it_was_made(site, reader):
    analysis = result()
    review(analysis, reader)
    with http_server(take) as receiver:
        destination = destination_make(site, url=receiver.url)
        Destination.objects.update(created=timezone.now() + timedelta(seconds=1))
        destination.refresh_from_db()
        everything(destination)
    assert receiver.requests == []


def test_a_receiver_that_fails_is_tried_again_and_then_waits_for_a_person(site, user_of, client_of):
    answers = [500, 410]
    administrator = client_of(user_of(Role.ADMINISTRATOR))
    with http_server(lambda request: (answers.pop(0) if answers else 200, {}, b"")) as receiver:
        destination = destination_make(site, url=receiver.url)
        result()
        deliver_all(destination)
        assert stages() == ["RETRY"]
        Delivery.objects.update(due=timezone.now())
        deliver_all(destination)
        assert stages() == ["DEAD"]
        administrator.post(reverse("outgoing:delivery_resend", args=[Delivery.objects.get().pk]))
        deliver_all(destination)
        events = told(receiver)
    assert stages() == ["DELIVERED"]
    assert len({each["id"] for each in events}) == 1


def test_an_administrator_sets_address_events_and_secret(site, user_of, client_of):
    client = client_of(user_of(Role.ADMINISTRATOR))
    form = {"site": site.pk, "name": "RIS", "protocol": "webhook", "results": "all"}
    form |= {"url": "https://ris.example/hook", "secret": "s3cret", "enabled": "on"}
    form |= {"client_proof": "secret"}
    chosen = ["review.completed", "report.signed"]
    answer = client.post(reverse("outgoing:destinations"), {**form, "events": chosen})
    assert answer.status_code == 302
    destination = Destination.objects.get()
    assert destination.events == chosen
    page = client.get(reverse("outgoing:destination", args=[destination.pk])).content.decode()
    assert "s3cret" not in page
    assert "A review was completed" in page


def test_events_are_of_a_closed_set(site, user_of, client_of):
    client = client_of(user_of(Role.ADMINISTRATOR))
    form = {"site": site.pk, "name": SCRIPT, "protocol": "webhook", "results": "all"}
    form |= {"url": "https://ris.example/hook", "secret": "s", "events": [SCRIPT]}
    answer = client.post(reverse("outgoing:destinations"), form)
    assert answer.status_code == 200
    assert SCRIPT not in answer.content.decode()
    assert not Destination.objects.exists()
    with pytest.raises(ValidationError):
        Destination(
            site=site, name="x", protocol="webhook", url="http://a/", secret="s", events=["x"]
        ).full_clean()
