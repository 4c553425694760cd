"""What `predict` was given, one input after the other: files, folders walked, zips expanded."""

import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pneumoscope.core.archive import ArchiveLimits, archive_members, is_archive
from pneumoscope.core.decode import MAX_BYTES
from pneumoscope.core.errors import ArchiveError, FileTooLarge, PneumoscopeError

# Kept beside radiographs and never one; passed over when a folder is walked, read when named.
COMPANIONS = frozenset({".csv", ".json", ".md", ".py"})
_ARCHIVE_START = 4


class InputError(PneumoscopeError):
    """A path that cannot be read at all."""

    code = "unreadable_file"
    remedy = "Check the file and the disk it is on."


class NotFound(InputError):
    """Nothing there, or a link to nothing."""

    code = "not_found"
    remedy = "Check the path."


class PermissionDenied(InputError):
    """This user may not read it."""

    code = "permission_denied"
    remedy = "Allow this user to read it, or run as a user who may."


class NotAFile(InputError):
    """A device, a socket or a pipe."""

    code = "not_a_file"
    remedy = "Give files, folders or zip archives."


class EmptyFolder(InputError):
    """A folder without a single input."""

    code = "empty_folder"
    remedy = "Check that it is the right folder."


@dataclass(frozen=True, slots=True)
class Input:
    """One thing to analyse, known to the reader as `path`: a file, bytes out of an archive, or
    what went wrong before there were any bytes."""

    path: str
    file: Path | None = None
    data: bytes | None = None
    error: PneumoscopeError | None = None

    def read(self, max_bytes: int) -> bytes:
        """The bytes. Raises InputError, FileTooLarge, or the error met before."""
        if self.error:
            raise self.error
        if self.data is not None or self.file is None:
            return self.data or b""
        try:
            size = self.file.stat().st_size
            if size > max_bytes:
                raise FileTooLarge(f"The file has {size:,} bytes; the limit is {max_bytes:,}.")
            return self.file.read_bytes()
        except OSError as error:
            raise input_error(error) from error


def input_error(error: OSError) -> InputError:
    """The operating system's refusal in our words."""
    message = f"{error.strerror or error}."
    if isinstance(error, FileNotFoundError):
        return NotFound(message)
    if isinstance(error, PermissionError):
        return PermissionDenied(message)
    return InputError(message)


def inputs(paths: Iterable[str], max_bytes: int = MAX_BYTES) -> Iterator[Input]:
    """Every input below `paths`, in the order given, folders in the order of their names.

    Lazy: a folder is listed and an archive opened when its turn comes.
    """
    limits = ArchiveLimits(member_bytes=max_bytes)
    for path in paths:
        found = False
        for item in _walk(Path(path)):
            found = True
            yield from _expand(item, limits)
        if not found:
            yield Input(path, error=EmptyFolder("The folder holds no file to analyse."))


def _walk(top: Path) -> Iterator[Input]:
    waiting = [top]
    while waiting:
        path = waiting.pop()
        if not _is_folder(path):
            yield _leaf(path)
            continue
        try:
            waiting += sorted(filter(_is_wanted, path.iterdir()), reverse=True)
        except OSError as error:
            yield Input(str(path), error=input_error(error))


def _is_folder(path: Path) -> bool:
    """Not, where that cannot be known, as of a link to itself: `_leaf` says why."""
    try:
        return path.is_dir()
    except OSError:
        return False


def _is_wanted(path: Path) -> bool:
    """Of a folder that is walked."""
    if _is_folder(path):  # following links could go round in circles
        return not path.name.startswith(".") and not path.is_symlink()
    return not _is_companion(path.name)


def _is_companion(name: str) -> bool:
    path = PurePosixPath(name)
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    return hidden or path.suffix.lower() in COMPANIONS


def _leaf(path: Path) -> Input:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return Input(str(path), error=input_error(error))
    if not stat.S_ISREG(mode):
        return Input(str(path), error=NotAFile("Neither a file nor a folder."))
    return Input(str(path), file=path)


def _expand(item: Input, limits: ArchiveLimits) -> Iterator[Input]:
    """The input itself or, if it is a zip, its members as `archive.zip/member`."""
    if item.file is None:
        yield item
        return
    found = False
    try:
        with item.file.open("rb") as file:
            if not is_archive(file.read(_ARCHIVE_START)):
                yield item
                return
            for name, content in archive_members(file, limits=limits):
                if not _is_companion(name):
                    found = True
                    yield _member(f"{item.path}/{name}", content)
        if not found:
            raise EmptyFolder("The archive holds no file to analyse.")
    except PneumoscopeError as error:
        yield Input(item.path, error=error)
    except OSError as error:
        yield Input(item.path, error=input_error(error))


def _member(path: str, content: bytes | ArchiveError) -> Input:
    if isinstance(content, ArchiveError):
        return Input(path, error=content)
    return Input(path, data=content)
