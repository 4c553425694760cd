"""DICOM objects made of a result: what they say, where they are filed, and what others make of it.

dicom3tools and dcmtk judge as programs of their own; highdicom reads back what it wrote.
"""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import highdicom
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.valuerep import PersonName

from interop.findings import (
    NAMES,
    SQUARE,
    as_file,
    as_read,
    make_analysis,
    make_finding,
    make_image,
)
from peers import require_peer
from pneumoscope.interop.encapsulated_pdf import make_encapsulated_pdf
from pneumoscope.interop.finding import DISCLAIMER, Finding, NothingToSay
from pneumoscope.interop.objects import OBJECTS, kinds_for, uids_of
from pneumoscope.interop.scp import STORAGE_CLASSES
from pneumoscope.interop.source import OPTIONAL, TYPE_2, SourceIncomplete

PDF = b"%PDF-1.4 made for this test"
EVERY_KIND = (*OBJECTS, "pdf")


def make(kind: str, finding: Finding) -> Dataset:
    if kind == "pdf":
        return make_encapsulated_pdf(finding, PDF, title="Report")
    return OBJECTS[kind](finding)


def written_numbers(dataset: Dataset) -> list[float]:
    """Every number of an SR's measurements."""
    (measured,) = (
        item for item in dataset.ContentSequence if meaning(item) == "Imaging Measurements"
    )
    return [
        float(element.value) for element in measured.iterall() if element.keyword == "NumericValue"
    ]


def texts(dataset: Dataset) -> str:
    return "\n".join(
        str(element.value)
        for element in dataset.iterall()
        if element.VR in ("LO", "ST", "UT", "LT", "SH")
    )


def meaning(item: Dataset) -> str:
    return str(item.ConceptNameCodeSequence[0].CodeMeaning)


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_it_lies_in_the_study_of_the_image_in_a_series_of_its_own(kind: str) -> None:
    image = make_image()
    made = as_read(make(kind, make_finding(image)))
    assert made.StudyInstanceUID == image.StudyInstanceUID
    assert made.SeriesInstanceUID != image.SeriesInstanceUID
    assert made.file_meta.MediaStorageSOPInstanceUID == made.SOPInstanceUID
    assert image.SOPInstanceUID in {
        element.value for element in made.iterall() if element.keyword == "ReferencedSOPInstanceUID"
    }
    for keyword in TYPE_2:
        assert made[keyword].value == image[keyword].value


def test_every_kind_has_a_series_of_its_own() -> None:
    series = {make(kind, make_finding()).SeriesInstanceUID for kind in EVERY_KIND}
    numbers = {make(kind, make_finding()).SeriesNumber for kind in EVERY_KIND}
    assert len(series) == len(numbers) == len(EVERY_KIND)


@pytest.mark.parametrize("kind", OBJECTS)
def test_its_uids_are_known_without_making_it(kind: str) -> None:
    finding = make_finding()
    made = OBJECTS[kind](finding)
    filed = (made.SeriesInstanceUID, made.SOPClassUID, made.SOPInstanceUID)
    assert uids_of(kind, finding.identity) == filed


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_made_again_it_is_the_same_to_the_byte(kind: str) -> None:
    assert as_file(make(kind, make_finding())) == as_file(make(kind, make_finding()))


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_another_model_makes_another_object(kind: str) -> None:
    analysis = make_analysis()
    other = replace(analysis, model=replace(analysis.model, hash="cd" * 32))
    made = [make(kind, make_finding(analysis=each)) for each in (analysis, other)]
    assert made[0].SOPInstanceUID != made[1].SOPInstanceUID


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_it_says_what_it_is_not(kind: str) -> None:
    made = make(kind, make_finding())
    assert "research use only" in texts(made).lower()


@pytest.mark.parametrize("charset", NAMES)
@pytest.mark.parametrize("kind", EVERY_KIND)
def test_names_survive_in_their_own_character_set(kind: str, charset: str) -> None:
    image = make_image(
        SpecificCharacterSet=charset.split("\\"), PatientName=NAMES[charset], PatientComments="ok"
    )
    made = as_read(make(kind, make_finding(image)))
    assert made.SpecificCharacterSet == image.SpecificCharacterSet
    assert made.PatientName == PersonName(NAMES[charset])


