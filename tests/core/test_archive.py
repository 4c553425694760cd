"""Zips: good ones are read, bad members cost themselves, unsafe archives cost everything."""

import io
import stat
import struct
import tracemalloc
import zipfile
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pneumoscope.core.archive import ArchiveLimits, archive_members, is_archive
from pneumoscope.core.errors import ArchiveError, ArchiveTooLarge, CorruptArchive, UnsafeArchive

Member = tuple[str | zipfile.ZipInfo, bytes]


def make_zip(members: Iterable[Member], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content, compress_type=method)
    return buffer.getvalue()


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


GOOD: list[Member] = [("a.png", b"first" * 50), ("folder/b.dcm", b"second" * 50)]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_members_in_order(method: int) -> None:
    data = make_zip(GOOD, method)
    assert is_archive(data)
    assert list(archive_members(data)) == GOOD
    assert list(archive_members(io.BytesIO(data))) == GOOD


def test_empty() -> None:
    data = make_zip([])
    assert is_archive(data)
    assert list(archive_members(data)) == []


def test_what_systems_leave_behind_is_skipped() -> None:
    left = [
        "__MACOSX/._a.png",
        ".DS_Store",
        "folder/.DS_Store",
        "DICOMDIR",
        "folder/",
        "x/DICOMDIR",
    ]
    assert list(archive_members(make_zip([(name, b"") for name in left] + GOOD))) == GOOD


@pytest.mark.parametrize("data", [b"", b"no zip", b"PK\3\4" + bytes(50), make_zip(GOOD)[:-10]])
def test_no_readable_directory(data: bytes) -> None:
    with pytest.raises(CorruptArchive):
        archive_members(data)


@pytest.mark.parametrize(
    "name",
    ["/etc/passwd", "../a.png", "a/../../b.png", "..\\a.png", "a\\b.png", "C:a.png", "c:/a.png"],
)
def test_names_that_lead_outside(name: str) -> None:
    with pytest.raises(UnsafeArchive):
        archive_members(make_zip([*GOOD, (name, b"x")]))


def test_names_that_are_only_odd() -> None:
    members: list[Member] = [
        ("scan 12:30.png", b"x"),
        ("a..b/c...dcm", b"y"),
        ("Röntgen.dcm", b"z"),
    ]
    assert list(archive_members(make_zip(members))) == members


def test_a_file_without_a_name() -> None:
    data = bytearray(make_zip([("a", b"x")]))
    lengths = data.index(b"PK\1\2") + 28  # of name, extra field and comment
    data[lengths : lengths + 6] = struct.pack("<3H", 0, 0, 1)
    with pytest.raises(CorruptArchive, match="without a name"):
        archive_members(bytes(data))


def test_links() -> None:
    with pytest.raises(UnsafeArchive):
        archive_members(make_zip([*GOOD, (link("l.png"), b"/etc/passwd")]))


def only_error(data: bytes, limits: ArchiveLimits | None = None) -> ArchiveError:
    """The error of the one bad member; all of GOOD must have come with it."""
    outcomes = list(archive_members(data, limits=limits or ArchiveLimits()))
    assert [outcome for outcome in outcomes if isinstance(outcome[1], bytes)] == GOOD
    (error,) = (content for _, content in outcomes if isinstance(content, ArchiveError))
    return error


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_archives_inside(method: int) -> None:
    inner: list[Member] = [("inner.dcm", make_zip(GOOD))]
    assert isinstance(only_error(make_zip([*inner, *GOOD], method)), UnsafeArchive)
    tar: list[Member] = [("x.png", b"\0" * 257 + b"ustar" + b"\0" * 250)]
    assert isinstance(only_error(make_zip([*tar, *GOOD], method)), UnsafeArchive)
    compressed: list[Member] = [("x.dcm.gz", b"\x1f\x8b\x08" + bytes(20))]
    assert isinstance(only_error(make_zip([*compressed, *GOOD], method)), UnsafeArchive)


