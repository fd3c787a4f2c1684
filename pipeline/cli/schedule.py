"""`pipeline schedule`: batches that recur."""

from __future__ import annotations

import sys
from dataclasses import replace as but
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline import fire
from pipeline.cli import schedule_view
from pipeline.cli.embedded import Place, place
from pipeline.cli.handover import Content as Read
from pipeline.cli.handover import as_of_now, keep_pictures, read_checked
from pipeline.cli.look import AsJson
from pipeline.cli.ready import ready_store, ready_transaction
from pipeline.cli.run import Delivery, Lint, ManifestFile
from pipeline.errors import ManifestError, UsageError
from pipeline.manifest import ENDINGS, KnownPictures, Manifest, open_manifest
from pipeline.manifest.names import batch_name, is_batch_name
from pipeline.schedule import Calendar, CatchUp, Overlap, Per, Rules, duration, rules_of, values
from pipeline.settings import Settings, load
from pipeline.store import accounts, batches, fires, schedule_contents, schedules
from pipeline.store.engine import Store
from pipeline.store.schedule_contents import Content
from pipeline.terms import amount, refuse_unpriced, smaller

LONGEST_NAME = 50
"""Characters: the names of its batches have the time behind it."""
ANOTHER_TIME = timedelta(days=400, hours=1, minutes=1)
"""Until each value of a manifest is another one."""

schedule = typer.Typer(help="Batches that recur: made anew at the times that a cron line names.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the schedule.")]
Cron = Annotated[
    str | None, typer.Option(metavar="LINE", help="Minute, hour, day, month and weekday, such as `0 9 * * 1`.")
]
Zone = Annotated[
    str | None,
    typer.Option("--timezone", metavar="ZONE", help="By whose clocks, such as Europe/Berlin; UTC if not said."),
]
OverlapChoice = Annotated[
    Overlap | None, typer.Option("--overlap", help="When the batch before is not over. Skip, if not said.")
]
CatchUpChoice = Annotated[
    CatchUp | None, typer.Option("--catch-up", help="What an outage has left out is made up for. Latest, if not said.")
]
Within = Annotated[
    str | None, typer.Option(metavar="SPAN", help="Of `--catch-up all`: how old they may be, such as 24h, which it is.")
]
AtMost = Annotated[int | None, typer.Option(min=1, help="Of `--catch-up all`: how many, the newest. 10, if not said.")]
Budget = Annotated[
    str | None, typer.Option(metavar="AMOUNT", help="What all batches `--per` day, week or month may cost together.")
]
PerChoice = Annotated[Per | None, typer.Option("--per", help="The window of the budget.")]
Replace = Annotated[bool, typer.Option("--replace", help="In place of the schedule of this name; keeps its history.")]


@schedule.command()
def add(  # noqa: PLR0913 - one parameter per option of the command
    name: Name,
    file: ManifestFile,
    *,
    cron: Cron = None,
    timezone: Zone = None,
    overlap: OverlapChoice = None,
    catch_up: CatchUpChoice = None,
    within: Within = None,
    at_most: AtMost = None,
    budget: Budget = None,
    per: PerChoice = None,
    replace: Replace = False,
    delivery: Delivery = True,
    lint: Lint = True,
) -> None:
    """Make a manifest again and again. Its `schedule:` block says when, or options do, which win. Sends nothing now."""
    _refuse_wrong_name(name)
    settings = load()
    said = {
        "cron": cron,
        "timezone": timezone,
        "overlap": overlap,
        "catch_up": catch_up,
        "at_most": at_most,
        "per": per,
        "within": within and duration(within),
        "budget": budget and amount(budget),
    }
    rules = _rules(open_manifest(file, lint=lint), said)
    read = _read(file, settings, rules, lint=lint)
    with place(settings) as here:
        store = ready_store(here.settings, migrate_first=True)
        keep_pictures(store, read)
        _store(store, here, _content(name, rules, read, lint=lint, delivery=delivery), replace=replace)
        with store.begin() as tx:
            schedule_view.tell_added(schedules.find(tx, here.account_name, name))


@schedule.command("list")
def list_all(as_json: AsJson = False) -> None:
    """Every schedule: when it fires next, and what became of its last fire time."""
    with place(load()) as here, ready_transaction(here.settings) as tx:
        listed = [(one, next(iter(fires.newest(tx, one.id, 1)), None)) for one in schedules.every(tx)]
    schedule_view.show_all(listed, as_json=as_json)


@schedule.command()
def show(name: Name, as_json: AsJson = False) -> None:
    """One schedule: its rules, its next three fire times, and what became of the last ten."""
    with place(load()) as here, ready_transaction(here.settings) as tx:
        found = schedules.find(tx, here.account_name, name)
        newest = fires.newest(tx, found.id, 10)
    schedule_view.show_one(found, newest, as_json=as_json)


