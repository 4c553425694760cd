"""From a peer's bytes to a durable file and row, as fast as the disk allows.

Only what a sender must know before the answer happens here; rules, studies and analyses follow at
the intake (`intake`). The rows of associations that arrive together are committed together.
"""

import hashlib
import logging
import queue
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Self

from django.core.files import File
from django.core.files.storage import default_storage
from django.db import OperationalError, connection, transaction

from pneumoscope.core.errors import EmptyFile, FileTooLarge
from pneumoscope.interop.storing import CannotUnderstand, Instance, OutOfResources
from pneumoscope.web.gateway.models import Arrival
from pneumoscope.web.studies.errors import NoRoom
from pneumoscope.web.studies.services import file_name, size_check

logger = logging.getLogger(__name__)

_MOST_TOGETHER = 64
_BUSY_SECONDS = 0.5


@contextmanager
def instance_stored(instance: Instance) -> Iterator[str]:
    """The name in the storage of its file, durably written; commit the row before this ends.

    Raises OutOfResources or CannotUnderstand.
    """
    try:
        size_check(len(instance.head) + len(instance.data))
        with file_stored(instance.head, instance.data) as name:
            yield name
    except (FileTooLarge, NoRoom) as error:
        raise OutOfResources(str(error)) from error
    except EmptyFile as error:
        raise CannotUnderstand(str(error)) from error


@contextmanager
def file_stored(*pieces: bytes | memoryview) -> Iterator[str]:
    """Store what the pieces are together; the name ends in its SHA-256.

    No deletion of the same bytes takes the file away while the context lasts.
    """
    hashed = hashlib.sha256()
    for piece in pieces:
        hashed.update(piece)
    name = file_name(hashed.hexdigest())
    with default_storage.kept(name):
        yield default_storage.save(name, _Pieces(pieces))


class _Pieces(File):
    """Bytes in pieces, written without being joined."""

    def __init__(self, pieces: tuple[bytes | memoryview, ...]) -> None:
        super().__init__(None)
        self._pieces = pieces

    def chunks(self, chunk_size: int | None = None) -> Iterator[memoryview]:
        for piece in self._pieces:
            step = chunk_size or self.DEFAULT_CHUNK_SIZE
            for start in range(0, len(piece), step):
                yield memoryview(piece)[start : start + step]


_Promised = tuple[Arrival, Future[None]]


class Committer:
    """One thread that commits the arrivals of all associations.

    `arrival_commit` returns once the row is committed. While one transaction is on its way to the
    disk, the rows that come meanwhile gather for the next.
    """

    def __init__(self) -> None:
        self._waiting: queue.SimpleQueue[_Promised | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="committer")
        self._last_commit = 0.0
        self.committed = threading.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._waiting.put(None)
        self._thread.join()

    def arrival_commit(self, arrival: Arrival) -> None:
        """Raises OutOfResources where the database takes no more."""
        done: Future[None] = Future()
        self._waiting.put((arrival, done))
        done.result()

    @property
    def busy(self) -> bool:
        """Whether senders are being served at this moment."""
        return time.monotonic() - self._last_commit < _BUSY_SECONDS

    def _run(self) -> None:
        for together in self._batches():
            _commit(together)
            self._last_commit = time.monotonic()
            self.committed.set()
        connection.close()

    def _batches(self) -> Iterator[list[_Promised]]:
        while (first := self._waiting.get()) is not None:
            together = [first]
            while len(together) < _MOST_TOGETHER and not self._waiting.empty():
                more = self._waiting.get()
                if more is None:
                    yield together
                    return
                together.append(more)
            yield together


def _commit(together: list[_Promised]) -> None:
    """One transaction, then tell who waits. Whatever fails, this thread serves all associations."""
    try:
        with transaction.atomic():
            Arrival.objects.bulk_create([arrival for arrival, _ in together])
    except Exception as error:
        logger.exception("%d arrivals could not be committed", len(together))
        connection.close()
        # One row that the database refuses must not have the others refused.
        if len(together) > 1 and not isinstance(error, OperationalError):
            for each in together:
                _commit([each])
            return
        for _, done in together:
            done.set_exception(OutOfResources("The database did not take the row."))
    else:
        for _, done in together:
            done.set_result(None)
