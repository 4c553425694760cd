"""A zip of radiographs → its members, read so that no archive can exhaust memory or leave itself.

Nothing is ever written to disk. The directory is judged before any member is read; what it
promises is not believed: bytes are counted while they are inflated.
"""

import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO

from pneumoscope.core.errors import ArchiveError, ArchiveTooLarge, CorruptArchive, UnsafeArchive

_ZIP_STARTS = (b"PK\3\4", b"PK\5\6")
_NESTED_STARTS = (
    b"PK\3\4",
    b"PK\5\6",
    b"\x1f\x8b",  # gzip
    b"BZh",
    b"\xfd7zXZ\0",
    b"7z\xbc\xaf\x27\x1c",
    b"Rar!\x1a\x07",
)
_TAR_MAGIC = slice(257, 262)
_SKIPPED_NAMES = {".DS_Store", "Thumbs.db", "desktop.ini", "DICOMDIR"}
_OUTSIDE = re.compile(r"^/|^[A-Za-z]:|[\\\0]")  # absolute, drive, Windows path, cut name
_CHUNK = 1024**2
_DIRECTORY_ENTRY = b"PK\1\2"
_ENTRIES_PER_MEMBER = 20  # folders and the leavings of operating systems beside each file
_ENCRYPTED = 0x1
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    IndexError,
    RuntimeError,
)
_UNIX = 3


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """What an archive may hold.

    ratio: largest expansion of one member, applied to members above `ratio_from` bytes; a
    radiograph compresses two- to fivefold, one that is almost all air twentyfold.
    """

    members: int = 500
    member_bytes: int = 100 * 1024**2
    total_bytes: int = 2 * 1024**3
    ratio: int = 200
    ratio_from: int = 1024**2


def is_archive(data: bytes) -> bool:
    """Whether the bytes begin as a zip does."""
    return data.startswith(_ZIP_STARTS)


def archive_members(
    data: bytes | BinaryIO, *, limits: ArchiveLimits = ArchiveLimits()
) -> Iterator[tuple[str, bytes | ArchiveError]]:
    """Read every file in the zip, in the order of its directory, as (name, bytes).

    data: the zip itself, or a seekable file opened for reading.
    A member that is encrypted, damaged, too large, expands too far, or is itself an archive comes
    as (name, ArchiveError) in place of its bytes; its siblings are still read. An archive that is
    unsafe as a whole raises instead, on the call where the directory shows it and else on
    reaching the limit: ArchiveTooLarge (members, total), UnsafeArchive (names that lead outside,
    links, overlapping members) or CorruptArchive (no readable directory). Directories, DICOMDIR
    and what operating systems leave behind are skipped.
    """
    stream = io.BytesIO(data) if isinstance(data, bytes) else data
    try:
        _check_entry_count(stream, limits)
        archive = zipfile.ZipFile(stream)
    except _DAMAGE as error:
        raise CorruptArchive(f"The archive cannot be opened: {error}.") from error
    return _read_members(archive, _checked_members(archive, limits), limits)


def _read_members(
    archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], limits: ArchiveLimits
) -> Iterator[tuple[str, bytes | ArchiveError]]:
    left = limits.total_bytes
    with archive:
        for member in members:
            try:
                content: bytes | ArchiveError = _read_member(archive, member, limits)
            except ArchiveError as error:
                content = error
            # zipfile inflates no more than the directory states, so failed members are bounded too.
            left -= len(content) if isinstance(content, bytes) else 0
            if left < 0:
                raise ArchiveTooLarge(f"The archive expands beyond {limits.total_bytes:,} bytes.")
            yield member.filename, content


def _check_entry_count(stream: BinaryIO, limits: ArchiveLimits) -> None:
    """Refuse a directory of millions of entries before zipfile makes an object of each."""
    count, tail = 0, b""
    stream.seek(0)
    while chunk := stream.read(_CHUNK):
        count += (tail + chunk).count(_DIRECTORY_ENTRY)
        tail = chunk[1 - len(_DIRECTORY_ENTRY) :]
    if count > limits.members * _ENTRIES_PER_MEMBER:
        raise ArchiveTooLarge(f"The archive's directory has {count:,} entries.")


def _checked_members(archive: zipfile.ZipFile, limits: ArchiveLimits) -> list[zipfile.ZipInfo]:
    """The members worth reading, after every check that the directory allows."""
    entries = archive.infolist()
    for entry in entries:
        _check_name(entry)
    _check_overlap(entries, archive.start_dir)
    members = [entry for entry in entries if not _is_skipped(entry)]
    if len(members) > limits.members:
        raise ArchiveTooLarge(f"The archive holds {len(members)} files, over {limits.members}.")
    if sum(entry.file_size for entry in members) > limits.total_bytes:
        raise ArchiveTooLarge(f"The archive expands beyond {limits.total_bytes:,} bytes.")
    return members


def _check_name(entry: zipfile.ZipInfo) -> None:
    """Refuse names that lead out of the archive, on any system, and links."""
    # orig_filename: zipfile itself cuts names at NUL and turns backslashes on Windows.
    name = entry.orig_filename
    if not name:
        raise CorruptArchive("The archive holds a file without a name.")
    parts = PurePosixPath(name).parts
    if _OUTSIDE.search(name) or ".." in parts:
        raise UnsafeArchive(f"The archive names a file outside of itself: {name!r}.")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if entry.create_system == _UNIX and kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise UnsafeArchive(f"The archive holds a link or device: {name!r}.")


def _check_overlap(entries: list[zipfile.ZipInfo], directory: int) -> None:
    """Refuse members that share bytes: the way to petabytes from a small file."""
    end = 0
    for entry in sorted(entries, key=lambda each: each.header_offset):
        if entry.header_offset < end:
            raise UnsafeArchive("Members of the archive overlap.")
        # The local header has 30 bytes, and at least the name.
        end = entry.header_offset + 30 + len(entry.orig_filename) + entry.compress_size
    if end > directory:
        raise CorruptArchive("The last member of the archive runs into its directory.")


def _is_skipped(entry: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(entry.filename)
    return (
        entry.is_dir()
        or "__MACOSX" in path.parts
        or path.name in _SKIPPED_NAMES
        or path.name.startswith("._")
    )


def _read_member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limits: ArchiveLimits) -> bytes:
    if entry.flag_bits & _ENCRYPTED:
        raise CorruptArchive(f"{entry.filename!r} is encrypted.")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # zipfile inflates the other methods without a bound.
        raise CorruptArchive(f"{entry.filename!r} is compressed by a method that is not read.")
    content = bytearray()
    try:
        with archive.open(entry) as stream:
            while chunk := stream.read(_CHUNK):
                content += chunk
                _check_expansion(entry, len(content), limits)
    except _DAMAGE as error:
        raise CorruptArchive(f"{entry.filename!r} is damaged: {error}.") from error
    if len(content) != entry.file_size:
        raise CorruptArchive(f"{entry.filename!r} ends too early.")
    if content.startswith(_NESTED_STARTS) or content[_TAR_MAGIC] == b"ustar":
        raise UnsafeArchive(f"{entry.filename!r} is an archive inside the archive.")
    return bytes(content)


def _check_expansion(entry: zipfile.ZipInfo, size: int, limits: ArchiveLimits) -> None:
    if size > limits.member_bytes:
        raise ArchiveTooLarge(f"{entry.filename!r} expands beyond {limits.member_bytes:,} bytes.")
    if size > limits.ratio_from and size > limits.ratio * entry.compress_size:
        raise ArchiveTooLarge(
            f"{entry.filename!r} expands more than {limits.ratio}-fold, as no radiograph does."
        )
