"""One radiograph's way from bytes to result. Read this first."""

import time
from dataclasses import replace

from pneumoscope.core.bundle import Bundle
from pneumoscope.core.calibrate import predict
from pneumoscope.core.decode import MAX_BYTES, decode
from pneumoscope.core.explain import heatmap_from_activation, regions_from_heatmap
from pneumoscope.core.preprocess import preprocess
from pneumoscope.core.quality import assess
from pneumoscope.core.types import Analysis, Milliseconds


def analyze(
    data: bytes,
    bundle: Bundle,
    *,
    max_bytes: int = MAX_BYTES,
    operating_point: str | None = None,
) -> Analysis:
    """Decode, preprocess, infer, judge the quality, then predict and explain.

    operating_point: a name in the bundle's card; None takes the card's own choice.
    A radiograph the quality check rejects gets no prediction. Bytes that are no radiograph raise a
    DecodeError; nothing else is raised for bad input. Raises UnknownOperatingPoint.
    """
    started = time.perf_counter()
    radiograph = decode(data, max_bytes=max_bytes)
    decoded = time.perf_counter()
    inference = bundle.infer(preprocess(radiograph.pixels, bundle.card.input))
    quality = assess(radiograph, inference.gate_features, bundle)
    inferred = time.perf_counter()
    analysis = Analysis(
        status="rejected" if quality.verdict == "reject" else "analysed",
        radiograph=radiograph,
        quality=quality,
        model=bundle.reference,
        milliseconds=Milliseconds(0, 0, 0, 0),
        embedding=inference.embedding,
    )
    if analysis.status == "analysed":
        card = bundle.card
        prediction = predict(inference.logits, card, operating_point=operating_point)
        heatmap = heatmap_from_activation(
            inference.activation, card.classes, prediction.probability
        )
        size = (radiograph.width, radiograph.height)
        # A result below the threshold claims no finding, so it has no regions to point at.
        regions = regions_from_heatmap(heatmap, *size, card.region_level)
        analysis = replace(
            analysis,
            prediction=prediction,
            heatmap=heatmap,
            regions=regions if prediction.positive else (),
        )
    finished = time.perf_counter()
    steps = (decoded - started, inferred - decoded, finished - inferred, finished - started)
    return replace(analysis, milliseconds=Milliseconds(*(1000 * step for step in steps)))
