"""What `pneumoscope data check` prints."""

from collections.abc import Iterator, Sequence

from pneumoscope.lab.data import TARGETS
from pneumoscope.lab.data_check import SMALL, DataCheck

_SHOWN = 5


def check_summary(check: DataCheck) -> Iterator[str]:
    """Line by line: what must be put right first, then what is there, then what may mislead."""
    yield f"{check.images} images of {check.patients} patients"
    for manifest, columns in check.columns_passed_over.items():
        yield f"{manifest}: nothing is read from the columns {', '.join(columns)}"
    yield ""
    files = [f"{bad.path}: {bad.code}: {bad.problem}" for bad in check.unreadable]
    yield from _finding("unreadable files", files)
    leaks = [
        f"{patient}: " + ", ".join(f"{n} in {split}" for split, n in splits.items())
        for patient, splits in check.leaking_patients.items()
    ]
    yield from _finding("patients in more than one split", leaks)
    yield from _groups("exact duplicates across splits", check.exact_across)
    yield from _groups("near duplicates across splits", check.near_across)
    yield from _groups("exact duplicates within a split", check.exact_within)
    yield from _groups("near duplicates within a split", check.near_within)
    yield from _groups("exact duplicates that contradict each other", check.contradictions)
    yield from _groups("exact duplicates under two patients", check.of_two_patients)
    yield from _finding("sites with one side only", check.one_sided_sites)
    for fact, values in check.counts.items():
        yield from _table(fact, values)
    yield ""
    yield "AUROC of what is no disease (train and val, five folds; 0.5 says nothing)"
    for name, value in check.shortcuts.items():
        yield f"  {name:<20} {'too few' if value is None else format(value, '.3f'):>7}"


def _groups(title: str, groups: Sequence[Sequence[str]]) -> Iterator[str]:
    surplus = sum(len(group) - 1 for group in groups)
    yield from _finding(title, [" = ".join(group) for group in groups], surplus)


def _finding(title: str, lines: Sequence[str], count: int | None = None) -> Iterator[str]:
    yield f"{len(lines) if count is None else count:>6}  {title}"
    for line in lines[:_SHOWN]:
        yield f"        {line}"
    if len(lines) > _SHOWN:
        yield f"        … and {len(lines) - _SHOWN} more; --json has all"


def _table(fact: str, values: dict[str, dict[str, int]]) -> Iterator[str]:
    """A cell below SMALL is marked: figures of it would be chance."""
    if list(values) == ["unknown"]:
        yield ""
        yield f"{fact}: unknown"
        return
    yield ""
    yield f"{fact:<12}" + "".join(f"{target:>12}" for target in TARGETS)
    for value, counts in values.items():
        cells = (counts.get(target, 0) for target in TARGETS)
        marked = (f"{n}{'*' if 0 < n < SMALL else ' '}" for n in cells)
        yield f"{value:<12}" + "".join(f"{cell:>12}" for cell in marked)
    if any(0 < n < SMALL for counts in values.values() for n in counts.values()):
        yield f"* fewer than {SMALL}"
