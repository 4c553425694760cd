"""PNG, JPEG and TIFF."""

import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from PIL import Image

from core.images import encode, orientation, png_chunk, radiograph_8_bit
from pneumoscope.core.decode import decode

TIGHT = 1e-6
SAMPLE_FORMAT = 339
GREY = radiograph_8_bit()
DEEP = (GREY.astype(np.uint16) << 8) | GREY[::-1]


def pictures(dtype: type[np.generic], **options: Any) -> st.SearchStrategy[NDArray[Any]]:
    shapes = arrays.array_shapes(min_dims=2, max_dims=2, max_side=12)
    return arrays.arrays(dtype, shapes, **options)


def white_is_zero(data: bytes) -> bytes:
    """A little-endian TIFF of Pillow's, its PhotometricInterpretation (262) turned from 1 to 0."""
    entry = struct.pack("<HHII", 262, 3, 1, 1)
    if data.count(entry) != 1:
        raise LookupError("PhotometricInterpretation")
    return data.replace(entry, struct.pack("<HHII", 262, 3, 1, 0))


@given(pictures(np.uint8), st.sampled_from(["PNG", "TIFF"]))
def test_8_bit_round_trip(picture: NDArray[np.uint8], file_format: str) -> None:
    radiograph = decode(encode(picture, file_format))
    np.testing.assert_array_equal(np.rint(radiograph.pixels * 255), picture)
    assert radiograph.pixels.dtype == np.float32
    assert radiograph.pixels.flags.c_contiguous
    assert radiograph.chroma == 0


@given(pictures(np.uint16), st.sampled_from(["PNG", "TIFF"]))
def test_16_bit_round_trip(picture: NDArray[np.uint16], file_format: str) -> None:
    pixels = decode(encode(picture, file_format)).pixels
    np.testing.assert_array_equal(np.rint(pixels.astype(np.float64) * 65535), picture)


@given(pictures(np.float32, elements=st.floats(0, 1, width=32)))
def test_float_tiff_within_the_unit_range_is_left_alone(picture: NDArray[np.float32]) -> None:
    radiograph = decode(encode(picture, "TIFF"))
    np.testing.assert_array_equal(radiograph.pixels, picture)
    assert radiograph.notes == ()


@given(
    pictures(np.int32, elements=st.integers(-(2**31), 2**31 - 1)),
    st.sampled_from([np.int16, np.int32, np.float32]),
)
def test_range_of_signed_and_float_tiff(picture: NDArray[np.int32], dtype: Any) -> None:
    picture = (picture >> (16 if dtype == np.int16 else 0)).astype(dtype)
    if dtype == np.int16:  # Pillow writes the bits, but does not say that they are signed
        data = encode(picture.view(np.uint16), "TIFF", tiffinfo={SAMPLE_FORMAT: 2})
    else:
        data = encode(picture, "TIFF")
    radiograph = decode(data)
    low, high = float(picture.min()), float(picture.max())
    if dtype == np.float32 and 0 <= low <= high <= 1:
        return
    expected = (picture.astype(np.float64) - low) / ((high - low) or 1)
    np.testing.assert_allclose(radiograph.pixels, expected, atol=TIGHT)
    assert [note.code for note in radiograph.notes] == ["range_assumed"]


def test_extremes_of_float32() -> None:
    picture = np.array([[-3e38, 0, 3e38]], np.float32)
    np.testing.assert_allclose(decode(encode(picture, "TIFF")).pixels, [[0, 0.5, 1]], atol=TIGHT)


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits"])
@pytest.mark.parametrize("picture", [GREY, DEEP, GREY.astype(np.float32) / 255])
def test_white_is_zero(picture: NDArray[Any], compression: str | None) -> None:
    data = encode(picture, "TIFF", compression=compression)
    np.testing.assert_allclose(
        decode(white_is_zero(data)).pixels, 1 - decode(data).pixels, atol=TIGHT
    )


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_png_mode(mode: str) -> None:
    picture = Image.fromarray(DEEP if mode == "I;16" else GREY)
    expected = DEEP / 65535 if mode == "I;16" else GREY / 255
    if mode == "1":
        picture = Image.fromarray(GREY > 128)
        expected = (GREY > 128).astype(float)
    elif mode == "P":  # a grey palette of its own, in another order
        picture = Image.fromarray(255 - GREY).convert("P")
        picture.putpalette([255 - level for level in range(256) for _ in range(3)])
    elif mode != "I;16":
        picture = picture.convert(mode)
    radiograph = decode(encode(picture, "PNG"))
    np.testing.assert_allclose(radiograph.pixels, expected, atol=TIGHT)
    assert radiograph.chroma == 0


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "RGBA", "CMYK", "P", "LA"])
@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate"])
def test_every_tiff_mode(mode: str, compression: str | None) -> None:
    picture = Image.fromarray(np.where(GREY > 128, 255, 0).astype(np.uint8)).convert(mode)
    radiograph = decode(encode(picture, "TIFF", compression=compression))
    np.testing.assert_allclose(radiograph.pixels, GREY > 128, atol=TIGHT)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
def test_every_jpeg_mode(mode: str, progressive: bool) -> None:
    picture = Image.fromarray(GREY).convert(mode)
    radiograph = decode(encode(picture, "JPEG", quality=95, progressive=progressive))
    # Pillow's CMYK of a grey has no black, and JPEG no exact values.
    np.testing.assert_allclose(radiograph.pixels, GREY / 255, atol=0.06)
    assert radiograph.file_format == "jpeg"
    assert radiograph.chroma < 0.01


