"""What `pipeline plan` tells of a batch that was run before, and what a reading would then do."""

from __future__ import annotations

import pytest

from pipeline.action import Action
from pipeline.cli.differences import in_a_line, in_lines
from pipeline.errors import UsageError
from pipeline.store import batches
from pipeline.store.changes import Changed, Changes, Removed, compare
from pipeline.task import NewTask
from pipeline.then import FollowUp
from tests.integration.conftest import World
from tests.integration.reading import blend, claim, make, read, row, send

U1, U2 = FollowUp("U1"), FollowUp("U2")
HAT, CAP = FollowUp("V2", (), "a hat"), FollowUp("V2", (), "a cap")


def changes(world: World, *tasks: NewTask) -> Changes:
    with world.store.look() as tx:
        return compare(tx, batches.get(tx, world.batch_id), tasks)


def tasks_to_send(world: World) -> int:
    """Those that are planned, with what follows when every one succeeds."""
    with world.store.begin() as tx:
        return int(
            tx.scalar(
                "SELECT coalesce(sum((state = 'planned')::int + follow_up_count), 0) FROM tasks "
                "WHERE wanted AND state IN ('planned', 'submitting', 'submitted', 'running')"
            )
        )


def test_every_row_is_named_by_what_has_become_of_it(world: World) -> None:
    read(world, row("fox", then=(U1,)), row("owl"), row("cat"), row("hen"), row("bee", bot="NIJI_JOURNEY"))
    make(world, "fox", "owl", "hen")
    told = changes(
        world,
        row("hen", "a red hen", state="for Ann"),
        row("fox", then=(U1,)),
        row("bee", bot="MID_JOURNEY", dimensions="SQUARE"),
        row("owl"),
        row("ant"),
    )
    assert told.changed == (
        Changed(key="hen", fields=("prompt", "state")),
        Changed(key="bee", fields=("bot", "dimensions")),
    )
    assert (told.new, told.unchanged, told.done) == (1, 2, 1)
    assert told.removed == (Removed(key="cat", sent=True),)
    assert told.to_send == {Action.IMAGINE: 3, Action.UPSCALE: 1}
    assert in_a_line("spring", told) == (
        "spring: 1 new, 2 changed (hen: prompt, state; bee: bot, dimensions), 2 unchanged, 1 removed"
    )
    assert list(in_lines("spring", told)) == [
        "Since spring was last run: 1 new, 2 changed, 2 unchanged (1 done, 1 not yet), 1 removed.",
        "  changed: hen: prompt, state",
        "  changed: bee: bot, dimensions",
        "  removed: cat (sent already)",
    ]


def test_nothing_differs_where_only_order_and_spacing_do(world: World) -> None:
    read(world, row("fox", then=(U1, U2)), row("owl"))
    told = changes(world, row("owl", " a  owl"), row("fox", then=(U2, U1)))
    assert not told.differs
    assert (told.unchanged, told.done, told.to_send) == (2, 0, {Action.IMAGINE: 2, Action.UPSCALE: 2})


def test_looking_changes_nothing(world: World) -> None:
    read(world, row("fox", then=(U1,)), row("owl"))
    world.change("UPDATE tasks SET fingerprint = NULL")
    before = world.column("row_to_json(tasks)::text")
    assert changes(world, row("fox", "a red fox"), row("ant")).differs
    assert world.column("row_to_json(tasks)::text") == before


def test_a_row_that_is_back_is_new_unless_it_was_made(world: World) -> None:
    read(world, row("fox"), row("owl"))
    with world.store.begin() as tx:
        tx.run("UPDATE tasks SET next_attempt_at = NULL WHERE key = 'owl'")
    make(world, "fox")
    read(world, row("hen"))
    told = changes(world, row("fox"), row("owl"))
    assert (told.new, told.unchanged, told.done, told.to_send) == (1, 1, 1, {Action.IMAGINE: 1})
    assert told.removed == (Removed(key="hen", sent=False),)


def test_rows_that_use_a_changed_row_are_told_to_have_other_pictures(world: World) -> None:
    mash, film = blend("mash", "fox"), blend("film", "mash")
    read(world, row("fox"), mash, film)
    read(world, row("fox", "a red fox"), mash, film)
    told = changes(world, row("fox", "a blue fox"), mash, film)
    assert told.changed == tuple(
        Changed(key=key, fields=fields)
        for key, fields in [("fox", ("prompt",)), ("mash", ("pictures",)), ("film", ("pictures",))]
    )
    assert told.to_send == {Action.IMAGINE: 1, Action.BLEND: 2}


@pytest.mark.parametrize(
    "rows",
    [
        (row("fox", then=(U1, HAT)), row("owl", then=(U1,)), row("cat")),
        (row("fox", then=(U1, CAP)), row("owl", then=(U2, FollowUp("V1", (U1, U2)))), row("ant", then=(U1,))),
        (row("fox", then=(FollowUp("V2", (U1,), "a hat"),)), row("owl", "a red owl", then=(U1,))),
        (row("fox", "a red fox"), row("owl"), row("cat", then=(U1,))),
        (),
    ],
)
def test_what_is_told_to_be_sent_is_what_a_reading_then_plans(world: World, rows: tuple[NewTask, ...]) -> None:
    read(world, row("fox", then=(U1, HAT)), row("owl", then=(U1,)), row("cat"))
    make(world, "fox")
    read(world, row("fox", then=(U1, HAT)))
    for asked in (rows, (row("fox", then=(U1, HAT)), row("owl", then=(U1,))), rows):
        told = changes(world, *asked)
        read(world, *asked)
        assert sum(told.to_send.values()) == tasks_to_send(world)
        assert not changes(world, *asked).differs
        send(world)


def test_rows_that_are_in_doubt_are_sent_already(world: World) -> None:
    read(world, row("fox"))
    claim(world)
    world.change("UPDATE tasks SET state = 'in_doubt'")
    assert changes(world).removed == (Removed(key="fox", sent=True),)


def test_a_key_in_other_capitals_is_told_before_anything_is_sent(world: World) -> None:
    read(world, row("fox"))
    with pytest.raises(UsageError, match=r"'Fox' \(its key was 'fox'\)"):
        changes(world, row("Fox"))


def test_many_rows_are_counted_and_the_first_are_named(world: World) -> None:
    read(world, *(row(f"fox{n}") for n in range(8)))
    told = changes(world, *(row(f"fox{n}", "red") for n in range(8)))
    assert "(fox0: prompt; fox1: prompt; fox2: prompt; fox3: prompt; fox4: prompt; and 3 more)" in in_a_line("s", told)
    assert list(in_lines("s", changes(world)))[-1] == "  removed: and 3 more"
