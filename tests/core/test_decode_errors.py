"""Bad input: each kind has its named error, and nothing else leaves decode."""

import contextlib
import io
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.uid import (
    MPEG2MPML,
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from core.images import (
    RAMP_12_BIT,
    encode,
    make_dataset,
    make_dicom,
    png_chunk,
    radiograph_8_bit,
    save,
)
from pneumoscope.core.decode import MAX_BYTES, decode
from pneumoscope.core.errors import (
    ColourImage,
    CorruptFile,
    DecodeError,
    EmptyFile,
    FileTooLarge,
    ImageTooLarge,
    InconsistentHeader,
    MultiFrame,
    NonFinitePixels,
    NoPixelData,
    TruncatedFile,
    UnsupportedFormat,
    UnsupportedTransferSyntax,
)

GREY = radiograph_8_bit()
DICOM = make_dicom(RAMP_12_BIT, BitsStored=12)
JPEG = encode(GREY, "JPEG")
PNG_START = b"\x89PNG\r\n\x1a\n"


def dicom(**attributes: Any) -> bytes:
    return make_dicom(RAMP_12_BIT, **({"BitsStored": 12} | attributes))


def refuse(data: bytes, error: type[DecodeError], match: str | None = None) -> None:
    with pytest.raises(error, match=match) as caught:
        decode(data)
    assert type(caught.value) is error
    assert caught.value.remedy


def test_zero_bytes() -> None:
    refuse(b"", EmptyFile)


def test_over_the_limit() -> None:
    with pytest.raises(FileTooLarge):
        decode(DICOM, max_bytes=len(DICOM) - 1)
    assert decode(DICOM, max_bytes=len(DICOM)).pixels.any()
    assert MAX_BYTES == 100 * 1024 * 1024


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (b"%PDF-1.7\n%\xe2\xe3\n1 0 obj", "PDF"),
        (b"<!DOCTYPE html><html><body>chest</body></html>", "HTML"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "SVG"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><svg/>", "SVG"),
        (b"Dear colleague, the radiograph follows by post.\n" * 9, "unknown"),
        (b"PK\3\4" + bytes(100), "zip"),
        (b"GIF89a" + bytes(100), "GIF"),
        (b"\0\0\0\x24ftypheic\0\0\0\0mif1heic" + bytes(100), "HEIC"),
        (bytes(1000), "unknown"),
        (b"\xff", "unknown"),
    ],
)
def test_other_formats(data: bytes, named: str) -> None:
    refuse(data, UnsupportedFormat, match=named)


TRUNCATED = {
    "jpeg": JPEG,
    "progressive jpeg": encode(GREY, "JPEG", progressive=True),
    "png": encode(GREY, "PNG"),
    "tiff": encode(GREY, "TIFF"),
    "tiff, compressed": encode(GREY, "TIFF", compression="tiff_lzw"),
    "dicom": DICOM,
    "dicom, encapsulated": make_dicom(
        GREY, transfer_syntax=JPEGBaseline8Bit, codestream=JPEG, PlanarConfiguration=None
    ),
    "dicom, deflated": make_dicom(RAMP_12_BIT, transfer_syntax=DeflatedExplicitVRLittleEndian),
}


@pytest.mark.parametrize("name", TRUNCATED)
@pytest.mark.parametrize("part", [0.4, 0.6, 0.8, 0.95])
def test_truncated(name: str, part: float) -> None:
    data = TRUNCATED[name]
    assert decode(data).pixels.any()
    refuse(data[: int(len(data) * part)], TruncatedFile)


def test_truncated_before_the_frame_header() -> None:
    refuse(JPEG[:30], TruncatedFile)
    refuse(encode(GREY, "PNG")[:20], TruncatedFile)
    refuse(b"II*\0\xff\xff\0\0", TruncatedFile)


def test_garbage_behind_the_magic_word() -> None:
    garbage = np.random.default_rng(0).bytes(500)
    with pytest.raises((CorruptFile, TruncatedFile)):
        decode(bytes(128) + b"DICM" + garbage)
    refuse(bytes(128) + b"DICM", CorruptFile)


def test_no_pixels() -> None:
    dataset = make_dataset(RAMP_12_BIT, BitsStored=12)
    del dataset.PixelData
    refuse(save(dataset), NoPixelData)


