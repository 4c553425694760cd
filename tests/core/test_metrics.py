"""Figures of merit against worked examples and their own definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pneumoscope.core.metrics import (
    auroc,
    bootstrap_interval,
    brier,
    confusion,
    expected_calibration_error,
)


def test_auroc_worked_example():
    # Pairs won: (0.8 > 0.4, 0.1), (0.35 > 0.1 only) of four.
    labels = np.array([False, True, False, True])
    assert auroc(labels, np.array([0.1, 0.35, 0.4, 0.8])) == 0.75


def test_auroc_ties_count_half():
    assert auroc(np.array([True, False]), np.array([0.5, 0.5])) == 0.5


def test_auroc_needs_both_classes():
    with pytest.raises(ValueError, match="both classes"):
        auroc(np.array([True, True]), np.array([0.1, 0.2]))


@settings(max_examples=80)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=2, max_size=40))
def test_auroc_is_the_share_of_pairs_won(rows):
    labels = np.array([row[0] for row in rows])
    scores = np.array([row[1] for row in rows], dtype=float)
    if labels.all() or not labels.any():
        return
    difference = scores[labels][:, None] - scores[~labels][None]
    share = ((difference > 0) + 0.5 * (difference == 0)).mean()
    assert auroc(labels, scores) == pytest.approx(share)


def test_confusion_and_its_ratios():
    labels = np.array([True] * 10 + [False] * 10)
    called = np.array([True] * 9 + [False] + [True] * 2 + [False] * 8)
    counts = confusion(labels, called)
    assert (counts.sensitivity, counts.specificity, counts.accuracy) == (0.9, 0.8, 0.85)
    assert counts.precision == pytest.approx(9 / 11)
    assert counts.f1 == pytest.approx(18 / 21)


def test_brier_worked_example():
    assert brier(np.array([True, False]), np.array([0.8, 0.4])) == pytest.approx(0.1)


def test_calibration_error_of_a_known_mixture():
    """Ten predictions of 0.95 with eight true: off by 0.15; ten of 0.05 with none: off by 0.05."""
    labels = np.array([True] * 8 + [False] * 2 + [False] * 10)
    probability = np.array([0.95] * 10 + [0.05] * 10)
    assert expected_calibration_error(labels, probability) == pytest.approx(0.10)


def test_bootstrap_keeps_patients_together():
    """One patient with many images widens the interval: the images are not independent."""
    rng = np.random.default_rng(0)
    labels = np.repeat([True, False], 60)
    patient_effect = np.repeat(rng.normal(size=24), 5)
    scores = labels + patient_effect
    clustered = np.repeat(np.arange(24), 5)
    alone = np.arange(120)
    widths = [
        np.ptp(bootstrap_interval(auroc, labels, scores, groups, repeats=300))
        for groups in (clustered, alone)
    ]
    assert widths[0] > 1.3 * widths[1]
