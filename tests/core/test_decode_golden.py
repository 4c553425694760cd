"""What decode must give, to the last bit where the file is lossless, loosely where it is not."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.images import RAMP_12_BIT, make_dicom
from peers import require_peer
from pneumoscope.core.decode import decode

GOLDEN = Path(__file__).parents[1] / "golden"
TIGHT = 1e-6
LOOSE = 0.01


def test_monochrome1_rescaled_full_range_window() -> None:
    """Modality LUT, then window, then inversion: skip the first and a quarter is clipped."""
    data = make_dicom(
        RAMP_12_BIT,
        BitsStored=12,
        PhotometricInterpretation="MONOCHROME1",
        RescaleSlope=1,
        RescaleIntercept=-1000,
        WindowCenter=1048,
        WindowWidth=4096,
    )
    pixels = decode(data).pixels
    np.testing.assert_allclose(pixels, 1 - RAMP_12_BIT / 4095, atol=TIGHT)
    assert pixels.dtype == np.float32
    assert len(np.unique(pixels)) == 4096


@pytest.mark.parametrize(
    ("name", "tolerance"),
    [
        ("jpeg_ls", TIGHT),
        ("jpeg_lossless", TIGHT),
        ("jpeg_lossless_sv1", TIGHT),
        ("jpeg_2000", TIGHT),
        ("htj2k", TIGHT),
        ("rle", TIGHT),
        ("jpeg_ls_near_lossless", LOOSE),
        ("jpeg_extended_12_bit", LOOSE),
    ],
)
def test_transfer_syntax(name: str, tolerance: float) -> None:
    words = np.load(GOLDEN / "words_12_bit.npz")["words"]
    radiograph = decode((GOLDEN / f"{name}.dcm").read_bytes())
    np.testing.assert_allclose(radiograph.pixels, 1 - words / 4095, atol=tolerance)
    assert radiograph.notes == ()


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize(
    ("center", "width", "function"),
    [(1000, 1500, "LINEAR"), (1048, 4096, "LINEAR"), (700, 900, "SIGMOID")],
)
def test_dcmtk_shows_the_same(
    tmp_path: Path, photometric: str, center: float, width: float, function: str
) -> None:
    """dcmtk as an independent reading of PS3.3 C.11.2, to its 8 bits and own rounding."""
    program = require_peer("dcm2pnm", "apt-get install dcmtk")
    data = make_dicom(
        RAMP_12_BIT,
        BitsStored=12,
        PhotometricInterpretation=photometric,
        RescaleSlope=1,
        RescaleIntercept=-1000,
        WindowCenter=center,
        WindowWidth=width,
        VOILUTFunction=function,
    )
    source, shown = tmp_path / "made.dcm", tmp_path / "shown.pgm"
    source.write_bytes(data)
    subprocess.run([program, "+Wi", "1", source, shown], check=True, capture_output=True)
    with Image.open(shown) as image:
        expected = np.asarray(image) / 255
    np.testing.assert_allclose(decode(data).pixels, expected, atol=1.5 / 255)
