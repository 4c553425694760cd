"""`pneumoscope data check`: what can be wrong with training data before a network learns from it.

Nothing here stops at a bad file: it is named, and the rest is looked at.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from operator import attrgetter
from typing import Any, TypeAlias

import numpy as np

from pneumoscope.core.decode import decode
from pneumoscope.core.errors import DecodeError
from pneumoscope.core.preprocess import InputContract, preprocess
from pneumoscope.lab.data import AGE_BANDS, SPLITS, TARGETS, Example, age_band
from pneumoscope.lab.duplicates import near_pairs, same_groups, thumbnail
from pneumoscope.lab.shortcuts import Looks, shortcut_aurocs

SMALL = 20
UNKNOWN = "unknown"
_LOOK = InputContract(size=64, stretch=(0.0, 100.0))
Fact: TypeAlias = Callable[[Example], object]
_FACTS: dict[str, Callable[[Example], str]] = {
    "split": lambda example: example.split,
    "site": lambda example: example.site or UNKNOWN,
    "age": lambda example: age_band(example.age) or UNKNOWN,
    "sex": lambda example: example.sex or UNKNOWN,
    "view": lambda example: example.view or UNKNOWN,
}
_ORDER = [*(name for _, name in AGE_BANDS), *SPLITS]


@dataclass(frozen=True, slots=True)
class Unreadable:
    path: str
    code: str
    problem: str


@dataclass(frozen=True, slots=True)
class DataCheck:
    """leaking_patients: those with images in more than one split, and how many in each.
    Duplicates are groups of paths: exact by their bytes, near by their pixels.
    contradictions: exact duplicates with different labels. of_two_patients: exact duplicates under
    different patients, which a fold may therefore divide.
    one_sided_sites: with normal radiographs only, or with none: the site is the label.
    counts: by fact and value, images of each target.
    shortcuts: AUROC of what is no disease, on everything but the test split; see `lab.shortcuts`.
    columns_passed_over: by manifest; perhaps one was meant to be read.
    """

    images: int
    patients: int
    columns_passed_over: dict[str, list[str]]
    unreadable: list[Unreadable]
    leaking_patients: dict[str, dict[str, int]]
    exact_within: list[list[str]]
    exact_across: list[list[str]]
    near_within: list[list[str]]
    near_across: list[list[str]]
    contradictions: list[list[str]]
    of_two_patients: list[list[str]]
    one_sided_sites: list[str]
    counts: dict[str, dict[str, dict[str, int]]]
    shortcuts: dict[str, float | None]

    @property
    def clean(self) -> bool:
        """No leak between splits and every file readable; the rest is for a person to weigh."""
        leaks = (self.leaking_patients, self.exact_across, self.near_across)
        return not any(leaks) and not self.unreadable

    def as_dict(self) -> dict[str, Any]:
        return {"clean": self.clean, **asdict(self)}


def check_data(
    examples: Sequence[Example],
    progress: Callable[[int], None] = lambda _: None,
    *,
    columns_passed_over: dict[str, list[str]] | None = None,
) -> DataCheck:
    """Read every file once and report. `progress` is told how many have been read;
    columns_passed_over: what `lab.sources` found and did not read."""
    hashes, looks, readable, unreadable = _look_at(examples, progress)
    exact = same_groups(hashes)
    seen = [examples[i] for i in readable]
    near = _near_groups(looks, [hashes[i] for i in readable])
    near = [[readable[i] for i in pair] for pair in near]
    training = np.array([e.split != "test" for e in seen], dtype=np.bool_)
    judged = [e for e in seen if e.split != "test"]

    def paths(groups: Iterable[list[int]], fact: Fact, *, differs: bool) -> list[list[str]]:
        return [
            [str(examples[i].path) for i in group]
            for group in groups
            if (len({fact(examples[i]) for i in group}) > 1) == differs
        ]

    return DataCheck(
        images=len(examples),
        patients=len({example.patient for example in examples}),
        columns_passed_over=columns_passed_over or {},
        unreadable=unreadable,
        leaking_patients=_leaking(examples),
        exact_within=paths(exact, attrgetter("split"), differs=False),
        exact_across=paths(exact, attrgetter("split"), differs=True),
        near_within=paths(near, attrgetter("split"), differs=False),
        near_across=paths(near, attrgetter("split"), differs=True),
        contradictions=paths(exact, attrgetter("label"), differs=True),
        of_two_patients=paths(exact, attrgetter("patient"), differs=True),
        one_sided_sites=_one_sided(judged),
        counts={name: _counts(examples, fact) for name, fact in _FACTS.items()},
        shortcuts=shortcut_aurocs(judged, looks[training]),
    )


def _look_at(
    examples: Sequence[Example], progress: Callable[[int], None]
) -> tuple[list[str], Looks, list[int], list[Unreadable]]:
    """Hash of every file ("" where there is none), looks of those that can be read, their indices,
    and the others."""
    hashes, readable, unreadable, rows, pixels = [], [], [], [], []
    for i, example in enumerate(examples):
        progress(i)
        digest = ""
        try:
            data = example.path.read_bytes()
            digest = hashlib.sha256(data).hexdigest()
            radiograph = decode(data)
        except OSError as error:
            problem = error.strerror or str(error)
            unreadable.append(Unreadable(str(example.path), "unreadable_file", problem))
        except DecodeError as error:
            unreadable.append(Unreadable(str(example.path), error.code, str(error)))
        else:
            readable.append(i)
            aspect_ratio = radiograph.width / radiograph.height
            rows.append((len(data), aspect_ratio, float(radiograph.pixels.mean())))
            pixels.append(np.rint(preprocess(radiograph.pixels, _LOOK) * 255).astype(np.uint8))
        hashes.append(digest)
    progress(len(examples))
    size, aspect, mean = np.array(rows, dtype=np.float64).reshape(-1, 3).T
    shape = (len(pixels), _LOOK.size, _LOOK.size)
    looks = Looks(size, aspect, mean, np.array(pixels, dtype=np.uint8).reshape(shape))
    return hashes, looks, readable, unreadable


def _near_groups(looks: Looks, hashes: Sequence[str]) -> list[list[int]]:
    """Pairs that look the same and are not the same bytes."""
    if not len(looks.pixels):
        return []
    pairs = near_pairs(np.stack([thumbnail(pixels) for pixels in looks.pixels]))
    return [[i, j] for i, j in pairs if hashes[i] != hashes[j]]


def _leaking(examples: Sequence[Example]) -> dict[str, dict[str, int]]:
    splits: dict[str, Counter[str]] = {}
    for example in examples:
        splits.setdefault(example.patient, Counter())[example.split] += 1
    return {patient: dict(counts) for patient, counts in splits.items() if len(counts) > 1}


def _one_sided(examples: Sequence[Example]) -> list[str]:
    sides: dict[str, set[bool]] = {}
    for example in examples:
        sides.setdefault(example.site or UNKNOWN, set()).add(example.label > 0)
    return sorted(site for site, found in sides.items() if len(found) == 1)


def _counts(
    examples: Sequence[Example], fact: Callable[[Example], str]
) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = {}
    for example in examples:
        counts.setdefault(fact(example), Counter())[TARGETS[example.label]] += 1

    def order(value: str) -> tuple[bool, int, str]:
        return value == UNKNOWN, _ORDER.index(value) if value in _ORDER else -1, value

    return {value: dict(counts[value]) for value in sorted(counts, key=order)}
