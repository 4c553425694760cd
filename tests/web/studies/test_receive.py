import hashlib
import io
import stat
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pydicom
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from pneumoscope.core.errors import EmptyFile, FileTooLarge, UnsafeArchive
from pneumoscope.web.audit.models import Event
from pneumoscope.web.studies.models import Image, Source, Study
from pneumoscope.web.studies.services import (
    Receipt,
    Refusal,
    archive_receive,
    file_name,
    study_receive,
    upload_receive,
)
from pneumoscope.web.studies.states import State

pytestmark = pytest.mark.django_db


@pytest.fixture
def receive(reader):
    def call(data: bytes, name: str = "a.jpg", *, actor=reader) -> Receipt:
        return study_receive(
            data=data, source_name=name, source=Source.API, actor=actor, site=actor.site
        )

    return call


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def dicom_like(data: bytes, **elements: str) -> bytes:
    """The same file with other header elements."""
    dataset = pydicom.dcmread(io.BytesIO(data))
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def test_what_is_received_lies_on_the_disk_and_in_the_tables(receive, jpeg, reader):
    data = jpeg()
    receipt = receive(data, "folder/chest.jpg")
    image = receipt.image
    assert not receipt.duplicate
    assert (image.state, image.source_name, image.bytes) == (State.RECEIVED, "chest.jpg", len(data))
    assert image.sha256 == hashlib.sha256(data).hexdigest()
    with image.file.open("rb") as file:
        assert file.read() == data
    assert image.study.state == State.RECEIVED
    event = Event.objects.get(action="image.receive")
    assert (event.actor, event.object_id) == (reader, str(image.pk))


def test_files_are_for_their_owner_alone_and_nothing_half_written_stays(receive, jpeg, settings):
    image = receive(jpeg()).image
    files = [path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()]
    assert [str(path) for path in files] == [image.file.path]
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600


def test_a_deletion_and_the_same_bytes_anew_never_leave_a_row_without_its_file(receive, jpeg):
    """The deletion has begun when they come: it waits for nobody, and they wait for it."""
    data, begun = jpeg(), threading.Event()
    name = file_name(hashlib.sha256(data).hexdigest())
    default_storage.save(name, ContentFile(data))

    def needed():
        begun.set()
        time.sleep(0.2)
        return False

    deletion = threading.Thread(target=default_storage.delete_unused, args=[name, needed])
    deletion.start()
    assert begun.wait(20)
    image = receive(data).image
    deletion.join()
    assert default_storage.exists(image.file.name)


def test_a_deletion_asks_when_what_comes_has_its_row(jpeg):
    """The file lies there, its row does not yet: whoever deletes the same bytes waits for it."""
    data, rows, asked = jpeg(), [], []
    name = file_name(hashlib.sha256(data).hexdigest())

    def needed():
        asked.extend(rows)
        return bool(rows)

    with default_storage.kept(name):
        default_storage.save(name, ContentFile(data))
        deletion = threading.Thread(target=default_storage.delete_unused, args=[name, needed])
        deletion.start()
        deletion.join(0.2)
        rows.append("its row")
    deletion.join()
    assert asked == rows
    assert default_storage.exists(name)


def test_the_same_bytes_are_one_image(receive, jpeg):
    first, second = receive(jpeg()), receive(jpeg(), "again.jpg")
    assert second == Receipt(first.image, duplicate=True)
    assert (Study.objects.count(), Image.objects.count()) == (1, 1)
    assert Event.objects.filter(action="image.receive_again").count() == 1


def test_each_site_has_its_own(receive, jpeg, user_of, other_site):
    first = receive(jpeg())
    second = receive(jpeg(), actor=user_of("reader", site=other_site))
    assert not second.duplicate
    assert second.image.study != first.image.study


def test_empty_and_oversized_files_are_refused_at_once(receive, settings):
    settings.PNEUMOSCOPE_MAX_FILE_BYTES = 10
    with pytest.raises(EmptyFile):
        receive(b"")
    with pytest.raises(FileTooLarge):
        receive(b"01234567890")
    assert not Image.objects.exists()


