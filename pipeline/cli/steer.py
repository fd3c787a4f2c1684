"""Steer: pause, resume and cancel batches, let some go before others, and settle what only a person can settle."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from pipeline.api.client import Api, QueryError
from pipeline.cancel import ask_to_stop
from pipeline.cli.embedded import Place, place
from pipeline.cli.look import BatchWord
from pipeline.cli.ready import ready_store, ready_transaction
from pipeline.errors import ServiceError, UsageError
from pipeline.settings import load
from pipeline.store import batches, doubts, steering
from pipeline.store.batches import Batch
from pipeline.store.engine import Store, Transaction
from pipeline.store.progress import Progress, progress_of
from pipeline.wiring import open_api


def pause(batch: BatchWord) -> None:
    """Send nothing more of a batch until you resume it. What is sent already goes on, and is brought home."""
    with place(load()) as here, ready_transaction(here.settings) as tx:
        found, progress = _unfinished(tx, here, batch, "pause")
        paused = steering.pause(tx, found.id)
    at_work = progress.queued + progress.running
    going_on = f"; {at_work:,} of its tasks are at the server, and are brought home" if at_work else ""
    print(f"{found.name} is paused{going_on if paused else ' already'}. Go on with: pipeline resume {found.name}")


def resume(batch: BatchWord) -> None:
    """Go on with a batch that was paused."""
    with place(load()) as here, ready_transaction(here.settings) as tx:
        found = batches.find(tx, batch, here.account_name)
        if not steering.resume(tx, found.id):
            raise UsageError(f"{found.name} is not paused: nothing was changed")
    print(f"{found.name} goes on: pipeline watch {found.name}")


def priority(
    batch: BatchWord,
    weight: Annotated[int, typer.Argument(metavar="N", min=1, max=100, help="Its share of the account: 1 as others.")],
) -> None:
    """Give a batch N places on the account for each one of a batch of priority 1."""
    with place(load()) as here, ready_transaction(here.settings) as tx:
        found, _ = _unfinished(tx, here, batch, "prefer")
        steering.prefer(tx, found.id, weight)
    print(f"{found.name} has priority {weight}")


def cancel(batch: BatchWord) -> None:
    """Send nothing more of a batch, and ask the server to stop what it is making. What is made is kept."""
    with place(load()) as here, closing(ready_store(here.settings, migrate_first=True)) as store:
        with store.begin() as tx:
            found, before = _unfinished(tx, here, batch, "cancel")
            steering.pause(tx, found.id)  # which holds at once, while a large batch takes a while to cancel
        with store.begin() as tx:
            steering.cancel(tx, found.id)
        if before.state == "received":
            print(f"{found.name} is cancelled before its manifest was read; nothing more of it is sent")
        else:
            print(f"{found.name} is cancelled: {before.not_sent:,} of its tasks are not sent, {before.done:,} are done")
        if before.queued + before.running:
            print(f"{before.queued + before.running:,} were sent: {_stopped(here, store, found)}")
        if before.in_doubt + before.looked_for:
            print(f"{before.in_doubt + before.looked_for:,} are in doubt: pipeline status {found.name} names them")


def _unfinished(tx: Transaction, here: Place, word: str, what: str) -> tuple[Batch, Progress]:
    """The batch that a person means, and how it stood. Raises `UsageError` where there is nothing to do any more."""
    found = batches.find(tx, word, here.account_name)
    progress = progress_of(tx, found.id)
    if progress.cancelled or (progress.over and not progress.unaffordable + progress.in_doubt):
        how = progress.standing if progress.cancelled else f"over ({progress.done:,} of {progress.tasks:,} done)"
        raise UsageError(f"{found.name} is {how}: there is nothing to {what}")
    return found, progress


def _stopped(here: Place, store: Store, batch: Batch) -> str:
    """What the server says to it, in a sentence."""
    home = f"what is made is brought home by workers, or by `pipeline watch {batch.name}`"
    if batch.account != here.account_name:
        return f"the workers of {batch.account} ask it to stop them; {home}"
    here.bring_up_api()
    try:
        with open_api(here.settings) as api:
            asked = ask_to_stop(store, api, batch.account_id, batch_id=batch.id)
    except QueryError as failure:
        return f"{failure}; workers ask it again to stop them; {home}"
    said = f"it is told to stop {asked.stopped:,}" if asked.stopped or not asked.refused else "it does not stop them"
    refused = f", of {asked.refused:,} it says no: {asked.why}" if asked.refused else ""
    return f"{said}{refused}; {home}"


def _refuse_unknown(api: Api, remote_id: str) -> None:
    try:
        known = api.fetch(remote_id)
    except QueryError as failure:
        raise ServiceError(f"{failure}: try again when it answers") from None
    if known is None:
        raise UsageError(f"{api.base_url} knows no task {remote_id!r}: nothing was changed")


def resolve(
    task: Annotated[str, typer.Argument(metavar="TASK", help="BATCH/KEY, such as spring/fox-U1, or a task's id.")],
    found: Annotated[
        str | None,
        typer.Option(metavar="ID", help="The API has it, under this id."),
    ] = None,
    resend: Annotated[bool, typer.Option("--resend", help="Send it again: it may be paid twice.")] = False,
    give_up: Annotated[bool, typer.Option("--give-up", help="Leave it. It may have been paid for.")] = False,
) -> None:
    """Settle a task in doubt: the reply to its POST was lost, so only you can say what became of it."""
    if [bool(found), resend, give_up].count(True) != 1:
        raise UsageError("say one of --found ID, --resend and --give-up")
    with place(load()) as here, ready_transaction(here.settings) as tx:
        task_id = doubts.in_doubt(tx, task, here.account_name, or_planned=bool(found))
        if found:
            here.bring_up_api()
            _refuse_unknown(open_api(here.settings), found)
        if found:
            doubts.found(tx, task_id, found)
        elif resend:
            doubts.send_again(tx, task_id)
        else:
            doubts.give_up(tx, task_id)
    print(f"{task}: {'given up' if give_up else 'settled; the same run again goes on with it'}")
