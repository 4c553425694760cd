"""One tree of named errors. Each carries a stable code and a remedy the reader can act on.

PneumoscopeError
├── DecodeError                  the bytes cannot become a radiograph
│   ├── EmptyFile                empty_file
│   ├── FileTooLarge             file_too_large
│   ├── UnsupportedFormat        unsupported_format
│   ├── TruncatedFile            truncated_file
│   ├── CorruptFile              corrupt_file
│   ├── ImageTooLarge            image_too_large
│   ├── NonFinitePixels          non_finite_pixels
│   ├── NoPixelData              no_pixel_data
│   ├── MultiFrame               multi_frame
│   ├── ColourImage              colour_image
│   ├── UnsupportedTransferSyntax  unsupported_transfer_syntax
│   └── InconsistentHeader       inconsistent_header
├── ArchiveError                 a zip that cannot be opened safely
│   ├── ArchiveTooLarge          archive_too_large
│   ├── UnsafeArchive            unsafe_archive
│   └── CorruptArchive           corrupt_archive
└── BundleError                  a model that cannot be trusted to run
    ├── BundleNotFound           bundle_not_found
    ├── BundleCorrupt            bundle_corrupt
    ├── BundleIncompatible       bundle_incompatible
    └── UnknownOperatingPoint    unknown_operating_point
"""

from typing import ClassVar


class PneumoscopeError(Exception):
    """Base of every error a user may see: `str(error)` says what happened, `remedy` what to do."""

    code: ClassVar[str] = "error"
    remedy: ClassVar[str] = "Report this with the steps that led to it."


class DecodeError(PneumoscopeError):
    """The bytes cannot be turned into a radiograph."""

    code = "decode_error"
    remedy = "Export the radiograph again as DICOM, PNG, JPEG or TIFF."


class EmptyFile(DecodeError):
    """The file has no bytes."""

    code = "empty_file"
    remedy = "The transfer probably broke off: send the file again."


class FileTooLarge(DecodeError):
    """The file is larger than the configured limit."""

    code = "file_too_large"
    remedy = "Send a single radiograph per file, or raise the size limit in the settings."


class UnsupportedFormat(DecodeError):
    """The bytes are of no format Pneumoscope reads."""

    code = "unsupported_format"
    remedy = "Use DICOM, PNG, JPEG or TIFF."


class TruncatedFile(DecodeError):
    """The file ends before its image does."""

    code = "truncated_file"
    remedy = "The transfer probably broke off: send the file again."


class CorruptFile(DecodeError):
    """The header is readable, the image is not."""

    code = "corrupt_file"
    remedy = "The file is damaged: export it again from its source."


class ImageTooLarge(DecodeError):
    """Rows times columns are beyond any radiograph, or the data would expand beyond the limit."""

    code = "image_too_large"
    remedy = "Send the radiograph at its acquired size."


class NonFinitePixels(DecodeError):
    """A floating-point image holds NaN or infinity."""

    code = "non_finite_pixels"
    remedy = "Export the image with finite pixel values, best as DICOM or 16-bit PNG."


class NoPixelData(DecodeError):
    """A DICOM object without an image (PS3.3 C.7.6.3)."""

    code = "no_pixel_data"
    remedy = "Send the image object (CR, DX or secondary capture), not a report or a header."


class MultiFrame(DecodeError):
    """More than one frame."""

    code = "multi_frame"
    remedy = "Send a single-frame chest radiograph."


class ColourImage(DecodeError):
    """A DICOM image in colour; radiographs have one sample per pixel."""

    code = "colour_image"
    remedy = "Send the monochrome original (MONOCHROME1 or MONOCHROME2)."


class UnsupportedTransferSyntax(DecodeError):
    """No installed decoder reads this transfer syntax (PS3.5 section 10)."""

    code = "unsupported_transfer_syntax"
    remedy = "Have the sender use Explicit VR Little Endian, JPEG, JPEG-LS, JPEG 2000 or RLE."


class InconsistentHeader(DecodeError):
    """Header values contradict each other or the pixel data (PS3.3 C.7.6.3)."""

    code = "inconsistent_header"
    remedy = "The header is wrong: export the image again from its source."


class ArchiveError(PneumoscopeError):
    """A zip archive that cannot be opened safely."""

    code = "archive_error"
    remedy = "Send the radiographs as a plain zip, or one by one."


class ArchiveTooLarge(ArchiveError):
    """Too many members, too many bytes, or a compression ratio no radiograph has."""

    code = "archive_too_large"
    remedy = "Split the archive into smaller ones."


class UnsafeArchive(ArchiveError):
    """Members that leave the archive: absolute or parent paths, links, archives in archives."""

    code = "unsafe_archive"
    remedy = "Make a plain zip of the image files alone, without links or zips inside."


class CorruptArchive(ArchiveError):
    """The archive is damaged or encrypted."""

    code = "corrupt_archive"
    remedy = "Make the archive again, without a password."


class BundleError(PneumoscopeError):
    """A model bundle that cannot be trusted to run."""

    code = "bundle_error"
    remedy = "Run `pneumoscope models verify` and install the bundle again."


class BundleNotFound(BundleError):
    """No bundle of that name or folder."""

    code = "bundle_not_found"
    remedy = "`pneumoscope models list` shows the installed models."


class BundleCorrupt(BundleError):
    """A file's hash or a golden output differs from what the card states."""

    code = "bundle_corrupt"


class BundleIncompatible(BundleError):
    """The card's format or input contract is not one this version reads."""

    code = "bundle_incompatible"
    remedy = "Use a bundle exported by this version of Pneumoscope."


class UnknownOperatingPoint(BundleError):
    """The bundle has no operating point of that name."""

    code = "unknown_operating_point"
    remedy = "Choose one that `pneumoscope models show` lists, or leave the choice to the model."
