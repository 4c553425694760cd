"""Uploads in parts: announced, broken off, gone on with, refused, forgotten."""

import base64
import hashlib
import io
import zipfile
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from pneumoscope.web.audit.models import Event
from pneumoscope.web.studies import uploading
from pneumoscope.web.studies.models import Image, Upload, UploadPart
from pneumoscope.web.studies.uploading import uploads_expire

pytestmark = pytest.mark.django_db

TUS = {"Tus-Resumable": "1.0.0", "HX-Request": "true"}
SCRIPT = "<script>alert(1)</script>.png"


@pytest.fixture
def client(reader, client_of):
    return client_of(reader)


def metadata(**told):
    pairs = (f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in told.items())
    return ",".join(pairs)


def announce(client, data, name="chest.jpg", *, length=None, sha256=None, **told):
    sha256 = sha256 or hashlib.sha256(data).hexdigest()
    length = str(len(data) if length is None else length)
    said = metadata(filename=name, sha256=sha256, **told)
    headers = {**TUS, "Upload-Length": length, "Upload-Metadata": said}
    return client.post(reverse("studies:uploads"), headers=headers)


def patch(client, location, offset, data):
    return client.patch(
        location,
        data,
        content_type="application/offset+octet-stream",
        headers={**TUS, "Upload-Offset": str(offset)},
        CONTENT_TYPE="application/offset+octet-stream",  # the client leaves it out of empty bodies
    )


def offset_of(client, location):
    answer = client.head(location, headers=TUS)
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    return int(answer["Upload-Offset"])


def send(client, data, name="chest.jpg", **told):
    """To the end, in two parts; the answer that tells what it became."""
    begun = announce(client, data, name, **told)
    if begun.status_code != 201:
        return begun
    location, half = begun["Location"], len(data) // 2
    for offset, part in ((0, data[:half]), (half, data[half:])):
        answer = patch(client, location, offset, part)
        if answer.status_code != 204:
            return answer
    return client.get(location, headers=TUS)


def held():
    folder = default_storage.path("incoming")
    return default_storage.listdir(folder)[1] if default_storage.exists(folder) else []


@pytest.mark.usefixtures("model")
def test_a_file_comes_in_parts_and_becomes_its_row(client, radiograph):
    answer = send(client, radiograph)
    assert answer["X-Pneumoscope-Rows"] == "1"
    image = Image.objects.get()
    assert (image.source_name, image.bytes) == ("chest.jpg", len(radiograph))
    assert f"study-{image.study_id}" in answer.content.decode()
    assert held() == []
    assert not UploadPart.objects.exists()


@pytest.mark.usefixtures("model")
def test_known_bytes_are_not_sent_again(client, radiograph, reader):
    send(client, radiograph)
    again = announce(client, radiograph, "again.jpg")
    assert again.status_code == 200
    assert "Already here" in again.content.decode()
    assert reverse("studies:study", args=[Image.objects.get().study_id]) in again.content.decode()
    assert Upload.objects.filter(finished=None).count() == 0
    assert Event.objects.filter(action="image.receive_again", actor=reader).count() == 1


@pytest.mark.usefixtures("model")
def test_an_upload_broken_off_goes_on_where_it_ended(client, radiograph):
    location = announce(client, radiograph)["Location"]
    patch(client, location, 0, radiograph[:1000])
    assert offset_of(client, location) == 1000
    # Announced again, after a reload or on another machine: the same upload.
    again = announce(client, radiograph)
    assert (again["Location"], again["Upload-Offset"]) == (location, "1000")
    assert patch(client, location, 1000, radiograph[1000:]).status_code == 204
    assert Image.objects.get().bytes == len(radiograph)


def test_bytes_at_another_place_are_refused(client, radiograph):
    location = announce(client, radiograph)["Location"]
    patch(client, location, 0, radiograph[:1000])
    for offset in (0, 999, 1001):
        assert patch(client, location, offset, b"x").status_code == 409
    assert offset_of(client, location) == 1000
    assert len(held()) == 1


def test_of_two_senders_at_one_offset_one_wins(client, radiograph, reader):
    announce(client, radiograph)
    first, second = Upload.objects.get(), Upload.objects.get()
    uploading.upload_append(upload=first, offset=0, body=io.BytesIO(radiograph[:100]))
    with pytest.raises(uploading.OffsetConflict):
        uploading.upload_append(upload=second, offset=0, body=io.BytesIO(radiograph[:200]))
    assert (Upload.objects.get().offset, len(held())) == (100, 1)


