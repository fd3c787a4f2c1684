"""Rows to tasks, file stems, and what a manifest may cost."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.action import MADE_OF, Action
from pipeline.errors import ManifestError
from pipeline.inputs import Input, Role
from pipeline.manifest.then_tree import from_text
from pipeline.plan import Branch, Skipped, needs, possible, stem, summarise, tasks
from pipeline.task import Mode, NewTask, Row
from pipeline.then import FAMILIES, FollowUp


def row(key: str, then: str = "", requires: tuple[str, ...] = (), line: int = 2) -> Row:
    return Row(key=key, prompt=f"a {key}", then=from_text(then)[0], requires=requires, line=line)


def test_each_row_becomes_one_root_task() -> None:
    fox = Row(key="fox", prompt="a fox", mode=Mode.FAST, then=from_text("U1 V2(U3)")[0], line=2)
    assert list(tasks([fox])) == [
        NewTask(key="fox", stem="fox", action=Action.IMAGINE, prompt="a fox", mode=Mode.FAST, then=fox.then)
    ]


ORDINARY = [
    "fox",
    "a red fox",
    "007",
    "\u72d0",
    "a.b",
    "fox-U5",
    "fox-U1x",
    "R",
    "U1",
    "red-square",
    "a-zoom-2",
    "seed",
]


@pytest.mark.parametrize("key", ORDINARY)
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
        ("fox-seed", "fox-seed~"),
        ("cat-Imagine-2", "cat-Imagine-2~"),
        ("fox-U1-zoom-1.5", "fox-U1-zoom-1.5~"),
        ("fox-U1-vary_region-U2", "fox-U1-vary_region-U2~"),
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


def _ways() -> list[str]:
    """Every way of two follow-ups, as file names show it."""
    words = {name: [f"{name}-{value}" for value in family.values] or [name] for name, family in FAMILIES.items()}
    words |= {"zoom": ["zoom-1.5", "zoom-2"], **{name: [f"{name}{n}" for n in range(1, 5)] for name in "UV"}}
    return [
        "".join(f"-{word}" for word in way)
        for first, family in FAMILIES.items()
        if family.of & {*MADE_OF.values()}
        for way in [
            *((one,) for one in words[first]),
            *(
                (words[first][0], one)
                for then, below in FAMILIES.items()
                if family.makes in below.of
                for one in words[then]
            ),
        ]
    ]


@settings(deadline=None)
@given(KEYS, KEYS, st.sampled_from(["", *_ways()]))
@example("fox-U1", "fox", "-U1")
@example("fox-U1-square", "fox", "-U1-square")
@example("fox?", "fox*", "")
def test_two_keys_never_share_a_stem_nor_one_anothers_follow_ups(one: str, other: str, suffix: str) -> None:
    if one != other:
        assert stem(one) != stem(other) + suffix


@pytest.mark.parametrize("way", _ways())
def test_a_key_that_reads_like_a_follow_up_never_takes_its_file(way: str) -> None:
    assert stem(f"fox{way}") != stem("fox") + way


ORIGINAL = frozenset({"zoom", "pan", "video", "mode", "remix"})


def test_what_a_row_needs_is_its_action_its_buttons_and_its_mode() -> None:
    assert needs(row("fox", "U1-U4 V2(U1) R")) == {"imagine"}
    assert needs(row("fox", "U1(zoom-2(U1(pan-left)) vary-strong) seed")) == {"imagine", "zoom", "pan", "vary", "seed"}
    asked = Row(key="x", prompt="", mode=Mode.FAST, then=(FollowUp("V1", prompt="a hat"),), action=Action.BLEND)
    assert needs(asked) == {"blend", "mode", "remix"}


def test_a_row_is_skipped_where_the_server_lacks_what_it_requires() -> None:
    skipped: list[Skipped] = []
    rows = [row("fox", "U1(zoom-2)", ("zoom", "seed"), 4), row("owl", "U1", ("seed",))]
    assert list(possible(rows, "m.yaml", "novicezk", ORIGINAL, skipped)) == rows[1:]
    assert skipped == [Skipped(key="fox", line=4, reason="it requires zoom, which the server lacks")]
    assert [task.key for task in tasks(rows, ORIGINAL)] == ["owl"]
    assert [task.key for task in tasks(rows, frozenset())] == ["fox", "owl"]


def test_a_row_that_uses_the_picture_of_a_skipped_row_is_skipped_too() -> None:
    skipped: list[Skipped] = []
    uses = Row(
        key="b", prompt="", action=Action.DESCRIBE, inputs=(Input(role=Role.IMAGE, stems=("a", "a-U1")),), line=3
    )
    again = Row(key="c", prompt="", action=Action.DESCRIBE, inputs=(Input(role=Role.IMAGE, stems=("b",)),), line=4)
    assert list(possible([row("a", "U1", ("zoom",)), uses, again], "m.csv", "plus", ORIGINAL, skipped)) == []
    assert [one.reason for one in skipped[1:]] == [
        "it uses the picture of a, which is skipped",
        "it uses the picture of b, which is skipped",
    ]


def test_what_the_server_cannot_do_is_told_at_its_row_and_with_a_remedy() -> None:
    rows = [row("fox", "U1(zoom-2)", line=3), row("owl", "U1", line=4), row("elk", "U1(pan-up zoom-2)", ("seed",), 5)]
    with pytest.raises(ManifestError) as caught:
        list(possible(rows, "m.csv", "novicezk", ORIGINAL, []))
    assert str(caught.value).splitlines() == [
        (
            "m.csv:3:1: novicezk cannot zoom: remove `zoom` from `then`, or write `requires: zoom` to have the whole "
            "row, 3 tasks, skipped there"
        ),
        (
            "m.csv:5:1: novicezk cannot zoom or pan: remove `zoom` and `pan` from `then`, or write "
            "`requires: zoom, pan` to have the whole row, 4 tasks, skipped there"
        ),
    ]


def test_the_tree_is_in_the_order_of_the_buttons() -> None:
    (root,) = summarise([row("a", "R seed V1 U2 U1(zoom-2 pan-down pan-left upscale-subtle) describe")]).tree
    assert [one.word for one in root.then] == ["U1", "U2", "V1", "R", "seed", "describe"]
    assert [one.word for one in root.then[0].then] == ["upscale-subtle", "zoom-2", "pan-left", "pan-down"]


def test_rows_that_share_a_prompt_are_counted() -> None:
    same = [Row(key=str(n), prompt=prompt) for n, prompt in enumerate("aabcbb")]
    assert summarise(same).sharing_prompts == 5
    assert summarise([row("fox"), row("owl")]).sharing_prompts == 0
    blends = [Row(key=key, prompt="", action=Action.BLEND) for key in "ab"]
    assert summarise(blends).sharing_prompts == 0


def test_a_seed_and_a_bookmark_are_free_unless_a_price_says_otherwise() -> None:
    summary = summarise([row("fox", "seed U1(bookmark)")])
    prices = {Action.IMAGINE: Decimal("0.04"), Action.UPSCALE: Decimal("0.01")}
    assert (summary.unpriced(prices), summary.most_cost(prices)) == ((), Decimal("0.05"))
    assert summary.most_cost(prices | {Action.SEED: Decimal("0.01")}) == Decimal("0.06")


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
