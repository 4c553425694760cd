"""From logits to a calibrated probability and a decision."""

import numpy as np

from pneumoscope.core.card import Card
from pneumoscope.core.types import Aetiology, FloatImage, Prediction


def softmax(logits: FloatImage, axis: int = -1) -> FloatImage:
    """Numerically stable softmax along `axis`."""
    shifted: FloatImage = np.exp(logits - logits.max(axis=axis, keepdims=True))
    probabilities: FloatImage = shifted / shifted.sum(axis=axis, keepdims=True)
    return probabilities


def calibrated_probabilities(logits: FloatImage, temperature: float) -> FloatImage:
    """Temperature scaling (Guo et al. 2017). logits: float32 [..., classes]; same shape back,
    summing to 1 along the last axis. The order of the classes never changes."""
    return softmax(logits / np.float32(temperature))


def predict(logits: FloatImage, card: Card, *, operating_point: str | None = None) -> Prediction:
    """P(pneumonia) is 1 − P(normal); positive from the operating point's threshold upwards.

    logits: float32 [classes], in the order of `card.classes`. operating_point: a name in the card;
    None takes the card's own choice. Raises UnknownOperatingPoint.
    """
    point = card.point(operating_point)
    probabilities = calibrated_probabilities(logits, card.temperature).tolist()
    by_class = dict(zip(card.classes, probabilities, strict=True))
    probability = 1.0 - by_class["normal"]
    aetiology = None
    if {"bacterial", "viral"} <= by_class.keys():
        aetiology = Aetiology(by_class["bacterial"], by_class["viral"])
    return Prediction(
        probability=probability,
        threshold=point.threshold,
        positive=probability >= point.threshold,
        aetiology=aetiology,
        operating_point=point.name,
        uncertain=probability in card.uncertain,
        band=(card.uncertain.low, card.uncertain.high),
    )
