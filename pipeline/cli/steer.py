"""Steer: settle what only a person can settle."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.api.client import Api, QueryError
from pipeline.cli.embedded import place
from pipeline.cli.ready import ready_store
from pipeline.errors import ServiceError, UsageError
from pipeline.settings import load
from pipeline.store import doubts
from pipeline.wiring import open_api


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
    with place(load()) as here, ready_store(here.settings, migrate_first=True).begin() as tx:
        task_id = doubts.in_doubt(tx, task, here.account_name)
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
