"""Temperature and operating points, on logits whose truth is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pneumoscope.core.calibrate import calibrated_probabilities
from pneumoscope.core.calibration_metrics import (
    weighted_calibration_error,
)
from pneumoscope.core.metrics import (
    value_of,
)
from pneumoscope.core.operating import OPERATING_POINTS
from pneumoscope.lab.calibration import derive_operating_points, fit_temperature, log_odds

pytestmark = pytest.mark.lab


def honest(n: int, seed: int, strength: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and logits that are the true log-likelihoods of what was seen: temperature 1."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    seen = np.eye(3)[labels] * strength + rng.normal(size=(n, 3))
    return (strength * seen).astype(np.float32), labels


def test_temperature_undoes_overconfidence():
    logits, labels = honest(3000, 0)
    temperature = fit_temperature(4 * logits, labels)
    assert temperature == pytest.approx(4, rel=0.15)
    assert temperature == pytest.approx(4 * fit_temperature(logits, labels), rel=0.02)


def test_calibration_lowers_the_error_on_others():
    """Fitted on one set, measured on another: ECE falls to what chance alone leaves."""
    logits, labels = honest(3000, 1)
    temperature = fit_temperature(4 * logits, labels)
    others, truth = honest(3000, 2)

    def error(value: float) -> float:
        probability = 1 - calibrated_probabilities(4 * others, value)[:, 0]
        return value_of(weighted_calibration_error, truth > 0, probability)

    assert error(temperature) < 0.02 < 0.04 < error(1.0)


def test_log_odds_are_those_of_the_probability():
    logits, _ = honest(50, 3)
    p = 1 - calibrated_probabilities(logits, 1.5)[:, 0].astype(np.float64)
    np.testing.assert_allclose(log_odds(logits, 1.5), np.log(p / (1 - p)), rtol=1e-2, atol=1e-3)


def test_the_balanced_point_lies_between_the_classes():
    logits = np.array([[4, 0, 0], [3, 0, 0], [0, 3, 0], [0, 0, 4]], dtype=np.float32)
    points = derive_operating_points(logits, np.array([0, 0, 1, 2]), 1.0)
    probability = 1 - calibrated_probabilities(logits, 1.0)[:, 0]
    for point in points:
        assert probability[1] < point.threshold < probability[2]
        assert (point.sensitivity, point.specificity) == (1, 1)


@pytest.mark.parametrize("seed", range(5))
def test_the_balanced_point_is_where_both_are_as_likely(seed):
    """Of honest logits of three classes as frequent, two of them ill: at two thirds. The best cut
    alone strays twice as far."""
    _, balanced, _ = derive_operating_points(*honest(2000, seed, 1.0), 1.0)
    assert balanced.threshold == pytest.approx(2 / 3, abs=0.06)


@given(st.integers(0, 500), st.sampled_from([0.5, 1.0, 2.0]))
def test_points_keep_their_promise_and_their_order(seed, strength):
    logits, labels = honest(300, seed, strength)
    points = derive_operating_points(logits, labels, 1.0)
    assert tuple(point.name for point in points) == OPERATING_POINTS
    screening, balanced, rule_in = points
    assert screening.sensitivity >= 0.98
    assert rule_in.specificity >= 0.98
    assert screening.threshold <= balanced.threshold <= rule_in.threshold
    score = log_odds(logits, 1.0)
    for point in points:
        positive = score >= np.log(point.threshold) - np.log1p(-point.threshold) - 1e-9
        assert positive[labels > 0].mean() == pytest.approx(point.sensitivity)
        assert (~positive)[labels == 0].mean() == pytest.approx(point.specificity)
