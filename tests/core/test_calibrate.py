"""Logits to probability and decision."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pneumoscope.core.calibrate import calibrated_probabilities, predict

CLASSES = ("normal", "bacterial", "viral")
logit_triples = hnp.arrays(np.float32, 3, elements=st.floats(-60, 60, width=32))


def card(threshold=0.5, temperature=1.0, classes=CLASSES):
    return SimpleNamespace(classes=classes, temperature=temperature, threshold=threshold)


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
