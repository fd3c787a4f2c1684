"""A handful of POSTs, and what becomes of their outcomes.

Outcomes are known here only until they are saved, so saving is patient where everything else gives up.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from pipeline import submit, track
from pipeline.dispatch import Handful
from pipeline.errors import ServiceError
from pipeline.log import Log
from pipeline.outcome import Accepted, Blame, InDoubt, Outcome, TryAgain
from pipeline.store import accounts, needs, settlements
from pipeline.store.engine import Transaction
from pipeline.task import ClaimedTask, State
from pipeline.wiring import Runtime
from pipeline.worker import applying, gathering, stopping

log = Log("worker")

SAVE_FOR = 600.0
"""Seconds for which outcomes are kept while Postgres is away; after that those tasks are in doubt."""

Ended = Sequence[tuple[ClaimedTask, Outcome]]


def send_and_save(at: Runtime, handful: Handful) -> bool:
    """Sends the handful and saves each outcome as it comes. Whether the account was blocked, and took a task now."""
    seen: list[Outcome] = []
    held: list[tuple[ClaimedTask, Outcome]] = []
    blocked = freed = False
    post = partial(gathering.post, at, handful.send_before)
    for ended in submit.send(handful, post, lambda task: at.uploads if task.inputs else at.pool, stopping.told):
        held += [pair for pair in ended if submit.is_of_the_key(pair[1])]
        freed |= _save(at, [pair for pair in ended if not submit.is_of_the_key(pair[1])], again=not blocked)
        seen += [outcome for _, outcome in ended]
        blocked |= submit.account_refusal(seen) is not None
    if any(isinstance(outcome, Accepted) for outcome in seen):
        held = [(task, submit.blame_the_task(outcome)) for task, outcome in held]
    _save(at, held, again=True)
    if seen and all(isinstance(outcome, InDoubt) for outcome in seen):
        _pause_in_doubt(at, seen[0])
    return freed


def is_open(at: Runtime) -> bool:
    """Whether the account may be sent tasks: after its server failed, only once it answers a question that is free.

    Tasks that tried it instead would end in doubt, one after the other, for as long as it is down.
    """
    with at.store.begin() as tx:
        taken = accounts.take_to_ask(tx, at.account_id)
    if taken is None:
        return True
    try:
        at.api.check()
    except ServiceError as failure:
        with at.store.begin() as tx:
            accounts.was_asked(tx, at.account_id, taken, answers=False)
            _pause(at, tx, TryAgain(reason=str(failure), blame=Blame.SERVER), again=True)
        return False
    with at.store.begin() as tx:
        accounts.was_asked(tx, at.account_id, taken, answers=True)
    return True


def _save(at: Runtime, ended: Ended, *, again: bool) -> bool:
    """Saves even if Postgres is away for a while. Saving twice changes nothing."""
    if not ended:
        return False
    give_up = time.monotonic() + SAVE_FOR
    while True:
        try:
            with at.store.begin() as tx:
                return _settle(at, tx, ended, again)
        except (DBAPIError, PoolTimeoutError) as failure:
            away = isinstance(failure, (OperationalError, PoolTimeoutError)) or failure.connection_invalidated
            if not away and len(ended) > 1:
                # One outcome that cannot be saved must not take its neighbours with it.
                freed = [_save(at, [pair], again=False) for pair in ended]
                return any(freed)
            if not away or time.monotonic() > give_up:
                raise
            log.warning("save_waits", account=at.account, tasks=len(ended), why=type(failure).__name__)
            time.sleep(1.0)


def _settle(at: Runtime, tx: Transaction, ended: Ended, again: bool) -> bool:
    settled = [submit.settlement(task, outcome, at.max_attempts, at.rng) for task, outcome in ended]
    settlements.settle(tx, settled)
    applying.apply(at, tx, track.at_once(ended), "submit")
    if failed := [one.id for one in settled if one.state is State.FAILED]:
        needs.settle(tx, at.account_id, failed)
    if any(one.outcome == "window" for one in settled):
        tx.after_commit(partial(applying.bell.submit, at.account, at.account_id))
    refusal = submit.account_refusal(outcome for _, outcome in ended)
    if refusal:
        _pause(at, tx, refusal, again)
    elif any(isinstance(outcome, Accepted) for _, outcome in ended):
        return accounts.unblock(tx, at.account_id)
    return False


def _pause(at: Runtime, tx: Transaction, refusal: TryAgain, again: bool) -> None:
    seconds = submit.account_pause(refusal, accounts.refusals(tx, at.account_id), at.rng)
    down = refusal.blame in {Blame.SERVER, Blame.KEY}
    accounts.block(tx, at.account_id, seconds=seconds, reason=refusal.reason, again=again, down=down)
    log.warning("account_blocked", account=at.account, seconds=round(seconds, 1), why=refusal.reason)


def _pause_in_doubt(at: Runtime, doubt: Outcome) -> None:
    """Nothing but doubt: sending on would fill the account with it."""
    if isinstance(doubt, InDoubt):
        with at.store.begin() as tx:
            reason = f"the last tasks all ended in doubt: {doubt.reason}"
            _pause(at, tx, TryAgain(reason=reason, blame=Blame.SERVER), again=True)
