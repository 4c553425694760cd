"""Uploads by who lies, hurries, or comes when the disk is full."""

import base64
import errno
import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from pneumoscope.web.studies import storage
from pneumoscope.web.studies.models import Image, Study, Upload, UploadPart

pytestmark = pytest.mark.django_db

TUS = {"Tus-Resumable": "1.0.0", "HX-Request": "true"}


@pytest.fixture
def client(reader, client_of):
    return client_of(reader)


def announce(client, data, *, length=None):
    told = {"filename": "a.jpg", "sha256": hashlib.sha256(data).hexdigest()}
    words = (f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in told.items())
    said = {"Upload-Length": str(length or len(data)), "Upload-Metadata": ",".join(words)}
    return client.post("/uploads/", headers={**TUS, **said})


def patch(client, location, offset, data):
    headers = {**TUS, "Upload-Offset": str(offset)}
    kind = "application/offset+octet-stream"
    return client.patch(location, data, content_type=kind, headers=headers)


def send(client, data):
    """Announced and sent, or answered before."""
    begun = announce(client, data)
    return patch(client, begun["Location"], 0, data) if begun.status_code == 201 else begun


def files():
    """Everything in the storage, half-written files too."""
    return [path for path in default_storage.base_location.rglob("*") if path.is_file()]


@pytest.fixture
def full_disk(monkeypatch):
    def fail(_handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(storage.os, "fsync", fail)
    return monkeypatch


@pytest.mark.usefixtures("model")
def test_an_upload_waits_until_the_disk_has_room(client, jpeg, full_disk):
    data = jpeg()
    location = announce(client, data)["Location"]
    refused = patch(client, location, 0, data)
    assert refused.status_code == 507
    assert "The disk is full." in refused.content.decode()
    assert "Free space" in refused.content.decode()
    assert files() == []
    assert client.head(location, headers=TUS)["Upload-Offset"] == "0"
    full_disk.undo()
    assert patch(client, location, 0, data).status_code == 204
    assert Image.objects.get().bytes == len(data)


def test_programs_and_forms_hear_that_the_disk_is_full(client, api_of, reader, jpeg, full_disk):
    def file():
        return {"file": SimpleUploadedFile("a.jpg", jpeg())}

    answer = api_of(reader).post("/api/v1/studies", file())
    assert (answer.status_code, answer.json()["code"]) == (507, "no_room")
    assert "Free space" in answer.json()["remedy"]
    assert "The disk is full." in client.post("/upload/", file(), follow=True).content.decode()
    assert files() == []
    assert not Study.objects.exists()


@pytest.mark.parametrize("offset", ["-1", "1.5", "٣", "", "9" * 40, "0x10"])
def test_an_offset_that_is_no_number_is_refused(client, jpeg, offset):
    location = announce(client, jpeg())["Location"]
    assert patch(client, location, offset, b"x").status_code == 400
    assert not UploadPart.objects.exists()


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("lie", [-100, 100])
def test_a_length_corrected_begins_anew(client, jpeg, lie):
    """What was announced with another length could never become whole."""
    data = jpeg()
    wrong = announce(client, data, length=len(data) + lie)["Location"]
    patch(client, wrong, 0, data[:1000])
    right = announce(client, data)
    assert (right["Upload-Offset"], right["Upload-Length"]) == ("0", str(len(data)))
    assert client.head(wrong, headers=TUS).status_code == 404
    assert patch(client, right["Location"], 0, data).status_code == 204
    assert Image.objects.get().bytes == len(data)
    assert not Upload.objects.filter(finished=None).exists()
    assert not list((default_storage.base_location / "incoming").iterdir())


def test_many_announcements_are_one_limit(client, monkeypatch):
    """What is announced may be sent: the limit holds before the first byte."""
    monkeypatch.setattr("pneumoscope.web.studies.uploading.MOST_UNFINISHED", 3000)
    answers = [announce(client, bytes([n]), length=1000).status_code for n in range(4)]
    assert answers == [201, 201, 201, 400]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("model")
def test_ten_uploads_of_one_file_at_once_are_one_study(api_of, reader, jpeg):
    data = jpeg()
    sessions = [Client() for _ in range(5)]
    for session in sessions:
        session.force_login(reader)
    programs = [api_of(reader) for _ in range(5)]

    def by_page(session):
        try:
            return send(session, data).status_code
        finally:
            connection.close()

    def by_program(program):
        try:
            file = SimpleUploadedFile("a.jpg", data)
            return program.post("/api/v1/studies", {"file": file}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        pages, posts = pool.map(by_page, sessions), pool.map(by_program, programs)
        # 409: another of the five is sending these very bytes; ask how far it has come.
        assert set(pages) <= {200, 204, 409}
        assert set(posts) == {202}
    assert (Study.objects.count(), Image.objects.count()) == (1, 1)
