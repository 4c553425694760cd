"""What is made of a copy is the patient's again, for whoever has original and secret alone."""

import io
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.valuerep import PersonName

from commands import pneumoscope
from interop.findings import NAMES, as_file, make_finding, make_image
from pneumoscope.core.errors import DecodeError
from pneumoscope.interop.deidentify import deidentify
from pneumoscope.interop.objects import OBJECTS
from pneumoscope.interop.pseudonyms import Pseudonyms
from pneumoscope.interop.reidentify import NoOriginal, Originals
from pneumoscope.interop.source import SourceIncomplete

SECRET = Pseudonyms(b"a secret for these tests")
OWN = ("SOPInstanceUID", "SeriesInstanceUID")


def original(charset="ISO_IR 192"):
    return make_image(SpecificCharacterSet=charset.split("\\"), PatientName=NAMES[charset])


def made_of_copy(kind, image):
    copy = deidentify(as_file(image), SECRET).data
    return as_file(OBJECTS[kind](make_finding(dcmread(io.BytesIO(copy)))))


def known(*images, pseudonyms=SECRET):
    originals = Originals(pseudonyms)
    for image in images:
        originals.add(as_file(image))
    return originals


@pytest.mark.parametrize("charset", NAMES)
@pytest.mark.parametrize("kind", OBJECTS)
def test_an_object_of_a_copy_becomes_the_patients(kind, charset):
    image = original(charset)
    made = made_of_copy(kind, image)
    assert dcmread(io.BytesIO(made)).PatientName != PersonName(NAMES[charset])
    back = dcmread(io.BytesIO(known(image).reidentify(made)))
    assert back.PatientName == PersonName(NAMES[charset])
    direct = OBJECTS[kind](make_finding(image))
    for keyword in ("PatientID", "PatientBirthDate", "StudyInstanceUID", "StudyDate"):
        assert back[keyword].value == direct[keyword].value
    assert "PatientIdentityRemoved" not in back
    of_copy = str(SECRET.uid(image.SOPInstanceUID)).encode()
    assert of_copy in made
    assert of_copy not in as_file(back)
    referred = [e.value for e in back.iterall() if e.keyword == "ReferencedSOPInstanceUID"]
    assert set(referred) == {image.SOPInstanceUID}
    before = dcmread(io.BytesIO(made))
    assert [back[each].value for each in OWN] == [before[each].value for each in OWN]


def test_with_another_secret_or_another_study_nothing_is_found():
    image = original()
    made = made_of_copy("sr", image)
    other = make_image(StudyInstanceUID="1.2.3", SOPInstanceUID="1.2.4")
    for originals in (known(image, pseudonyms=Pseudonyms()), known(other), known()):
        with pytest.raises(NoOriginal):
            originals.reidentify(made)


@pytest.mark.parametrize("data", [b"", b"no DICOM", b"\0" * 128 + b"DICM" + b"x" * 40])
def test_what_is_no_object_is_a_named_error(data):
    with pytest.raises((DecodeError, NoOriginal)):
        known(original()).reidentify(data)
    with pytest.raises((DecodeError, SourceIncomplete)):
        Originals(SECRET).add(data)


def test_by_command(tmp_path: Path):
    image = original()
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "image.dcm").write_bytes(as_file(image))
    secret = tmp_path / "secret"
    secret.write_bytes(SECRET.secret)
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "sr.dcm").write_bytes(made_of_copy("sr", image))
    (tmp_path / "made" / "notes.dcm").write_bytes(b"none")
    given = ("--secret", secret, "--originals", tmp_path / "inside")
    run = pneumoscope("reidentify", tmp_path / "made", tmp_path / "out", *given)
    assert run.returncode == 1
    assert "notes.dcm" in run.stderr
    assert "1 re-identified, 1 refused" in run.stdout
    [back] = (tmp_path / "out").iterdir()
    assert dcmread(back).PatientName == PersonName(NAMES["ISO_IR 192"])
    missing = ("--secret", tmp_path / "none", "--originals", tmp_path / "inside")
    run = pneumoscope("reidentify", tmp_path / "made", tmp_path / "out2", *missing)
    assert run.returncode == 2
    assert not (tmp_path / "none").exists()