def test_floating_point_dicom() -> None:
    dataset = make_dataset(RAMP_12_BIT, BitsStored=12)
    del dataset.PixelData
    dataset.FloatPixelData = bytes(16)
    refuse(save(dataset), UnsupportedFormat)


@pytest.mark.parametrize(
    ("attributes", "error"),
    [
        ({"NumberOfFrames": 2}, MultiFrame),
        ({"Rows": 0}, InconsistentHeader),
        ({"Columns": None}, InconsistentHeader),
        ({"Rows": 65535, "Columns": 65535}, InconsistentHeader),
        ({"Rows": 33}, TruncatedFile),
        ({"BitsStored": 17, "HighBit": 16}, InconsistentHeader),
        ({"BitsStored": 0, "HighBit": 0}, InconsistentHeader),
        ({"BitsStored": 8}, InconsistentHeader),
        ({"HighBit": 3}, InconsistentHeader),
        ({"BitsAllocated": 1}, InconsistentHeader),
        ({"BitsAllocated": 64}, InconsistentHeader),
        ({"SamplesPerPixel": 0}, InconsistentHeader),
        ({"SamplesPerPixel": 3}, InconsistentHeader),
        ({"PhotometricInterpretation": "RGB"}, InconsistentHeader),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, ColourImage),
        ({"RescaleSlope": "1e308", "RescaleIntercept": "1e308"}, InconsistentHeader),
    ],
)
def test_header_that_cannot_be(attributes: dict[str, Any], error: type[DecodeError]) -> None:
    refuse(dicom(**attributes), error)


def test_too_many_pixels_that_are_there() -> None:
    words = np.zeros((8001, 8000), np.uint8)
    refuse(make_dicom(words), ImageTooLarge)


def test_bits_beyond_bits_stored_without_an_overlay() -> None:
    words = RAMP_12_BIT.copy()
    words[0, 0] |= 1 << 15
    refuse(make_dicom(words, BitsStored=12), InconsistentHeader)


def test_colour() -> None:
    words = np.repeat(GREY[..., None], 3, axis=2)
    assert decode(make_dicom(words)).pixels.any()
    words[3, 4, 1] ^= 0x10
    refuse(make_dicom(words), ColourImage)


@pytest.mark.parametrize(
    "syntax", [b"1.2.840.10008.1.2.4.100", b"1.2.840.10008.1.2.4.110", b"1.2.3.4"]
)
def test_unknown_transfer_syntax(syntax: bytes) -> None:
    known = str(MPEG2MPML).encode()
    data = make_dicom(GREY, transfer_syntax=MPEG2MPML, codestream=b"\0\0\1\0" * 10)
    refuse(data.replace(known, syntax.ljust(len(known), b"\0")), UnsupportedTransferSyntax)


@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, JPEGLSLossless, JPEG2000Lossless])
@pytest.mark.parametrize(
    ("codestream", "error"),
    [
        (b"\0\0\1\0" * 20, CorruptFile),
        (JPEG[:200] + b"\xff\xda" * 300, CorruptFile),
        (encode(GREY[:-1], "JPEG"), InconsistentHeader),
        (encode(Image.fromarray(GREY).convert("RGB"), "JPEG"), InconsistentHeader),
    ],
    ids=["none", "scans", "rows", "samples"],
)
def test_codestream_that_does_not_fit(
    syntax: str, codestream: bytes, error: type[DecodeError]
) -> None:
    refuse(make_dicom(GREY, transfer_syntax=syntax, codestream=codestream), error)


def test_codestream_and_header_agree_on_too_many_pixels() -> None:
    start = JPEG.index(b"\xff\xc0")
    bomb = JPEG[: start + 5] + struct.pack(">HH", 60000, 60000) + JPEG[start + 9 :]
    data = make_dicom(
        GREY, transfer_syntax=JPEGBaseline8Bit, codestream=bomb, Rows=60000, Columns=60000
    )
    refuse(data, ImageTooLarge)
    refuse(bomb, ImageTooLarge)


