"""The Image Pixel module (PS3.3 C.7.6.3): how pixels are laid out, free of contradictions."""

from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from pneumoscope.core.decode_guard import MAX_PIXELS
from pneumoscope.core.errors import ColourImage, InconsistentHeader, MultiFrame

_MONOCHROME = {"MONOCHROME1", "MONOCHROME2"}
_TRUE_COLOUR = {"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"}


@dataclass(frozen=True, slots=True)
class ImagePixel:
    """Attributes of one frame, consistent with each other.

    shift: position of the least significant stored bit in its word.
    samples: 1, or 3 for true colour.
    """

    rows: int
    columns: int
    samples: int
    photometric: str
    bits_allocated: int
    bits_stored: int
    shift: int
    signed: bool
    planar: bool

    @property
    def word_bytes(self) -> int:
        """Bytes of one sample."""
        return self.bits_allocated // 8

    @property
    def is_absurd(self) -> bool:
        """Whether the stated size is beyond every radiograph."""
        return self.rows * self.columns > MAX_PIXELS


def read_image_pixel(dataset: Dataset) -> ImagePixel:
    """Read and check the module.

    Raises MultiFrame, ColourImage (palette, more than three samples) or InconsistentHeader.
    """
    if (frames := read_int(dataset, "NumberOfFrames", 1)) > 1:
        raise MultiFrame(f"The DICOM object holds {frames} frames.")
    bits_allocated = read_int(dataset, "BitsAllocated", 16)
    bits_stored = read_int(dataset, "BitsStored", bits_allocated)
    high_bit = read_int(dataset, "HighBit", bits_stored - 1)
    image = ImagePixel(
        rows=read_int(dataset, "Rows", 0),
        columns=read_int(dataset, "Columns", 0),
        samples=read_int(dataset, "SamplesPerPixel", 1),
        photometric=str(dataset.get("PhotometricInterpretation") or "MONOCHROME2").strip().upper(),
        bits_allocated=bits_allocated,
        bits_stored=bits_stored,
        shift=high_bit + 1 - bits_stored,
        signed=read_int(dataset, "PixelRepresentation", 0) == 1,
        planar=read_int(dataset, "PlanarConfiguration", 0) == 1,
    )
    _check_colour(image)
    _check_layout(image)
    return image


def read_int(dataset: Dataset, keyword: str, default: int) -> int:
    """An integer attribute, its first value where there are several."""
    value = dataset.get(keyword)
    if isinstance(value, MultiValue):
        value = value[0] if value else None
    return default if value in (None, "", b"") else int(value)


def _check_colour(image: ImagePixel) -> None:
    monochrome = image.photometric in _MONOCHROME
    if image.samples == 1 and not monochrome and image.photometric != "PALETTE COLOR":
        raise InconsistentHeader(f"One sample per pixel, but {image.photometric}.")
    if image.samples == 3 and monochrome:
        raise InconsistentHeader(f"Three samples per pixel, but {image.photometric}.")
    if image.samples < 1:
        raise InconsistentHeader(f"{image.samples} samples per pixel.")
    if not monochrome and (image.samples != 3 or image.photometric not in _TRUE_COLOUR):
        raise ColourImage(f"The DICOM image is in colour ({image.photometric}).")


def _check_layout(image: ImagePixel) -> None:
    if image.rows < 1 or image.columns < 1:
        raise InconsistentHeader(f"The image has {image.rows} rows and {image.columns} columns.")
    if image.bits_allocated not in (8, 16):
        raise InconsistentHeader(f"Bits Allocated is {image.bits_allocated}; 8 or 16 are read.")
    if not 1 <= image.bits_stored <= image.bits_allocated:
        raise InconsistentHeader(
            f"Bits Stored is {image.bits_stored} of {image.bits_allocated} allocated."
        )
    if not 0 <= image.shift <= image.bits_allocated - image.bits_stored:
        raise InconsistentHeader("High Bit contradicts Bits Stored and Bits Allocated.")
