"""A real archive is asked by rule, again and again; what is held is not fetched twice."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from interop.dicoms import ROOT, dicom_make, file_of
from interop.listening import http_server
from pneumoscope.interop.delivery import DeliveryError, UnreadableAnswer
from pneumoscope.interop.query import FoundSeries, FoundStudy
from pneumoscope.web.gateway.fetching import Archive, archive_of, dicom_peer, pull_run
from pneumoscope.web.gateway.intake import arrival_take_in, arrivals_waiting
from pneumoscope.web.gateway.listen import listener
from pneumoscope.web.gateway.models import Arrival, Pull
from pneumoscope.web.gateway.pulling import pull_ask, pulls_due
from pneumoscope.web.studies.models import Image, Study
from web.incoming import peer_make, pull_make
from web.installation import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pull_of(site, orthanc, settings):
    settings.PNEUMOSCOPE_LISTEN_AE = "SCOPE"
    orthanc.know("SCOPE", 1)

    def make(method, **fields):
        if method == "web":
            return pull_make(method=method, url=orthanc.dicomweb_url, **fields)
        peer = peer_make("ORTHANC", site=site, port=orthanc.dicom_port)
        return pull_make(method=method, peer=peer, **fields)

    return make


def archive(orthanc, *datasets):
    for dataset in datasets:
        orthanc.ask("/instances", file_of(dataset))


def take_in():
    for key in arrivals_waiting():
        arrival_take_in(key)


@pytest.mark.parametrize("method", ["get", "web"])
def test_what_fits_is_fetched_once_with_priors(method, orthanc, pull_of):
    prior = {"PatientID": "P1", "StudyDate": "20240101"}
    oldest = {"PatientID": "P1", "StudyDate": "20190101"}
    archive(
        orthanc,
        dicom_make(1),
        dicom_make(2, Modality="CT"),
        dicom_make(3, StudyDate="20200101"),
        dicom_make(4, **prior),
        dicom_make(5, **oldest),
        dicom_make(6, BodyPartExamined="HAND"),
    )
    pull = pull_of(method, body_parts="chest", priors=1)
    assert pull_run(pull, archive_of(pull)) == 2
    take_in()
    held = set(Image.objects.values_list("sop_instance_uid", flat=True))
    assert held == {f"{ROOT}.1.1", f"{ROOT}.4.1"}
    assert set(Study.objects.values_list("site", flat=True)) == {pull.site_id}
    pull.refresh_from_db()
    assert pull.asked_until == timezone.now().date()

    again = Pull.objects.get()
    assert pull_run(again, archive_of(again)) == 0
    archive(orthanc, dicom_make(7, StudyDate=f"{timezone.now().date():%Y%m%d}"))
    assert pull_run(again, archive_of(again)) == 1


def test_by_move_they_come_to_the_listener(orthanc, pull_of, settings):
    settings.PNEUMOSCOPE_SWEEP_SECONDS = 0.1
    archive(orthanc, dicom_make(1))
    pull = pull_of("move", enabled=False)
    with listener("127.0.0.1", 0, "SCOPE") as port:
        orthanc.know("SCOPE", port)
        assert pull_run(pull, archive_of(pull)) == 1
        wait_until(lambda: Image.objects.exists() and not arrivals_waiting())
    assert Arrival.objects.get().peer == pull.peer


def test_a_dead_archive_is_shown_and_the_cursor_stays(orthanc, pull_of):
    pull = pull_of("web", since=date(2026, 1, 1))
    orthanc.kill()
    with pytest.raises(DeliveryError):
        pull_run(pull, archive_of(pull))
    pull_ask(pull)
    pull.refresh_from_db()
    assert pull.asked_until is None
    assert "Check that the peer runs" in pull.problem
    orthanc.start()
    archive(orthanc, dicom_make(1))
    pull_ask(pull)
    pull.refresh_from_db()
    assert (pull.problem, Arrival.objects.count()) == ("", 1)


def test_a_study_that_cannot_be_fetched_does_not_hold_up_the_others(site):
    pull = pull_make(site=site, url="https://pacs.example", method="web")
    fetched = []

    def fetch(series, missing):
        if series.study_instance_uid == "1.1":
            raise UnreadableAnswer("garbage")
        fetched.extend(missing)

    archive = Archive(
        studies=lambda _: [FoundStudy(f"1.{n}", "", "20260102") for n in (1, 2)],
        series=lambda study: [FoundSeries(study, f"{study}.1", "DX", "")],
        instances=lambda series: [f"{series.series_instance_uid}.1"],
        fetch=fetch,
    )
    with pytest.raises(UnreadableAnswer):
        pull_run(pull, archive)
    assert fetched == ["1.2.1.1"]
    pull.refresh_from_db()
    assert pull.asked_until is None


@pytest.mark.parametrize("file", [b"<html>", file_of(dicom_make(2))])
def test_another_instance_than_was_asked_for_is_not_kept(site, file):
    with http_server(lambda _: (200, {"Content-Type": "application/dicom"}, file)) as server:
        pull = pull_make(site=site, url=server.url, method="web")
        with pytest.raises(UnreadableAnswer):
            archive_of(pull).fetch(FoundSeries("1.1", "1.2", "DX", ""), [f"{ROOT}.1.1"])
    assert not Arrival.objects.exists()


def test_when_a_question_is_due(site):
    pull = pull_make(site=site, every_minutes=10)
    assert pulls_due() == [pull]
    Pull.objects.update(asked=timezone.now() - timedelta(minutes=9))
    assert pulls_due() == []
    Pull.objects.update(asked=timezone.now() - timedelta(minutes=11))
    assert pulls_due() == [pull]
    Pull.objects.update(enabled=False)
    assert pulls_due() == []


def test_a_peer_hands_over_no_larger_instance_than_may_come(settings):
    settings.PNEUMOSCOPE_MAX_FILE_BYTES = 123
    assert dicom_peer(peer_make()).max_instance_bytes == 123
