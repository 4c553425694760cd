"""Logits to probability and decision."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from core.bundles import default_bundle
from pneumoscope.core.calibrate import calibrated_probabilities, predict
from pneumoscope.core.errors import UnknownOperatingPoint
from pneumoscope.core.operating import OPERATING_POINTS, OperatingPoint, UncertainBand

CLASSES = ("normal", "bacterial", "viral")
logit_triples = hnp.arrays(np.float32, 3, elements=st.floats(-60, 60, width=32))


def card(threshold=0.5, classes=CLASSES, band=(0.4, 0.6)):
    """The shipped card with other numbers; screening lies 0.1 below, rule-in 0.1 above."""
    points = {
        name: OperatingPoint(name, threshold + shift, 1.0, 1.0)
        for name, shift in zip(OPERATING_POINTS, (-0.1, 0.0, 0.1), strict=True)
    }
    uncertain = UncertainBand(*band, alpha=0.1, coverage={}, flagged={})
    shipped = default_bundle().card
    return replace(
        shipped,
        classes=classes,
        temperature=1.0,
        operating_points=points,
        operating_point="balanced",
        uncertain=uncertain,
    )


@given(logit_triples, st.floats(0.25, 8))
def test_probabilities_sum_to_one_and_keep_the_order(logits, temperature):
    probabilities = calibrated_probabilities(logits, temperature)
    assert probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert probabilities[logits.argmax()] == probabilities.max()


@given(logit_triples)
def test_a_higher_temperature_is_less_certain(logits):
    cold, warm = (calibrated_probabilities(logits, t).max() for t in (1.0, 2.0))
    assert warm <= cold + 1e-6


@given(logit_triples)
def test_pneumonia_is_bacterial_or_viral(logits):
    prediction = predict(logits, card())
    total = prediction.aetiology.bacterial + prediction.aetiology.viral
    assert prediction.probability == pytest.approx(total, abs=1e-5)
    assert 0 <= prediction.probability <= 1


def test_positive_from_the_threshold_upwards():
    logits = np.log(np.array([0.5, 0.25, 0.25], dtype=np.float32))
    assert predict(logits, card(threshold=0.4999)).positive
    assert not predict(logits, card(threshold=0.5001)).positive


def test_no_aetiology_from_a_two_class_model():
    prediction = predict(np.zeros(2, np.float32), card(classes=("normal", "pneumonia")))
    assert prediction.aetiology is None
    assert prediction.probability == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("name", "positive"),
    [("screening", True), ("balanced", True), ("rule_in", False), (None, True)],
)
def test_the_operating_point_decides_and_changes_no_probability(name, positive):
    logits = np.log(np.array([0.45, 0.3, 0.25], dtype=np.float32))
    prediction = predict(logits, card(), operating_point=name)
    assert prediction.positive is positive
    assert prediction.operating_point == (name or "balanced")
    assert prediction.probability == pytest.approx(0.55)


def test_an_operating_point_the_card_lacks_is_named():
    with pytest.raises(UnknownOperatingPoint, match=r"“strict” among screening, balanced, rule_in"):
        predict(np.zeros(3, np.float32), card(), operating_point="strict")


@pytest.mark.parametrize(
    ("p", "uncertain"), [(0.39, False), (0.41, True), (0.59, True), (0.61, False)]
)
def test_uncertain_inside_the_band(p, uncertain):
    logits = np.log(np.array([1 - p, p / 2, p / 2], dtype=np.float32))
    prediction = predict(logits, card())
    assert prediction.uncertain is uncertain
    assert prediction.band == (0.4, 0.6)
