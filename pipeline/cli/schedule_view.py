"""What a person sees of schedules."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice, pairwise
from typing import Any

from rich.console import Console
from rich.table import Table

from pipeline.schedule import Calendar, CatchUp, FireOutcome, in_short
from pipeline.store.fires import Fire
from pipeline.store.schedules import Schedule

PREVIEWED = 10
NEXT = 3


def tell_added(schedule: Schedule) -> None:
    print(f"{schedule.name}: {next_fire(schedule)}")
    print(
        f"It fires while `pipeline up` runs in this folder, or a beat and workers of account {schedule.account}.",
        file=sys.stderr,
    )


def next_fire(schedule: Schedule) -> str:
    """As a sentence's end."""
    if schedule.paused_at:
        return "paused"
    if schedule.next_fire_at is None:
        return "never fires again"
    return f"fires next at {_by_the_clock(schedule.rules.calendar.local(schedule.next_fire_at))}"


def preview(calendar: Calendar, now: datetime, *, as_json: bool) -> None:
    """The next ten; where the clocks are not changed among them, also what happens when they are."""
    soon = list(islice(calendar.after(now), PREVIEWED))
    rows = list(_marked(calendar, now, soon))
    if not any(row["clocks_changed"] for row in rows):
        later = [moment for moment in calendar.around_next_change(now) if moment not in soon]
        rows += _marked(calendar, (soon or [now])[-1], later)
    if as_json:
        print(json.dumps([row | {"local": row["local"].isoformat(), "utc": _iso(row["utc"])} for row in rows]))
        return
    table = Table(f"{calendar.cron} in {calendar.timezone}", "UTC", "", box=None, pad_edge=False)
    for count, row in enumerate(rows):
        if count == PREVIEWED:
            table.add_row("...")
        mark = "clocks have changed" if row["clocks_changed"] else ""
        table.add_row(_by_the_clock(row["local"]), f"{row['utc']:%Y-%m-%d %H:%M}", mark)
    Console(highlight=False).print(table)


def _marked(calendar: Calendar, before: datetime, fire_times: Sequence[datetime]) -> Iterator[dict[str, Any]]:
    """Each with whether the offset from UTC is another one than before."""
    for last, moment in pairwise([before, *fire_times]):
        local = calendar.local(moment)
        changed = calendar.local(last).utcoffset() != local.utcoffset()
        yield {"local": local, "utc": moment, "clocks_changed": changed}


def show_all(listed: Sequence[tuple[Schedule, Fire | None]], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([_as_json(one) | {"last": last and _fire_as_json(last)} for one, last in listed]))
        return
    table = Table("schedule", "account", "cron", "next", "last", box=None, pad_edge=False)
    for one, last in listed:
        when = one.next_fire_at and f"{one.rules.calendar.local(one.next_fire_at):%Y-%m-%d %H:%M %Z}"
        table.add_row(
            one.name, one.account, one.rules.cron, "paused" if one.paused_at else when or "never", _outcome(last)
        )
    Console(highlight=False).print(table if listed else "no schedule yet: `pipeline schedule add NAME FILE` makes one")


def show_one(schedule: Schedule, newest: Sequence[Fire], *, as_json: bool) -> None:
    calendar = schedule.rules.calendar
    soon = [] if schedule.paused_at else list(islice(calendar.after(schedule.settled_until), NEXT))
    if as_json:
        told = {"next": [_iso(moment) for moment in soon], "fires": [_fire_as_json(one) for one in newest]}
        print(json.dumps(_as_json(schedule) | told))
        return
    console = Console(highlight=False)
    rules = Table.grid(padding=(0, 2))
    for heading, said in _lines(schedule):
        rules.add_row(heading, said)
    for count, moment in enumerate(soon):
        rules.add_row("" if count else "next", _by_the_clock(calendar.local(moment)))
    console.print(rules, markup=False)
    if newest:
        console.print()
        console.print(_history(calendar, newest), markup=False)


def _lines(schedule: Schedule) -> Iterable[tuple[str, str]]:
    rules, terms = schedule.rules, schedule.terms
    yield "schedule", f"{schedule.name}, of account {schedule.account}{', paused' if schedule.paused_at else ''}"
    yield "fires", f"{rules.cron} in {rules.timezone}"
    made = f"{schedule.batches_made:,} batch{'es' * (schedule.batches_made != 1)} made"
    yield "manifest", f"{schedule.filename}, {made}"
    yield "overlap", rules.overlap
    all_of = f" {rules.at_most} within {in_short(rules.within)}" if rules.catch_up is CatchUp.ALL else ""
    yield "catch up", f"{rules.catch_up}{all_of}"
    if rules.budget is not None:
        yield "budget", f"{rules.budget:f} per {rules.per}"
    if schedule.problem:
        yield "cannot fire", f"{schedule.problem}; it is tried again and again"
    if terms.budget is not None:
        yield "each batch", f"at most {terms.budget:f}"


def _history(calendar: Calendar, newest: Sequence[Fire]) -> Table:
    table = Table("fire time", "became", "", box=None, pad_edge=False)
    for one in newest:
        table.add_row(_when(calendar, one), _outcome(one), _what(one))
    return table


def _when(calendar: Calendar, one: Fire) -> str:
    first = f"{calendar.local(one.fire_at):%Y-%m-%d %H:%M}"
    if one.fire_times == 1:
        return first
    return f"{first} to\n{calendar.local(one.last_fire_at):%Y-%m-%d %H:%M}, {one.fire_times:,}"


def _outcome(one: Fire | None) -> str:
    if one is None:
        return ""
    return "unreadable" if one.problem else "made by hand" if one.by_hand else one.outcome


def _what(one: Fire) -> str:
    if one.outcome is not FireOutcome.MADE:
        return one.reason or ""
    return f"{one.batch}: {one.problem}" if one.problem else one.batch or ""


def _as_json(schedule: Schedule) -> dict[str, Any]:
    rules = schedule.rules
    return {
        "name": schedule.name,
        "account": schedule.account,
        "cron": rules.cron,
        "timezone": rules.timezone,
        "overlap": rules.overlap,
        "catch_up": rules.catch_up,
        "within": in_short(rules.within),
        "at_most": rules.at_most,
        "budget": None if rules.budget is None else f"{rules.budget:f}",
        "per": rules.per,
        "paused": schedule.paused_at is not None,
        "batches_made": schedule.batches_made,
        "next_fire_at": schedule.next_fire_at and _iso(schedule.next_fire_at),
    }


def _fire_as_json(one: Fire) -> dict[str, Any]:
    return {
        "fire_at": _iso(one.fire_at),
        "last_fire_at": _iso(one.last_fire_at),
        "fire_times": one.fire_times,
        "by_hand": one.by_hand,
        "outcome": one.outcome,
        "reason": one.reason,
        "batch": one.batch_id,
        "name": one.batch,
        "problem": one.problem,
    }


def _by_the_clock(local: datetime) -> str:
    offset = f"{local:%z}"
    return f"{local:%a %Y-%m-%d %H:%M} {offset[:3]}:{offset[3:]}"


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
