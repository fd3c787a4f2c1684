from __future__ import annotations

import pytest

from pipeline.action import Action
from pipeline.errors import UsageError
from pipeline.store import accounts, batches, rows
from pipeline.store.batches import Handed, Unread
from pipeline.store.progress import progress_of
from pipeline.task import NewTask, State
from pipeline.then import FollowUp
from tests.integration.conftest import World


def receive(
    world: World,
    content: bytes,
    account_id: int | None = None,
    deliver: bool = True,
    pictures: tuple[str, ...] = (),
) -> tuple[int, bool]:
    with world.store.begin() as tx:
        handed = Handed(name="spring", filename="spring.csv", manifest=content, deliver=deliver, pictures=pictures)
        return batches.receive(tx, account_id or world.account_id, handed)


def test_the_same_manifest_with_another_picture_is_read_again(world: World) -> None:
    receive(world, b"prompt\na fox\n", pictures=("ab",))
    world.plan("fox")
    assert receive(world, b"prompt\na fox\n", pictures=("ab",)) == (world.batch_id, False)
    assert receive(world, b"prompt\na fox\n", pictures=("cd",)) == (world.batch_id, True)


def test_the_same_manifest_is_the_same_batch_and_is_read_once(world: World) -> None:
    assert receive(world, b"prompt\na fox\n") == (world.batch_id, True)
    world.plan("fox")
    assert receive(world, b"prompt\na fox\n") == (world.batch_id, False)


def test_a_manifest_that_has_changed_is_read_again(world: World) -> None:
    world.plan("fox")
    assert receive(world, b"prompt\na fox\nan owl\n") == (world.batch_id, True)


def test_the_same_manifest_on_another_account_is_another_batch_in_another_folder(world: World) -> None:
    with world.store.begin() as tx:
        other = accounts.register(tx, name="other", base_url="http://o", max_running=1, max_queued=1)
    batch_id, to_read = receive(world, b"prompt\na fox\n", account_id=other)
    assert (batch_id != world.batch_id, to_read) == (True, True)
    with world.store.begin() as tx:
        assert [batch.folder for batch in batches.every(tx)] == ["spring-other", "spring"]


def test_only_one_worker_reads_a_manifest(world: World) -> None:
    with world.store.begin() as first:
        assert batches.take_to_read(first, world.batch_id) == Unread(
            filename="spring.csv", content=b"prompt\na fox\n", lint=True
        )
        with world.store.begin() as second:
            assert batches.take_to_read(second, world.batch_id) is None
            assert batches.unread(second, world.account_id) == [world.batch_id]


def test_known_rows_are_left_as_they_are(world: World) -> None:
    world.plan("fox", then=(FollowUp("U1"),))
    world.change("UPDATE tasks SET state = 'failed'")
    world.plan("fox", "owl", then=(FollowUp("U1"),))
    assert world.states() == {"fox": "failed", "owl": "planned"}
    with world.store.begin() as tx:
        assert progress_of(tx, world.batch_id).tasks == 4


def test_what_was_made_of_rows_that_left_the_manifest_is_still_counted(world: World) -> None:
    world.plan("fox", "owl")
    world.change("UPDATE tasks SET state = 'delivered', remote_id = 'r'")
    world.plan("fox", "hen")
    with world.store.begin() as tx:
        progress = progress_of(tx, world.batch_id)
    assert (progress.tasks, progress.done, progress.planned) == (3, 2, 1)


def test_the_counts_add_up(world: World) -> None:
    world.plan("fox", "owl", "cat", "hen", then=(FollowUp("U1"), FollowUp("U2")))
    world.change("UPDATE tasks SET state = 'running', remote_id = 'r' WHERE key = 'fox'")
    world.change("UPDATE tasks SET state = 'failed' WHERE key = 'owl'")
    world.change("UPDATE tasks SET state = 'in_doubt', next_attempt_at = NULL WHERE key = 'cat'")
    with world.store.begin() as tx:
        p = progress_of(tx, world.batch_id)
    assert (p.tasks, p.running, p.failed, p.in_doubt, p.planned, p.not_reached, p.to_follow) == (12, 1, 1, 1, 1, 4, 4)


def test_an_account_name_that_no_disk_takes_makes_a_folder_that_every_disk_takes(world: World) -> None:
    with world.store.begin() as tx:
        other = accounts.register(tx, name="127.0.0.1:8123", base_url="http://o", max_running=1, max_queued=1)
    receive(world, b"prompt\na fox\n", account_id=other)
    with world.store.begin() as tx:
        assert batches.every(tx)[0].folder == "spring-127.0.0.1-8123"


def test_copy_takes_any_text(world: World) -> None:
    prompt = "tab\there, backslash \\N, newline\nquote \" ' and 狐 \U0001f98a"
    with world.store.begin() as tx:
        rows.write_tasks(tx, world.batch_id, [NewTask(key="k\\t", stem="k", action=Action.IMAGINE, prompt=prompt)])
    assert world.column("prompt") == [prompt]


