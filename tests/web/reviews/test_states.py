"""Readings go only where the table lets them, whatever readers say in whatever order."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pneumoscope.web.reviews.states import (
    TRANSITIONS,
    Agreement,
    Label,
    ReadingState,
    contradict,
    reading_state,
)

AGREE, DISAGREE, UNSURE = "agree", "disagree", "unsure"
WORDS = [(agreement, label) for agreement in Agreement.values for label in Label.values]
READERS = 4


@pytest.mark.parametrize(
    ("readings", "uncertain", "state"),
    [
        ([], False, "UNREAD"),
        ([(AGREE, "pneumonia")], False, "READ"),
        ([(AGREE, "pneumonia")], True, "SECOND_WANTED"),
        ([(DISAGREE, "normal")], False, "SECOND_WANTED"),
        ([(UNSURE, "")], False, "SECOND_WANTED"),
        ([(AGREE, "pneumonia"), (AGREE, "viral")], True, "CONFIRMED"),
        ([(AGREE, "bacterial"), (DISAGREE, "viral")], False, "DISPUTED"),
        ([(AGREE, "pneumonia"), (UNSURE, "")], False, "DISPUTED"),
        ([(AGREE, "pneumonia"), (AGREE, "bacterial"), (AGREE, "viral")], False, "DISPUTED"),
    ],
)
def test_what_follows_from_what_was_said(readings, uncertain, state):
    assert reading_state(readings, adjudicated=False, uncertain=uncertain) == state
    assert reading_state(readings, adjudicated=True, uncertain=uncertain) == "ADJUDICATED"


@settings(deadline=None)  # no measure of speed
@given(st.lists(st.integers(0, READERS * len(WORDS) - 1), max_size=12), st.booleans())
def test_every_step_is_in_the_table(said, uncertain):
    """Some readers say something, again and again."""
    state, opinions = ReadingState.UNREAD, {}
    for number in said:
        reader, word = divmod(number, len(WORDS))
        opinions[reader] = WORDS[word]
        reached = reading_state(list(opinions.values()), adjudicated=False, uncertain=uncertain)
        assert reached in TRANSITIONS[state]
        state = reached


@given(st.sampled_from(Label.values), st.sampled_from(Label.values))
def test_contradiction_is_mutual_and_never_with_oneself(one, other):
    assert contradict(one, other) == contradict(other, one)
    assert not contradict(one, one)


def test_a_decision_is_the_end():
    assert TRANSITIONS["ADJUDICATED"] == {"ADJUDICATED"}
    assert set(TRANSITIONS) == set(ReadingState.values)
