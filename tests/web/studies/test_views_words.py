"""Numbers in words: never bare, never more precise than they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pneumoscope.web.registry.models import ModelVersion
from pneumoscope.web.registry.templatetags.cards import figures, span
from pneumoscope.web.studies.models import Analysis, Study
from pneumoscope.web.studies.templatetags.meaning import (
    aetiology_sentence,
    calibration_sentence,
    threshold_sentence,
)
from pneumoscope.web.studies.templatetags.reading import (
    age_and_sex,
    code_words,
    finding_sentence,
    percent,
    pseudonym,
)
from pneumoscope.web.studies.templatetags.scale import anchor, rest_percent, svg_percent

SPACE = "\u00a0"


def analysis(probability, threshold=0.34, **fields):
    return Analysis(
        probability=probability,
        threshold=threshold,
        positive=probability >= threshold,
        **{"record": {}} | fields,
    )


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "< 1 %"),
        (0.004, "< 1 %"),
        (0.014, "1 %"),
        (0.914, "91 %"),
        (0.999, "> 99 %"),
        (1, "> 99 %"),
    ],
)
def test_whole_percents_and_never_certainty(value, words):
    assert percent(value) == words.replace(" ", SPACE)


@given(st.floats(0, 1))
def test_scale_ends_where_it_should(value):
    place, rest = (float(part(value).rstrip("%")) for part in (svg_percent, rest_percent))
    assert 0 <= place <= 100
    assert place + rest == pytest.approx(100, abs=0.11)
    assert anchor(value) in {"start", "middle", "end"}


@pytest.mark.parametrize(
    ("probability", "threshold", "words"),
    [
        (0.91, 0.34, "Likely pneumonia"),
        (0.4, 0.34, "Possible pneumonia"),
        (0.2, 0.34, "Pneumonia unlikely"),
        (0.6, 0.7, "Pneumonia not called"),
    ],
)
def test_the_words_follow_number_and_threshold(probability, threshold, words):
    assert finding_sentence(analysis(probability, threshold)).startswith(f"{words} – ")


def test_rounding_never_hides_the_side_of_the_threshold():
    assert "lies just below the threshold" in threshold_sentence(analysis(0.338))
    assert "lies just above the threshold" in threshold_sentence(analysis(0.342))
    assert "lies above the threshold" in threshold_sentence(analysis(0.9))


@pytest.mark.parametrize(
    ("bacterial", "viral", "words"),
    [
        (0.7, 0.2, "bacterial more than viral"),
        (0.2, 0.7, "viral more than bacterial"),
        (0.5, 0.4, "does not separate"),
    ],
)
def test_a_cause_is_phrased_with_care(bacterial, viral, words):
    result = analysis(0.9, aetiology={"bacterial": bacterial, "viral": viral})
    assert words in aetiology_sentence(result)
    assert "cannot establish the cause" in aetiology_sentence(result)


@pytest.mark.parametrize(
    "result", [analysis(0.9), analysis(0.1, aetiology={"bacterial": 1, "viral": 0})]
)
def test_no_cause_where_the_record_or_the_finding_has_none(result):
    assert aetiology_sentence(result) == ""


def test_calibration_names_its_condition_only_if_the_card_does():
    told = analysis(
        0.9, model_version=ModelVersion(card={"calibration": {"prior": "half and half"}})
    )
    assert "assumes half and half" in calibration_sentence(told)
    silent = analysis(0.9, model_version=ModelVersion(card={}))
    assert calibration_sentence(silent) == "Of 100 such results, about 90 show pneumonia."


def test_pseudonyms_are_stable_per_site_and_tell_nothing():
    one, again = Study(site_id=1, patient_id="4711"), Study(site_id=1, patient_id="4711")
    assert pseudonym(one) == pseudonym(again)
    assert pseudonym(one) != pseudonym(Study(site_id=2, patient_id="4711"))
    assert "4711" not in pseudonym(one)
    assert pseudonym(Study(site_id=1)) == "No patient ID"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("age", "sex", "words"),
    [
        (0.5, "M", "6 months, male"),
        (34.2, "F", "34 years, female"),
        (None, "O", "other"),
        (None, "", ""),
    ],
)
def test_age_and_sex(age, sex, words):
    assert age_and_sex(Study(age_years=age, sex=sex)) == words


def test_codes_are_titles():
    assert code_words("no_pixel_data") == "No pixel data"


def test_a_card_becomes_tables():
    card = {
        "operating_points": [{"name": "rule_in", "threshold": 0.34, "specificity": 0.98}],
        "uncertain": {"low": 0.2, "high": 0.7},
        "metrics": {
            "auc": 0.98765,
            "test": {"n": 624, "auc_ci": [0.97, 0.99], "by_age": {"adult": 0.5}},
        },
    }
    tables = {table["title"]: dict(table["rows"]) for table in figures(card)}
    assert tables["Operating point: rule-in"] == {"Threshold": "0.340", "Specificity": "0.980"}
    assert tables["Uncertain results"] == {"Low": "0.200", "High": "0.700"}
    assert tables["Metrics"] == {"AUC": "0.988"}
    assert tables["Test"] == {
        "Radiographs": "624",
        "AUC ci": "0.970 – 0.990",
        "By age, adult": "0.500",
    }
    assert span([1.0, 5.0], "years") == "1 to 5 years"
    assert span("unknown", "years") == "unknown"
    assert figures({"metrics": {}}) == []
