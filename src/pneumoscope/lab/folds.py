"""Which examples are held out for validation.

Two ways, for two questions. By patient: how well does the network do on other children of the same
days? By sequence: how well does it do on later ones? Numbers were given in the order of admission,
more or less, and with them go exposure, equipment and season. A random fold shares all of that with
the training images and is optimistic; a block of consecutive numbers shares less.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from pneumoscope.lab.data import DataError, DataRecipe, Example, FoldBy


class OneSidedFold(DataError):
    """Training or validation would lack normal radiographs, or pneumonia."""

    code = "one_sided_fold"
    remedy = (
        "Both must be on either side, of a weight above 0, with labels that are sure (reliability "
        '1) in validation: add patients, or change fold, folds or fold_by = "patient" in the '
        "recipe's [data]."
    )


def divided(examples: Sequence[Example], rule: DataRecipe, seed: int) -> NDArray[np.bool_]:
    """`held_out_mask`, where a network can learn from the one side and be judged on the other.
    Raises OneSidedFold."""
    mask = held_out_mask(examples, rule, seed)
    sick = np.array([example.label > 0 for example in examples], dtype=np.bool_)
    heard = np.array([example.weight > 0 for example in examples], dtype=np.bool_)
    for name, side in (("validation", mask & heard), ("training", ~mask & heard)):
        ill, well = int(sick[side].sum()), int((~sick[side]).sum())
        if not ill or not well:
            raise OneSidedFold(
                f"Of {len(examples)} radiographs {name} would have {well} normal ones and {ill} of "
                "pneumonia."
            )
    return mask


def held_out_mask(examples: Sequence[Example], rule: DataRecipe, seed: int) -> NDArray[np.bool_]:
    """The recipe's fold, bool [N]. A label that may be wrong can teach, but it cannot judge:
    examples of a reliability below 1 are never held out."""
    sure = [i for i, example in enumerate(examples) if example.reliability == 1]
    mask = np.zeros(len(examples), dtype=np.bool_)
    mask[sure] = validation_mask(
        [examples[i] for i in sure], folds=rule.folds, fold=rule.fold, seed=seed, by=rule.fold_by
    )
    return mask


def validation_mask(
    examples: Sequence[Example], *, folds: int, fold: int, seed: int, by: FoldBy = "patient"
) -> NDArray[np.bool_]:
    """Which examples form validation fold `fold`: no patient is divided, and every fold gets its
    share of each label of each site. bool [N].

    A patient with images of several labels counts for the label of the first.
    seed: shuffles the patients; a sequence has no use for it.
    """
    images: dict[str, list[int]] = {}
    for index, example in enumerate(examples):
        images.setdefault(example.patient, []).append(index)
    strata: dict[tuple[int, str], list[str]] = {}
    for patient in sorted(images):
        first = examples[images[patient][0]]
        strata.setdefault((first.label, first.site), []).append(patient)
    rng = np.random.default_rng(seed)
    mask = np.zeros(len(examples), dtype=np.bool_)
    for stratum in sorted(strata):
        patients = strata[stratum]
        if by == "patient":
            patients = list(rng.permutation(np.array(patients, dtype=object)))
        else:
            patients = sorted(patients, key=_numbers_by_value)
        sizes = [len(images[patient]) for patient in patients]
        dealt = _deal(sizes, folds) if by == "patient" else _cut(sizes, folds)
        for patient, held in zip(patients, dealt, strict=True):
            if held == fold:
                mask[images[patient]] = True
    return mask


def _deal(sizes: Iterable[int], folds: int) -> list[int]:
    """One after the other to the fold that has the fewest images so far."""
    counts = np.zeros(folds, dtype=np.int64)
    dealt = []
    for size in sizes:
        dealt.append(int(counts.argmin()))
        counts[dealt[-1]] += size
    return dealt


def _cut(sizes: Sequence[int], folds: int) -> list[int]:
    """Consecutive blocks of about the same number of images, by where each patient's middle is."""
    ends = accumulate(sizes)
    total = sum(sizes)
    return [int((end - size / 2) * folds / total) for end, size in zip(ends, sizes, strict=True)]


def _numbers_by_value(patient: str) -> list[str | int]:
    """person9 before person10: text and numbers alternate, so like meets like."""
    return [int(part) if i % 2 else part for i, part in enumerate(re.split(r"(\d+)", patient))]
