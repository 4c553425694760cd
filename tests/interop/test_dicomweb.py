import contextlib
import json
import mmap
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

from interop.dicoms import dicom_make, file_of
from interop.studies import NAMES
from pneumoscope.interop.dicom_json import json_model
from pneumoscope.interop.dicomweb import (
    MalformedRequest,
    Part,
    bulk_data,
    frames,
    media_type,
    metadata,
    multipart_read,
    multipart_write,
    part10,
)

LIMIT = 1 << 20


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=4))
def test_what_is_written_is_read_again(bodies):
    parts = [Part("application/dicom", body) for body in bodies]
    content_type, pieces = multipart_write(parts, "application/dicom")
    kind, parameters = media_type(content_type)
    assert (kind, parameters["type"]) == ("multipart/related", "application/dicom")
    assert list(multipart_read(b"".join(pieces), parameters["boundary"])) == parts


@given(st.binary(max_size=300), st.sampled_from(["x", "--", ""]))
def test_any_body_is_read_or_refused(body, boundary):
    with contextlib.suppress(MalformedRequest):
        list(multipart_read(body, boundary))


def test_a_body_in_a_file_is_read_without_copying_it_all(tmp_path):
    content_type, pieces = multipart_write([Part("application/dicom", b"abc")], "application/dicom")
    (tmp_path / "body").write_bytes(b"preamble\r\n" + b"".join(pieces))
    with (
        (tmp_path / "body").open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
    ):
        parts = list(multipart_read(mapped, media_type(content_type)[1]["boundary"]))
    assert parts == [Part("application/dicom", b"abc")]


def test_metadata_is_the_header_in_utf_8_with_long_values_by_address():
    dataset = dicom_make(SpecificCharacterSet="ISO_IR 144", PatientName="Люкceмбypг")
    model = metadata(file_of(dataset), "http://here/bulkdata", max_bytes=LIMIT)
    assert model["00100010"]["Value"] == [{"Alphabetic": "Люкceмбypг"}]
    assert model["00080005"]["Value"] == ["ISO_IR 192"]
    assert model["7FE00010"]["vr"] == "OW"
    assert "Value" not in model["7FE00010"]
    again = Dataset.from_json(model, lambda *_: b"")
    assert (again.Rows, again.StudyInstanceUID) == (16, dataset.StudyInstanceUID)
    larger = metadata(file_of(dicom_make(side=64)), "http://here/bulkdata", max_bytes=LIMIT)
    assert larger["7FE00010"]["BulkDataURI"] == "http://here/bulkdata/7FE00010"


def test_an_element_that_cannot_be_read_is_left_out():
    dataset = dicom_make()
    damaged = file_of(dataset).replace(b"IS\x02\x001 ", b"IS\x02\x00x ")
    model = metadata(damaged, "", max_bytes=LIMIT)
    assert "00200011" not in model
    assert "00100020" in model


def test_frames_as_they_are_stored():
    dataset = dicom_make()
    (frame,) = frames(file_of(dataset), [1], max_bytes=LIMIT)
    assert frame.body == dataset.PixelData
    expected = f"application/octet-stream; transfer-syntax={ExplicitVRLittleEndian}"
    assert frame.content_type == expected
    with pytest.raises(IndexError):
        frames(file_of(dataset), [2], max_bytes=LIMIT)
    dataset.compress(RLELossless)
    (frame,) = frames(file_of(dataset), [1], max_bytes=LIMIT)
    assert frame.content_type == f"image/dicom-rle; transfer-syntax={RLELossless}"
    assert frame.body in dataset.PixelData


def test_bulk_data_by_tag():
    dataset = dicom_make()
    assert bulk_data(file_of(dataset), "7FE00010", max_bytes=LIMIT) == dataset.PixelData
    assert bulk_data(file_of(dataset), "00420011", max_bytes=LIMIT) is None
    assert bulk_data(file_of(dataset), "../etc", max_bytes=LIMIT) is None


def test_empty_values_stay_empty():
    model = json_model({"StudyTime": "", "PatientName": "Doe^J", "Rows": None, "SeriesNumber": 0})
    assert model == {
        "00080030": {"vr": "TM"},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Doe^J"}]},
        "00200011": {"vr": "IS", "Value": [0]},
        "00280010": {"vr": "US"},
    }


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_name_in_a_search_result_is_what_it_was(name):
    """Alphabetic, ideographic and phonetic groups apart, as PS3.18 F.2.2 has them."""
    model = json_model({"PatientName": name})
    assert Dataset.from_json(model).PatientName == name
    assert "=" not in json.dumps(model)


@pytest.mark.parametrize("cut", [0, 128, 132, None])
def test_every_file_is_given_out_as_a_whole_one(cut):
    dataset = dicom_make()
    data = file_of(dataset)
    if cut is None:  # neither preamble nor file meta
        cut = data.index(b"\x08\x00\x16\x00UI")
    whole = dcmread(BytesIO(part10(data[cut:], max_bytes=LIMIT)))
    assert whole.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert whole.file_meta.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID
    assert whole.PixelData == dataset.PixelData
