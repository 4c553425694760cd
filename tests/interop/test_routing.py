import pytest
from hypothesis import given
from hypothesis import strategies as st

from interop.findings import as_read, make_finding
from pneumoscope.core.dicom_header import read_header
from pneumoscope.core.types import DicomHeader
from pneumoscope.interop.objects import OBJECTS
from pneumoscope.interop.routing import Rule, route

WORDS = st.sampled_from(["", "DX", "CR", "OT", "dx"])
AGES = st.none() | st.floats(0, 120)
HEADERS = st.builds(
    DicomHeader, modality=WORDS, body_part_examined=WORDS, view_position=WORDS, patient_age=AGES
)
SETS = st.frozensets(st.sampled_from(["DX", "CR"]), max_size=2)
RULES = st.builds(
    Rule,
    name=st.sampled_from(["one", "two"]),
    analyse=st.booleans(),
    modalities=SETS,
    body_parts=SETS,
    views=SETS,
    age_from=AGES,
    age_to=AGES,
)


@given(HEADERS, st.lists(RULES, max_size=4))
def test_the_first_rule_that_fits_decides_and_says_so(header, rules):
    decision = route(header, rules)
    fitting = [rule for rule in rules if route(header, [rule]).rule]
    if fitting:
        assert (decision.analyse, decision.rule) == (fitting[0].analyse, fitting[0].name)
        assert fitting[0].name in decision.reason
    else:
        assert decision.analyse
        assert not decision.rule


@given(HEADERS)
def test_without_a_rule_nothing_is_passed_over(header):
    assert route(header, []).analyse


def test_conditions_ages_and_case():
    rule = Rule("children", False, modalities=frozenset({"dx"}), age_from=1, age_to=18)
    assert not route(DicomHeader(modality="DX", patient_age=1.0), [rule]).analyse
    assert route(DicomHeader(modality="DX", patient_age=18.0), [rule]).analyse
    assert route(DicomHeader(modality="DX"), [rule]).analyse
    decision = route(DicomHeader(modality="DX", patient_age=17.5), [rule])
    assert decision.reason == "Passed over by the rule “children”: Modality DX, age 17.5."


@pytest.mark.parametrize("kind", OBJECTS)
def test_what_is_our_own_is_passed_over_whatever_the_rules_say(kind):
    made = as_read(OBJECTS[kind](make_finding()))
    decision = route(read_header(made, ""), [Rule("all", True)])
    assert (decision.analyse, decision.rule) == (False, "")
    assert decision.reason == "Passed over: Pneumoscope made it of a result itself."
