"""What arrives by C-STORE: durable before the answer, decided by rule, shown with its reason."""

import errno
import resource
import threading
from concurrent.futures import Future
from pathlib import Path

import pytest
from django.core.files.storage import default_storage
from pynetdicom import AE

from interop.dicoms import ROOT, dicom_make, file_of
from pneumoscope.interop.storing import Instance, OutOfResources
from pneumoscope.interop.storing import Peer as Caller
from pneumoscope.web.gateway import intake, listen, receiving
from pneumoscope.web.gateway.held import is_held
from pneumoscope.web.gateway.intake import arrival_take_in, arrivals_waiting
from pneumoscope.web.gateway.listen import Origins, listener, may_send
from pneumoscope.web.gateway.models import Arrival, Peer, RoutingRule
from pneumoscope.web.gateway.models.arrivals import Outcome, Way
from pneumoscope.web.gateway.receiving import Committer, file_stored, instance_stored
from pneumoscope.web.studies import storage
from pneumoscope.web.studies.models import Image, Study
from pneumoscope.web.studies.states import PENDING, State
from web.installation import wait_until

CALLER = Caller("MODALITY", "PNEUMOSCOPE", "127.0.0.1")


@pytest.fixture
def peer(site):
    return Peer.objects.create(site=site, ae_title="MODALITY", network="127.0.0.0/8")


@pytest.fixture
def arrive(peer):
    """arrive(dataset) → the arrival, taken in."""

    def make(dataset, *, site=peer.site):
        fields = {"site": site, "way": Way.STORE, "peer": peer, "sender": "X"}
        with file_stored(file_of(dataset)) as stored:
            row = Arrival.objects.create(**fields, file=stored)
        arrival_take_in(row.pk)
        row.refresh_from_db()
        return row

    return make


def instance(dataset, caller=CALLER):
    syntax = dataset.file_meta.TransferSyntaxUID
    return Instance(file_of(dataset), dataset.SOPClassUID, dataset.SOPInstanceUID, syntax, caller)


@pytest.mark.django_db(transaction=True)
def test_from_a_sender_to_the_queue(peer, settings):
    settings.PNEUMOSCOPE_SWEEP_SECONDS = 0.1
    with listener("127.0.0.1", 0, "PNEUMOSCOPE") as port:
        entity = AE("MODALITY")
        entity.add_requested_context(dicom_make().SOPClassUID)
        opened = entity.associate("127.0.0.1", port, ae_title="PNEUMOSCOPE")
        for number in (1, 2, 1):
            assert opened.send_c_store(dicom_make(number)).Status == 0x0000
            # The answer has come, so the row is there, whatever happens to the process now.
            assert Arrival.objects.filter(sop_instance_uid=f"{ROOT}.{number}.1").exists()
        opened.release()
        wait_until(lambda: not arrivals_waiting())
    assert Study.objects.count() == Image.objects.count() == 2
    assert sorted(Arrival.objects.values_list("outcome", flat=True)) == [
        Outcome.ANALYSE,
        Outcome.ANALYSE,
        Outcome.DUPLICATE,
    ]
    assert set(Arrival.objects.values_list("sender", "peer")) == {("MODALITY", peer.pk)}
    study = Study.objects.get(patient_id="P1")
    assert (study.site, study.source, study.patient_name) == (peer.site, "dicom", "Doe^Jane")


@pytest.mark.django_db(transaction=True)
def test_rows_that_arrive_together_are_committed_together(peer):
    with Committer() as committer:
        rows = [Arrival(site=peer.site, way=Way.STORE, sender="X", file="f") for _ in range(40)]
        threads = [threading.Thread(target=committer.arrival_commit, args=[row]) for row in rows]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert Arrival.objects.count() == 40


@pytest.mark.django_db
@pytest.mark.parametrize(("number", "kind"), [(errno.ENOSPC, OutOfResources), (errno.EIO, OSError)])
def test_a_full_disk_is_out_of_resources(monkeypatch, number, kind):
    def fail(*_):
        raise OSError(number, "no")

    monkeypatch.setattr(storage.os, "fsync", fail)
    with pytest.raises(kind), instance_stored(instance(dicom_make())):
        pass


@pytest.mark.django_db
def test_a_file_over_the_limit_is_out_of_resources(settings):
    settings.PNEUMOSCOPE_MAX_FILE_BYTES = 100
    with pytest.raises(OutOfResources), instance_stored(instance(dicom_make())):
        pass


@pytest.mark.django_db
def test_the_same_bytes_lie_there_once():
    with file_stored(file_of(dicom_make())) as first, file_stored(file_of(dicom_make())) as again:
        assert first == again
    with default_storage.open(first) as file:
        assert file.read() == file_of(dicom_make())


@pytest.mark.django_db
def test_who_may_send(peer, settings):
    assert may_send(CALLER)
    assert may_send(Caller("MODALITY", "X", "::ffff:127.0.0.1"))
    assert not may_send(Caller("MODALITY", "X", "10.0.0.1"))
    assert not may_send(Caller("STRANGER", "X", "127.0.0.1"))
    settings.PNEUMOSCOPE_LISTEN_PROMISCUOUS = True
    assert may_send(Caller("STRANGER", "X", "127.0.0.1"))
    Peer.objects.update(may_send=False)
    assert not may_send(CALLER)


