"""Where radiographs lie: files named by their content, complete on the disk or not there at all."""

import errno
import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.files import File
from django.core.files.storage import FileSystemStorage
from django.utils.deconstruct import deconstructible

from pneumoscope.web.studies.errors import NoRoom

# One write of a whole radiograph takes large runs of memory that nobody has touched yet: under
# virtualization that cost eight times as much as small writes, and half of all receiving.
_CHUNK_BYTES = 128 << 10
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@deconstructible(path="pneumoscope.web.studies.storage.ContentStorage")
class ContentStorage(FileSystemStorage):
    """Names are content hashes: the same name is the same bytes, so writing twice is harmless.

    A file is written beside its place, flushed to the disk, and renamed: no reader, and no crash,
    ever sees half of it. Where the disk is full, saving raises NoRoom.
    """

    def get_available_name(self, name: str, max_length: int | None = None) -> str:  # noqa: ARG002
        return name

    def _save(self, name: str, content: File) -> str:
        with _full_disk_named():
            self._write(Path(self.path(name)), content)
        return name

    @contextmanager
    def kept(self, name: str) -> Iterator[None]:
        """While it lasts `delete_unused` waits: for a file that is stored before its row is."""
        with self._locked(name, fcntl.LOCK_SH):
            yield

    def delete_unused(self, name: str, needed: Callable[[], bool]) -> None:
        """Delete the file unless it is needed, which is asked while nobody is storing it."""
        with self._locked(name, fcntl.LOCK_EX):
            if not needed():
                self.delete(name)

    @contextmanager
    def _locked(self, name: str, how: int) -> Iterator[None]:
        """Across processes, until the end of this one at the latest: a lock of the folder."""
        folder = Path(self.path(name)).parent
        with _full_disk_named():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(handle, how)
            yield
        finally:
            os.close(handle)

    def _write(self, place: Path, content: File) -> None:
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if place.exists():
            _flush_folder(place.parent)
            return
        handle, temporary = tempfile.mkstemp(dir=place.parent, prefix=".incoming-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.writelines(content.chunks(_CHUNK_BYTES))
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(place)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        _flush_folder(place.parent)


@contextmanager
def _full_disk_named() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise NoRoom("The disk is full.") from error
        raise


def _flush_folder(folder: Path) -> None:
    """A rename is durable only when its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
