"""Rows to tasks, file stems, and what a manifest may cost."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.action import Action
from pipeline.manifest.then_tree import from_text
from pipeline.plan import Branch, stem, summarise, tasks
from pipeline.task import Mode, NewTask, Row


def row(key: str, then: str = "") -> Row:
    return Row(key=key, prompt=f"a {key}", then=from_text(then)[0])


def test_each_row_becomes_one_root_task() -> None:
    fox = Row(key="fox", prompt="a fox", mode=Mode.FAST, then=from_text("U1 V2(U3)")[0], line=2)
    assert list(tasks([fox])) == [
        NewTask(key="fox", stem="fox", action=Action.IMAGINE, prompt="a fox", mode=Mode.FAST, then=fox.then)
    ]


@pytest.mark.parametrize("key", ["fox", "a red fox", "007", "\u72d0", "a.b", "fox-U5", "fox-U1x", "R", "U1"])
def test_an_ordinary_key_is_its_own_stem(key: str) -> None:
    assert stem(key) == key


@pytest.mark.parametrize(
    ("key", "start"),
    [
        ("../../etc/passwd", "etc-passwd~"),
        ("a/b\\c:d", "a-b-c-d~"),
        (".hidden", "hidden~"),
        ("CON", "_CON~"),
        ("..", "row~"),
        ("fox-U1", "fox-U1~"),
        ("fox-v3", "fox-v3~"),
        ("fox-R", "fox-R~"),
        ("fox~0123456789", "fox-0123456789~"),
        ("cafe\u0301", "caf\u00e9~"),
        ("x" * 200, "x" * 89 + "~"),
    ],
)
def test_a_key_that_no_disk_should_see_is_changed_and_marked(key: str, start: str) -> None:
    assert re.fullmatch(re.escape(start) + "[0-9a-f]{10}", stem(key))


KEYS = st.text(min_size=1, max_size=200) | st.text(alphabet="./\\~-UVR12 \0\u202eCON", min_size=1, max_size=12)


@settings(deadline=None)
@given(KEYS)
@example("\u00e9" * 100)
@example("LPT1.txt")
def test_a_stem_never_leaves_its_folder(key: str) -> None:
    name = stem(key)
    assert name == stem(key)
    assert name not in {"", ".", ".."}
    assert not set(name) & set('/\\\0:*?"<>|')
    assert len(name.encode()) <= 100
    assert PurePosixPath("batch", name).parent == PurePosixPath("batch")
    assert PureWindowsPath("batch", name).parent == PureWindowsPath("batch")
    assert not re.match(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", name, re.IGNORECASE)


@settings(deadline=None)
@given(KEYS, KEYS, st.sampled_from(["", "-U1", "-V4", "-R"]))
@example("fox-U1", "fox", "-U1")
@example("fox?", "fox*", "")
def test_two_keys_never_share_a_stem_nor_one_anothers_follow_ups(one: str, other: str, suffix: str) -> None:
    if one != other:
        assert stem(one) != stem(other) + suffix


def test_a_summary_counts_tasks_by_action_and_place_in_the_tree() -> None:
    summary = summarise([row("fox", "U1-U2"), row("owl", "U1 V2(U1)"), row("elk")])
    assert (summary.rows, summary.tasks) == (3, 8)
    assert summary.actions == {Action.IMAGINE: 3, Action.UPSCALE: 4, Action.VARIATION: 1}
    upscale = Action.UPSCALE
    assert summary.tree == (
        Branch(
            word="imagine",
            action=Action.IMAGINE,
            count=3,
            then=(
                Branch(word="U1", action=upscale, count=2),
                Branch(word="U2", action=upscale, count=1),
                Branch(
                    word="V2",
                    action=Action.VARIATION,
                    count=1,
                    then=(Branch(word="U1", action=upscale, count=1),),
                ),
            ),
        ),
    )


def test_at_worst_every_attempt_is_sent_and_every_task_is_paid_once() -> None:
    summary = summarise([row("fox", "U1-U4"), row("owl", "U1-U4")])
    assert summary.most_posts(8) == 80
    assert summary.most_cost({Action.IMAGINE: Decimal("0.04"), Action.UPSCALE: Decimal("0.01")}) == Decimal("0.16")


def test_without_a_price_for_each_action_there_is_no_cost() -> None:
    summary = summarise([row("fox", "U1")])
    assert summary.unpriced({Action.IMAGINE: Decimal(1)}) == (Action.UPSCALE,)
    assert summary.most_cost({Action.IMAGINE: Decimal(1)}) is None


def test_nothing_becomes_an_empty_summary() -> None:
    summary = summarise([])
    assert (summary.rows, summary.tasks, summary.tree, summary.most_cost({})) == (0, 0, (), Decimal(0))
