"""Damaged files: whatever the bytes, a radiograph as promised or a PneumoscopeError, no warning."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.images import (
    NATIVE_SYNTAXES,
    RAMP_12_BIT,
    encode,
    lut_item,
    make_dicom,
    orientation,
    radiograph_8_bit,
)
from pneumoscope.core.decode import decode
from pneumoscope.core.errors import PneumoscopeError

GOLDEN = Path(__file__).parents[1] / "golden"
GREY = radiograph_8_bit()
VALID = [
    encode(GREY, "PNG"),
    encode(GREY.astype(np.uint16) * 257, "PNG"),
    encode(GREY, "JPEG", exif=orientation(6)),
    encode(GREY, "JPEG", progressive=True),
    encode(GREY, "TIFF", exif=orientation(5)),
    encode(GREY.astype(np.float32), "TIFF"),
    *(
        make_dicom(
            RAMP_12_BIT,
            transfer_syntax=syntax,
            BitsStored=12,
            PixelSpacing=[0.1, 0.2],
            VOILUTSequence=[lut_item(np.arange(4096), 0, 12)],
        )
        for syntax in NATIVE_SYNTAXES
    ),
    *((GOLDEN / f"{name}.dcm").read_bytes() for name in ("rle", "jpeg_2000", "htj2k")),
]
EXTREMES = st.sampled_from([b"\0" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f"])


def check(data: bytes) -> None:
    try:
        pixels = decode(data).pixels
    except PneumoscopeError:
        return
    assert pixels.dtype == np.float32
    assert pixels.flags.c_contiguous
    assert pixels.ndim == 2
    assert np.isfinite(pixels).all()
    assert 0 <= pixels.min() <= pixels.max() <= 1


@settings(max_examples=400)
@given(st.data(), st.sampled_from(range(len(VALID))))
def test_overwritten(data: st.DataObject, which: int) -> None:
    """Headers lie in the first bytes, so most of the damage is done there."""
    damaged = bytearray(VALID[which])
    near, far = min(len(damaged), 1500) - 1, len(damaged) - 1
    places = st.one_of(st.integers(0, near), st.integers(0, far))
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(places)
        new = data.draw(st.one_of(st.binary(min_size=1, max_size=4), EXTREMES))
        damaged[place : place + len(new)] = new
    check(bytes(damaged))


@settings(max_examples=200)
@given(st.data(), st.sampled_from(range(len(VALID))))
def test_cut_out(data: st.DataObject, which: int) -> None:
    valid = VALID[which]
    start = data.draw(st.integers(0, len(valid)))
    end = data.draw(st.integers(start, len(valid)))
    check(valid[:start] + data.draw(st.binary(max_size=20)) + valid[end:])


@settings(max_examples=200)
@given(
    st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*", b"II+\0"])
    | st.just(bytes(128) + b"DICM")
    | st.just(b"\x08\0\x05\0CS\x0a\0")
    | st.just(b""),
    st.binary(max_size=300),
)
def test_magic_and_noise(magic: bytes, noise: bytes) -> None:
    check(magic + noise)


@pytest.mark.parametrize(
    "name", ["jpeg_ls", "jpeg_lossless", "jpeg_lossless_sv1", "jpeg_extended_12_bit"]
)
def test_damage_to_what_gdcm_decodes(name: str) -> None:
    """A child process for each, hence few."""
    valid = (GOLDEN / f"{name}.dcm").read_bytes()
    random = np.random.default_rng(0)
    for _ in range(8):
        damaged = bytearray(valid)
        for place in random.integers(len(valid) - 2500, len(valid), 6):
            damaged[place] = random.integers(256)
        check(bytes(damaged))