def test_follow_ups_that_are_added_to_a_finished_row_are_asked_for_and_nothing_is_made_again(world: World) -> None:
    world.plan("fox", "owl", then=(FollowUp("U1"),))
    world.change("UPDATE tasks SET state = 'delivered', remote_id = 'r', attempt = 1 WHERE key = 'fox'")
    world.plan("fox", "owl", then=(FollowUp("U1"), FollowUp("V2", (FollowUp("U4"),))))
    assert world.states() == {"fox": "delivered", "owl": "planned", "fox-U1": "planned", "fox-V2": "planned"}
    assert world.column("follow_up_count") == [3, 3, 0, 1]
    with world.store.begin() as tx:
        assert progress_of(tx, world.batch_id).tasks == 8


def test_follow_ups_are_added_at_any_depth_and_twice_is_once(world: World) -> None:
    world.plan("fox", then=(FollowUp("V2"),))
    world.change("UPDATE tasks SET state = 'delivered', remote_id = 'r'")
    world.plan("fox", then=(FollowUp("V2"), FollowUp("U1")))
    world.change("UPDATE tasks SET state = 'succeeded', remote_id = 'r' WHERE key = 'fox-V2'")
    deeper = (FollowUp("V2", (FollowUp("U3"),)), FollowUp("U1"))
    for _ in range(2):
        world.plan("fox", then=deeper)
        assert sorted(world.states()) == ["fox", "fox-U1", "fox-V2", "fox-V2-U3"]


def test_a_name_means_the_batch_of_the_account_in_the_settings(world: World) -> None:
    """To settle, or to pay for, a task of an account that nobody named would be worse than to ask."""
    ids = []
    for name in ("one", "two"):
        with world.store.begin() as tx:
            account = accounts.register(tx, name=name, base_url="http://x.test", max_running=1, max_queued=1)
        ids.append(receive(world, b"prompt\na fox\n", account_id=account)[0])
    with world.store.begin() as tx:
        assert [batches.find(tx, "spring", name).id for name in ("acme", "one", "two")] == [world.batch_id, *ids]
        with pytest.raises(UsageError, match=rf"say its id, {world.batch_id} \(account acme\) or {ids[0]} "):
            batches.find(tx, "spring", "another")


def test_a_batch_is_found_by_name_and_by_id(world: World) -> None:
    with world.store.begin() as tx:
        found = batches.get(tx, world.batch_id)
        assert batches.find(tx, "spring", "acme") == batches.find(tx, str(world.batch_id), "acme") == found
        with pytest.raises(UsageError, match="no batch 'autumn'"):
            batches.find(tx, "autumn", "acme")


@pytest.mark.parametrize(
    ("state", "parked", "over", "waiting"),
    [
        (State.PLANNED, False, False, 0),
        (State.SUBMITTING, False, False, 0),
        (State.RUNNING, False, False, 0),
        (State.SUCCEEDED, False, False, 0),
        (State.SUCCEEDED, True, True, 1),
        (State.IN_DOUBT, True, True, 1),
        (State.DELIVERED, True, True, 0),
        (State.FAILED, True, True, 0),
    ],
)
def test_a_batch_is_over_when_nobody_works_on_it_any_more(
    world: World, state: State, parked: bool, over: bool, waiting: int
) -> None:
    world.plan("fox")
    due = "NULL" if parked else "now()"
    world.change(f"UPDATE tasks SET state = '{state}', remote_id = 'r', next_attempt_at = {due}")
    with world.store.begin() as tx:
        progress = progress_of(tx, world.batch_id)
    assert (progress.over, progress.needs_a_person) == (over, waiting)


def test_a_batch_that_nobody_has_read_is_not_over(world: World) -> None:
    with world.store.begin() as tx:
        assert progress_of(tx, world.batch_id).over is False


def test_a_batch_that_cannot_be_read_says_why_and_is_read_again_when_it_is_handed_over_again(world: World) -> None:
    with world.store.begin() as tx:
        batches.unreadable(tx, world.batch_id, "spring.csv:2:1: no")
    with world.store.begin() as tx:
        progress = progress_of(tx, world.batch_id)
    assert (progress.over, progress.problem) == (True, "spring.csv:2:1: no")
    assert receive(world, b"prompt\na fox\n") == (world.batch_id, True)


def test_a_batch_leaves_its_name_to_another_one_and_sends_nothing_more(world: World) -> None:
    names = []
    world.plan("fox")
    for number in (1, 2):
        with world.store.begin() as tx:
            known = batches.known(tx, "acme", "spring")
            assert known is not None
            names.append(batches.leave_name(tx, known))
            rows.write_tasks(tx, known.id, ())
            handed = Handed(name="spring", filename="s.csv", manifest=b"x", deliver=True, folder=f"spring-{number + 1}")
            assert batches.receive(tx, world.account_id, handed)[0] != known.id
    assert names == ["spring~1", "spring~2"]
    assert world.column("state") == ["cancelled"]
    with world.store.begin() as tx:
        assert batches.folders(tx) == {"spring", "spring-2", "spring-3"}
        assert batches.find(tx, "spring~1", "acme").id == world.batch_id