def test_damaged_lossless_jpeg_costs_no_more_than_the_file() -> None:
    """gdcm aborts on some of these; the process that runs this test must not."""
    start = b"\xff\xd8\xff\xf7\0\x0b\x08" + struct.pack(">HH", *GREY.shape) + b"\1\1\x11\0"
    codestream = start + b"\xff\xda\0\x08\1\1\0\0\0\0" + b"\xfe\xdc\xba" * 400
    data = make_dicom(GREY, transfer_syntax=JPEGLSLossless, codestream=codestream)
    with contextlib.suppress(CorruptFile):
        assert decode(data).pixels.shape == GREY.shape


def test_run_lengths_cannot_expand() -> None:
    """Four million zeros packed behind 64 × 64 pixels: decoding stops where the image ends."""
    header = struct.pack("<16I", 1, 64, *([0] * 14))
    words = np.zeros((64, 64), np.uint8)
    data = make_dicom(words, transfer_syntax=RLELossless, codestream=header + b"\x81\x05" * 32000)
    assert decode(data).pixels.shape == (64, 64)
    short = make_dicom(words, transfer_syntax=RLELossless, codestream=header + b"\x81\x05")
    refuse(short, CorruptFile)
    wrong = struct.pack("<16I", 3, 64, *([0] * 14))
    refuse(make_dicom(words, transfer_syntax=RLELossless, codestream=wrong), InconsistentHeader)


def test_deflate_bomb() -> None:
    plain = make_dicom(RAMP_12_BIT, transfer_syntax=DeflatedExplicitVRLittleEndian)
    meta_length = int.from_bytes(plain[140:144], "little")
    deflater = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    zeros = bytes(1024**2)
    bomb = b"".join(deflater.compress(zeros) for _ in range(300)) + deflater.flush()
    expands_less_than(20, plain[: 144 + meta_length] + bomb, max_bytes=4 * 1024**2)


@pytest.mark.parametrize("kind", [b"zTXt", b"iCCP"])
def test_compressed_text_is_not_even_expanded(kind: bytes) -> None:
    bomb = zlib.compress(bytes(200 * 1024**2), 9)
    data = encode(GREY, "PNG")
    data = data[:33] + png_chunk(kind, b"name\0\0" + bomb) + data[33:]
    tracemalloc.start()
    try:
        np.testing.assert_allclose(decode(data).pixels, GREY / 255, atol=1e-6)
        assert tracemalloc.get_traced_memory()[1] < 4 * 1024**2
    finally:
        tracemalloc.stop()


def expands_less_than(megabytes: int, data: bytes, *, max_bytes: int) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ImageTooLarge):
            decode(data, max_bytes=max_bytes)
        assert tracemalloc.get_traced_memory()[1] < megabytes * 1024**2
    finally:
        tracemalloc.stop()


def png_bomb() -> bytes:
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 0, 0, 0, 0)
    content = zlib.compress(bytes(1000))
    return (
        PNG_START
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", content)
        + png_chunk(b"IEND", b"")
    )


def tiff_bomb() -> bytes:
    tags = [(256, 60000), (257, 60000), (258, 8), (259, 5), (262, 1), (273, 8), (279, 99)]
    directory = struct.pack("<H", len(tags))
    directory += b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<I", 8) + directory + bytes(200)


@pytest.mark.parametrize("bomb", [png_bomb, tiff_bomb])
def test_dimensions_are_checked_before_pixels(bomb: Callable[[], bytes]) -> None:
    expands_less_than(2, bomb(), max_bytes=MAX_BYTES)


def test_bomb_of_scans() -> None:
    scan = JPEG.index(b"\xff\xda")
    refuse(JPEG[:-2] + JPEG[scan : scan + 10] * 200 + b"\xff\xd9", CorruptFile, match="scans")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_non_finite_tiff(value: float) -> None:
    picture = GREY.astype(np.float32)
    picture[5, 5] = value
    refuse(encode(picture, "TIFF"), NonFinitePixels)


@pytest.mark.parametrize("file_format", ["TIFF", "PNG"])
def test_several_pages(file_format: str) -> None:
    page = Image.fromarray(GREY)
    buffer = io.BytesIO()
    page.save(buffer, file_format, save_all=True, append_images=[page.rotate(90)])
    refuse(buffer.getvalue(), MultiFrame)


def test_png_that_does_not_begin_with_its_header() -> None:
    refuse(PNG_START + png_chunk(b"IDAT", b"") + png_chunk(b"IEND", b""), CorruptFile)
