"""Copies that name nobody: nothing of the patient survives in the bytes, and the picture does."""

import io
import json
import stat
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, JPEG2000Lossless, RLELossless

from commands import SAMPLES, pneumoscope
from core.images import encode, make_dataset, orientation, save
from interop.findings import NAMES
from pneumoscope.core.decode import decode
from pneumoscope.core.decode_guard import parser_warnings
from pneumoscope.core.errors import MultiFrame, NoPixelData
from pneumoscope.interop.burned_in_text import find_text
from pneumoscope.interop.deidentify import BurnedInTextNotFound, deidentify
from pneumoscope.interop.deidentify_header import Options
from pneumoscope.interop.pseudonyms import Pseudonyms

SECRET = Pseudonyms(b"a secret for these tests")
ALL = Options(modified_dates=True, patient_characteristics=True, descriptors=True)
UIDS = {
    "StudyInstanceUID": "1.2.826.0.1.3680043.9.1",
    "SeriesInstanceUID": "1.2.826.0.1.3680043.9.2",
    "SOPInstanceUID": "1.2.826.0.1.3680043.9.3",
    "FrameOfReferenceUID": "1.2.826.0.1.3680043.9.4",
}
NAMING = {
    "PatientName": "Grünwald^Ottilie",
    "PatientID": "KIS-77120",
    "PatientBirthDate": "19310405",
    "OtherPatientNames": "Ottokar^Sepp",
    "StudyDate": "20260301",
    "SeriesDate": "20260302",
    "AcquisitionDateTime": "20260303101112.5",
    "AccessionNumber": "ACC-90417",
    "ReferringPhysicianName": "Brückner^Hans",
    "InstitutionName": "St. Ursula Spital",
    "InstitutionAddress": "Kirchgasse 12",
    "OperatorsName": "Zacharias",
    "StationName": "URSULA-CR1",
    "DeviceSerialNumber": "SN-66554",
    "StudyDescription": "Thorax Grünwald pa",
    "ImageComments": "called Brückner",
    "PatientComments": "Ottilie, 95",
    "Manufacturer": "Acme",
    "ProtocolName": "chest Ottilie",
}
FRAGMENTS = [
    *UIDS.values(),
    *("Grünwald", "Ottilie", "KIS-77120", "Ottokar", "ACC-90417", "Brückner", "Ursula"),
    *("Kirchgasse", "Zacharias", "URSULA-CR1", "SN-66554", "19310405", "20260301"),
    *("20260302", "20260303", "hidden"),
]


def smooth(rows: int = 200, columns: int = 240) -> np.ndarray:
    y, x = np.mgrid[0:rows, 0:columns]
    return (600 + 2000 * np.exp(-(((x - 120) / 60) ** 2) - ((y - 100) / 50) ** 2)).astype(np.uint16)


def naming_dataset(words: np.ndarray | None = None, **attributes: Any) -> Dataset:
    """Every place where a patient may be named: header, sequences, private, meta, odd corners."""
    words = smooth() if words is None else words
    facts = {"BitsStored": 12, "SpecificCharacterSet": "ISO_IR 100", "BurnedInAnnotation": "NO"}
    dataset = make_dataset(words, **facts | UIDS | NAMING | attributes)
    item = Dataset()
    item.RequestedProcedureDescription = "Thorax for Ottilie"
    item.RequestedProcedureID = "ACC-90417"
    dataset.RequestAttributesSequence = [item]
    reference = Dataset()
    reference.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    reference.ReferencedSOPInstanceUID = UIDS["SOPInstanceUID"]
    dataset.SourceImageSequence = [reference]
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "X", "99L", "Grünwald thorax"
    dataset.ProcedureCodeSequence = [code]
    block = dataset.private_block(0x0019, "ACME SAFE", create=True)
    block.add_new(0x01, "DS", "1.5")
    block.add_new(0x02, "LO", "hidden Ottilie")
    dataset.private_block(0x0021, "ACME", create=True).add_new(0x01, "LO", "hidden")
    dataset.add_new(0x60003000, "OW", b"hidden" * 10)
    dataset.add_new(0x50003000, "OW", b"hidden" * 10)
    return dataset


def naming_file(dataset: Dataset | None = None, syntax: str = ExplicitVRLittleEndian) -> bytes:
    dataset = dataset if dataset is not None else naming_dataset()
    if syntax in (RLELossless, JPEG2000Lossless):
        dataset.file_meta = dcmread(io.BytesIO(save(dataset))).file_meta
        dataset.compress(syntax, generate_instance_uid=False)
    data = bytearray(save(dataset, syntax))
    data[:6] = b"hidden"  # of the preamble
    return bytes(data)