@schedule.command()
def preview(
    word: Annotated[
        str | None, typer.Argument(metavar="[NAME|FILE]", help="A schedule, or a manifest with a `schedule:` block.")
    ] = None,
    cron: Cron = None,
    timezone: Zone = None,
    as_json: AsJson = False,
) -> None:
    """The next ten fire times, by the clocks of the zone and in UTC; marks where its clocks are changed."""
    said = {"cron": cron, "timezone": timezone}
    if word is None:
        calendar = rules_of({}, said).calendar
    elif Path(word).suffix.casefold() in ENDINGS:
        calendar = _rules(open_manifest(Path(word)), said).calendar
    else:
        with place(load()) as here, ready_transaction(here.settings) as tx:
            rules = schedules.find(tx, here.account_name, word).rules
        calendar = Calendar(cron or rules.cron, timezone or rules.timezone)
    schedule_view.preview(calendar, datetime.now(UTC), as_json=as_json)


@schedule.command()
def pause(name: Name) -> None:
    """Fire no more, until it is resumed. What runs goes on."""
    with place(load()) as here, ready_transaction(here.settings) as tx:
        found = schedules.take(tx, here.account_name, name)
        if not found.paused_at:
            schedules.pause(tx, found)
    print(f"{name}: {'was paused already' if found.paused_at else 'paused'}")


@schedule.command()
def resume(name: Name) -> None:
    """Fire again, from now on. What would have fired meanwhile is not made up for."""
    with place(load()) as here, ready_transaction(here.settings) as tx:
        found = schedules.take(tx, here.account_name, name)
        if found.paused_at:
            fire.resume(tx, found)
        resumed = schedules.find(tx, here.account_name, name)
    print(f"{name}: {'' if found.paused_at else 'was not paused; '}{schedule_view.next_fire(resumed)}")


@schedule.command()
def remove(name: Name) -> None:
    """Forget the schedule and its history. Its batches stay, and what runs goes on."""
    with place(load()) as here, ready_transaction(here.settings) as tx:
        schedules.remove(tx, schedules.take(tx, here.account_name, name))
    print(f"{name}: removed; its batches stay")


@schedule.command("run-now")
def run_now(name: Name) -> None:
    """Make a batch of it at once, even if another is not over, and print the batch id. Its budget holds."""
    with place(load()) as here:
        with ready_transaction(here.settings) as tx:
            batch = batches.get(tx, fire.run_now(tx, schedules.take(tx, here.account_name, name)))
        here.ring_read(batch)
    print(f"{batch.name} waits for workers: `pipeline watch {batch.name}` follows it", file=sys.stderr)
    print(batch.id)


def _refuse_wrong_name(name: str) -> None:
    if not is_batch_name(name) or len(name) > LONGEST_NAME:
        raise UsageError(
            f"a schedule's name is at most {LONGEST_NAME} letters, digits, `.`, `_` and `-`, because names of folders "
            f"begin with it: `{batch_name(name)[:LONGEST_NAME]}` would do"
        )


def _rules(manifest: Manifest, said: dict[str, Any]) -> Rules:
    """Raises `ManifestError` where the block is wrong, `UsageError` where the options are, or both say too little."""
    try:
        return rules_of(manifest.head.schedule, said)
    except UsageError:
        as_of_now(manifest).check()
        raise


def _read(file: Path, settings: Settings, rules: Rules, *, lint: bool) -> Read:
    """The manifest as it reads at its next fire time, found right. Raises `ManifestError` with every fault."""
    now = datetime.now(UTC)
    fire_at = rules.calendar.local(rules.calendar.next(now) or now)
    read = read_checked(file, settings, lint=lint, given=values(fire_at, 1))
    refuse_unpriced(but(read.terms, budget=smaller(read.terms.budget, rules.budget)), read.actions)
    pictures = KnownPictures(read.pictures)
    try:
        but(read.manifest, values=values(fire_at + ANOTHER_TIME, 2), pictures=pictures).check()
    except ManifestError as wrong:
        raise UsageError(f"{wrong}\nThat is so at another time only: is a value in the name of a picture?") from None
    return read


def _content(name: str, rules: Rules, read: Read, *, lint: bool, delivery: bool) -> Content:
    return Content(
        name=name,
        rules=rules,
        filename=read.file.name,
        manifest=read.data,
        lint=lint,
        deliver=delivery,
        terms=read.terms,
        pictures=read.pictures,
    )


def _store(store: Store, here: Place, content: Content, *, replace: bool) -> None:
    settings = here.settings
    with store.begin() as tx:
        account_id = accounts.register(
            tx,
            name=here.account_name,
            base_url=settings.api_base_url or "",
            max_running=settings.max_running,
            max_queued=settings.max_queued,
        )
        known = schedules.known(tx, here.account_name, content.name) if replace else None
        if known:
            fire.change(tx, known, content)
        else:
            schedule_contents.add(tx, account_id, content)