def test_damaged_member() -> None:
    data = bytearray(make_zip([("bad.png", b"damaged" * 9), *GOOD], zipfile.ZIP_STORED))
    data[data.index(b"damaged")] ^= 1
    assert isinstance(only_error(bytes(data)), CorruptArchive)


def test_encrypted_member() -> None:
    data = bytearray(make_zip([("bad.png", b"secret"), *GOOD]))
    data[6] |= 1  # general purpose flag of the first local header …
    data[data.index(b"PK\1\2") + 8] |= 1  # … and of its directory entry
    assert isinstance(only_error(bytes(data)), CorruptArchive)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_without_a_bound_are_not_read(method: int) -> None:
    ((_, content),) = archive_members(make_zip([("a.png", bytes(10**6))], method))
    assert isinstance(content, CorruptArchive)


def test_too_many_members() -> None:
    members: list[Member] = [(f"{number}.png", b"x") for number in range(501)]
    assert len(list(archive_members(make_zip(members[:500])))) == 500
    with pytest.raises(ArchiveTooLarge):
        archive_members(make_zip(members))


def test_directory_of_very_many_entries() -> None:
    folders: list[Member] = [(f"{number}/", b"") for number in range(10 * 20 + 1)]
    with pytest.raises(ArchiveTooLarge):
        archive_members(make_zip(folders), limits=ArchiveLimits(members=10))


def test_large_member() -> None:
    limits = ArchiveLimits(member_bytes=1000, ratio=10**6)
    error = only_error(make_zip([("big.png", bytes(1001)), *GOOD]), limits)
    assert isinstance(error, ArchiveTooLarge)


def test_total() -> None:
    limits = ArchiveLimits(total_bytes=549)
    with pytest.raises(ArchiveTooLarge):
        archive_members(make_zip(GOOD), limits=limits)
    assert list(archive_members(make_zip(GOOD), limits=ArchiveLimits(total_bytes=550))) == GOOD


def test_expansion_stops_at_the_limit() -> None:
    """Ratio 1000: refused after a few megabytes of the hundred it would become."""
    data = make_zip([("bomb.png", bytes(100 * 1024**2)), *GOOD])
    tracemalloc.start()
    try:
        error = only_error(data)
        assert tracemalloc.get_traced_memory()[1] < 50 * 1024**2
    finally:
        tracemalloc.stop()
    assert isinstance(error, ArchiveTooLarge)


def test_small_members_may_expand_far() -> None:
    members: list[Member] = [("air.png", bytes(1024**2))]
    assert list(archive_members(make_zip(members))) == members


def test_sizes_are_counted_and_not_believed() -> None:
    """A directory that states 10 bytes for 10,000: what comes out does not match its checksum."""
    data = bytearray(make_zip([("lie.png", b"q" * 10_000), *GOOD]))
    entry = data.index(b"PK\1\2")
    struct.pack_into("<I", data, entry + 24, 10)
    assert isinstance(only_error(bytes(data)), CorruptArchive)


def test_overlapping_members() -> None:
    """Two entries of the directory that share one member's bytes."""
    data = make_zip([("a.png", bytes(5000)), ("b.png", b"x")])
    second = data.index(b"PK\1\2", data.index(b"PK\1\2") + 1)
    changed = bytearray(data)
    struct.pack_into("<I", changed, second + 42, 3)  # its header_offset, into the first member
    with pytest.raises(UnsafeArchive):
        archive_members(bytes(changed))


@settings(max_examples=300)
@given(st.data())
def test_damaged_archives(data: st.DataObject) -> None:
    damaged = bytearray(make_zip(GOOD))
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(damaged)))
    try:
        for name, content in archive_members(bytes(damaged[:cut] if cut % 3 == 0 else damaged)):
            assert isinstance(name, str)
            assert isinstance(content, bytes | ArchiveError)
    except ArchiveError:
        return
