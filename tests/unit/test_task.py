from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.action import Action
from pipeline.follow_up import children
from pipeline.task import AT_THE_API, MOVES, FinishedTask, Mode, State
from pipeline.then import FOLLOW_UP_WORDS, FollowUp, alike, then_from_json, then_to_json

FOX = {"word": "R", "prompt": "a fox", "mask": None, "then": []}
words = st.sampled_from(FOLLOW_UP_WORDS)
trees = st.recursive(
    st.builds(FollowUp, words), lambda below: st.builds(FollowUp, words, st.lists(below, max_size=3).map(tuple))
)


@given(st.lists(trees, max_size=4).map(tuple))
def test_follow_ups_survive_json(then: tuple[FollowUp, ...]) -> None:
    assert then_from_json(then_to_json(then)) == then


@given(st.lists(trees, max_size=4).map(tuple), st.randoms(use_true_random=False))
def test_the_order_of_follow_ups_makes_no_difference(then: tuple[FollowUp, ...], random: Random) -> None:
    assert alike(then, tuple(random.sample(then, len(then))))
    assert alike(then, ()) is (then == ())


@pytest.mark.parametrize(
    ("some", "others", "same"),
    [
        (["U1", "V2"], ["V2", "U1"], True),
        (["V2", "V2~2"], ["V2~2", "V2~3"], True),
        ([{"word": "R", "prompt": "a  fox", "mask": None, "then": []}], [FOX], True),
        (["R"], [FOX], False),
        (["U1"], ["U1", "U2"], False),
        ([{"V2": ["U1"]}], ["V2"], False),
        (["V2"], ["V2", "V2~2"], False),
    ],
)
def test_follow_ups_are_alike_when_they_ask_for_the_same(some: list[object], others: list[object], same: bool) -> None:
    assert alike(then_from_json(some), then_from_json(others)) is same


def test_every_state_has_its_moves() -> None:
    assert set(MOVES) == set(State)


def test_no_move_leads_from_a_paid_task_back_to_sending() -> None:
    """Once the API has named a task, no chain of moves may lead to another POST, but for the answer to its window."""
    opens_a_window = {(before, State.PLANNED) for before in AT_THE_API}
    seen, todo = set(), [State.SUBMITTED]
    while todo:
        state = todo.pop()
        seen.add(state)
        todo += [after for after in MOVES[state] - seen if (state, after) not in opens_a_window]
    assert not seen & {State.PLANNED, State.SUBMITTING}


def test_a_finished_task_names_its_children() -> None:
    parent = FinishedTask(
        id=7,
        key="Fox!",
        stem="Fox~1a2b3c",
        depth=1,
        prompt="a fox",
        mode=Mode.FAST,
        then=(FollowUp("U1"), FollowUp("V2", (FollowUp("U4"),)), FollowUp("R")),
        to_deliver=True,
    )
    upscale, variation, reroll = children([parent])
    assert (upscale.key, upscale.stem, upscale.action, upscale.index) == ("Fox!-U1", "Fox~1a2b3c-U1", Action.UPSCALE, 1)
    assert (variation.action, variation.then) == (Action.VARIATION, (FollowUp("U4"),))
    assert (reroll.action, reroll.index) == (Action.REROLL, None)
    assert {child.parent_id for child in (upscale, variation, reroll)} == {7}
    assert {(child.depth, child.mode, child.prompt) for child in (upscale, variation)} == {(2, Mode.FAST, "a fox")}
