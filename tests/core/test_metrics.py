"""Figures of merit against scikit-learn, worked examples and their own definitions."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pneumoscope.core.calibration_metrics import (
    calibration_bins,
    calibration_intercept,
    calibration_slope,
    log_loss,
    weighted_brier,
    weighted_calibration_error,
)
from pneumoscope.core.metrics import (
    at_threshold,
    auroc,
    average_precision,
    confusion,
    net_benefit,
    precision_recall_curve,
    predictive_values,
    roc_curve,
    value_of,
    weighted_auroc,
)

# Coarse scores, so that ties are frequent.
ROWS = st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=2, max_size=40)


def arrays(rows):
    labels = np.array([row[0] for row in rows])
    return labels, np.array([row[1] for row in rows], dtype=float)


def both_classes(labels):
    return labels.any() and not labels.all()


def cohort(n=400, seed=0):
    """Honest probabilities: the outcome is drawn from them."""
    rng = np.random.default_rng(seed)
    probability = rng.beta(0.7, 0.7, n)
    return rng.random(n) < probability, probability


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
@given(ROWS)
def test_auroc_is_the_share_of_pairs_won(rows):
    labels, scores = arrays(rows)
    if not both_classes(labels):
        return
    difference = scores[labels][:, None] - scores[~labels][None]
    share = ((difference > 0) + 0.5 * (difference == 0)).mean()
    assert auroc(labels, scores) == pytest.approx(share)


@settings(max_examples=80)
@given(ROWS, st.integers(0, 99))
def test_a_weight_of_two_is_the_image_twice(rows, seed):
    labels, scores = arrays(rows)
    times = np.random.default_rng(seed).integers(0, 3, len(labels))
    if not both_classes(labels.repeat(times)):
        return
    scores = scores / 6
    for statistic in (
        weighted_auroc,
        average_precision,
        weighted_brier,
        weighted_calibration_error,
        log_loss,
        at_threshold(0.5, lambda c: c.mcc),
        at_threshold(0.5, lambda c: c.precision),
    ):
        weighted = statistic(labels, scores, times[None].astype(float))[0]
        repeated = value_of(statistic, labels.repeat(times), scores.repeat(times))
        assert weighted == pytest.approx(repeated, nan_ok=True)


@pytest.mark.lab
@settings(max_examples=40)
@given(ROWS)
def test_areas_and_curves_are_those_of_scikit_learn(rows):
    sklearn = pytest.importorskip("sklearn.metrics")
    labels, scores = arrays(rows)
    if not both_classes(labels):
        return
    assert auroc(labels, scores) == pytest.approx(sklearn.roc_auc_score(labels, scores))
    expected = sklearn.average_precision_score(labels, scores)
    assert value_of(average_precision, labels, scores) == pytest.approx(expected)
    expected = sklearn.roc_curve(labels, scores, drop_intermediate=False)
    np.testing.assert_allclose(roc_curve(labels, scores).T, expected)
    precision, recall, _ = sklearn.precision_recall_curve(labels, scores)
    ours = precision_recall_curve(labels, scores)[::-1]
    np.testing.assert_allclose(ours, np.stack([recall, precision], axis=1)[:-1])


@pytest.mark.lab
@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.9])
def test_decisions_and_probabilities_are_scored_as_by_scikit_learn(threshold):
    sklearn = pytest.importorskip("sklearn.metrics")
    labels, probability = cohort()
    called = probability >= threshold
    counts = confusion(labels, called)
    for ours, theirs in (
        (counts.accuracy, sklearn.accuracy_score),
        (counts.precision, sklearn.precision_score),
        (counts.sensitivity, sklearn.recall_score),
        (counts.f1, sklearn.f1_score),
        (counts.mcc, sklearn.matthews_corrcoef),
    ):
        assert ours[0] == pytest.approx(theirs(labels, called))
    assert counts.specificity[0] == pytest.approx(sklearn.recall_score(~labels, ~called))
    assert counts.negative_predictive_value[0] == pytest.approx(
        sklearn.precision_score(~labels, ~called)
    )
    assert value_of(weighted_brier, labels, probability) == pytest.approx(
        sklearn.brier_score_loss(labels, probability)
    )
    assert value_of(log_loss, labels, probability) == pytest.approx(
        sklearn.log_loss(labels, probability)
    )


def test_confusion_and_its_ratios():
    labels = np.array([True] * 10 + [False] * 10)
    called = np.array([True] * 9 + [False] + [True] * 2 + [False] * 8)
    counts = confusion(labels, called)
    assert (counts.sensitivity[0], counts.specificity[0], counts.accuracy[0]) == (0.9, 0.8, 0.85)
    assert counts.precision[0] == pytest.approx(9 / 11)
    assert counts.f1[0] == pytest.approx(18 / 21)


def test_what_does_not_exist_is_no_number():
    nothing_called = confusion(np.array([True, False]), np.array([False, False]))
    assert math.isnan(nothing_called.precision[0])
    assert math.isnan(nothing_called.mcc[0])
    one_class = value_of(weighted_auroc, np.array([True]), np.array([0.4]))
    assert math.isnan(one_class)


def test_predictive_values_follow_bayes():
    """A test of 90 % / 90 % where one in ten is ill: half of its positives are."""
    ppv, npv = predictive_values(0.9, 0.9, 0.1)
    assert (ppv, npv) == (pytest.approx(0.5), pytest.approx(0.81 / 0.82))
    assert math.isnan(predictive_values(0.0, 1.0, 0.1)[0])


def test_net_benefit_worked_example():
    """Ten patients, four ill; three found, two called wrongly; threshold odds 1/4."""
    labels = np.array([True] * 4 + [False] * 6)
    probability = np.array([0.9, 0.9, 0.9, 0.1, 0.9, 0.9, 0.1, 0.1, 0.1, 0.1])
    assert net_benefit(labels, probability, 0.2) == pytest.approx(0.3 - 0.2 / 4)


def test_brier_worked_example():
    labels, probability = np.array([True, False]), np.array([0.8, 0.4])
    assert value_of(weighted_brier, labels, probability) == pytest.approx(0.1)


def test_calibration_error_of_a_known_mixture():
    """Ten predictions of 0.95 with eight true: off by 0.15; ten of 0.05 with none: off by 0.05."""
    labels = np.array([True] * 8 + [False] * 2 + [False] * 10)
    probability = np.array([0.95] * 10 + [0.05] * 10)
    assert value_of(weighted_calibration_error, labels, probability) == pytest.approx(0.10)


def test_calibration_bins_hold_every_image_once():
    labels, probability = cohort(103)
    bins = calibration_bins(labels, probability)
    assert bins[:, 2].sum() == 103
    assert (np.diff(bins[:, 0]) > 0).all()
    assert (bins[:, 1] * bins[:, 2]).sum() == pytest.approx(labels.sum())


def test_slope_and_intercept_undo_what_was_done_to_honest_probabilities():
    labels, probability = cohort(20000)
    logit = np.log(probability / (1 - probability))
    twice_as_sure = 1 / (1 + np.exp(-2 * logit))
    assert value_of(calibration_slope, labels, probability) == pytest.approx(1, abs=0.05)
    assert value_of(calibration_slope, labels, twice_as_sure) == pytest.approx(0.5, abs=0.03)
    shifted = 1 / (1 + np.exp(-(logit + 0.7)))
    assert value_of(calibration_intercept, labels, shifted) == pytest.approx(-0.7, abs=0.06)


@pytest.mark.lab
def test_slope_is_that_of_scikit_learn_s_regression():
    linear = pytest.importorskip("sklearn.linear_model")
    labels, probability = cohort(300, seed=3)
    x = np.log(probability / (1 - probability))[:, None]
    fitted = linear.LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000).fit(x, labels)
    slope = value_of(calibration_slope, labels, probability)
    assert slope == pytest.approx(fitted.coef_[0, 0], rel=1e-3)


def test_separated_classes_have_no_slope():
    labels = np.array([True, True, False, False])
    assert math.isnan(value_of(calibration_slope, labels, np.array([0.9, 0.8, 0.2, 0.1])))
