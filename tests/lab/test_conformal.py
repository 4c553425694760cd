"""The uncertain band keeps its promise on data it has not seen."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from pneumoscope.core.operating import OperatingPoint
from pneumoscope.lab.conformal import conformal_band, conformal_limits, fit_band, measured_coverage

pytestmark = pytest.mark.lab


def scores(n: int, rng: np.random.Generator, distance: float) -> tuple[np.ndarray, np.ndarray]:
    ill = rng.random(n) < 0.6
    return rng.normal(0, 1, n) + distance * ill, ill


@pytest.mark.parametrize("distance", [0.5, 2.0, 6.0])
@pytest.mark.parametrize("alpha", [0.05, 0.10, 0.30])
def test_each_class_keeps_its_label_as_often_as_promised(distance, alpha):
    """Ten thousand new examples of each draw; the limits hold for sick and well alike."""
    rng = np.random.default_rng(7)
    kept = {True: 0, False: 0}
    total = {True: 0, False: 0}
    for _ in range(60):
        lowest, highest = conformal_limits(*scores(300, rng, distance), alpha)
        score, ill = scores(400, rng, distance)
        for sick, keeps in ((True, score >= lowest), (False, score <= highest)):
            kept[sick] += int(keeps[ill == sick].sum())
            total[sick] += int((ill == sick).sum())
    for sick in (True, False):
        # A draw of 120 varies by itself: three of its standard errors beside the binomial's.
        slack = 3 * np.sqrt(alpha * (1 - alpha) / (60 * 120))
        low, high = binom.ppf([0.001, 0.999], total[sick], 1 - alpha) / total[sick]
        assert low - slack <= kept[sick] / total[sick] <= high + slack + 1 / 120


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.floats(0, 5), st.sampled_from([0.05, 0.1, 0.2]))
def test_the_band_flags_or_errs_in_no_more_than_alpha_of_either_class(seed, distance, alpha):
    """On the examples it was fitted on, exactly: what lies beyond the band on the wrong side."""
    score, ill = scores(200, np.random.default_rng(seed), distance)
    low, high = conformal_band(score, ill, alpha)
    assert low <= high
    assert (score[ill] < low).mean() <= alpha
    assert (score[~ill] > high).mean() <= alpha


def test_too_few_examples_make_everything_uncertain():
    low, high = conformal_band(np.array([0.0, 1.0, 2.0]), np.array([False, True, True]), 0.1)
    assert (low, high) == (-np.inf, np.inf)


def logits_of(score: np.ndarray) -> np.ndarray:
    """Three classes whose log-odds of pneumonia are `score`."""
    half = np.log(0.5)
    return np.stack([np.zeros_like(score), score + half, score + half], axis=1).astype(np.float32)


def test_a_bundle_s_band_holds_every_operating_point_and_says_what_was_measured():
    rng = np.random.default_rng(1)
    score, ill = scores(800, rng, 3.0)
    labels = np.where(ill, rng.integers(1, 3, 800), 0)
    patients = np.array([f"p{i // 2}" for i in range(800)])
    points = [OperatingPoint("screening", 0.001, 1, 0), OperatingPoint("rule_in", 0.999, 0, 1)]
    band = fit_band(logits_of(score), labels, patients, temperature=1.0, points=points)
    assert band.low <= 0.001
    assert band.high >= 0.999
    assert set(band.coverage) == set(band.flagged) == {"normal", "pneumonia"}
    for name, n in (("normal", int((~ill).sum())), ("pneumonia", int(ill.sum()))):
        # Both halves' limits vary as well; 0.001 of the binomial with a quarter of the examples.
        assert band.coverage[name] >= binom.ppf(0.001, n // 4, 0.9) / (n // 4)


def test_no_patient_is_on_both_sides_of_the_measurement():
    """Two images of a patient have one score: were the halves not by patient, half a patient would
    be remembered. A patient's images are all kept, or none is."""
    rng = np.random.default_rng(2)
    score, ill = scores(60, rng, 1.0)
    score, ill = np.repeat(score, 2), np.repeat(ill, 2)
    patients = np.repeat(np.arange(60).astype(str), 2)
    labels = ill.astype(np.int64)
    coverage, flagged = measured_coverage(logits_of(score), labels, patients, 0.2)
    for value in (*coverage.values(), *flagged.values()):
        assert 0 <= value <= 1
    assert coverage["pneumonia"] * ill.sum() % 2 == pytest.approx(0, abs=1e-6)
