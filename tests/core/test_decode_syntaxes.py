"""Every lossless transfer syntax gives what the plain words give, whatever their depth and sign.

gdcm writes them: an encoder that is not ours, and for most of them not our decoder either.
"""

from pathlib import Path

import gdcm
import numpy as np
import pytest

from core.images import make_dicom
from pneumoscope.core.decode import decode

LOSSLESS = {
    "implicit": gdcm.TransferSyntax.ImplicitVRLittleEndian,
    "big_endian": gdcm.TransferSyntax.ExplicitVRBigEndian,
    "deflated": gdcm.TransferSyntax.DeflatedExplicitVRLittleEndian,
    "rle": gdcm.TransferSyntax.RLELossless,
    "jpeg_2000": gdcm.TransferSyntax.JPEG2000Lossless,
    "jpeg_ls": gdcm.TransferSyntax.JPEGLSLossless,
    "jpeg_lossless": gdcm.TransferSyntax.JPEGLosslessProcess14_1,
}


def written(data: bytes, syntax: int, folder: Path) -> bytes:
    """The file again in another transfer syntax."""
    source, target = folder / "source.dcm", folder / "target.dcm"
    source.write_bytes(data)
    reader = gdcm.ImageReader()
    reader.SetFileName(str(source))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(target))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()
    return target.read_bytes()


@pytest.mark.parametrize("syntax", LOSSLESS)
@pytest.mark.parametrize(
    ("dtype", "bits", "photometric"),
    [
        (np.uint8, 8, "MONOCHROME2"),
        (np.int8, 8, "MONOCHROME1"),
        (np.uint16, 10, "MONOCHROME1"),
        (np.int16, 12, "MONOCHROME2"),
        (np.uint16, 16, "MONOCHROME2"),
        (np.int16, 16, "MONOCHROME1"),
    ],
)
def test_depth_and_sign_survive(
    tmp_path: Path, syntax: str, dtype: type[np.integer], bits: int, photometric: str
) -> None:
    lowest = -(2 ** (bits - 1)) if np.issubdtype(dtype, np.signedinteger) else 0
    row, column = np.mgrid[0:40, 0:52]
    values = (row * column * 7 + row) % 2**bits + lowest
    data = make_dicom(values.astype(dtype), BitsStored=bits, PhotometricInterpretation=photometric)
    shown = (values - values.min()) / np.ptp(values)
    if photometric == "MONOCHROME1":
        shown = 1 - shown
    radiograph = decode(written(data, LOSSLESS[syntax], tmp_path))
    uid = gdcm.TransferSyntax(LOSSLESS[syntax]).GetString()
    assert radiograph.dicom is not None
    assert radiograph.dicom.transfer_syntax_uid == uid
    np.testing.assert_allclose(radiograph.pixels, shown, atol=1e-6)
