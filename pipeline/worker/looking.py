"""Looks for tasks at the API: those in doubt, by the tokens of their POSTs or by their windows, and those that ended
here before they ended there."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from pipeline import doubt
from pipeline.api.client import QueryError
from pipeline.doubt import Seen
from pipeline.log import Log
from pipeline.outcome import Sightings
from pipeline.store import doubts, looks, needs
from pipeline.store.doubts import Resolution
from pipeline.store.engine import Transaction
from pipeline.store.looks import Sought
from pipeline.task import State
from pipeline.wiring import Runtime
from pipeline.worker.applying import bell

log = Log("worker")


def look_for(at: Runtime) -> None:
    """One look at everything that is due. A server that does not answer is asked again later."""
    with at.store.begin() as tx:
        sought = looks.take_to_look(tx, at.account_id)
    ended = [task.id for task in sought if task.state is not State.IN_DOUBT and task.remote_id]
    if ended:
        bell.track(at.account, at.account_id, ended)
    answered = _by_tokens(at, [task for task in sought if task.tokens and not task.window_id and task.id not in ended])
    answered |= _by_windows(at, [task for task in sought if task.window_id and task.state is State.IN_DOUBT])
    _save(at, sought, answered)


def _by_tokens(at: Runtime, lost: Sequence[Sought]) -> dict[int, Seen]:
    """What was seen, by the ids of the tasks; nothing where the API did not answer."""
    since = min((task.sent_at for task in lost if task.sent_at), default=None)
    if since is None:
        return {}
    try:
        seen = at.api.find([token for task in lost for token in task.tokens], since)
        missing = [task.id for task in lost if not seen.found.keys() & set(task.tokens)]
        forgotten = _forgotten(at, missing) if seen.complete else set()
    except QueryError as failure:
        log.warning("look_failed", account=at.account, tasks=len(lost), why=failure)
        return {}
    return {task.id: FORGOTTEN if task.id in forgotten else _seen(task, seen) for task in lost}


FORGOTTEN = Seen(why="the server has forgotten what it took before, so its silence proves nothing")


def _forgotten(at: Runtime, missing: Sequence[int]) -> set[int]:
    """Tasks whose absence proves nothing: the server no longer knows what it took just before. Raises `QueryError`."""
    with at.store.begin() as tx:
        witnesses = looks.witnesses(tx, missing)
    asked = sorted(set(witnesses.values()))
    known = {report.remote_id for report in at.api.list(asked)} if asked else set()
    known |= {remote_id for remote_id in asked if remote_id not in known and at.api.fetch(remote_id)}
    return {task_id for task_id, remote_id in witnesses.items() if remote_id not in known}


def _seen(task: Sought, seen: Sightings) -> Seen:
    token = next((token for token in task.tokens if token in seen.found), None)
    return Seen(report=seen.found[token] if token else None, token=token, absent=seen.complete, why=seen.why)


def _by_windows(at: Runtime, waiting: Sequence[Sought]) -> dict[int, Seen]:
    """An answer to a window carries no token on every server; the window's own id tells."""
    answers = zip(waiting, at.questions.map(partial(_window, at), waiting), strict=True)
    return {task.id: seen for task, seen in answers if seen}


def _window(at: Runtime, task: Sought) -> Seen | None:
    try:
        report = at.api.fetch(task.window_id or "")
    except QueryError as failure:
        log.warning("look_failed", account=at.account, task=task.id, why=failure)
        return None
    return doubt.window_seen(report, told=at.api.traits.windows_told)


def _save(at: Runtime, sought: Sequence[Sought], answered: dict[int, Seen]) -> None:
    resolutions: list[Resolution] = []
    again: dict[int, float] = {}
    for task in sought:
        seen = answered.get(task.id)
        resolved = doubt.resolution(task, seen, at.horizon, at.max_attempts) if seen else None
        if resolved:
            resolutions.append(resolved)
        elif task.state is State.IN_DOUBT:
            again[task.id] = doubt.next_look(task, at.horizon)
    with at.store.begin() as tx:
        absent = {id_ for id_, seen in answered.items() if seen.absent}
        looks.look_again(tx, again, absent, answered.keys() - absent)
        _resolve(at, tx, resolutions)


def _resolve(at: Runtime, tx: Transaction, resolutions: Sequence[Resolution]) -> None:
    by_looking = [one for one in resolutions if one.state is State.SUBMITTED or one.costs_nothing]
    by_policy = [one for one in resolutions if one not in by_looking]
    moved = doubts.resolve(tx, by_looking, "look_up") + doubts.resolve(tx, by_policy, "policy")
    if failed := [one.id for one in resolutions if one.state is State.FAILED]:
        needs.settle(tx, at.account_id, failed)
    if moved:
        tx.after_commit(partial(bell.submit, at.account, at.account_id))
        tx.after_commit(partial(bell.track, at.account, at.account_id))
        log.info("doubt_settled", account=at.account, looked=len(by_looking), policy=len(by_policy))