def test_what_the_source_leaves_empty_stays_empty() -> None:
    image = make_image(PatientBirthDate="", AccessionNumber="", ReferringPhysicianName="")
    for kind in EVERY_KIND:
        made = make(kind, make_finding(image))
        assert made["PatientBirthDate"].value == ""
        assert made["AccessionNumber"].value == ""


def test_what_no_archive_would_take_is_left_empty() -> None:
    image = make_image()
    image._dict[image["StudyDate"].tag] = image["StudyDate"]
    image["StudyDate"]._value = "2026/03/01"
    image["PatientSex"]._value = "woman"
    made = as_read(make("sr", make_finding(image)))
    assert made["StudyDate"].value == made["PatientSex"].value == ""
    assert made.PatientID == "P-1"


@pytest.mark.parametrize("missing", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"])
def test_an_image_without_uids_cannot_be_referred_to(missing: str) -> None:
    with pytest.raises(SourceIncomplete, match=missing):
        make_finding(make_image(**{missing: None}))


@pytest.mark.parametrize("sop_class", ["1.2.3.4", "1.2.840.10008.5.1.1.29"])
def test_a_private_or_retired_image_class_is_refused_by_name(sop_class: str) -> None:
    with pytest.raises(SourceIncomplete, match=sop_class):
        make_finding(make_image(SOPClassUID=sop_class))


def test_times_are_on_the_clock_of_the_source() -> None:
    made = make("sr", make_finding(make_image(TimezoneOffsetFromUTC="-0330")))
    assert (made.ContentDate, made.ContentTime) == ("20261122", "090015")
    assert made.TimezoneOffsetFromUTC == "-0330"


@pytest.mark.parametrize("offset", ["abcde", "+9900", "+00:0", "1"])
def test_an_offset_that_is_none_is_left_out(offset: str) -> None:
    for kind in EVERY_KIND:
        made = make(kind, make_finding(make_image(TimezoneOffsetFromUTC=offset)))
        assert "TimezoneOffsetFromUTC" not in made


@pytest.mark.parametrize(
    ("kind", "objects"),
    [
        ("rejected", {"sr"}),
        ("negative", {"sr", "sc"}),
        ("positive", {"sr", "gsps", "sc", "seg", "ko"}),
    ],
)
def test_only_what_makes_sense_is_made(kind: str, objects: set[str]) -> None:
    analysis = make_analysis(kind)
    assert set(kinds_for(analysis)) == objects
    for name in OBJECTS.keys() - objects:
        with pytest.raises(NothingToSay):
            make(name, make_finding(analysis=analysis))


class TestReport:
    def test_it_carries_probability_threshold_and_the_models_split(self) -> None:
        assert written_numbers(make("sr", make_finding())) == [0.92, 0.67, 0.69, 0.23]

    def test_a_negative_one_speaks_of_no_aetiology(self) -> None:
        finding = make_finding(analysis=make_analysis("negative"))
        assert written_numbers(make("sr", finding)) == [0.08, 0.67]

    def test_a_refused_radiograph_has_a_reason_and_no_number(self) -> None:
        made = make("sr", make_finding(analysis=make_analysis("rejected")))
        assert written_numbers(made) == []
        assert "no frontal chest radiograph" in texts(made)

    @pytest.mark.parametrize(
        ("kind", "code"),
        [("positive", "52101004"), ("negative", "272519000"), ("rejected", "373068000")],
    )
    def test_the_finding_is_coded(self, kind: str, code: str) -> None:
        made = as_read(make("sr", make_finding(analysis=make_analysis(kind))))
        report = highdicom.sr.Comprehensive3DSR.from_dataset(made).content
        (group,) = report.get_image_measurement_groups()
        (evaluation,) = group.get_qualitative_evaluations()
        assert (evaluation.name.value, evaluation.value.value) == ("233604007", code)

    def test_highdicom_reads_the_regions_back(self) -> None:
        made = as_read(make("sr", make_finding()))
        report = highdicom.sr.Comprehensive3DSR.from_dataset(made).content
        (group,) = report.get_planar_roi_measurement_groups()
        assert group.finding_sites[0].value.meaning == "Lower zone of lung"
        np.testing.assert_allclose(group.roi.value, [*SQUARE, SQUARE[0]])

    @pytest.mark.parametrize("sop_class", STORAGE_CLASSES)
    @pytest.mark.parametrize(
        ("attributes", "described"),
        [
            ({}, {"Modality", "Pixel Data Rows", "Pixel Data Columns"}),
            (
                {"PatientOrientation": ["L", "F"], "ImagerPixelSpacing": [0.14, 0.15]},
                {
                    *("Modality", "Pixel Data Rows", "Pixel Data Columns"),
                    *("Patient Orientation Row", "Patient Orientation Column"),
                    *("Horizontal Pixel Spacing", "Vertical Pixel Spacing"),
                },
            ),
            (
                {"PatientOrientation": "", "ImagerPixelSpacing": [0.14, 0.15]},
                {"Modality", "Pixel Data Rows", "Pixel Data Columns"},
            ),
        ],
        ids=["film", "detector", "half"],
    )
    def test_its_image_library_describes_the_image(
        self, sop_class: str, attributes: dict[str, object], described: set[str], tmp_path: Path
    ) -> None:
        image = make_image(SOPClassUID=sop_class, **attributes)
        made = as_read(make("sr", make_finding(image)))
        (library,) = (item for item in made.ContentSequence if meaning(item) == "Image Library")
        ((entry,),) = (group.ContentSequence for group in library.ContentSequence)
        assert entry.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == image.SOPInstanceUID
        assert {meaning(item) for item in entry.ContentSequence} == described
        assert validation_errors(made, tmp_path) == []

    def test_an_image_of_another_class_is_reported_too(self) -> None:
        image = make_image(SOPClassUID="1.2.840.10008.5.1.4.1.1.77.1.7")  # dermoscopy
        analysis = make_analysis("rejected")
        assert "no frontal chest" in texts(make("sr", make_finding(image, analysis)))

    def test_it_names_model_and_hash(self) -> None:
        finding = make_finding()
        assert f"bundle_sha256={finding.analysis.model.hash}" in texts(make("sr", finding))


@settings(deadline=None, max_examples=20)
@given(
    aspect=st.sampled_from([0.5, 1.0, 2.0]),
    x=st.floats(0, 120),
    y=st.floats(0, 100),
)
def test_coordinates_lead_back_to_the_stored_pixels(aspect: float, x: float, y: float) -> None:
    """A radiograph enlarged to square pixels: its points lie where they do in the stored ones."""
    height, width = round(100 * max(aspect, 1)), round(120 / min(aspect, 1))
    finding = make_finding(analysis=make_analysis(width=width, height=height))
    shown = (x * width / 120, y * height / 100)
    first, last = finding.stored_points((shown,))
    np.testing.assert_allclose(first, (x, y), atol=1e-9)
    np.testing.assert_array_equal(first, last)


def test_drawings_are_in_stored_pixels_and_shown_square() -> None:
    image = make_image(PixelAspectRatio=[2, 1])
    finding = make_finding(image, make_analysis(height=200))
    halved = [(x, y / 2) for x, y in (*SQUARE, SQUARE[0])]
    state = make("gsps", finding)
    drawn = state.GraphicAnnotationSequence[0].GraphicObjectSequence[0].GraphicData
    np.testing.assert_allclose(np.reshape(drawn, (-1, 2)), halved)
    assert state.DisplayedAreaSelectionSequence[0].PresentationPixelAspectRatio == [2, 1]
    mask = make("seg", finding).pixel_array
    rows, columns = np.nonzero(mask.reshape(100, 120))
    edges = (rows.min(), rows.max(), columns.min(), columns.max())
    np.testing.assert_allclose(edges, (15, 39, 20, 59), atol=1)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_dcmtk_shows_the_presentation_as_we_do(photometric: str, tmp_path: Path) -> None:
    """Air dark, the window applied: dcmp2pgm's picture rises where the radiograph does."""
    program = require_peer("dcmp2pgm", "apt-get install dcmtk")
    image = make_image(
        PhotometricInterpretation=photometric,
        WindowCenter=2000,
        WindowWidth=3000,
        PixelIntensityRelationshipSign=1,
    )
    (tmp_path / "image.dcm").write_bytes(as_file(image))
    (tmp_path / "state.dcm").write_bytes(as_file(make("gsps", make_finding(image))))
    command = [program, "-p", "state.dcm", "image.dcm", "out.pgm"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    shown = read_pgm(tmp_path / "out.pgm")
    values = image.pixel_array.astype(float)
    expected = np.clip((values - 1999.5) / 2999 + 0.5, 0, 1)
    if photometric == "MONOCHROME1":
        expected = 1 - expected
    np.testing.assert_allclose(shown / 255, expected, atol=2 / 255)


def read_pgm(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path), dtype=float)


class TestPicture:
    def test_it_is_the_overlay_with_the_disclaimer_below(self) -> None:
        made = as_read(make("sc", make_finding()))
        assert made.PhotometricInterpretation == "RGB"
        assert made.Rows > 100
        assert made.pixel_array.shape == (made.Rows, 120, 3)
        assert DISCLAIMER in made.DerivationDescription

    @pytest.mark.parametrize("burned_in", ["YES", "NO", None])
    def test_it_claims_of_burned_in_names_what_the_source_claims(
        self, burned_in: str | None
    ) -> None:
        made = make("sc", make_finding(make_image(BurnedInAnnotation=burned_in)))
        assert made.get("BurnedInAnnotation") == burned_in

    def test_lossy_compression_once_suffered_stays_stated(self) -> None:
        image = make_image(LossyImageCompression="01", LossyImageCompressionRatio=10)
        made = make("sc", make_finding(image))
        assert made.LossyImageCompression == "01"


def test_a_report_of_other_bytes_is_another_object() -> None:
    first, second = (
        make_encapsulated_pdf(make_finding(), pdf, title="Report") for pdf in (PDF, PDF + b"2")
    )
    assert first.SOPInstanceUID != second.SOPInstanceUID
    assert first.SeriesInstanceUID == second.SeriesInstanceUID
    read = as_read(second)
    assert read.EncapsulatedDocument[: read.EncapsulatedDocumentLength] == PDF + b"2"


def test_bytes_that_are_no_pdf_are_refused() -> None:
    with pytest.raises(NothingToSay, match="PDF"):
        make_encapsulated_pdf(make_finding(), b"<html>", title="Report")


@pytest.mark.parametrize("kind", EVERY_KIND)
@pytest.mark.parametrize("charset", NAMES)
def test_dciodvfy_finds_no_error(kind: str, charset: str, tmp_path: Path) -> None:
    image = make_image(
        SpecificCharacterSet=charset.split("\\"),
        PatientName=NAMES[charset],
        WindowCenter=[2000, 1000],
        WindowWidth=[3000, 10],
        RescaleSlope=1,
        RescaleIntercept=-1000,
        PhotometricInterpretation="MONOCHROME1",
    )
    assert validation_errors(make(kind, make_finding(image)), tmp_path) == []


@pytest.mark.parametrize("status", ["negative", "rejected"])
def test_dciodvfy_finds_no_error_in_other_results(status: str, tmp_path: Path) -> None:
    analysis = make_analysis(status)
    for kind in kinds_for(analysis):
        made = make(kind, make_finding(analysis=analysis))
        assert validation_errors(made, tmp_path) == []


def validation_errors(dataset: Dataset, folder: Path) -> list[str]:
    program = require_peer("dciodvfy", "apt-get install dicom3tools")
    path = folder / "made.dcm"
    path.write_bytes(as_file(dataset))
    done = subprocess.run([program, "-new", path], capture_output=True, check=False)
    lines = (done.stdout + done.stderr).decode("utf-8", "replace").splitlines()
    return [line for line in lines if line.startswith("Error")]


def test_dcmtk_prints_the_report(tmp_path: Path) -> None:
    program = require_peer("dsrdump", "apt-get install dcmtk")
    (tmp_path / "sr.dcm").write_bytes(as_file(make("sr", make_finding())))
    done = subprocess.run(
        [program, "+Pl", "sr.dcm"], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert 'NUM:(,,"Certainty of Finding")="0.92"' in done.stdout
    assert 'CODE:(,,"Pneumonia")=(52101004,SCT,"Present")' in done.stdout
    assert DISCLAIMER in done.stdout
    assert not done.stderr


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_it_goes_through_dicom_json(kind: str) -> None:
    """STOW-RS and QIDO-RS speak it."""
    made = make(kind, make_finding())
    assert Dataset.from_json(json.dumps(made.to_json_dict())).SOPInstanceUID == made.SOPInstanceUID


def test_optional_attributes_are_copied_and_no_others() -> None:
    image = make_image(PatientAge="006Y", StudyDescription="Thorax", StationName="ROOM1")
    made = make("sr", make_finding(image))
    assert made.PatientAge == "006Y"
    assert made.StudyDescription == "Thorax"
    assert "StationName" not in made
    assert {"PatientAge", "StudyDescription"} <= set(OPTIONAL)