def test_no_more_is_kept_than_was_announced(client, radiograph):
    location = announce(client, b"abc", length=3, sha256="0" * 64)["Location"]
    patch(client, location, 0, b"abcdef")
    assert Upload.objects.get().offset == 3


def test_a_body_is_kept_in_pieces_of_bounded_size(client, radiograph, monkeypatch):
    monkeypatch.setattr(uploading, "PART_BYTES", 1000)
    location = announce(client, radiograph)["Location"]
    patch(client, location, 0, radiograph[:2500])
    assert list(UploadPart.objects.values_list("offset", flat=True)) == [0, 1000, 2000]


def test_a_connection_that_breaks_keeps_what_came(client, radiograph):
    class Broken(io.BytesIO):
        def read(self, size=-1):
            data = super().read(min(size, 100))
            if not data:
                from django.http import UnreadablePostError

                raise UnreadablePostError
            return data

    announce(client, radiograph)
    upload = Upload.objects.get()
    uploading.upload_append(upload=upload, offset=0, body=Broken(radiograph[:700]))
    assert Upload.objects.get().offset == 700


def test_bytes_that_are_not_those_announced_are_refused(client, radiograph):
    answer = send(client, radiograph, sha256="0" * 64)
    page = answer.content.decode()
    assert "Upload damaged" in page
    assert "send it again" in page
    assert not Image.objects.exists()
    assert held() == []


@pytest.mark.usefixtures("model")
def test_what_was_cut_short_at_the_end_is_received_by_one_more_question(
    client, radiograph, monkeypatch
):
    location = announce(client, radiograph)["Location"]
    monkeypatch.setattr(uploading, "_receive", lambda upload: None)
    patch(client, location, 0, radiograph)
    assert client.get(location).status_code == 409
    monkeypatch.undo()
    assert patch(client, location, len(radiograph), b"").status_code == 204
    assert client.get(location)["X-Pneumoscope-Rows"] == "1"
    assert client.get(location)["X-Pneumoscope-Rows"] == "1"
    assert Image.objects.count() == 1


# Refusals say why and what to do


def test_an_empty_file_is_refused_with_its_remedy(client):
    answer = announce(client, b"", SCRIPT)
    page = answer.content.decode()
    assert (answer.status_code, answer["X-Pneumoscope-Rows"]) == (400, "1")
    assert "Empty file" in page
    assert "send the file again" in page
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_a_file_over_the_limit_is_refused_before_it_is_sent(client, settings):
    settings.PNEUMOSCOPE_MAX_REQUEST_BYTES = settings.PNEUMOSCOPE_MAX_FILE_BYTES = 1000
    answer = announce(client, b"", length=1001, sha256="0" * 64)
    assert answer.status_code == 413
    assert "File too large" in answer.content.decode()
    assert not Upload.objects.exists()


def test_what_is_no_zip_has_the_limit_of_one_radiograph(client, settings, radiograph):
    settings.PNEUMOSCOPE_MAX_FILE_BYTES = 1000
    location = announce(client, radiograph, "many.zip")["Location"]
    answer = patch(client, location, 0, radiograph[:100])
    assert answer.status_code == 413
    assert "File too large" in answer.content.decode()
    assert not Upload.objects.exists()
    assert held() == []


def zipped(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/"), data)
    return buffer.getvalue()


@pytest.mark.usefixtures("model")
def test_a_zip_becomes_a_row_for_each_of_its_files(client, radiograph):
    answer = send(client, zipped(a=radiograph, b=b"", c=b"note"), "many.zip")
    page = answer.content.decode()
    assert answer["X-Pneumoscope-Rows"] == "3"
    assert "Empty file" in page
    assert Image.objects.count() == 2


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (zipped(bomb=b"\0" * 20_000_000), "expands more than 200-fold"),
        (zipped(**{"..__..__etc__passwd": b"x"}), "outside of itself"),
        (zipped(__etc__passwd=b"x"), "outside of itself"),
        (zipped(inner=zipped(a=b"x")), "an archive inside the archive"),
        (b"PK\3\4 no zip at all", "cannot be opened"),
    ],
)
def test_zips_that_are_tricks_are_refused_in_place(client, data, says):
    answer = send(client, data, "trick.zip")
    assert answer["X-Pneumoscope-Rows"] == "1"
    assert says in answer.content.decode()
    assert not Image.objects.exists()
    assert held() == []


def test_too_much_that_is_not_finished_is_refused(client, monkeypatch, radiograph):
    monkeypatch.setattr(uploading, "MOST_UNFINISHED", 2 * len(radiograph))
    location = announce(client, radiograph)["Location"]
    patch(client, location, 0, radiograph[:-1])
    answer = announce(client, b"", "other.jpg", length=len(radiograph) + 2, sha256="0" * 64)
    assert "Too much unfinished" in answer.content.decode()
    assert "cancel" in answer.content.decode()