def surviving(data: bytes) -> list[str]:
    lowered = data.lower()
    return [
        fragment
        for fragment in FRAGMENTS
        for encoding in ("latin-1", "utf-8")
        if fragment.lower().encode(encoding) in lowered
    ]


@pytest.mark.parametrize("options", [Options(), ALL], ids=["basic", "all options"])
@pytest.mark.parametrize(
    "syntax", [ExplicitVRLittleEndian, ExplicitVRBigEndian, RLELossless, JPEG2000Lossless]
)
def test_nothing_of_the_patient_survives(syntax: str, options: Options) -> None:
    dataset = naming_dataset()
    if syntax == ExplicitVRBigEndian:
        dataset.PixelData = smooth().astype(">u2").tobytes()
    data = naming_file(dataset, syntax)
    assert surviving(data)
    assert surviving(deidentify(data, SECRET, options).data) == []


@settings(deadline=None, max_examples=25, phases=[Phase.explicit, Phase.generate])
@given(
    name=st.text("BCDFGHJKLMNPQRSTVWXZäöüé", min_size=5, max_size=20).map("Q{}".format),
    patient_id=st.text("0123456789-X", min_size=6, max_size=20).map("Q{}".format),
    day=st.dates(date(1930, 1, 1), date(2026, 1, 1)),
    root=st.integers(10**9, 10**30),
)
def test_whoever_it_is(name: str, patient_id: str, day: date, root: int) -> None:
    written = f"{day:%Y%m%d}"
    facts = {
        "PatientName": f"{name}^{name}",
        "PatientID": patient_id,
        "PatientBirthDate": written,
        "StudyDate": written,
        "SOPInstanceUID": f"1.2.3.{root}",
        "SeriesDescription": f"chest {name} {patient_id}",
        "BodyPartExamined": "CHEST",
        "SoftwareVersions": f"v1 {patient_id}",
    }
    words = np.zeros((60, 60), np.uint16)
    made = deidentify(save(naming_dataset(words, **facts)), SECRET, ALL).data
    for text in (name, patient_id, written, f"1.2.3.{root}"):
        for encoding in ("latin-1", "utf-8"):
            assert text.encode(encoding) not in made


def test_two_runs_with_one_secret_agree_and_others_do_not() -> None:
    first, again = (deidentify(naming_file(), SECRET) for _ in range(2))
    assert first == again
    other = deidentify(naming_file(), Pseudonyms())
    assert dcmread(io.BytesIO(other.data)).PatientID != dcmread(io.BytesIO(first.data)).PatientID


def test_references_within_a_study_still_hold() -> None:
    made = dcmread(io.BytesIO(deidentify(naming_file(), SECRET).data))
    assert made.SourceImageSequence[0].ReferencedSOPInstanceUID == made.SOPInstanceUID
    assert made.SourceImageSequence[0].ReferencedSOPClassUID == "1.2.840.10008.5.1.4.1.1.1"
    assert made.file_meta.MediaStorageSOPInstanceUID == made.SOPInstanceUID
    assert made.SOPInstanceUID == SECRET.uid(UIDS["SOPInstanceUID"])


@given(st.text(max_size=64), st.text(max_size=64))
def test_uids_are_valid_and_tell_originals_apart(first: str, second: str) -> None:
    made = SECRET.uid(first)
    assert made.is_valid
    assert len(made) <= 44
    assert (made == SECRET.uid(second)) == (first == second)


@given(st.dates(date(1920, 1, 1)), st.dates(date(1920, 1, 1)), st.text(max_size=20))
def test_days_between_two_dates_of_a_patient_stay(first: date, second: date, key: str) -> None:
    moved = [SECRET.shifted(each, key) for each in (first, second)]
    assert moved[1] - moved[0] == second - first
    assert moved[0] < first