@pytest.mark.parametrize(
    "data", [b"not an image", b"%PDF-1.7 ...", b"\x00" * 132 + b"DICM\xff\xff"]
)
def test_anything_else_is_received_whatever_it_is(receive, data):
    assert receive(data).image.state == State.RECEIVED


def test_dicom_images_of_one_study_meet(receive, dicom_radiograph):
    first = receive(dicom_radiograph).image
    second = receive(dicom_like(dicom_radiograph, SOPInstanceUID="1.2.3")).image
    assert first.study == second.study
    assert second.sop_instance_uid == "1.2.3"
    header = pydicom.dcmread(io.BytesIO(dicom_radiograph))
    study = first.study
    assert study.study_instance_uid == header.StudyInstanceUID
    assert study.patient_id == header.PatientID
    assert (study.sex, study.age_years) == (header.PatientSex, pytest.approx(study.age_years))
    assert first.modality == header.Modality


def test_two_patients_under_one_uid_never_share_a_study(receive, dicom_radiograph):
    first = receive(dicom_radiograph).image
    second = receive(dicom_like(dicom_radiograph, PatientID="SOMEBODY-ELSE")).image
    assert first.study.study_instance_uid == second.study.study_instance_uid
    assert first.study != second.study


@pytest.mark.parametrize("uid", ["1." + "2" * 80, "1.2.x", " "])
def test_a_malformed_uid_joins_nothing(receive, dicom_radiograph, uid):
    with pytest.warns(UserWarning, match="for VR UI"):  # pydicom writes it still
        data = dicom_like(dicom_radiograph, StudyInstanceUID=uid)
    assert receive(data).image.study.study_instance_uid is None


def test_names_fit_their_columns(receive, jpeg):
    image = receive(jpeg(), "\x00" + "ü" * 400 + "\n.jpg").image
    assert image.source_name == "ü" * 255
    assert receive(jpeg(1), "\x00").image.source_name == "unnamed"


def test_a_bad_member_never_loses_the_others(reader, jpeg):
    data = zipped({"a/one.jpg": jpeg(1), "empty.jpg": b"", "two.jpg": jpeg(2)})
    outcomes = archive_receive(data=data, source=Source.UPLOAD, actor=reader, site=reader.site)
    assert [type(outcome) for outcome in outcomes] == [Receipt, Refusal, Receipt]
    assert outcomes[1].source_name == "empty.jpg"
    assert outcomes[1].error.code == "empty_file"


def test_nothing_of_an_unsafe_archive_is_received(reader, jpeg):
    data = zipped({"one.jpg": jpeg(1), "../two.jpg": jpeg(2)})
    with pytest.raises(UnsafeArchive):
        archive_receive(data=data, source=Source.UPLOAD, actor=reader, site=reader.site)
    assert not Image.objects.exists()


def test_an_upload_is_one_file_or_a_zip(reader, jpeg):
    def upload(data: bytes) -> int:
        file = SimpleUploadedFile("x", data)
        return len(upload_receive(file=file, source=Source.UPLOAD, actor=reader, site=reader.site))

    assert upload(jpeg(1)) == 1
    assert upload(zipped({"two.jpg": jpeg(2), "three.jpg": jpeg(3)})) == 2


@pytest.mark.django_db(transaction=True)
def test_the_same_bytes_at_the_same_time_are_one_image(receive, reader, jpeg, settings):
    """Many senders at once: one image, one study, no error, and everyone hears of the same."""
    assert reader.site.code
    data = jpeg()

    def send(_: int) -> Receipt:
        try:
            return receive(data)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(send, range(16)))
    assert len({receipt.image.pk for receipt in receipts}) == 1
    assert sum(not receipt.duplicate for receipt in receipts) == 1
    assert (Study.objects.count(), Image.objects.count()) == (1, 1)
