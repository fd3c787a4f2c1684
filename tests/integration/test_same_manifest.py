"""Same manifest, same work: a row is known by its key and by what it sends, and nothing is sent twice."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest

from pipeline import follow_up
from pipeline.errors import UsageError
from pipeline.fingerprint import Fingerprints
from pipeline.inputs import Input, Role
from pipeline.outcome import Accepted, Blame, TryAgain, Window
from pipeline.store import claims, doubts, moves, records
from pipeline.store.engine import Transaction, as_json
from pipeline.store.moves import Change
from pipeline.store.progress import Progress, progress_of
from pipeline.task import ClaimedTask, NewTask, State
from pipeline.then import FollowUp
from tests.integration.conftest import World
from tests.integration.reading import blend, bring, claim, end, make, read, row, send, settle

U1, U2 = FollowUp("U1"), FollowUp("U2")


def told(world: World, *, wanted: bool = True) -> dict[str, str]:
    """Stems and states of what the manifest asks for, or of the rest."""
    with world.store.begin() as tx:
        found = tx.rows("SELECT stem, state FROM tasks WHERE wanted = :wanted ORDER BY id", wanted=wanted)
    return {task.stem: task.state for task in found}


def progress(world: World) -> Progress:
    with world.store.begin() as tx:
        return progress_of(tx, world.batch_id)


def troubles(world: World) -> list[str]:
    with world.store.begin() as tx:
        return [trouble.key for trouble in records.troubles(tx, world.batch_id, most=10)]


def test_the_same_rows_in_another_order_are_the_same_work(world: World) -> None:
    read(world, row("fox"), row("owl"), blend("mash", "fox", "owl"))
    make(world, "fox", "owl")
    read(world, row("owl"), row("fox"), blend("mash", "fox", "owl"))
    assert told(world) == {"fox": "delivered", "owl": "delivered", "mash": "planned"}
    assert send(world) == ["blend"]
    assert told(world, wanted=False) == {}


def test_how_a_prompt_is_spaced_or_tidied_makes_no_difference(world: World) -> None:
    read(world, row("fox", "a fox in the snow --ar 3:2", (FollowUp("R", (), "an owl --ar 3:2"),)))
    make(world, "fox")
    read(world, row("fox", "a  fox --ar 3:2 in the snow", (FollowUp("R", (), "an  owl —ar 3:2"),)))
    assert told(world) == {"fox": "delivered", "fox-R": "planned"}
    assert told(world, wanted=False) == {}


def test_a_note_is_changed_in_place_and_nothing_is_sent_for_it(world: World) -> None:
    read(world, row("fox", then=(U1,), state="for Ann"))
    make(world, "fox")
    read(world, row("fox", then=(U1,), state="for Bob"))
    assert world.column("options") == [{"state": "for Bob"}] * 2
    read(world, row("fox", then=(U1,)))
    assert world.column("options") == [{}, {}]
    assert told(world) == {"fox": "delivered", "fox-U1": "planned"}


def test_a_row_that_has_changed_before_it_was_sent_is_sent_as_it_is_now_and_has_the_name(world: World) -> None:
    read(world, row("fox", "a fox"))
    read(world, row("fox", "a red fox"))
    assert told(world) == {"fox": "planned"}
    assert world.column("reason") == ["its row has changed since, and it was not sent before", None]
    assert send(world) == ["a red fox"]
    assert (progress(world).tasks, troubles(world)) == (1, [])


@pytest.mark.parametrize("outcome", ["submitting", "submitted", "delivered"])
def test_a_row_that_has_changed_after_it_was_sent_is_sent_anew_beside_it(world: World, outcome: str) -> None:
    read(world, row("fox", "a fox", (U1,)))
    (task,) = claim(world)
    if outcome != "submitting":
        settle(world, task, Accepted(remote_id=f"r{task.id}", code=1, detail=""))
    if outcome == "delivered":
        end(world, "fox")
        bring(world, "fox")
        make(world, "fox-U1")
    read(world, row("fox", "a red fox", (U1,)))
    assert told(world) == {"fox~2": "planned"}
    assert told(world, wanted=False)["fox"] == outcome
    if outcome == "submitting":
        settle(world, task, Accepted(remote_id=f"r{task.id}", code=1, detail=""))
    if outcome != "delivered":
        end(world, "fox")
        bring(world, "fox")
    assert told(world, wanted=False)["fox"] == "delivered"
    assert "fox-U1" not in told(world), "nothing new follows from what is not asked for"
    make(world, "fox~2", "fox~2-U1")
    counts = progress(world)
    assert (counts.whole, counts.tasks) == (False, 4 if outcome == "delivered" else 3)
    make(world, "fox~2-U1")
    assert progress(world).whole


def test_a_row_that_is_changed_back_is_wanted_as_it_was_and_nothing_is_paid_again(world: World) -> None:
    read(world, row("fox", "a fox", (U1,)))
    make(world, "fox")
    read(world, row("fox", "a red fox"))
    assert told(world, wanted=False) == {"fox": "delivered", "fox-U1": "cancelled"}
    read(world, row("fox", "a fox", (U1,)))
    assert told(world) == {"fox": "delivered", "fox-U1": "planned"}
    assert told(world, wanted=False) == {"fox~2": "cancelled"}
    assert (progress(world).tasks, progress(world).planned, troubles(world)) == (2, 1, [])
    read(world, row("fox", "a red fox"))
    assert told(world) == {"fox~2": "planned"}


def test_a_row_that_is_changed_to_and_fro_before_it_is_sent_keeps_its_name(world: World) -> None:
    for prompt in ("a fox", "a red fox", "a fox", "a blue fox", "a red fox"):
        read(world, row("fox", prompt))
        assert told(world) == {"fox": "planned"}
    assert send(world) == ["a red fox"]
    assert len(told(world, wanted=False)) == 2


def test_a_refused_row_that_is_corrected_gets_the_name(world: World) -> None:
    read(world, row("fox", "a banned fox"))
    claim(world)
    world.change("UPDATE tasks SET state = 'failed', reason = '[Banned] no'")
    assert troubles(world) == ["fox"]
    read(world, row("fox", "a kind fox"))
    assert told(world) == {"fox": "planned"}
    assert (troubles(world), progress(world).failed, progress(world).tasks) == ([], 0, 1)


def test_a_row_that_failed_at_the_api_keeps_its_name_for_a_late_success(world: World) -> None:
    read(world, row("fox", "a fox"))
    send(world)
    end(world, "fox", State.FAILED)
    read(world, row("fox", "a red fox"))
    assert told(world) == {"fox~2": "planned"}
    end(world, "fox")
    assert told(world, wanted=False) == {"fox": "succeeded"}
    assert (progress(world).tasks, progress(world).downloading) == (2, 1)


def test_a_removed_row_is_not_sent_and_is_planned_again_when_it_is_back(world: World) -> None:
    read(world, row("fox"), row("owl", then=(U1,)))
    read(world, row("fox"))
    assert told(world, wanted=False) == {"owl": "cancelled"}
    assert world.column("reason")[1] == "its row was removed from the manifest before it was sent"
    assert (progress(world).tasks, troubles(world)) == (1, [])
    assert send(world) == ["a fox"]
    read(world, row("owl", then=(U1,)), row("fox"))
    assert progress(world).tasks == 3
    assert send(world) == ["a owl"]
    with world.store.begin() as tx:
        events = tx.rows("SELECT to_state, cause FROM task_events e JOIN tasks t ON t.id = task_id WHERE key = 'owl'")
    assert [tuple(event) for event in events][:2] == [("cancelled", "manifest"), ("planned", "manifest")]


def test_a_removed_row_that_was_sent_is_followed_to_its_end(world: World) -> None:
    read(world, row("fox"), row("owl", then=(U1,)))
    send(world)
    read(world, row("fox"))
    counts = progress(world)
    assert (counts.tasks, counts.queued, counts.to_follow) == (2, 2, 0)
    end(world, "owl")
    bring(world, "owl")
    assert told(world, wanted=False) == {"owl": "delivered"}
    read(world, row("fox"), row("owl", then=(U1,)))
    assert told(world) == {"fox": "submitted", "owl": "delivered", "owl-U1": "planned"}


def test_what_the_api_does_not_take_after_it_was_removed_is_not_sent_again(world: World) -> None:
    read(world, row("fox"), row("owl"))
    fox, owl = claim(world)
    read(world)
    settle(world, fox, TryAgain(reason="[3] busy", blame=Blame.TASK))
    settle(world, owl, Window(remote_id="w7", code=21, reason="a window"))
    assert told(world, wanted=False) == {"fox": "cancelled", "owl": "cancelled"}
    assert claim(world) == []
    read(world, row("fox"), row("owl"))
    assert [task.window_id for task in claim(world)] == [None, None]


def test_a_window_that_opens_for_a_removed_row_is_not_answered(world: World) -> None:
    read(world, row("fox"))
    (task,) = claim(world)
    settle(world, task, Accepted(remote_id="r7", code=1, detail=""))
    read(world)
    with world.store.begin() as tx:
        moves.report(tx, [Change(id=task.id, remote_id="r7", state=State.PLANNED)], "poll")
    assert told(world, wanted=False) == {"fox": "cancelled"}


def test_a_removed_row_in_doubt_stays_in_doubt_in_view(world: World) -> None:
    read(world, row("fox"))
    claim(world)
    world.change("UPDATE tasks SET state = 'in_doubt', next_attempt_at = NULL")
    read(world, row("owl"))
    assert (progress(world).in_doubt, progress(world).tasks, troubles(world)) == (1, 2, ["fox"])
    with world.store.begin() as tx:
        doubts.found(tx, doubts.in_doubt(tx, "spring/fox", "acme"), "r1")
    assert told(world, wanted=False) == {"fox": "submitted"}


def test_what_a_person_gave_up_is_not_sent_because_its_row_was_away(world: World) -> None:
    read(world, row("fox"))
    claim(world)
    world.change("UPDATE tasks SET state = 'in_doubt', next_attempt_at = NULL")
    with world.store.begin() as tx:
        doubts.give_up(tx, doubts.in_doubt(tx, "spring/fox", "acme"))
    read(world)
    read(world, row("fox"))
    assert told(world) == {"fox": "failed"}


def test_rows_that_use_a_changed_row_have_changed_and_use_what_is_wanted_now(world: World) -> None:
    mash, film = blend("mash", "fox", "owl"), blend("film", "mash")
    read(world, row("fox"), row("owl"), mash, film)
    make(world, "fox", "owl")
    make(world, "mash")
    make(world, "film")
    assert progress(world).whole
    read(world, row("owl"), row("fox", "a red fox"), mash, film)
    assert told(world) == {"owl": "delivered", "fox~2": "planned", "mash~2": "planned", "film~2": "planned"}
    make(world, "fox~2")
    (task,) = claim(world)
    assert [one.stems for one in task.inputs] == [("fox~2",), ("owl",)]
    settle(world, task, Accepted(remote_id=f"r{task.id}", code=1, detail=""))
    end(world, "mash~2")
    (task,) = claim(world)
    assert [one.stems for one in task.inputs] == [("mash~2",)]
    settle(world, task, Accepted(remote_id=f"r{task.id}", code=1, detail=""))
    read(world, row("fox"), row("owl"), mash, film)
    assert set(told(world).values()) == {"delivered"}


def test_a_new_row_that_uses_a_picture_that_is_there_goes_at_once(world: World) -> None:
    read(world, row("fox", "a fox"))
    make(world, "fox")
    read(world, row("fox", "a red fox", (U2,)))
    make(world, "fox~2")
    make(world, "fox~2-U2")
    read(world, row("fox", "a red fox", (U2,)), blend("mash", "fox/U2"))
    (task,) = claim(world)
    assert task.inputs[0].stems == ("fox~2", "fox~2-U2")


def test_rows_that_were_not_sent_use_what_is_wanted_when_they_are_back(world: World) -> None:
    mash = blend("mash", "fox")
    for prompt in ("a fox", "a red fox", "a fox"):
        read(world, row("fox", prompt), mash)
        assert told(world) == {"fox": "planned", "mash": "planned"}
    make(world, "fox")
    assert [task.inputs[0].stems for task in claim(world)] == [("fox",)]


def test_follow_ups_that_are_removed_are_not_sent_and_come_back(world: World) -> None:
    read(world, row("fox", then=(U1, U2, FollowUp("V2", (U1,)))))
    make(world, "fox")
    world.change("UPDATE tasks SET next_attempt_at = now() + interval '1 hour' WHERE word <> 'V2'")
    make(world, "fox-V2")
    read(world, row("fox", then=(U1,)))
    assert told(world) == {"fox": "delivered", "fox-U1": "planned"}
    assert told(world, wanted=False) == {"fox-U2": "cancelled", "fox-V2": "delivered", "fox-V2-U1": "cancelled"}
    assert progress(world).tasks == 3
    read(world, row("fox", then=(FollowUp("V2", (U1, U2)), U2)))
    assert told(world) == {
        "fox": "delivered",
        "fox-U2": "planned",
        "fox-V2": "delivered",
        "fox-V2-U1": "planned",
        "fox-V2-U2": "planned",
    }


def test_follow_ups_of_a_row_that_is_on_its_way_are_those_that_it_has_when_it_is_done(world: World) -> None:
    read(world, row("fox", then=(U1,)))
    send(world)
    read(world, row("fox", then=(U2,)))
    end(world, "fox")
    assert told(world) == {"fox": "succeeded", "fox-U2": "planned"}


def hat(colour: str) -> FollowUp:
    return FollowUp("V2", (), f"a {colour} hat")


def test_a_follow_up_that_has_changed_before_it_was_sent_is_sent_as_it_is_now(world: World) -> None:
    read(world, row("fox", then=(hat("red"),)))
    make(world, "fox")
    for colour in ("blue", "red", "green"):
        read(world, row("fox", then=(hat(colour),)))
        assert told(world) == {"fox": "delivered", "fox-V2": "planned"}
    assert send(world) == ["a green hat"]
    read(world, row("fox", then=(hat("green"),)))
    assert told(world) == {"fox": "delivered", "fox-V2": "submitted"}


def test_a_follow_up_that_has_changed_after_it_was_sent_is_sent_anew_beside_it(world: World) -> None:
    read(world, row("fox", then=(hat("red"),)), blend("mash", "fox/V2"))
    make(world, "fox")
    make(world, "fox-V2")
    for _ in range(2):
        read(world, row("fox", then=(hat("blue"),)), blend("mash", "fox/V2"))
        assert told(world) == {"fox": "delivered", "mash": "planned", "fox-V2~2": "planned"}
    make(world, "fox-V2~2")
    (task,) = claim(world)
    assert task.inputs[0].stems == ("fox", "fox-V2~2")
    read(world, row("fox", then=(hat("red"), hat("green"))))
    assert told(world) == {"fox": "delivered", "fox-V2": "delivered", "fox-V2~3": "planned"}


def test_siblings_that_change_places_are_the_same_work(world: World) -> None:
    red, blue = hat("red"), hat("blue")
    read(world, row("fox", then=(red, replace(blue, word="V2~2"))))
    make(world, "fox")
    make(world, "fox-V2", "fox-V2~2")
    read(world, row("fox", then=(blue, replace(red, word="V2~2"))))
    read(world, row("fox", then=(blue,)))
    assert told(world) == {"fox": "delivered", "fox-V2~2": "delivered"}
    assert claim(world) == []


def test_a_mask_is_what_tells_regions_apart(world: World) -> None:
    def region(digest: str) -> FollowUp:
        mask = Input(role=Role.MASK, sha256=digest)
        return FollowUp("U1", (FollowUp("vary_region", (), "a hat", mask),))

    read(world, row("fox", then=(region("ab"),)))
    make(world, "fox")
    make(world, "fox-U1")
    make(world, "fox-U1-vary_region")
    read(world, row("fox", then=(region("cd"),)))
    assert told(world)["fox-U1-vary_region~2"] == "planned"
    read(world, row("fox", then=(region("ab"),)))
    assert told(world)["fox-U1-vary_region"] == "delivered"


def test_a_key_in_other_capitals_is_refused_and_nothing_is_changed(world: World) -> None:
    read(world, row("fox"), row("owl"))
    with pytest.raises(UsageError, match=r"'Fox' \(its key was 'fox'\); nothing was sent"):
        read(world, row("Fox", "a fox"), row("owl"))
    assert told(world) == {"fox": "planned", "owl": "planned"}


def test_rows_of_an_older_version_are_known_by_what_they_send(world: World) -> None:
    tasks = (row("fox", "a  fox"), row("owl"), blend("mash", "fox", "owl"), blend("film", "mash"))
    read(world, *tasks)
    before = world.column("fingerprint")
    world.change("UPDATE tasks SET fingerprint = NULL")
    make(world, "fox", "owl")
    read(world, *tasks)
    assert world.column("fingerprint") == before == list(map(Fingerprints().of, tasks))
    assert told(world, wanted=False) == {}
    world.change("UPDATE tasks SET fingerprint = NULL")
    read(world, row("fox", "a red fox"), *tasks[1:])
    assert list(told(world)) == ["owl", "fox~2", "mash", "film"]


def test_a_claim_and_the_reading_never_both_have_a_task(world: World) -> None:
    """Each row is either sent as it was, or not sent and replaced."""
    keys = [f"fox-{number}" for number in range(60)]
    read(world, *map(row, keys))
    world.change("UPDATE accounts SET max_running = 100")

    def send_some(_: int) -> list[ClaimedTask]:
        return claim(world, most=3)

    with ThreadPoolExecutor(4) as pool:
        claimed = pool.map(send_some, range(12))
        read(world, *(row(key, f"a red {key}") for key in keys))
        sent = [task for tasks in claimed for task in tasks]
    old = told(world, wanted=False)
    assert set(old.values()) <= {"submitting", "cancelled"}
    assert len([task for task in sent if "red" not in task.prompt]) == list(old.values()).count("submitting")
    assert len(told(world)) == 60


@contextmanager
def waiting(world: World, *tasks: NewTask) -> Iterator[Transaction]:
    """A transaction for which a reading of these rows, in another one, comes to wait; ends when both have ended."""
    with ThreadPoolExecutor(1) as pool, world.store.begin() as tx:
        yield tx
        reading = pool.submit(read, world, *tasks)
        gives_up = time.monotonic() + 30
        while not tx.scalar("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            assert not reading.done(), "the reading does not wait"
            assert time.monotonic() < gives_up, "the reading does not come to wait"
    reading.result()


def test_follow_ups_that_a_report_creates_while_the_manifest_is_read_are_not_forgotten(world: World) -> None:
    read(world, row("fox", then=(U1,)))
    send(world)
    with waiting(world) as tx:
        task_id = tx.scalar("SELECT id FROM tasks")
        change = Change(id=task_id, remote_id=f"r{task_id}", state=State.SUCCEEDED, image_url="http://acme.test/x.png")
        moves.add_children(tx, world.account_id, follow_up.children(moves.report(tx, [change], "poll")))
    assert told(world, wanted=False) == {"fox": "succeeded", "fox-U1": "cancelled"}


def test_a_follow_up_that_is_claimed_while_the_manifest_is_read_counts_as_sent(world: World) -> None:
    read(world, row("fox", then=(hat("red"),)))
    make(world, "fox")
    with waiting(world, row("fox", then=(hat("blue"),))) as tx:
        claims.claim_for_submit(tx, world.account_id, most=1, lease=60, owner=world.owner)
    assert told(world, wanted=False) == {"fox-V2": "submitting"}
    assert told(world) == {"fox": "delivered", "fox-V2~2": "planned"}


def test_what_was_cancelled_for_another_reason_is_not_sent_because_its_row_was_away(world: World) -> None:
    read(world, row("fox"))
    with world.store.begin() as tx:
        stop = moves.move_sql("", "next_attempt_at = NULL")
        tx.rows(stop, rows=as_json([{"id": 1, "state": State.CANCELLED, "reason": "the server says so"}]), cause="poll")
    read(world)
    read(world, row("fox"))
    assert told(world) == {"fox": "cancelled"}