@pytest.mark.django_db
def test_three_images_of_a_study_by_rule(arrive, peer):
    """PA, a repeat in AP, and a lateral, which a rule passes over: visible, with its reason."""
    RoutingRule.objects.create(
        site=peer.site, name="No laterals", analyse=False, views="LL, RL, LATERAL"
    )
    same = {"StudyInstanceUID": f"{ROOT}.5", "PatientID": "P"}
    arrivals = [
        arrive(dicom_make(number, ViewPosition=view, **same))
        for number, view in enumerate(("PA", "AP", "LL"), 1)
    ]
    assert [each.outcome for each in arrivals] == ["analyse", "analyse", "pass"]
    assert arrivals[2].reason == "Passed over by the rule “No laterals”: View Position LL."
    assert arrivals[0].reason == "Analysed: no rule says otherwise."
    assert Study.objects.count() == 1
    lateral = arrivals[2].image
    assert (lateral.state, lateral.failure_code) == (State.REJECTED, "not_routed")
    assert lateral.record["status"] == "rejected"
    assert lateral.record["probability"] is None
    assert lateral.study.state in PENDING


@pytest.mark.django_db
def test_an_instance_encoded_anew_is_the_same_instance(arrive):
    first = arrive(dicom_make())
    again = arrive(dicom_make(StudyDescription="sent again"))
    assert (again.outcome, again.image) == (Outcome.DUPLICATE, first.image)


@pytest.mark.django_db
def test_one_uid_of_two_patients_loses_neither(arrive):
    first = arrive(dicom_make())
    other = arrive(dicom_make(PatientID="other"))
    assert other.outcome == Outcome.ANALYSE
    assert first.image.study != other.image.study


@pytest.mark.django_db
def test_another_site_has_its_own(arrive, other_site):
    assert arrive(dicom_make()).outcome == Outcome.ANALYSE
    assert arrive(dicom_make(), site=other_site).outcome == Outcome.ANALYSE


@pytest.mark.django_db
def test_what_cannot_be_taken_in_is_tried_again_and_then_shown(peer):
    row = Arrival.objects.create(site=peer.site, way=Way.STORE, sender="X", file="received/no/file")
    for outcome in (Outcome.WAITING, Outcome.WAITING, Outcome.FAILED):
        arrival_take_in(row.pk)
        row.refresh_from_db()
        assert row.outcome == outcome
    assert "No such file" in row.reason


@pytest.mark.django_db
def test_storage_commitment_asks_the_tables(arrive, peer, other_site):
    dataset = dicom_make()
    names = (dataset.SOPClassUID, dataset.SOPInstanceUID)
    assert not is_held(peer.site, *names)
    arrive(dataset)
    assert is_held(peer.site, *names)
    assert not is_held(other_site, *names)


@pytest.mark.django_db
def test_what_nobody_foresaw_fails_alone(arrive, monkeypatch):
    """A bug of ours at one file: the others come in, and the intake goes on."""
    monkeypatch.setattr(intake, "route", lambda *_: 1 / 0)
    broken = arrive(dicom_make())
    assert (broken.outcome, broken.attempts) == (Outcome.WAITING, 1)
    assert not arrival_take_in(broken.pk)
    monkeypatch.undo()
    assert arrive(dicom_make(2)).outcome == Outcome.ANALYSE
    assert arrivals_waiting() == [broken.pk]
    assert arrival_take_in(broken.pk)


@pytest.mark.django_db(transaction=True)
def test_a_row_that_the_database_refuses_is_refused_alone(peer):
    rows = [Arrival(site=peer.site, way=Way.STORE, sender="X", file="f") for _ in range(3)]
    rows[1].outcome = "no such outcome"
    promised = [(row, Future()) for row in rows]
    receiving._commit(promised)
    assert [type(done.exception()) for _, done in promised] == [
        type(None),
        OutOfResources,
        type(None),
    ]
    assert Arrival.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_callers_by_ever_new_names_fill_no_memory(site, monkeypatch):
    monkeypatch.setattr(listen, "_MOST_ORIGINS", 3)
    origins = Origins()
    for number in range(10):
        caller = Caller(f"STRANGER{number}", "SCOPE", "127.0.0.1")
        assert origins.of(caller) == (None, site)
    assert len(origins._known) <= 3


@pytest.mark.django_db(transaction=True)
def test_a_disk_that_takes_no_more_is_told_to_the_sender(peer, settings):
    """The system lets no file grow beyond 4 MB: nothing is left of a larger one."""
    settings.PNEUMOSCOPE_SWEEP_SECONDS = 0.1
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with listener("127.0.0.1", 0, "PNEUMOSCOPE") as port:
        entity = AE("MODALITY")
        entity.add_requested_context(dicom_make().SOPClassUID)
        opened = entity.associate("127.0.0.1", port, ae_title="PNEUMOSCOPE")
        resource.setrlimit(resource.RLIMIT_FSIZE, (4 << 20, hard))
        try:
            assert opened.send_c_store(dicom_make(1, side=2000)).Status == 0xA700
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert opened.send_c_store(dicom_make(2)).Status == 0x0000
        opened.release()
        wait_until(lambda: not arrivals_waiting())
    assert list(Arrival.objects.values_list("sop_instance_uid", flat=True)) == [f"{ROOT}.2.1"]
    received = Path(default_storage.path("received"))
    assert [each.stat().st_size < 4 << 20 for each in received.rglob("*") if each.is_file()] == [
        True
    ]
