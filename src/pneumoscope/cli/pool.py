"""Work spread over processes: results in the order of the tasks, as they come, and a process that
is killed costs the task it was at and no other.

`concurrent.futures` gives up all pending work when one of its processes dies, without saying which
task it died of; here every process holds one task at a time, so that is known.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection, wait
from typing import Generic, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

# How far results may run ahead of one that is still awaited, per process.
_AHEAD = 4
# Spawned, not forked: onnxruntime's threads do not survive a fork.
_CONTEXT = multiprocessing.get_context("spawn")


def map_ordered(
    setup: Callable[[], Callable[[Task], Result]],
    tasks: Iterable[Task],
    *,
    workers: int,
    lost: Callable[[Task], Result],
) -> Iterator[Result]:
    """`setup()(task)` for every task, in `workers` processes that call `setup` once each.

    `tasks` is consumed lazily and memory stays bounded. `lost(task)` is the result of a task whose
    process ended before it answered. Closing the iterator ends the processes.
    """
    pool = [_Worker(setup) for _ in range(workers)]
    try:
        yield from _stream(pool, enumerate(tasks), lost)
    finally:
        for worker in pool:
            worker.stop()


class _Worker(Generic[Task, Result]):
    """One process and the task it is at."""

    def __init__(self, setup: Callable[[], Callable[[Task], Result]]) -> None:
        self.setup = setup
        self.job: tuple[int, Task] | None = None
        self.start()

    def start(self) -> None:
        connection, child = _CONTEXT.Pipe()
        process = _CONTEXT.Process(target=_serve, args=(child, self.setup), daemon=True)
        process.start()
        child.close()  # so that the end of the process ends the connection
        self.connection, self.process = connection, process

    def stop(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()

    def assign(self, job: tuple[int, Task]) -> None:
        self.job = job
        try:
            self.connection.send(job[1])
        except OSError:  # it ended while it had nothing to do
            self.stop()
            self.start()
            self.connection.send(job[1])

    def collect(self, job: tuple[int, Task], lost: Callable[[Task], Result]) -> Result:
        self.job = None
        try:
            result: Result = self.connection.recv()
        except (EOFError, OSError):
            self.stop()
            self.start()
            return lost(job[1])
        return result


def _stream(
    pool: list[_Worker[Task, Result]],
    jobs: Iterator[tuple[int, Task]],
    lost: Callable[[Task], Result],
) -> Iterator[Result]:
    finished: dict[int, Result] = {}
    due = 0
    while True:
        for worker in pool:
            if worker.job is None and len(finished) < _AHEAD * len(pool):
                job = next(jobs, None)
                if job is not None:
                    worker.assign(job)
        busy = {worker.connection: (worker, worker.job) for worker in pool if worker.job}
        if not busy:
            return
        for connection in wait(list(busy)):
            worker, job = busy[connection]  # type: ignore[index]
            finished[job[0]] = worker.collect(job, lost)
        while due in finished:
            yield finished.pop(due)
            due += 1


def _serve(connection: Connection, setup: Callable[[], Callable[[Task], Result]]) -> None:
    """A process's life: tasks in, results out, until the other end is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    threading.Thread(target=_end_with_parent, daemon=True).start()
    work = setup()
    while True:
        try:
            task = connection.recv()
        except EOFError:
            return
        connection.send(work(task))


def _end_with_parent() -> None:
    """A parent that is killed cannot end its processes; they must see to it themselves."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
