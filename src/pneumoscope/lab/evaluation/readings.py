"""What a bundle says of every case, from the file's bytes, exactly as serving would."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pneumoscope.core.bundle import Bundle
from pneumoscope.core.errors import DecodeError
from pneumoscope.core.metrics import BoolArray
from pneumoscope.core.pipeline import analyze
from pneumoscope.core.types import Analysis, FloatImage
from pneumoscope.lab.evaluation.cases import Case

logger = logging.getLogger(__name__)
Transform: TypeAlias = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Reading:
    """One analysed case. bacterial: log-odds of bacterial against viral, None where the model
    does not tell them apart. size: width, height. file_bytes: length of the file."""

    case: Case
    probability: float
    uncertain: bool
    bacterial: float | None
    heatmap: FloatImage
    size: tuple[int, int]
    brightness: float
    file_bytes: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """A case without a number: the code of the first reason, or of the decoding error."""

    case: Case
    code: str


@dataclass(frozen=True, slots=True)
class Readings:
    """Everything a bundle said of a set. Arrays hold one entry per reading, in order."""

    read: tuple[Reading, ...]
    refused: tuple[Refusal, ...] = ()

    @property
    def ill(self) -> BoolArray:
        return np.array([reading.case.ill for reading in self.read], dtype=np.bool_)

    @property
    def probability(self) -> NDArray[np.float64]:
        return np.array([reading.probability for reading in self.read], dtype=np.float64)

    @property
    def patients(self) -> NDArray[np.str_]:
        return np.array([reading.case.patient for reading in self.read], dtype=np.str_)

    def where(self, condition: Callable[[Case], bool]) -> "Readings":
        """Only the cases that meet the condition, also among the refused."""
        return Readings(
            tuple(reading for reading in self.read if condition(reading.case)),
            tuple(refusal for refusal in self.refused if condition(refusal.case)),
        )


def read_all(bundle: Bundle, cases: Sequence[Case], transform: Transform | None = None) -> Readings:
    """Analyse every case. A file that cannot be decoded counts as refused, with the error's code:
    it costs no other case.

    transform: applied to the bytes first.
    """
    read: list[Reading] = []
    refused: list[Refusal] = []
    for number, case in enumerate(cases, start=1):
        try:
            content = case.path.read_bytes()
            analysis = analyze(transform(content) if transform else content, bundle)
        except OSError:
            refused.append(Refusal(case, "unreadable_file"))
        except DecodeError as error:
            refused.append(Refusal(case, error.code))
        else:
            reading = _reading(case, analysis, len(content))
            if isinstance(reading, Reading):
                read.append(reading)
            else:
                refused.append(reading)
        if number % 200 == 0:
            logger.info("%d of %d radiographs", number, len(cases))
    return Readings(tuple(read), tuple(refused))


def _reading(case: Case, analysis: Analysis, file_bytes: int) -> Reading | Refusal:
    prediction, heatmap = analysis.prediction, analysis.heatmap
    if prediction is None or heatmap is None:
        return Refusal(case, analysis.quality.reasons[0].code)
    bacterial = None
    if aetiology := prediction.aetiology:
        odds = max(aetiology.bacterial, 1e-12) / max(aetiology.viral, 1e-12)
        bacterial = float(np.log(odds))
    return Reading(
        case,
        prediction.probability,
        prediction.uncertain,
        bacterial,
        heatmap,
        (analysis.radiograph.width, analysis.radiograph.height),
        float(analysis.radiograph.pixels.mean()),
        file_bytes,
    )
