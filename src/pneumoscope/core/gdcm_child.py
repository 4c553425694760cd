"""Lossless JPEG, JPEG-LS and 12-bit JPEG by gdcm, in a process of its own.

gdcm's decoders abort the whole process on some damaged codestreams, and write to stderr. Here that
costs one file: `decode_apart` starts this module as a child, which reads one codestream from
stdin and writes its words to stdout.
"""

import subprocess
import sys
from typing import BinaryIO

from pneumoscope.core.codestream import Codestream, read_codestream
from pneumoscope.core.errors import CorruptFile

_TIMEOUT_SECONDS = 60


def decode_apart(codestream: bytes) -> bytes:
    """Words in native byte order, 8 bits each up to precision 8, else 16; colour by pixel.

    Raises CorruptFile where gdcm fails, aborts or does not come back.
    """
    # -P: a folder of the working directory must not stand in for a module.
    command = [sys.executable, "-P", "-m", __name__]
    try:
        child = subprocess.run(  # noqa: S603  our own interpreter and module
            command, input=codestream, capture_output=True, timeout=_TIMEOUT_SECONDS, check=True
        )
    except subprocess.SubprocessError as error:
        raise CorruptFile("The JPEG image data cannot be decoded.") from error
    return child.stdout


def _decode(codestream: bytes, header: Codestream) -> bytes:
    import gdcm

    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(codestream)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((header.columns, header.rows, 1))
    image.SetDataElement(element)
    colour = gdcm.PhotometricInterpretation
    image.SetPhotometricInterpretation(
        colour(colour.RGB if header.samples == 3 else colour.MONOCHROME2)
    )
    syntax = gdcm.TransferSyntax
    image.SetTransferSyntax(
        syntax(
            syntax.JPEGLSNearLossless
            if header.coding == "jpeg-ls"
            else syntax.JPEGLosslessProcess14  # gdcm tells the other JPEGs apart by their markers
        )
    )
    bits = header.precision
    image.SetPixelFormat(
        gdcm.PixelFormat(header.samples, 8 if bits <= 8 else 16, bits, bits - 1, 0)
    )
    # gdcm hands its bytes out as text.
    words: bytes = image.GetBuffer().encode("utf-8", "surrogateescape")
    return words


def _main(stdin: BinaryIO, stdout: BinaryIO) -> None:
    codestream = stdin.read()
    stdout.write(_decode(codestream, read_codestream(codestream)))


if __name__ == "__main__":
    _main(sys.stdin.buffer, sys.stdout.buffer)
