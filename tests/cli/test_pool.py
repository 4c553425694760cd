"""Processes: order, bounds, and what the loss of one costs."""

from collections.abc import Iterator
from multiprocessing import active_children

from pneumoscope.cli.pool import _AHEAD, map_ordered
from pool_tasks import mortal, squarer

LOST = -1


def _lost(task: int) -> int:
    return LOST


def test_results_keep_the_order_of_the_tasks() -> None:
    results = map_ordered(squarer, range(23), workers=2, lost=_lost)
    assert list(results) == [number * number for number in range(23)]


def test_no_tasks() -> None:
    assert list(map_ordered(squarer, [], workers=2, lost=_lost)) == []


def test_a_killed_process_costs_its_task_alone() -> None:
    tasks = [1, 2, -3, 4, -5, -6, 7, 8, 9]
    results = map_ordered(mortal, tasks, workers=2, lost=_lost)
    assert list(results) == [1, 4, LOST, 16, LOST, LOST, 49, 64, 81]


def test_a_process_that_ends_while_idle_is_replaced() -> None:
    def tasks() -> Iterator[int]:
        yield 1
        for process in active_children():
            process.kill()
            process.join()
        yield 2

    # The first task may be lost with its process; the second has a new one.
    assert list(map_ordered(squarer, tasks(), workers=1, lost=_lost))[1] == 4


def test_tasks_are_taken_only_as_needed() -> None:
    taken = []

    def tasks() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    results = map_ordered(squarer, tasks(), workers=2, lost=_lost)
    assert next(results) == 0
    assert len(taken) <= 2 * (_AHEAD + 1) + 1
    results.close()  # type: ignore[attr-defined]


def test_closing_ends_the_processes() -> None:
    results = map_ordered(squarer, range(100), workers=2, lost=_lost)
    next(results)
    assert len(active_children()) == 2
    results.close()  # type: ignore[attr-defined]
    assert active_children() == []
