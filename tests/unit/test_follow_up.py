"""A finished task names its children, with all that they take over from it."""

from __future__ import annotations

import pytest

from pipeline.action import Action
from pipeline.follow_up import children
from pipeline.inputs import Input, Role
from pipeline.task import FinishedTask, Mode, NewTask
from pipeline.then import FollowUp

MASK = Input(role=Role.MASK, sha256="a" * 64)
OPTIONS = {"bot": "NIJI_JOURNEY", "account_filter": {"remix": True}, "state": "mine", "dimensions": "SQUARE"}


def child(one: FollowUp, prompts: tuple[str, ...] = ()) -> NewTask:
    parent = FinishedTask(
        id=7,
        key="a fox!",
        stem="a fox~1",
        depth=1,
        prompt="a fox",
        mode=Mode.FAST,
        then=(one,),
        to_deliver=True,
        prompts=prompts,
        options=OPTIONS,
    )
    (made,) = children([parent])
    return made


def test_a_child_is_named_after_its_parent_and_its_word() -> None:
    made = child(FollowUp("zoom-1.5", (FollowUp("U1"),)))
    assert (made.key, made.stem, made.word, made.action) == ("a fox!-zoom-1.5", "a fox~1-zoom-1.5", "zoom-1.5", "zoom")
    assert (made.parent_id, made.depth, made.mode, made.then) == (7, 2, Mode.FAST, (FollowUp("U1"),))


@pytest.mark.parametrize(("word", "index"), [("U2", 2), ("V4", 4), ("R", None), ("imagine-3", 3), ("zoom-2", None)])
def test_a_child_knows_which_one_it_is(word: str, index: int | None) -> None:
    assert child(FollowUp(word)).index == index


@pytest.mark.parametrize(
    ("one", "prompt", "own"),
    [
        (FollowUp("U1"), "a fox", False),
        (FollowUp("V1", prompt="a fox with a hat"), "a fox with a hat", True),
        (FollowUp("vary_region", mask=MASK), "a fox", False),
        (FollowUp("imagine-2"), "the second", False),
        (FollowUp("imagine-2~2", prompt="mine"), "mine", True),
        (FollowUp("imagine-5"), "", False),
    ],
)
def test_a_child_has_its_own_prompt_or_the_chosen_one_or_its_parents(one: FollowUp, prompt: str, own: bool) -> None:
    made = child(one, ("the first", "the second", "the third"))
    assert (made.prompt, made.own_prompt) == (prompt, own)


def test_a_region_takes_its_mask_and_a_describe_its_parents_picture() -> None:
    assert child(FollowUp("vary_region", mask=MASK)).inputs == (MASK,)
    assert child(FollowUp("describe")).inputs == (Input(role=Role.IMAGE, stems=("a fox~1",)),)
    assert child(FollowUp("U1")).inputs == ()


def test_a_child_takes_over_what_is_said_of_the_whole_row() -> None:
    assert child(FollowUp("U1")).options == {name: OPTIONS[name] for name in ("bot", "account_filter", "state")}
    assert Action.UPSCALE is child(FollowUp("U1")).action
