"""Temperature and operating points, from validation logits alone."""

import numpy as np
import torch
from numpy.typing import NDArray

from pneumoscope.core.operating import OPERATING_POINTS, OperatingPoint
from pneumoscope.lab.balance import balanced_weights
from pneumoscope.lab.losses import surprise

SENSITIVITY = 0.98  # of screening
SPECIFICITY = 0.98  # of rule_in


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """The temperature that minimises the class-balanced negative log-likelihood.

    logits: float32 [N, classes]. labels: indices into TARGETS. Balanced, because the training loss
    is: the probability then assumes pneumonia as likely as not before the image is seen, whatever
    this hospital's mix was.
    """
    x, y = torch.from_numpy(logits), torch.from_numpy(labels)
    one_source, reliable = np.zeros_like(labels), np.ones(len(labels), np.float32)
    weights = torch.from_numpy(balanced_weights(labels, one_source, reliable)).float()
    log_temperature = torch.zeros(1, requires_grad=True)
    optimiser = torch.optim.LBFGS([log_temperature], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = (surprise(x / log_temperature.exp(), y) * weights).mean()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    return float(log_temperature.detach().exp())


def log_odds(logits: NDArray[np.float32], temperature: float) -> NDArray[np.float64]:
    """Of pneumonia. logits: float32 [N, classes], normal first. Returns float64 [N]."""
    scaled = logits.astype(np.float64) / temperature
    odds: NDArray[np.float64] = np.logaddexp.reduce(scaled[:, 1:], axis=1) - scaled[:, 0]
    return odds


def probability_of(score: float) -> float:
    """The inverse of the logit."""
    return float(1 / (1 + np.exp(-score)))


def derive_operating_points(
    logits: NDArray[np.float32], labels: NDArray[np.int64], temperature: float
) -> tuple[OperatingPoint, ...]:
    """screening, balanced and rule_in (`core.operating`), with what they give on these examples.

    A threshold is the middle, on the logit scale, between the two scores it divides, so that
    neither class's nearest example decides alone. Balanced is the middle of all whose sensitivity
    and specificity together are within a standard error of the best: the best alone moves from
    seed to seed by more than its neighbours differ. Screening is moved down and rule-in up to the
    balanced point where they would cross it: a stricter name never calls more.
    """
    score = log_odds(logits, temperature)
    ill, well = np.sort(score[labels > 0]), np.sort(score[labels == 0])
    distinct = np.unique(score)
    cuts = np.concatenate([distinct[:1], (distinct[:-1] + distinct[1:]) / 2, distinct[-1:] + 1])
    sensitivity = 1 - np.searchsorted(ill, cuts) / len(ill)
    specificity = np.searchsorted(well, cuts) / len(well)
    balanced = _middle_of_best(cuts, sensitivity, specificity, len(ill), len(well))
    screening = min(int(np.flatnonzero(sensitivity >= SENSITIVITY)[-1]), balanced)
    rule_in = max(int(np.flatnonzero(specificity >= SPECIFICITY)[0]), balanced)
    return tuple(
        OperatingPoint(name, probability_of(cuts[i]), float(sensitivity[i]), float(specificity[i]))
        for name, i in zip(OPERATING_POINTS, (screening, balanced, rule_in), strict=True)
    )


def _middle_of_best(
    cuts: NDArray[np.float64],
    sensitivity: NDArray[np.float64],
    specificity: NDArray[np.float64],
    ill: int,
    well: int,
) -> int:
    """Index into `cuts`, by the one-standard-error rule (Breiman et al. 1984)."""
    youden = sensitivity + specificity
    best = int(youden.argmax())
    variance = sensitivity[best] * (1 - sensitivity[best]) / ill
    variance += specificity[best] * (1 - specificity[best]) / well
    near = np.flatnonzero(youden >= youden[best] - np.sqrt(variance))
    middle = (cuts[near[0]] + cuts[near[-1]]) / 2
    return int(near[np.abs(cuts[near] - middle).argmin()])
