"""The errors that the model was surest of, as pictures for the page."""

import base64
import io

from pneumoscope.core.bundle import Bundle
from pneumoscope.core.pipeline import analyze
from pneumoscope.core.render import render_overlay
from pneumoscope.core.report import Report
from pneumoscope.lab.evaluation.readings import Reading, Readings
from pneumoscope.lab.evaluation.rounding import rounded

_EACH = 8
_SIDE = 300


def worst_errors(bundle: Bundle, readings: Readings) -> Report:
    """False positives and false negatives, the surest first: name, target, probability, and a JPEG
    with heatmap and contours as a data URI."""
    threshold = bundle.card.threshold
    false_positive = [r for r in readings.read if not r.case.ill and r.probability >= threshold]
    false_negative = [r for r in readings.read if r.case.ill and r.probability < threshold]
    false_positive.sort(key=lambda reading: -reading.probability)
    false_negative.sort(key=lambda reading: reading.probability)
    return {
        "false_positive": [_picture(bundle, reading) for reading in false_positive[:_EACH]],
        "false_negative": [_picture(bundle, reading) for reading in false_negative[:_EACH]],
    }


def _picture(bundle: Bundle, reading: Reading) -> Report:
    analysis = analyze(reading.case.path.read_bytes(), bundle)
    buffer = io.BytesIO()
    render_overlay(analysis, max_side=_SIDE).save(buffer, "JPEG", quality=82)
    return {
        "name": reading.case.path.name,
        "target": reading.case.target,
        "probability": rounded(reading.probability),
        "jpeg": "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode(),
    }
