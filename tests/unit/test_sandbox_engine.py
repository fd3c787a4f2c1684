"""The emulated account: its queue arithmetic, its clock and its memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.sandbox.dialects import DIALECTS
from pipeline.sandbox.engine import Engine
from pipeline.sandbox.journal import Journal
from pipeline.sandbox.options import DialectName, Options
from pipeline.sandbox.printer import Printer
from pipeline.sandbox.tasks import Action, Order, Task, Window

START = 1_700_000_000.0
PRINTER = Printer(DIALECTS[DialectName.PLUS], Options(public_url="http://here"))


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def account(clock: Clock, journal: Path | None = None, **options: float) -> Engine:
    chosen = Options(imagine_seconds=8, upscale_seconds=1, **options)  # type: ignore[arg-type]
    return Engine(chosen, Journal(journal), clock)


def imagine(engine: Engine, prompt: str = "a fox", doom: str | None = None) -> Task:
    task, _ = engine.accept(Order(action=Action.IMAGINE, prompt=prompt), doom)
    assert task is not None
    return task


def test_the_fourteenth_of_an_idle_account_with_three_slots_and_ten_places_is_refused(clock: Clock) -> None:
    engine = account(clock)
    accepted = [engine.accept(Order(action=Action.IMAGINE, prompt="a fox")) for _ in range(13)]
    assert [ahead for _, ahead in accepted] == [0] * 4 + list(range(1, 10))
    assert engine.accept(Order(action=Action.IMAGINE, prompt="one more")) == (None, 10)


def test_ids_are_sixteen_digits_and_unique_within_one_millisecond(clock: Clock) -> None:
    engine = account(clock, queue=2000)
    ids = [imagine(engine).id for _ in range(1500)]
    assert len(set(ids)) == 1500
    assert {len(one) for one in ids} == {16}
    assert ids[0] == "1700000000000000"


def test_a_grid_climbs_the_ladder(clock: Clock) -> None:
    engine = account(clock)
    task = imagine(engine)
    seen = []
    for second in range(9):
        clock.now = START + second + 0.01
        seen.append(task.standing(engine.advance()))
    assert [progress for _, progress in seen] == ["0%", "0%", "15%", "31%", "46%", "62%", "78%", "93%", "100%"]
    assert [status for status, _ in seen] == ["SUBMITTED", *["IN_PROGRESS"] * 7, "SUCCESS"]


def test_an_upscale_is_done_in_one_step(clock: Clock) -> None:
    engine = account(clock)
    parent = imagine(engine)
    clock.now += 10
    engine.advance()
    order = Order(action=Action.UPSCALE, prompt=parent.order.prompt, parent=parent, index=2)
    task, _ = engine.accept(order)
    assert task is not None
    clock.now += 0.9
    assert task.standing(engine.advance()) == ("SUBMITTED", "0%")
    clock.now += 0.2
    assert task.standing(engine.advance()) == ("SUCCESS", "100%")


def test_a_waiting_task_begins_at_the_moment_that_another_ends(clock: Clock) -> None:
    engine = account(clock, slots=1)
    first, second, third = (imagine(engine) for _ in range(3))
    assert second.standing(engine.advance()) == ("NOT_START", None)
    clock.now += 17
    engine.advance()
    assert second.started == first.finished == first.submitted + 8000
    assert third.started == second.finished == first.submitted + 16000
    assert third.finished is None


def test_a_doomed_task_fails_with_its_reason_and_no_progress(clock: Clock) -> None:
    engine = account(clock)
    task = imagine(engine, doom="[Invalid parameter] no")
    clock.now += 9
    wire = PRINTER.fields(task, engine.advance())
    assert (wire["status"], wire["progress"], wire["failReason"]) == ("FAILURE", "", "[Invalid parameter] no")
    assert wire["imageUrl"] is None
    assert wire["buttons"] == []


def test_a_task_can_fail_after_it_has_shown_100_percent(clock: Clock) -> None:
    engine = account(clock)
    task, _ = engine.accept(Order(action=Action.IMAGINE, prompt="a fox"), "[Internal Server Error]", late=True)
    assert task is not None
    clock.now += 7.9
    assert task.standing(engine.advance()) == ("IN_PROGRESS", "100%")
    clock.now += 0.2
    assert task.standing(engine.advance()) == ("FAILURE", "")


def test_a_window_takes_no_place_until_it_is_answered(clock: Clock) -> None:
    engine = account(clock, slots=1, queue=1)
    order = Order(action=Action.ZOOM, prompt="a fox", window=Window.ZOOM)
    windows = [engine.open(order) for _ in range(5)]
    assert (engine.running, len(engine.waiting)) == (0, 0)
    filled = replace(order, variant="1.5", window=None)
    assert [engine.answer(window, filled) for window in windows[:3]] == [0, 0, None]
    assert [window.status for window in windows] == ["IN_PROGRESS", "NOT_START", *["MODAL"] * 3]
    assert windows[0].standing(windows[0].submitted - 1) == ("MODAL", None)


def test_a_cancelled_task_makes_room(clock: Clock) -> None:
    engine = account(clock, slots=1)
    first, second, third = (imagine(engine) for _ in range(3))
    engine.cancel(second)
    engine.cancel(first)
    assert [task.status for task in (first, second)] == ["CANCEL", "CANCEL"]
    assert third.started == first.finished


def test_a_finished_grid_shows_its_link_and_its_buttons_in_order(clock: Clock) -> None:
    engine = account(clock)
    task = imagine(engine)
    clock.now += 9
    wire = PRINTER.fields(task, engine.advance())
    of = wire["properties"]["messageHash"]
    assert wire["imageUrl"] == f"http://here/pictures/{task.id}.png"
    assert [button["customId"] for button in wire["buttons"]] == [
        *(f"MJ::JOB::upsample::{n}::{of}" for n in range(1, 5)),
        f"MJ::JOB::reroll::0::{of}::SOLO",
        *(f"MJ::JOB::variation::{n}::{of}" for n in range(1, 5)),
    ]


def test_reset_forgets_everything_but_never_gives_an_id_twice(clock: Clock, tmp_path: Path) -> None:
    engine = account(clock, tmp_path / "journal")
    before = imagine(engine)
    engine.reset()
    assert not engine.tasks
    assert not (tmp_path / "journal").read_bytes()
    assert imagine(engine).id != before.id


def test_what_was_accepted_survives_a_restart_and_what_was_unfinished_is_made(clock: Clock, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "journal"
    first = account(clock, path)
    done = imagine(first)
    clock.now += 9
    first.advance()
    order = Order(action=Action.UPSCALE, prompt="a fox", parent=done, index=3, state="b1.2")
    child, _ = first.accept(order)
    assert child is not None

    second = account(clock, path)
    assert list(second.tasks) == [done.id, child.id]
    assert second.tasks[done.id].finished == done.finished
    again = second.tasks[child.id]
    assert (again.order.parent, again.order.index, again.order.state) == (second.tasks[done.id], 3, "b1.2")
    clock.now += 2
    second.advance()
    assert again.status == "SUCCESS"


def test_a_torn_last_line_of_the_journal_is_left_out(clock: Clock, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    kept = imagine(account(clock, path))
    with path.open("ab") as file:
        file.write(b'{"id":"17')
    second = account(clock, path)
    assert list(second.tasks) == [kept.id]
    added = imagine(second)
    assert list(account(clock, path).tasks) == [kept.id, added.id]
