"""The JSON contract, key by key."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pneumoscope.core.errors import EmptyFile, PneumoscopeError, TruncatedFile
from pneumoscope.core.record import analysis_record, failure_record
from pneumoscope.core.types import (
    Aetiology,
    Analysis,
    Milliseconds,
    ModelReference,
    Prediction,
    QualityReport,
    Radiograph,
    Reason,
    Region,
)

MODEL = ModelReference("lite0", "1.2.3", "ab" * 32)
ANALYSIS = Analysis(
    status="analysed",
    radiograph=Radiograph(np.zeros((8, 8), np.float32), "png"),
    quality=QualityReport("warn", (Reason("few_pixels", "Few pixels."),)),
    model=MODEL,
    milliseconds=Milliseconds(1.234, 2.341, 3.456, 7.038),
    prediction=Prediction(
        0.123456789, 0.34, False, Aetiology(0.1, 0.0234567), "screening", True, (0.1, 0.4567891)
    ),
    heatmap=np.zeros((7, 7), np.float32),
    regions=(
        Region(
            "left lower zone", 0.87654, (1.26, 2, 3, 4), (2.04, 3), ((1, 2), (4.25, 2), (4, 6.09))
        ),
    ),
)
REJECTED = replace(
    ANALYSIS,
    status="rejected",
    quality=QualityReport("reject", (Reason("lateral_view", "Lateral."), Reason("other", "O."))),
    prediction=None,
    heatmap=None,
    regions=(),
)


def test_analysed() -> None:
    assert analysis_record("a/b.png", ANALYSIS) == {
        "path": "a/b.png",
        "status": "analysed",
        "code": None,
        "reason": None,
        "remedy": None,
        "probability": 0.123457,
        "positive": False,
        "threshold": 0.34,
        "operating_point": "screening",
        "uncertain": True,
        "band": [0.1, 0.456789],
        "aetiology": {"bacterial": 0.1, "viral": 0.023457},
        "regions": [
            {
                "zone": "left lower zone",
                "score": 0.8765,
                "box": [1.3, 2, 3, 4],
                "peak": [2.0, 3],
                "contour": [[1, 2], [4.2, 2], [4, 6.1]],
            }
        ],
        "quality": {
            "verdict": "warn",
            "reasons": [{"code": "few_pixels", "message": "Few pixels."}],
        },
        "model": {"name": "lite0", "version": "1.2.3", "hash": "ab" * 32},
        "milliseconds": {"decode": 1.23, "infer": 2.34, "explain": 3.46, "total": 7.04},
    }


def test_rejected_has_reason_and_no_number() -> None:
    record = analysis_record("x", REJECTED)
    assert (record["code"], record["reason"]) == ("lateral_view", "Lateral.")
    assert record["status"] == "rejected"
    empty = ("probability", "positive", "threshold", "operating_point", "uncertain", "band")
    for key in (*empty, "aetiology"):
        assert record[key] is None
    assert record["regions"] == []
    assert len(record["quality"]["reasons"]) == 2


@pytest.mark.parametrize("error", [EmptyFile("no bytes"), TruncatedFile("ends early")])
def test_failed_names_code_and_remedy(error: PneumoscopeError) -> None:
    record = failure_record("x", error, MODEL)
    assert (record["status"], record["code"], record["reason"], record["remedy"]) == (
        "failed",
        error.code,
        str(error),
        error.remedy,
    )
    assert record["model"]["hash"] == MODEL.hash


def test_every_record_has_the_same_keys_in_the_same_order() -> None:
    records = [
        analysis_record("x", ANALYSIS),
        analysis_record("x", REJECTED),
        failure_record("x", EmptyFile("no bytes"), MODEL),
    ]
    assert len({tuple(record) for record in records}) == 1


@given(st.floats(0, 1), st.floats(0, 1))
def test_json_keeps_six_decimals_and_is_strict(probability: float, threshold: float) -> None:
    prediction = Prediction(probability, threshold, probability >= threshold, None)
    text = json.dumps(
        analysis_record("x", replace(ANALYSIS, prediction=prediction)), allow_nan=False
    )
    assert json.loads(text)["probability"] == pytest.approx(probability, abs=5.1e-7)
    assert json.loads(text)["aetiology"] is None
