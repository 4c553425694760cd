"""Does the model read the lungs, or the frame around them?

Letters, collimation and the scanner's border separate the classes of many sets. With them masked
the figures should stay; with nothing but them they should fall to chance. The input gate is left
out here: it would refuse most of these pictures, and the question is what the network reads.
"""

from collections.abc import Callable, Sequence

import numpy as np

from pneumoscope.core.bundle import Bundle
from pneumoscope.core.calibrate import predict
from pneumoscope.core.decode import decode
from pneumoscope.core.errors import DecodeError
from pneumoscope.core.metrics import BoolArray, Values, value_of, weighted_auroc
from pneumoscope.core.preprocess import preprocess
from pneumoscope.core.report import Report
from pneumoscope.core.types import FloatImage
from pneumoscope.lab.edges import border, corners
from pneumoscope.lab.evaluation.cases import Case
from pneumoscope.lab.evaluation.rounding import rounded

SHARES = (0.05, 0.10, 0.15, 0.20)
_MASKS: dict[str, Callable[[int, float], BoolArray]] = {
    "border masked": border,
    "corners masked": corners,
    "only the border": lambda side, share: ~border(side, share),
}


def shortcut_masks(bundle: Bundle, cases: Sequence[Case]) -> Report:
    """AUROC and share of changed decisions under each mask. Masked pixels take the mean of the
    radiograph, which carries no edge of its own brightness into the corner."""
    inputs, ill = _network_inputs(bundle, cases)
    whole = _probabilities(bundle, inputs)
    threshold = bundle.card.threshold
    rows = []
    for name, make in _MASKS.items():
        for share in SHARES:
            mask = make(bundle.card.input.size, share)
            probability = _probabilities(bundle, [_masked(x, mask) for x in inputs])
            flips = (probability >= threshold) != (whole >= threshold)
            rows.append(
                {
                    "mask": name,
                    "share": share,
                    "auroc": rounded(value_of(weighted_auroc, ill, probability)),
                    "changed_decisions": rounded(float(flips.mean())),
                }
            )
    return {
        "images": len(inputs),
        "auroc": rounded(value_of(weighted_auroc, ill, whole)),
        "rows": rows,
    }


def _network_inputs(bundle: Bundle, cases: Sequence[Case]) -> tuple[list[FloatImage], BoolArray]:
    inputs, ill = [], []
    for case in cases:
        try:
            pixels = decode(case.path.read_bytes()).pixels
        except (OSError, DecodeError):
            continue  # counted as refused in the figures
        inputs.append(preprocess(pixels, bundle.card.input))
        ill.append(case.ill)
    return inputs, np.array(ill, dtype=np.bool_)


def _masked(pixels: FloatImage, mask: BoolArray) -> FloatImage:
    return np.where(mask, pixels.mean(), pixels).astype(np.float32)


def _probabilities(bundle: Bundle, inputs: Sequence[FloatImage]) -> Values:
    return np.array(
        [predict(bundle.infer(x).logits, bundle.card).probability for x in inputs],
        dtype=np.float64,
    )
