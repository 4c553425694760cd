"""How often, or how strongly, each example should count."""

import math

import numpy as np
from numpy.typing import NDArray

from pneumoscope.lab.data import TARGETS, DataError

_NORMAL = TARGETS.index("normal")


def balanced_weights(
    labels: NDArray[np.int64],
    sources: NDArray[np.int64],
    weights: NDArray[np.float32],
    *,
    most: float = math.inf,
) -> NDArray[np.float64]:
    """Weights under which a label says nothing about the source, and the sources share the whole.

    labels: indices into TARGETS. sources: which site, from 0. weights: how much each label counts.
    All [N]. Returns float64 [N], mean 1.

    Within a source normal weighs as much as pneumonia, whose kinds that the source names, the
    unknown being one, share it evenly.
    A source's share of the whole is that of its summed weights.
    What counts more than `most` times the mean is cut there, and the mean brought back to 1: a few
    doubtful positives among many normals would otherwise be learned by heart.
    A source with normal radiographs only, or with none, cannot be balanced so: it teaches its own
    look as a sign of the class. `pneumoscope data check` names it.
    Raises DataError when every weight is 0.
    """
    if not weights.sum() > 0:
        raise DataError("Every example has weight 0: there is nothing to learn from.")
    balanced = np.zeros(len(labels), dtype=np.float64)
    for source in np.unique(sources):
        here = sources == source
        present = [t for t in range(len(TARGETS)) if weights[here & (labels == t)].sum() > 0]
        if not present:
            continue
        shares = _class_shares(present)
        share = float(weights[here].sum()) / sum(shares.values())
        for target in present:
            cell = here & (labels == target)
            balanced[cell] = share * shares[target] * weights[cell] / weights[cell].sum()
    balanced *= len(labels) / balanced.sum()
    balanced = np.minimum(balanced, most)
    balanced *= len(labels) / balanced.sum()
    return balanced


def _class_shares(present: list[int]) -> dict[int, float]:
    pneumonias = [target for target in present if target != _NORMAL]
    return {t: 1.0 if t == _NORMAL else 1.0 / len(pneumonias) for t in present}
