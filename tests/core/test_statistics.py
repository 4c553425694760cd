"""Intervals and tests against independent forms of the same and published examples."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pneumoscope.core.metrics import at_threshold, auroc, weighted_auroc
from pneumoscope.core.statistics import (
    bootstrap_weights,
    delong,
    estimate,
    mcnemar,
    paired_difference,
    wilson_interval,
)


def two_readers(n=120, seed=0, digits=1):
    """Correlated scores with ties."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3 == 0
    shared = rng.normal(size=n) + 1.2 * labels
    first, second = (np.round(shared + rng.normal(size=n), digits) for _ in range(2))
    return labels, first, second


def test_draws_keep_patients_together_and_both_classes():
    labels = np.array([True, True, False, False, False])
    groups = np.array(["a", "a", "b", "c", "c"])
    weights = bootstrap_weights(labels, groups, repeats=200)
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 3] == weights[:, 4]).all()
    assert (weights[:, 0] == 1).all()  # the only patient with the disease
    assert (weights[:, 2] + weights[:, 3] == 2).all()


def test_draws_replay_from_their_seed():
    labels, groups = np.arange(30) % 2 == 0, np.arange(30) // 2
    a, b, c = (bootstrap_weights(labels, groups, repeats=5, seed=s) for s in (1, 1, 2))
    assert (a == b).all()
    assert (a != c).any()


def test_patients_with_many_images_widen_the_interval():
    """The images of one patient are not independent."""
    rng = np.random.default_rng(0)
    labels = np.repeat([True, False], 60)
    scores = labels + np.repeat(rng.normal(size=24), 5)
    widths = []
    for groups in (np.repeat(np.arange(24), 5), np.arange(120)):
        found = estimate(weighted_auroc, labels, scores, bootstrap_weights(labels, groups))
        assert found.low < found.value < found.high
        widths.append(found.high - found.low)
    assert widths[0] > 1.3 * widths[1]


def test_the_interval_is_near_the_exact_one():
    """Accuracy of independent images is binomial."""
    rng = np.random.default_rng(4)
    labels = rng.random(500) < 0.5
    scores = np.where(rng.random(500) < 0.9, labels, ~labels).astype(float)
    accuracy = at_threshold(0.5, lambda c: c.accuracy)
    found = estimate(accuracy, labels, scores, bootstrap_weights(labels, np.arange(500)))
    low, high = wilson_interval(round(found.value * 500), 500)
    assert (found.low, found.high) == (pytest.approx(low, abs=0.01), pytest.approx(high, abs=0.01))


def test_a_figure_few_draws_define_has_no_interval():
    labels = np.array([True, False, False])
    precision = at_threshold(0.5, lambda c: c.precision)
    scores = np.array([0.1, 0.9, 0.2])
    found = estimate(precision, labels, scores, bootstrap_weights(labels, np.arange(3)))
    assert found.value == 0
    assert math.isnan(found.low)


def slow_delong(labels, first, second):
    """DeLong 1988 as it is written: every pair compared."""

    def components(scores):
        difference = scores[labels][:, None] - scores[~labels][None]
        won = (difference > 0) + 0.5 * (difference == 0)
        return won.mean(axis=1), won.mean(axis=0)

    (v10a, v01a), (v10b, v01b) = components(first), components(second)
    s10, s01 = np.cov(v10a, v10b), np.cov(v01a, v01b)
    s = s10 / labels.sum() + s01 / (~labels).sum()
    return v10a.mean() - v10b.mean(), math.sqrt(s[0, 0] + s[1, 1] - 2 * s[0, 1])


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(0, 2))
def test_delong_equals_the_comparison_of_every_pair(seed, digits):
    labels, first, second = two_readers(40, seed, digits)
    found = delong(labels, first, second)
    value, error = slow_delong(labels, first, second)
    assert found.value == pytest.approx(value, abs=1e-12)
    assert found.high - found.low == pytest.approx(2 * 1.959964 * error, abs=1e-9)


