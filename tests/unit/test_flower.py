"""What Flower is told, as Celery's own view of the event stream takes it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from celery.events.state import State as View
from celery.events.state import Task

from pipeline.store.batches import Batch
from pipeline.store.events import Event
from pipeline.store.progress import Progress
from pipeline.task import State
from pipeline.worker.flower import LONGEST_PROMPT, Told, batch_stands, moved, stands, started

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
SENT = Event(
    id=1,
    at=NOON,
    from_state=State.PLANNED,
    to_state=State.SUBMITTING,
    cause="dispatch",
    detail=None,
    task_id=7,
    parent_id=None,
    batch_id=3,
    batch="spring",
    account="acme",
    key="fox",
    action="imagine",
    prompt="a red fox in the snow --ar 3:2",
    attempt=1,
    image_url=None,
    submitted_at=None,
    started_at=None,
    finished_at=None,
)


def later(event: Event, state: State, seconds: float, **more: object) -> Event:
    at = event.at + timedelta(seconds=seconds)
    return replace(event, from_state=event.to_state, to_state=state, at=at, **more)  # type: ignore[arg-type]


def seen(*events: Event) -> Task:
    return shown(told for event in events for told in moved(event))


def shown(told: Iterable[Told], uuid: str = "7") -> Task:
    view = View()
    for clock, event in enumerate(told):
        view.event(event | {"clock": clock, "local_received": event["timestamp"]})
    return view.tasks[uuid]


TAKEN = later(SENT, State.SUBMITTED, 1, submitted_at=NOON + timedelta(seconds=1))
BEGUN = later(TAKEN, State.RUNNING, 4, started_at=NOON + timedelta(seconds=5))
MADE = later(
    BEGUN, State.SUCCEEDED, 62, finished_at=NOON + timedelta(seconds=65), image_url="https://cdn.test/fox.png?ex=1"
)
DOUBTED = later(SENT, State.IN_DOUBT, 2, detail="the reply was lost")


def test_a_task_is_named_by_its_action_and_says_what_it_is_for() -> None:
    task = seen(SENT)
    assert (task.name, task.state, task.hostname) == ("imagine", "RECEIVED", "api@acme")
    assert task.args == "a red fox in the snow --ar 3:2"
    assert task.kwargs == "{'batch': 'spring', 'key': 'fox', 'account': 'acme'}"
    assert (task.parent_id, task.root_id) == ("batch-3", "batch-3")


def test_follow_ups_hang_under_their_parent() -> None:
    upscale = replace(SENT, task_id=8, parent_id=7, action="upscale", key="fox-U1")
    imagine = shown(told for event in (SENT, upscale) for told in moved(event))
    assert [child.uuid for child in imagine.children] == ["8"]


@pytest.mark.parametrize(
    ("moves", "state"),
    [
        ((SENT, TAKEN), "RECEIVED"),
        ((SENT, TAKEN, BEGUN), "STARTED"),
        ((SENT, TAKEN, BEGUN, MADE), "SUCCESS"),
        ((SENT, TAKEN, BEGUN, MADE, later(MADE, State.DELIVERED, 1)), "SUCCESS"),
        ((SENT, later(SENT, State.PLANNED, 1, detail="the queue is full")), "RETRY"),
        ((SENT, later(SENT, State.PLANNED, 1), replace(SENT, attempt=2)), "RECEIVED"),
        ((SENT, DOUBTED), "RETRY"),
        ((SENT, DOUBTED, later(DOUBTED, State.SUBMITTED, 9)), "RECEIVED"),
        ((SENT, DOUBTED, later(DOUBTED, State.SUBMITTED, 9), BEGUN, MADE), "SUCCESS"),
        ((SENT, TAKEN, BEGUN, later(BEGUN, State.FAILED, 9, detail="banned prompt")), "FAILURE"),
        ((SENT, TAKEN, BEGUN, later(BEGUN, State.CANCELLED, 9)), "REVOKED"),
        ((SENT, TAKEN, later(TAKEN, State.FAILED, 9), MADE), "SUCCESS"),
        ((SENT, TAKEN, later(TAKEN, State.FAILED, 9), replace(TAKEN, from_state=State.FAILED)), "RECEIVED"),
    ],
)
def test_the_state_is_the_one_that_it_has(moves: tuple[Event, ...], state: str) -> None:
    assert seen(*moves).state == state


def test_a_picture_took_as_long_as_the_api_says() -> None:
    task = seen(SENT, TAKEN, BEGUN, MADE)
    assert (task.runtime, task.result) == (60.0, "https://cdn.test/fox.png?ex=1")
    assert task.started == (NOON + timedelta(seconds=5)).timestamp()
    quick = replace(MADE, from_state=State.SUBMITTED)
    assert seen(SENT, TAKEN, quick).started == task.started


def test_progress_leaves_it_started() -> None:
    told = [*moved(SENT), *moved(BEGUN), started(BEGUN, "40%"), started(BEGUN, "80%")]
    task = shown(told)
    assert (task.state, task.result, task.started) == ("STARTED", "80%", (NOON + timedelta(seconds=5)).timestamp())
    assert shown([*told, *moved(MADE)]).result == MADE.image_url


@pytest.mark.parametrize(
    ("last", "words"),
    [
        (later(SENT, State.PLANNED, 1, detail="code 22: the queue is full"), "code 22: the queue is full"),
        (DOUBTED, "in doubt: the reply was lost"),
        (later(BEGUN, State.FAILED, 9, detail="banned prompt"), "banned prompt"),
    ],
)
def test_what_went_wrong_is_said_in_the_apis_own_words(last: Event, words: str) -> None:
    assert seen(SENT, last).exception == words


@pytest.mark.parametrize(
    "last", [SENT, TAKEN, BEGUN, MADE, DOUBTED, later(BEGUN, State.FAILED, 9), later(MADE, State.DELIVERED, 1)]
)
def test_one_of_which_nothing_was_told_looks_as_if_all_had_been(last: Event) -> None:
    past = shown(stands(replace(last, from_state=None)))
    path = {SENT: (), TAKEN: (), BEGUN: (BEGUN,), MADE: (BEGUN, MADE)}.get(last, (last,))
    live = seen(SENT, *path) if last.to_state is not State.DELIVERED else seen(SENT, BEGUN, MADE)
    for word in ("state", "name", "args", "kwargs", "result", "runtime", "exception", "parent_id"):
        assert getattr(past, word) == getattr(live, word), word


def test_prompts_stay_readable_and_links_keep_their_secrets() -> None:
    linked = replace(SENT, prompt="https://cdn.test/a.png?token=secret#x a fox")
    assert seen(linked).args == "https://cdn.test/a.png a fox"
    for link, shown_as in (("https://ann:pw@cdn.test/a.png", "https://cdn.test/a.png"), ("http://[sign]", "(link)")):
        assert seen(replace(SENT, prompt=f"{link} a fox")).args == f"{shown_as} a fox"
    endless = replace(SENT, prompt="fox " * 500)
    assert len(seen(endless).args) < LONGEST_PROMPT + 10
    assert seen(endless).args.endswith("...")


def batch(**counts: object) -> Task:
    progress = dict.fromkeys(Progress.__slots__, 0) | {"state": "planned", "problem": None, "why_waiting": None}
    known = Batch(
        id=3,
        account_id=1,
        account="acme",
        name="spring",
        folder="spring",
        state="planned",
        problem=None,
        deliver=True,
        task_count=5,
        created_at=NOON,
    )
    return shown(batch_stands(known, Progress(**progress | counts)), "batch-3")  # type: ignore[arg-type]


def test_a_batch_is_an_entry_with_its_counts() -> None:
    going = batch(tasks=100_000, done=63_120, planned=36_880)
    assert (going.name, going.args, going.state) == ("batch", "spring", "STARTED")
    assert going.result == "63,120 of 100,000 done"
    assert batch(tasks=5, done=5).state == "SUCCESS"
    assert batch(tasks=5, done=2, planned=3, paused=True).result == "paused, 2 of 5 done"
    assert batch(tasks=2, done=2, cancelled=True).state == "REVOKED"
    ended = batch(tasks=5, done=2, failed=1, in_doubt=1, not_reached=1)
    assert (ended.state, ended.exception) == ("FAILURE", "2 of 5 done, 1 failed, 1 in doubt, 1 not reached")
