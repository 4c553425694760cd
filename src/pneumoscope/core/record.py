"""One result as a JSON object: the contract that the command line and the web API share.

Every record has every key. Values are null where there is nothing to say: a rejected radiograph has
no probability, a failed input has neither quality nor timing. Coordinates are pixels of the input
as displayed.
"""

from typing import Any

from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.core.types import Analysis, ModelReference, Prediction, QualityReport, Region

Record = dict[str, Any]


def analysis_record(path: str, analysis: Analysis) -> Record:
    """The record of an analysed or rejected radiograph; `path` is how the reader knows it.

    `code` and `reason` of a rejection are those of its first, deciding reason.
    """
    prediction = analysis.prediction
    aetiology = prediction.aetiology if prediction else None
    milliseconds = analysis.milliseconds
    rejection = analysis.quality.reasons[0] if analysis.status == "rejected" else None
    return {
        "path": path,
        "status": analysis.status,
        "code": rejection.code if rejection else None,
        "reason": rejection.message if rejection else None,
        "remedy": None,
        "probability": round(prediction.probability, 6) if prediction else None,
        "positive": prediction.positive if prediction else None,
        "threshold": round(prediction.threshold, 6) if prediction else None,
        "operating_point": prediction.operating_point if prediction else None,
        "uncertain": prediction.uncertain if prediction else None,
        "band": _band(prediction),
        "aetiology": {
            "bacterial": round(aetiology.bacterial, 6),
            "viral": round(aetiology.viral, 6),
        }
        if aetiology
        else None,
        "regions": [_region(region) for region in analysis.regions],
        "quality": _quality(analysis.quality),
        "model": _model(analysis.model),
        "milliseconds": {
            "decode": round(milliseconds.decode, 2),
            "infer": round(milliseconds.infer, 2),
            "explain": round(milliseconds.explain, 2),
            "total": round(milliseconds.total, 2),
        },
    }


def failure_record(path: str, error: PneumoscopeError, model: ModelReference) -> Record:
    """The record of an input that could not be analysed, with the error's code and remedy."""
    return {
        "path": path,
        "status": "failed",
        "code": error.code,
        "reason": str(error),
        "remedy": error.remedy,
        "probability": None,
        "positive": None,
        "threshold": None,
        "operating_point": None,
        "uncertain": None,
        "band": None,
        "aetiology": None,
        "regions": [],
        "quality": None,
        "model": _model(model),
        "milliseconds": None,
    }


def _band(prediction: Prediction | None) -> list[float] | None:
    if prediction is None or prediction.band is None:
        return None
    return [round(value, 6) for value in prediction.band]


def _region(region: Region) -> Record:
    return {
        "zone": region.zone,
        "score": round(region.score, 4),
        "box": [round(value, 1) for value in region.box],
        "peak": [round(value, 1) for value in region.peak],
        "contour": [[round(x, 1), round(y, 1)] for x, y in region.contour],
    }


def _quality(quality: QualityReport) -> Record:
    return {
        "verdict": quality.verdict,
        "reasons": [{"code": r.code, "message": r.message} for r in quality.reasons],
    }


def _model(model: ModelReference) -> Record:
    return {"name": model.name, "version": model.version, "hash": model.hash}