# DeLong 1988's patients with ovarian cancer, as far as every test was measured: albumin, total
# protein, Krebs–Goplerud score, and whether surgery would help.
OVARIAN = """
3.0 5.8 10 0  3.2 6.3 5 1  3.9 6.8 3 1  2.8 4.8 6 0  3.2 5.8 3 1  0.9 4.0 5 0  2.5 5.7 8 0
1.6 5.6 5 1  3.8 5.7 5 1  3.7 6.7 6 1  3.2 5.4 4 1  3.8 6.6 6 1  4.1 6.6 5 1  3.6 5.7 5 1
4.3 7.0 4 1  3.6 6.7 4 0  2.3 4.4 6 1  4.2 7.6 4 0  4.0 6.6 6 0  3.5 5.8 6 1  3.8 6.8 7 1
3.0 4.7 8 0  4.5 7.4 5 1  3.7 7.4 5 1  3.1 6.6 6 1  4.1 8.2 6 1  4.3 7.0 5 1  4.3 6.5 4 1
3.2 5.1 5 1  2.6 4.7 6 1  3.3 6.8 6 0  1.7 4.0 7 0  3.7 6.1 5 1  3.3 6.3 7 1  4.2 7.7 6 1
3.5 6.2 5 1  2.9 5.7 9 0  2.1 4.8 7 1  2.8 6.2 8 0  4.0 7.0 7 1  3.3 5.7 6 1  3.7 6.9 5 1
3.6 6.6 5 1
"""


def test_delong_s_own_example():
    """Figures of SAS/STAT's user guide, "Comparing Receiver Operating Characteristic Curves"."""
    rows = np.array(OVARIAN.split(), dtype=float).reshape(-1, 4)
    labels, albumin, goplerud = rows[:, 3] == 1, rows[:, 0], -rows[:, 2]
    areas = [auroc(labels, scores) for scores in (albumin, rows[:, 1], goplerud)]
    assert areas == pytest.approx([0.7366, 0.6478, 0.7258], abs=5e-5)
    found = delong(labels, albumin, goplerud)
    assert found.value == pytest.approx(0.0108, abs=5e-5)
    assert (found.high - found.low) / 2 / 1.959964 == pytest.approx(0.0953, abs=5e-5)
    assert found.p == pytest.approx(0.9102, abs=5e-5)


def test_delong_of_equal_rankings_finds_no_difference():
    labels, first, _ = two_readers()
    found = delong(labels, first, 2 * first + 7)
    assert (found.value, found.p) == (0, 1)


def test_delong_holds_its_level():
    """Two models that are equally good differ at 5 % in about one of twenty cohorts."""
    called = [delong(*two_readers(100, seed, 6)).p < 0.05 for seed in range(400)]
    assert 0.02 < np.mean(called) < 0.09


def test_delong_needs_two_of_each_class():
    with pytest.raises(ValueError, match="two images"):
        delong(np.array([True, False, False]), np.arange(3.0), np.arange(3.0))


def test_the_paired_bootstrap_agrees_with_delong_where_images_are_independent():
    labels, first, second = two_readers(400, seed=8, digits=6)
    weights = bootstrap_weights(labels, np.arange(400))
    ours = paired_difference((weighted_auroc, weighted_auroc), labels, (first, second), weights)
    theirs = delong(labels, first, second)
    assert ours.value == pytest.approx(auroc(labels, first) - auroc(labels, second))
    assert ours.value == pytest.approx(theirs.value)
    assert ours.high - ours.low == pytest.approx(theirs.high - theirs.low, rel=0.15)
    assert ours.p == pytest.approx(theirs.p, abs=0.1)


def test_a_difference_from_a_figure_that_does_not_exist_proves_nothing():
    """The second model calls nobody ill: it has no precision, and no p either."""
    labels, first, _ = two_readers(60)
    precision = at_threshold(1.0, lambda c: c.precision)
    scores = (first, np.zeros(60))
    weights = bootstrap_weights(labels, np.arange(60))
    found = paired_difference((precision, precision), labels, scores, weights)
    assert all(map(math.isnan, (found.value, found.low, found.high, found.p)))


def test_mcnemar_worked_example():
    """Of ten that only one had right, two to eight: 2 · (1 + 10 + 45) / 2¹⁰."""
    first = np.array([True] * 2 + [False] * 8 + [True] * 5)
    second = np.array([False] * 2 + [True] * 8 + [True] * 5)
    assert mcnemar(first, second) == (2, 8, pytest.approx(112 / 1024))
    assert mcnemar(first, first) == (0, 0, 1.0)


def test_wilson_worked_example():
    """Newcombe 1998, doi 10.1002/(SICI)1097-0258(19980430)17:8<857, 81 of 263: 0.2553–0.3662."""
    assert wilson_interval(81, 263) == (
        pytest.approx(0.2553, abs=1e-4),
        pytest.approx(0.3662, abs=1e-4),
    )
    assert all(map(math.isnan, wilson_interval(0, 0)))
