"""The grey-scale chain of DICOM, its notes, and the header."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from core.images import (
    NATIVE_SYNTAXES,
    RAMP_12_BIT,
    lut_item,
    make_dataset,
    make_dicom,
    radiograph_8_bit,
    save,
    without_file_meta,
)
from pneumoscope.core.decode import decode
from pneumoscope.core.types import Radiograph

TIGHT = 1e-6


def show(words: NDArray[Any], **attributes: Any) -> NDArray[np.float32]:
    return decode(make_dicom(words, **attributes)).pixels


def codes(radiograph: Radiograph) -> set[str]:
    return {note.code for note in radiograph.notes}


@pytest.mark.parametrize("syntax", NATIVE_SYNTAXES)
@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2"])
def test_native_words(syntax: str, dtype: str) -> None:
    words = (np.arange(200).reshape(10, 20) - (100 if dtype[0] == "i" else 0)).astype(dtype)
    pixels = show(words, transfer_syntax=syntax)
    np.testing.assert_allclose(pixels, np.arange(200).reshape(10, 20) / 199, atol=TIGHT)


def test_big_endian_bytes_in_words() -> None:
    """8-bit samples as OW are swapped in pairs (PS3.5 A.3)."""
    words = radiograph_8_bit(8, 10)
    dataset = make_dataset(words, WindowCenter=128, WindowWidth=256)
    dataset.PixelData = words.reshape(-1, 2)[:, ::-1].tobytes()
    dataset["PixelData"].VR = "OW"
    pixels = decode(without_file_meta(dataset, ExplicitVRBigEndian)).pixels
    np.testing.assert_allclose(pixels, words / 255, atol=TIGHT)


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian]
)
def test_without_file_meta(syntax: str) -> None:
    words = RAMP_12_BIT.astype(">u2" if syntax == ExplicitVRBigEndian else "<u2")
    radiograph = decode(without_file_meta(make_dataset(words, BitsStored=12), syntax))
    np.testing.assert_allclose(radiograph.pixels, RAMP_12_BIT / 4095, atol=TIGHT)
    assert codes(radiograph) == {"no_file_meta"}


@pytest.mark.parametrize("bits", range(8, 17))
@pytest.mark.parametrize("signed", [False, True])
def test_bits_stored(bits: int, signed: bool) -> None:
    values = np.linspace(0, 2**bits - 1, 240).round().astype(np.int64).reshape(12, 20)
    stored = values - 2 ** (bits - 1) * signed
    words = stored.astype(np.int16 if signed else np.uint16)
    pixels = show(words, BitsStored=bits)
    np.testing.assert_allclose(pixels, values / (2**bits - 1), atol=TIGHT)
    # The sign may stand in the stored bits alone.
    masked = (stored & (2**bits - 1)).astype(np.uint16)
    again = show(masked, BitsStored=bits, PixelRepresentation=int(signed))
    np.testing.assert_array_equal(again, pixels)


def test_high_bit_above_bits_stored() -> None:
    pixels = show(RAMP_12_BIT << 4, BitsStored=12, HighBit=15)
    np.testing.assert_allclose(pixels, RAMP_12_BIT / 4095, atol=TIGHT)


@pytest.mark.parametrize("dtype", ["u1", "u2", "i2"])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("window", [{}, {"WindowCenter": 5, "WindowWidth": 100}])
def test_constant_image_is_zero(dtype: str, photometric: str, window: dict[str, int]) -> None:
    words = np.full((6, 8), 7, dtype)
    pixels = show(words, PhotometricInterpretation=photometric, **window)
    np.testing.assert_array_equal(pixels, np.zeros((6, 8), np.float32))


words_12_bit = st.lists(st.integers(0, 4095), min_size=12, max_size=12).map(
    lambda values: np.array(values, np.uint16).reshape(3, 4)
)
windows = st.fixed_dictionaries(
    {
        "WindowCenter": st.integers(-500, 4500),
        "WindowWidth": st.integers(2, 6000),
        "VOILUTFunction": st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]),
    }
)


@given(words_12_bit, st.one_of(st.just({}), windows))
def test_inversion_symmetry(words: NDArray[np.uint16], window: dict[str, Any]) -> None:
    if len(np.unique(words)) == 1:
        words[0, 0] ^= 1
    black, white = (
        show(words, BitsStored=12, PhotometricInterpretation=name, **window)
        for name in ("MONOCHROME2", "MONOCHROME1")
    )
    np.testing.assert_allclose(black + white, 1, atol=TIGHT)


@given(windows)
def test_windows_are_monotonic(window: dict[str, Any]) -> None:
    shown = show(RAMP_12_BIT, BitsStored=12, **window).reshape(-1)
    assert (np.diff(shown) >= 0).all()


@given(
    st.floats(0.01, 100).map(lambda slope: float(f"{slope:.6g}")),
    st.integers(-5000, 5000),
    windows,
)
def test_window_follows_the_rescale(slope: float, intercept: int, window: dict[str, Any]) -> None:
    """An exact window, moved and widened with the modality values, shows the same."""
    window["VOILUTFunction"] = "LINEAR_EXACT"
    plain = show(RAMP_12_BIT, BitsStored=12, **window)
    moved = window | {
        "WindowCenter": f"{window['WindowCenter'] * slope + intercept:.10g}",
        "WindowWidth": f"{window['WindowWidth'] * slope:.10g}",
        "RescaleSlope": f"{slope:.6g}",
        "RescaleIntercept": intercept,
    }
    np.testing.assert_allclose(show(RAMP_12_BIT, BitsStored=12, **moved), plain, atol=1e-4)


@given(words_12_bit, st.integers(-1000, 1000), st.sampled_from([0.5, 1, 2, 10]))
def test_full_range_ignores_the_rescale(
    words: NDArray[np.uint16], intercept: int, slope: float
) -> None:
    rescaled = show(words, BitsStored=12, RescaleSlope=slope, RescaleIntercept=intercept)
    np.testing.assert_allclose(rescaled, show(words, BitsStored=12), atol=TIGHT)


def test_negative_slope_inverts() -> None:
    pixels = show(RAMP_12_BIT, BitsStored=12, RescaleSlope=-1, RescaleIntercept=4095)
    np.testing.assert_allclose(pixels, 1 - RAMP_12_BIT / 4095, atol=TIGHT)


@pytest.mark.parametrize(
    ("function", "word", "expected"),
    [
        # PS3.3 C.11.2.1.2.1: c − 0.5 ± (w − 1)/2 are the ends of LINEAR
        ("LINEAR", 1947, 0.0),
        ("LINEAR", 2048, 0.5 + 0.5 / 199),
        ("LINEAR", 2148, 1.0),
        ("LINEAR_EXACT", 1948, 0.0),
        ("LINEAR_EXACT", 2048, 0.5),
        ("LINEAR_EXACT", 2148, 1.0),
        ("SIGMOID", 2048, 0.5),
        ("SIGMOID", 2098, 1 / (1 + np.exp(-1))),
    ],
)
def test_window_functions(function: str, word: int, expected: float) -> None:
    pixels = show(
        RAMP_12_BIT, BitsStored=12, WindowCenter=2048, WindowWidth=200, VOILUTFunction=function
    )
    assert pixels.reshape(-1)[word] == pytest.approx(expected, abs=TIGHT)


def test_linear_window_of_width_one_is_a_threshold() -> None:
    pixels = show(RAMP_12_BIT, BitsStored=12, WindowCenter=100, WindowWidth=1)
    np.testing.assert_array_equal(pixels, RAMP_12_BIT >= 100)


def test_first_of_several_windows() -> None:
    data = make_dicom(
        RAMP_12_BIT, BitsStored=12, WindowCenter=[1000, 2000], WindowWidth=[500, 4000]
    )
    single = show(RAMP_12_BIT, BitsStored=12, WindowCenter=1000, WindowWidth=500)
    radiograph = decode(data)
    np.testing.assert_array_equal(radiograph.pixels, single)
    assert codes(radiograph) == {"several_windows"}


@pytest.mark.parametrize(
    ("center", "width", "code"),
    [(2048, 0, "window_invalid"), (2048, -5, "window_invalid"), (9000, 100, "window_ignored")],
)
def test_window_that_shows_nothing(center: int, width: int, code: str) -> None:
    data = make_dicom(RAMP_12_BIT, BitsStored=12, WindowCenter=center, WindowWidth=width)
    radiograph = decode(data)
    np.testing.assert_allclose(radiograph.pixels, RAMP_12_BIT / 4095, atol=TIGHT)
    assert codes(radiograph) == {code}


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_voi_lut(photometric: str) -> None:
    """Inputs outside of the table take its ends; the output range is that of its 10 bits."""
    entries = np.round(1023 * np.sqrt(np.linspace(0, 1, 1000)))
    data = make_dicom(
        RAMP_12_BIT,
        BitsStored=12,
        RescaleSlope=1,
        RescaleIntercept=-2000,
        PhotometricInterpretation=photometric,
        VOILUTSequence=[lut_item(entries, -500, 10)],
        WindowCenter=0,
        WindowWidth=100,
    )
    radiograph = decode(data)
    expected = entries[np.clip(RAMP_12_BIT.astype(int) - 2000 + 500, 0, 999)] / 1023
    if photometric == "MONOCHROME1":
        expected = 1 - expected
    np.testing.assert_allclose(radiograph.pixels, expected, atol=TIGHT)
    assert codes(radiograph) == {"voi_lut_preferred"}


def test_voi_lut_that_overstates_its_bits() -> None:
    data = make_dicom(RAMP_12_BIT, BitsStored=12, VOILUTSequence=[lut_item(np.arange(4096), 0, 16)])
    radiograph = decode(data)
    np.testing.assert_allclose(radiograph.pixels, RAMP_12_BIT / 4095, atol=TIGHT)
    assert codes(radiograph) == {"voi_lut_bits"}


@pytest.mark.parametrize("packed", [False, True])
def test_modality_lut(packed: bool) -> None:
    """A table of falling 8-bit entries, one or two to a word, before the window."""
    entries = np.arange(255, -1, -1)
    item = lut_item(entries, 0, 8)
    if packed:
        item["LUTData"].value = entries.astype(np.uint8).tobytes()
    words = np.arange(256, dtype=np.uint8).reshape(16, 16)
    pixels = show(words, ModalityLUTSequence=[item], WindowCenter=128, WindowWidth=256)
    np.testing.assert_allclose(pixels, entries.reshape(16, 16) / 255, atol=TIGHT)


def test_lut_of_65536_entries() -> None:
    words = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    item = lut_item(np.arange(65536), 0, 16)
    np.testing.assert_allclose(show(words, VOILUTSequence=[item]), words / 65535, atol=TIGHT)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_air_and_out_of_the_range(photometric: str) -> None:
    words = RAMP_12_BIT.copy()
    words[words < 1000] = 0
    data = make_dicom(
        words,
        BitsStored=12,
        PhotometricInterpretation=photometric,
        PixelPaddingValue=0,
        PixelPaddingRangeLimit=10,
    )
    radiograph = decode(data)
    scaled = (RAMP_12_BIT - 1000.0) / 3095
    expected = np.where(words == 0, 0, 1 - scaled if photometric == "MONOCHROME1" else scaled)
    np.testing.assert_allclose(radiograph.pixels, expected, atol=TIGHT)
    assert codes(radiograph) == {"pixel_padding"}


def test_padding_beyond_bits_stored() -> None:
    words = RAMP_12_BIT.copy()
    words[0, :5] = 63536
    radiograph = decode(make_dicom(words, BitsStored=12, PixelPaddingValue=63536))
    assert (radiograph.pixels[0, :5] == 0).all()
    assert radiograph.pixels.max() == 1


def test_nothing_but_padding() -> None:
    assert not show(np.zeros((4, 4), np.uint16), PixelPaddingValue=0).any()


def test_overlay_in_unused_bits_is_masked() -> None:
    words = RAMP_12_BIT.copy()
    words[::3] |= 1 << 15
    dataset = make_dataset(words, BitsStored=12)
    dataset.add_new((0x6000, 0x0100), "US", 16)
    dataset.add_new((0x6000, 0x0102), "US", 15)
    radiograph = decode(save(dataset))
    np.testing.assert_allclose(radiograph.pixels, RAMP_12_BIT / 4095, atol=TIGHT)
    assert codes(radiograph) == {"overlay_masked"}


@pytest.mark.parametrize(
    ("attributes", "shape"),
    [
        ({"PixelSpacing": [0.2, 0.1]}, (64, 128)),
        ({"ImagerPixelSpacing": [0.1, 0.2]}, (32, 256)),
        ({"PixelAspectRatio": [3, 2]}, (48, 128)),
        ({"PixelSpacing": [0.1, 0.1], "PixelAspectRatio": [1, 2]}, (32, 128)),
        ({"PixelSpacing": [1.2, 1.2012]}, (32, 128)),
    ],
)
def test_pixels_become_square(attributes: dict[str, Any], shape: tuple[int, int]) -> None:
    radiograph = decode(make_dicom(RAMP_12_BIT, BitsStored=12, **attributes))
    assert radiograph.pixels.shape == shape
    assert ("pixels_resampled" in codes(radiograph)) == (shape != (32, 128))
    assert 0 <= radiograph.pixels.min() <= radiograph.pixels.max() <= 1


@pytest.mark.parametrize("spacing", [[0, 0], [0.1, 90], [-1, 1]])
def test_implausible_spacing_is_ignored(spacing: list[float]) -> None:
    radiograph = decode(make_dicom(RAMP_12_BIT, BitsStored=12, PixelSpacing=spacing))
    assert radiograph.pixels.shape == (32, 128)
    assert codes(radiograph) == {"pixel_spacing_invalid"}


@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
def test_grey_secondary_capture(planar: int, photometric: str) -> None:
    grey = radiograph_8_bit(10, 12)
    neutral = np.full_like(grey, 128)
    planes = [grey, grey, grey] if photometric == "RGB" else [grey, neutral, neutral]
    words = np.stack(planes, axis=0 if planar else 2)
    dataset = make_dataset(
        words,
        Rows=10,
        Columns=12,
        SamplesPerPixel=3,
        PlanarConfiguration=planar,
        PhotometricInterpretation=photometric,
    )
    radiograph = decode(without_file_meta(dataset))
    np.testing.assert_allclose(radiograph.pixels, grey / 255, atol=TIGHT)
    assert "grey_from_colour" in codes(radiograph)


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"PresentationIntentType": "FOR PROCESSING"}, "for_processing"),
        ({"PatientOrientation": ["R", "F"]}, "mirrored"),
        ({"PresentationLUTShape": "INVERSE"}, "presentation_lut_conflict"),
        ({"RescaleSlope": 0, "RescaleIntercept": 0}, "rescale_invalid"),
    ],
)
def test_what_was_assumed_is_noted(attributes: dict[str, Any], code: str) -> None:
    radiograph = decode(make_dicom(RAMP_12_BIT, BitsStored=12, **attributes))
    np.testing.assert_allclose(radiograph.pixels, RAMP_12_BIT / 4095, atol=TIGHT)
    assert codes(radiograph) == {code}


def test_header() -> None:
    data = make_dicom(
        RAMP_12_BIT,
        BitsStored=12,
        SpecificCharacterSet="ISO_IR 192",
        PatientName="Müller^Änne",
        PatientID="17",
        PatientSex="F",
        PatientBirthDate="20200101",
        StudyDate="20210702",
        ViewPosition="PA",
        BodyPartExamined="CHEST",
        AccessionNumber="A1",
        BurnedInAnnotation="NO",
    )
    header = decode(data).dicom
    assert header is not None
    assert header.patient_name == "Müller^Änne"
    assert header.patient_age == pytest.approx(1.5, abs=0.01)
    assert header.study_date == date(2021, 7, 2)
    assert header.transfer_syntax_uid == ExplicitVRLittleEndian
    assert (header.modality, header.view_position) == ("DX", "PA")
    assert (header.body_part_examined, header.accession_number) == ("CHEST", "A1")


@pytest.mark.parametrize(
    ("age", "years"), [("034Y", 34), ("006M", 0.5), ("026W", 0.5), ("010D", 10 / 365.25)]
)
def test_patient_age(age: str, years: float) -> None:
    header = decode(make_dicom(RAMP_12_BIT, BitsStored=12, PatientAge=age)).dicom
    assert header is not None
    assert header.patient_age == pytest.approx(years, rel=0.01)


def test_unreadable_attributes_do_not_lose_the_image() -> None:
    dataset = make_dataset(RAMP_12_BIT, BitsStored=12)
    dataset.SpecificCharacterSet = "ISO_IR 100"
    data = without_file_meta(dataset, ExplicitVRLittleEndian)
    data = data.replace(b"ISO_IR 100", b"NONSENSE!!")
    assert decode(data).pixels.shape == (32, 128)


def test_decoding_in_threads_leaves_the_warnings_alone() -> None:
    before = list(warnings.filters)
    # A UID that is none makes pydicom warn.
    data = make_dicom(RAMP_12_BIT, BitsStored=12).replace(b"CS\x02\0DX", b"CS\x02\0\xff\xfe")
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(decode, [data] * 40))
    assert len({radiograph.pixels.tobytes() for radiograph in results}) == 1
    assert warnings.filters == before


def test_sequences_are_no_hindrance() -> None:
    item = Dataset()
    item.CodeMeaning = "chest"
    radiograph = decode(make_dicom(RAMP_12_BIT, BitsStored=12, AnatomicRegionSequence=[item]))
    assert radiograph.notes == ()