def test_too_many_parts_are_refused(client, monkeypatch, radiograph):
    monkeypatch.setattr(uploading, "MOST_PARTS", 2)
    location = announce(client, radiograph)["Location"]
    for offset in range(2):
        assert patch(client, location, offset, radiograph[offset : offset + 1]).status_code == 204
    assert patch(client, location, 2, radiograph[2:3]).status_code == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Tus-Resumable": "0.2.2"}, 412),
        ({}, 412),
        ({"Tus-Resumable": "1.0.0"}, 400),
        ({"Tus-Resumable": "1.0.0", "Upload-Metadata": "sha256 ="}, 400),
        ({"Tus-Resumable": "1.0.0", "Upload-Metadata": metadata(sha256="A" * 64)}, 400),
        ({"Tus-Resumable": "1.0.0", "Upload-Metadata": metadata(sha256="a" * 64)}, 400),
        (
            {
                "Tus-Resumable": "1.0.0",
                "Upload-Length": "1" * 40,
                "Upload-Metadata": metadata(sha256="a" * 64),
            },
            400,
        ),
        (
            {
                "Tus-Resumable": "1.0.0",
                "Upload-Length": "1",
                "Upload-Metadata": metadata(sha256="a" * 64, patient="[]"),
            },
            400,
        ),
    ],
)
def test_announcements_that_are_none(client, headers, status):
    assert client.post(reverse("studies:uploads"), headers=headers).status_code == status
    assert not Upload.objects.exists()


def test_a_part_has_its_own_content_type(client, radiograph):
    location = announce(client, radiograph)["Location"]
    answer = client.patch(location, b"x", content_type="text/plain", headers=TUS)
    assert answer.status_code == 415


def test_what_the_server_speaks_is_told(client):
    answer = client.options(reverse("studies:uploads"))
    assert answer["Tus-Version"] == "1.0.0"
    assert "creation" in answer["Tus-Extension"]
    assert int(answer["Tus-Max-Size"]) > 0


# Whose uploads


def test_an_upload_is_its_persons_own(client, radiograph, user_of, client_of, other_site):
    location = announce(client, radiograph)["Location"]
    for stranger in (user_of("technologist"), user_of("reader", site=other_site)):
        other = client_of(stranger)
        assert other.head(location).status_code == 404
        assert other.get(location).status_code == 404
        assert other.delete(location).status_code == 404
        assert patch(other, location, 0, radiograph).status_code == 404
        # The same file announced by another person is another upload.
        assert announce(other, radiograph)["Location"] != location
    assert Client().head(location).status_code == 302
    assert Client().head(location, headers=TUS).status_code == 401
    assert client_of(user_of("auditor")).head(location).status_code == 403


@pytest.mark.usefixtures("model")
def test_another_site_s_bytes_are_not_known_here(
    client, radiograph, user_of, client_of, other_site
):
    send(client, radiograph)
    stranger = client_of(user_of("reader", site=other_site))
    assert announce(stranger, radiograph).status_code == 201


def test_one_who_lost_the_right_goes_on_with_nothing(client, reader, radiograph):
    location = announce(client, radiograph)["Location"]
    reader.memberships.update(role="model_steward")
    assert patch(client, location, 0, radiograph).status_code == 403
    assert announce(client, radiograph).status_code == 403


def test_nothing_is_sent_without_the_token_of_a_form(reader, radiograph):
    client = Client(enforce_csrf_checks=True)
    client.force_login(reader)
    assert announce(client, radiograph).status_code == 403
    assert not Upload.objects.exists()


# Forgotten


def test_a_cancelled_upload_is_forgotten_with_its_bytes(client, radiograph):
    location = announce(client, radiograph)["Location"]
    patch(client, location, 0, radiograph[:1000])
    assert client.delete(location, headers=TUS).status_code == 204
    assert held() == []
    assert client.head(location).status_code == 404


def test_what_nobody_goes_on_with_is_forgotten_with_its_bytes(client, radiograph):
    location = announce(client, radiograph)["Location"]
    patch(client, location, 0, radiograph[:1000])
    assert uploads_expire() == 0
    Upload.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert uploads_expire() == 1
    assert held() == []
    assert client.head(location).status_code == 404


# The page


def test_the_page_names_what_is_not_finished(client, radiograph):
    announce(client, radiograph, SCRIPT)
    page = client.get(reverse("studies:upload")).content.decode()
    assert "Not finished" in page
    assert "<script>alert" not in page
    assert "Choose a folder" in page
