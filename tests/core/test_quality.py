"""What is refused, what is remarked on, and that a refusal never comes with a number."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.bundles import default_bundle
from pneumoscope.core.decode import decode
from pneumoscope.core.pipeline import analyze
from pneumoscope.core.preprocess import preprocess
from pneumoscope.core.quality import assess
from pneumoscope.core.types import DicomHeader, Radiograph

SAMPLES = Path(__file__).parents[2] / "samples"
CHEST = SAMPLES / "normal_NORMAL2-IM-1427-0001.jpg"


def sample() -> Radiograph:
    return decode(CHEST.read_bytes())


def judge(radiograph: Radiograph):
    bundle = default_bundle()
    inference = bundle.infer(preprocess(radiograph.pixels, bundle.card.input))
    return assess(radiograph, inference.gate_features, bundle)


def codes(radiograph: Radiograph) -> list[str]:
    return [reason.code for reason in judge(radiograph).reasons]


def with_pixels(pixels) -> Radiograph:
    return replace(sample(), pixels=np.ascontiguousarray(pixels, dtype=np.float32))


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.jpg")), ids=lambda path: path.stem)
def test_every_sample_radiograph_is_read(path):
    assert analyze(path.read_bytes(), default_bundle()).status == "analysed"


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (DicomHeader(modality="CT"), "wrong_modality"),
        (DicomHeader(modality="DX", view_position="LL"), "lateral_view"),
        (DicomHeader(modality="DX", body_part_examined="HAND"), "wrong_body_part"),
    ],
)
def test_the_header_rejects(header, code):
    report = judge(replace(sample(), dicom=header))
    assert report.verdict == "reject"
    assert code in [reason.code for reason in report.reasons]


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (DicomHeader(modality="DX", patient_age=0.1), "age_outside_population"),
        (DicomHeader(modality="DX", view_position="LLD"), "view_outside_population"),
    ],
)
def test_the_population_warns(header, code):
    report = judge(replace(sample(), dicom=header))
    assert report.verdict == "warn"
    assert [reason.code for reason in report.reasons] == [code]


def test_a_usual_header_passes():
    header = DicomHeader(
        modality="DX", body_part_examined="CHEST", view_position="AP", patient_age=3.0
    )
    assert judge(replace(sample(), dicom=header)).verdict == "pass"


def test_an_inverted_radiograph_is_refused_with_the_remedy():
    assert codes(with_pixels(1 - sample().pixels)) == ["inverted_polarity"]


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_radiograph_is_refused_with_the_remedy(quarters):
    assert codes(with_pixels(np.rot90(sample().pixels, quarters))) == ["not_upright"]


def test_noise_and_blank_images_are_refused():
    rng = np.random.default_rng(0)
    assert "not_a_frontal_chest" in codes(with_pixels(rng.random((500, 400))))
    assert "no_contrast" in codes(with_pixels(np.full((500, 400), 0.5)))


def test_too_few_pixels_and_strange_shapes_are_refused():
    assert "too_few_pixels" in codes(with_pixels(sample().pixels[::20, ::20]))
    assert "wrong_shape" in codes(with_pixels(sample().pixels[:90]))


def test_a_colour_photograph_is_refused_and_a_tinted_film_remarked_on():
    assert "colour_image" in codes(replace(sample(), chroma=0.4))
    assert codes(replace(sample(), chroma=0.05)) == ["tinted_image"]


def test_a_rejected_radiograph_has_no_number(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (400, 400), dtype=np.uint8)
    from core.images import encode

    analysis = analyze(encode(noise, "PNG"), default_bundle())
    assert analysis.status == "rejected"
    assert analysis.prediction is None
    assert analysis.heatmap is None
    assert analysis.regions == ()