def test_what_was_done_is_stated() -> None:
    made = dcmread(io.BytesIO(deidentify(naming_file(), SECRET, ALL).data))
    assert made.PatientIdentityRemoved == "YES"
    assert made.LongitudinalTemporalInformationModified == "MODIFIED"
    codes = [code.CodeValue for code in made.DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113101", "113105", "113107", "113108"]


def test_without_options_dates_and_characteristics_go() -> None:
    dataset = naming_dataset(PatientSex="F", PatientAge="095Y")
    made = dcmread(io.BytesIO(deidentify(naming_file(dataset), SECRET).data))
    assert made.StudyDate == made.PatientSex == ""
    assert "PatientAge" not in made
    assert "StudyDescription" not in made
    assert made.Manufacturer == "Acme"


def test_with_options_they_stay_shifted_capped_and_cleaned() -> None:
    dataset = naming_dataset(PatientSex="F", PatientAge="095Y")
    made = dcmread(io.BytesIO(deidentify(naming_file(dataset), SECRET, ALL).data))
    assert (made.PatientSex, made.PatientAge) == ("F", "090Y")
    assert (made.StudyDescription, made.ProtocolName) == ("Thorax pa", "chest")
    apart = date.fromisoformat(made.SeriesDate) - date.fromisoformat(made.StudyDate)
    assert apart.days == 1
    assert made.AcquisitionDateTime.endswith("101112.5")
    assert made.PatientBirthDate == ""


@pytest.mark.parametrize(
    ("age", "left"),
    [
        *(("089Y", "089Y"), ("090Y", "090Y"), ("103Y", "090Y"), ("95", "090Y"), ("77", "77")),
        *(("095y", "090Y"), ("012M", "012M"), ("95 y", ""), ("born", "")),
    ],
)
def test_ages_of_the_very_old_are_one(age: str, left: str) -> None:
    with parser_warnings.ignored():
        data = naming_file(naming_dataset(PatientAge=age))
    made = dcmread(io.BytesIO(deidentify(data, SECRET, ALL).data))
    assert (made.PatientAge or "") == left


@pytest.mark.parametrize("moment", ["1990", "199012", "00010101", "19900101101112.5+0100"])
def test_a_moment_that_cannot_be_shifted_does_not_stay(moment: str) -> None:
    dataset = naming_dataset(AcquisitionDateTime=moment)
    made = dcmread(io.BytesIO(deidentify(naming_file(dataset), SECRET, ALL).data))
    if len(moment) > 8:
        assert made.AcquisitionDateTime[8:] == moment[8:]
        assert made.AcquisitionDateTime[:8] != moment[:8]
    else:
        assert not made.AcquisitionDateTime


def test_private_attributes_stay_by_list_alone() -> None:
    options = Options(safe_private=frozenset({("ACME SAFE", 0x0019, 0x01)}))
    made = dcmread(io.BytesIO(deidentify(naming_file(), SECRET, options).data))
    assert made[0x0019, 0x1001].value == 1.5
    assert Tag(0x0019, 0x1002) not in made
    assert Tag(0x0021, 0x1001) not in made


@pytest.mark.parametrize("charset", NAMES)
def test_names_in_any_script_go(charset: str) -> None:
    nobody = dict.fromkeys(NAMING)
    named = {"SpecificCharacterSet": charset.split("\\"), "PatientName": NAMES[charset]}
    dataset = naming_dataset(**nobody | named)
    del dataset.ProcedureCodeSequence  # written in Latin-1
    made = deidentify(naming_file(dataset), SECRET).data
    original = dcmread(io.BytesIO(save(dataset))).PatientName.original_string
    for component in original.replace(b"=", b"^").split(b"^"):
        assert component not in made


def test_the_picture_stays_to_the_word() -> None:
    made = dcmread(io.BytesIO(deidentify(naming_file(), SECRET).data))
    np.testing.assert_array_equal(made.pixel_array, smooth())


def test_bits_beside_the_stored_ones_go() -> None:
    """Where old devices kept overlays, and where anything may hide."""
    dataset = naming_dataset(smooth())
    del dataset[0x60003000]
    dataset.add_new(0x60000102, "US", 12)
    dataset.PixelData = (smooth() | 0x1000).tobytes()
    made = dcmread(io.BytesIO(deidentify(naming_file(dataset), SECRET).data))
    np.testing.assert_array_equal(np.frombuffer(made.PixelData, "<u2").reshape(200, 240), smooth())


def written_on(words: np.ndarray, text: str, *, at: tuple[int, int], size: int, value: int) -> Any:
    image = Image.fromarray(words.astype(np.int32))
    font = ImageFont.load_default(size)
    ImageDraw.Draw(image).multiline_text(at, text, fill=value, font=font)
    return np.asarray(image).astype(np.uint16)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("size", [14, 24, 40])
@pytest.mark.parametrize("at", [(8, 8), (300, 700)])
def test_writing_is_blanked(at: tuple[int, int], size: int, photometric: str) -> None:
    clean = np.tile(smooth(), (4, 4))[:790, :900]
    value = 4095 if photometric == "MONOCHROME2" else 0
    words = written_on(clean, "GRUENWALD OTTILIE\n05.04.1931 F", at=at, size=size, value=value)
    marked = words != clean
    dataset = naming_dataset(words, PhotometricInterpretation=photometric)
    made = deidentify(naming_file(dataset), SECRET)
    pixels = dcmread(io.BytesIO(made.data)).pixel_array
    assert made.report.text_boxes
    assert (pixels[marked] == words[marked]).mean() < 0.02
    changed = pixels != words
    assert changed.mean() < 4 * marked.mean() + 0.03


def test_a_picture_without_writing_is_left_alone() -> None:
    assert find_text(decode(naming_file()).pixels) == ()
    for name in ("dicom_normal.dcm", "dicom_pneumonia.dcm"):
        assert find_text(decode((SAMPLES / name).read_bytes()).pixels) == ()


def test_a_header_that_speaks_of_writing_nobody_finds_is_not_believed_clean() -> None:
    data = naming_file(naming_dataset(BurnedInAnnotation="YES"))
    with pytest.raises(BurnedInTextNotFound):
        deidentify(data, SECRET)


def test_what_cannot_be_looked_at_is_not_given_out() -> None:
    report = naming_dataset()
    del report.PixelData
    with pytest.raises(NoPixelData):
        deidentify(save(report), SECRET)
    with pytest.raises(MultiFrame):
        deidentify(naming_file(naming_dataset(NumberOfFrames=2)), SECRET)


@pytest.mark.parametrize("file_format", ["jpeg", "png", "tiff"])
def test_pictures_lose_their_metadata(file_format: str) -> None:
    picture = (smooth() // 16).astype(np.uint8)
    exif = orientation(1)
    exif[0x010E] = "Ottilie hidden"
    data = encode(picture, file_format, exif=exif)
    assert b"Ottilie" in data
    made = deidentify(data, SECRET)
    assert made.name.endswith(".png")
    assert surviving(made.data) == []
    np.testing.assert_array_equal(decode(made.data).pixels, decode(data).pixels)


def test_sixteen_bits_stay_sixteen() -> None:
    words = (smooth().astype(np.uint32) * 16).astype(np.uint16)
    made = deidentify(encode(words, "png"), SECRET)
    np.testing.assert_allclose(decode(made.data).pixels, decode(encode(words, "png")).pixels)


class TestCommand:
    def test_it_copies_reports_and_keeps_its_secret(self, tmp_path: Path) -> None:
        source = tmp_path / "in"
        source.mkdir()
        (source / "Ottilie.dcm").write_bytes(naming_file())
        (source / "report.dcm").write_bytes(b"no image")
        secret = tmp_path / "secret"
        runs = [
            pneumoscope("deidentify", source, tmp_path / out, "--secret", secret, "--descriptors")
            for out in ("one", "two")
        ]
        assert [run.returncode for run in runs] == [1, 1]
        assert "unsupported_format" in runs[0].stderr
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
        files = [sorted(p.name for p in (tmp_path / out).iterdir()) for out in ("one", "two")]
        assert files[0] == files[1]
        assert len(files[0]) == 2
        report = json.loads((tmp_path / "one" / "deidentification.json").read_text())
        assert report[0]["profile"][-1] == "Clean Descriptors Option"
        for path in (tmp_path / "one").iterdir():
            assert surviving(path.read_bytes() + path.name.encode()) == []

    def test_two_files_of_one_uid_are_two_copies(self, tmp_path: Path) -> None:
        source = tmp_path / "in"
        source.mkdir()
        for number, view in enumerate(("PA", "AP")):
            made = naming_dataset()
            made.ViewPosition = view
            (source / f"{number}.dcm").write_bytes(save(made))
        run = pneumoscope("deidentify", source, tmp_path / "out")
        assert "2 de-identified, 0 refused" in run.stdout
        assert len(list((tmp_path / "out").glob("*.dcm"))) == 2

    def test_a_folder_with_files_is_not_written_to(self, tmp_path: Path) -> None:
        (tmp_path / "old").touch()
        run = pneumoscope("deidentify", SAMPLES, tmp_path)
        assert run.returncode == 2
        assert "not empty" in run.stderr

    def test_a_short_secret_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("short")
        run = pneumoscope("deidentify", SAMPLES, tmp_path / "out", "--secret", tmp_path / "secret")
        assert run.returncode == 2