def test_16_bit_rgb_png_keeps_8_bits() -> None:
    """Written by hand, as Pillow writes no such file."""
    rows, columns = DEEP.shape
    lines = np.repeat(DEEP.astype(">u2")[..., None], 3, axis=2).reshape(rows, -1).tobytes()
    width = columns * 6
    raw = b"".join(b"\0" + lines[row * width : (row + 1) * width] for row in range(rows))
    data = (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 16, 2, 0, 0, 0))
        + png_chunk(b"IDAT", zlib.compress(raw))
        + png_chunk(b"IEND", b"")
    )
    np.testing.assert_allclose(decode(data).pixels, DEEP / 65535, atol=1 / 255)


def test_luma_and_chroma() -> None:
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [90, 90, 90]]], np.uint8)
    radiograph = decode(encode(colours, "PNG"))
    expected = [[0.299, 0.587, 0.114, 90 / 255]]
    np.testing.assert_allclose(radiograph.pixels, expected, atol=0.5 / 255)
    assert radiograph.chroma == pytest.approx(0.75)


def test_alpha_is_composed_on_black() -> None:
    picture = np.array([[[200, 200, 200, 255], [200, 200, 200, 0], [200, 200, 200, 51]]], np.uint8)
    pixels = decode(encode(picture, "PNG")).pixels
    np.testing.assert_allclose(pixels, [[200 / 255, 0, 40 / 255]], atol=1 / 255)


def test_transparent_grey_is_black() -> None:
    pixels = decode(encode(GREY, "PNG", transparency=250)).pixels
    np.testing.assert_allclose(pixels, np.where(GREY == 250, 0, GREY) / 255, atol=TIGHT)


@pytest.mark.parametrize("value", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF"])
def test_exif_orientation(value: int, file_format: str) -> None:
    """As stored, the mark stands in a corner the tag names; upright, it is top left."""
    stored: dict[int, NDArray[np.uint8]] = {
        1: GREY,
        2: GREY[:, ::-1],
        3: GREY[::-1, ::-1],
        4: GREY[::-1],
        5: GREY.T,
        6: np.rot90(GREY, 1),
        7: GREY[::-1, ::-1].T,
        8: np.rot90(GREY, -1),
    }
    picture = np.ascontiguousarray(stored[value])
    options = {"quality": 95} if file_format == "JPEG" else {}
    radiograph = decode(encode(picture, file_format, exif=orientation(value), **options))
    np.testing.assert_allclose(radiograph.pixels, GREY / 255, atol=0.06)
    # Once upright, always upright: the result has no orientation left to apply.
    again = decode(encode(np.rint(radiograph.pixels * 255).astype(np.uint8), "PNG"))
    np.testing.assert_allclose(again.pixels, radiograph.pixels, atol=1 / 255)


@pytest.mark.parametrize("value", [0, 9, 4000])
def test_meaningless_orientation_is_ignored(value: int) -> None:
    pixels = decode(encode(GREY, "PNG", exif=orientation(value))).pixels
    np.testing.assert_allclose(pixels, GREY / 255, atol=TIGHT)


def test_broken_exif_does_not_lose_the_image() -> None:
    data = encode(GREY, "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff nonsense")
    assert decode(data).pixels.shape == GREY.shape


def test_dark_16_bit_is_noted() -> None:
    radiograph = decode(encode(GREY.astype(np.uint16) * 16, "PNG"))
    np.testing.assert_allclose(radiograph.pixels, GREY / 65535 * 16, atol=TIGHT)
    assert [note.code for note in radiograph.notes] == ["dark_16_bit"]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_black_stays_black(dtype: Any) -> None:
    radiograph = decode(encode(np.zeros((5, 7), dtype), "TIFF"))
    np.testing.assert_array_equal(radiograph.pixels, np.zeros((5, 7)))


def test_constant_without_a_range_is_black() -> None:
    assert not decode(encode(np.full((4, 4), -3, np.int32), "TIFF")).pixels.any()


@pytest.mark.parametrize("rows", [256, 257, 700])
def test_an_image_of_many_rows_is_one_image(rows: int) -> None:
    """Conversions go by bands of rows; no seam shows."""
    random = np.random.default_rng(rows)
    colour = random.integers(0, 256, (rows, 9, 3), dtype=np.uint8)
    radiograph = decode(encode(colour, "PNG"))
    grey = np.asarray(Image.fromarray(colour).convert("L"))
    np.testing.assert_array_equal(radiograph.pixels, grey.astype(np.float32) / np.float32(255))
    spread = colour.max(axis=2).astype(int) - colour.min(axis=2)
    assert radiograph.chroma == pytest.approx(spread.mean() / 255)
    deep = random.normal(0, 1e3, (rows, 9)).astype(np.float32)
    expected = (deep.astype(np.float64) - deep.min()) / (float(deep.max()) - deep.min())
    np.testing.assert_allclose(decode(encode(deep, "TIFF")).pixels, expected, atol=1e-6)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory: needs Linux")
def test_the_largest_image_takes_less_than_a_gigabyte() -> None:
    """62 million pixels with transparency, from a file of a quarter of a megabyte."""
    # getrusage would count what this process had when it forked.
    program = (
        "import io, re; from PIL import Image; from pneumoscope.core.decode import decode;"
        "file = io.BytesIO(); Image.new('RGBA', (7900, 7900), (9, 9, 9, 9)).save(file, 'PNG');"
        "print(decode(file.getvalue()).width);"
        "print(int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]) // 1024)"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    width, megabytes = map(int, done.stdout.split())
    assert width == 7900
    assert megabytes < 1000
