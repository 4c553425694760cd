import pytest

from pneumoscope.web.studies.states import PENDING, TRANSITIONS, State, sources_of, study_state


def test_the_table_knows_every_state():
    assert set(TRANSITIONS) == set(State)
    assert set().union(*TRANSITIONS.values()) <= set(State)


def test_every_state_is_reached_from_received():
    reached, front = {State.RECEIVED}, [State.RECEIVED]
    while front:
        new = TRANSITIONS[front.pop()] - reached
        reached |= new
        front += new
    assert reached == set(State)


def test_a_result_is_final():
    assert TRANSITIONS[State.ANALYSED] == TRANSITIONS[State.REJECTED] == frozenset()
    assert sources_of(State.ANALYSED) == [State.ANALYSING]


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ({State.RECEIVED}, State.RECEIVED),
        ({State.RECEIVED, State.ANALYSED}, State.ANALYSING),
        ({State.ANALYSING}, State.ANALYSING),
        ({State.ANALYSED, State.REJECTED, State.FAILED}, State.ANALYSED),
        ({State.REJECTED, State.FAILED}, State.REJECTED),
        ({State.FAILED}, State.FAILED),
    ],
)
def test_a_study_is_as_far_as_its_images(states, expected):
    assert study_state(states) == expected
    assert (expected in PENDING) == bool(states & PENDING)
