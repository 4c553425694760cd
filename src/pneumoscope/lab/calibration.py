"""Temperature and operating point, from validation logits alone."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from pneumoscope.core.calibrate import calibrated_probabilities


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A threshold on P(pneumonia) with what it gave on the data it was derived from."""

    name: str
    threshold: float
    sensitivity: float
    specificity: float


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """The temperature that minimises the class-balanced negative log-likelihood.

    logits: float32 [N, classes]. Balanced, because the training loss is: the probability then
    assumes every class equally likely before the image is seen, whatever this hospital's mix was.
    """
    x, y = torch.from_numpy(logits), torch.from_numpy(labels)
    counts = torch.bincount(y, minlength=x.shape[1]).clamp_min(1)
    log_temperature = torch.zeros(1, requires_grad=True)
    optimiser = torch.optim.LBFGS([log_temperature], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = F.cross_entropy(x / log_temperature.exp(), y, 1 / counts)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    return float(log_temperature.detach().exp())


def operating_point(
    logits: NDArray[np.float32], labels: NDArray[np.int64], temperature: float
) -> OperatingPoint:
    """The balanced point: the threshold with the largest Youden index.

    Between the two scores where the index is largest the middle is taken, on the logit scale, so
    that neither class's nearest example decides alone.
    """
    probability = 1 - calibrated_probabilities(logits, temperature)[:, 0].astype(np.float64)
    score = np.log(probability.clip(1e-9, 1 - 1e-9)) - np.log1p(-probability.clip(1e-9, 1 - 1e-9))
    order = np.argsort(score, kind="stable")
    positive = (labels > 0)[order]
    # Cutting below position i calls everything from i upwards positive.
    sensitivity = 1 - np.concatenate([[0], positive.cumsum()]) / positive.sum()
    specificity = np.concatenate([[0], (~positive).cumsum()]) / (~positive).sum()
    best = int((sensitivity + specificity).argmax())
    ordered = score[order]
    low, high = ordered[max(best - 1, 0)], ordered[min(best, len(ordered) - 1)]
    threshold = 1 / (1 + np.exp(-(low + high) / 2))
    return OperatingPoint(
        "balanced", float(threshold), float(sensitivity[best]), float(specificity[best])
    )
