"""The pictures that go into a task, fetched and written as the API takes them, just before the task is sent."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from io import BytesIO

import httpx
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from pipeline import submit
from pipeline.action import Action
from pipeline.api.client import QueryError
from pipeline.deliver import Cause, Limits, NotDelivered, fetch_link, thread_client
from pipeline.inputs import Attached, Input, Role
from pipeline.log import Log
from pipeline.manifest.pictures import MAX_BYTES, PictureFault, examine
from pipeline.outcome import Blame, Outcome, Refused, TryAgain
from pipeline.store import pictures
from pipeline.store.pictures import Result
from pipeline.task import ClaimedTask
from pipeline.wiring import Runtime
from pipeline.worker import stopping

log = Log("worker")

LIMITS = Limits(bytes=MAX_BYTES, seconds=30.0)


class _NotThereError(Exception):
    """A picture could not be had. `outcome` is what that means for its task: nothing was sent."""

    def __init__(self, outcome: TryAgain | Refused) -> None:
        super().__init__()
        self.outcome = outcome


def post(at: Runtime, send_before: float, task: ClaimedTask) -> Outcome:
    """Sends the task with its pictures; without them, or too late, nothing is sent."""
    if not task.inputs:
        return at.api.submit(task)
    try:
        whole = replace(task, attached=_attached(at, task))
    except _NotThereError as missing:
        return missing.outcome
    except (DBAPIError, PoolTimeoutError) as failure:
        reason = f"its pictures could not be read from the database ({type(failure).__name__}); nothing was sent"
        return TryAgain(reason=reason, blame=Blame.NOBODY)
    except Exception as bug:
        log.exception("gathering_crashed", task=task.id)
        return Refused(reason=f"this program failed before it sent the task ({type(bug).__name__}); nothing was sent")
    if stopping.told():
        return submit.HANDED_BACK
    return submit.too_late(send_before) or at.api.submit(whole)


def _attached(at: Runtime, task: ClaimedTask) -> tuple[Attached, ...]:
    digests = [one.sha256 for one in task.inputs if one.sha256]
    stems = [one.stems[-1] for one in task.inputs if one.stems]
    with at.store.begin() as tx:
        files = pictures.contents(tx, digests)
        results = pictures.results(tx, task.id, stems)
    attached = []
    for one in task.inputs:
        if one.sha256:
            content = _data_url(*files[one.sha256])
        elif one.url:
            content = one.url if _goes_as_address(task, one) else _from_address(one.url)
        else:
            content = _result(at, results[one.stems[-1]])
        attached.append(Attached(role=one.role, content=content))
    return tuple(attached)


def _goes_as_address(task: ClaimedTask, one: Input) -> bool:
    """An imagine takes addresses in its prompt, on every server; elsewhere only some servers fetch them."""
    return task.action is Action.IMAGINE and one.role is Role.IMAGE


def _from_address(url: str) -> str:
    """Only the host is named in what a person reads: an address may hold a password or a signature."""
    return _examined(_fetched(url), f"the picture from {httpx.URL(url).host}")


def _result(at: Runtime, result: Result) -> str:
    """The file at home, where it can be read on this host; else what the API has."""
    content = _at_home(at, result.path) if result.path else None
    if content is not None:
        return _examined(content, f"the picture of {result.key}")
    try:
        report = at.api.fetch(result.remote_id or "")
    except QueryError as failure:
        raise _NotThereError(TryAgain(reason=f"the picture of {result.key} goes in, and {failure}")) from None
    if report is None or not report.image_url:
        raise _NotThereError(TryAgain(reason=f"the picture of {result.key} goes in, and the API has it no more"))
    return _examined(_fetched(report.image_url), f"the picture of {result.key}")


def _at_home(at: Runtime, path: str) -> bytes | None:
    try:
        with at.home.open(path) as file:
            return file.read()
    except OSError:
        return None


def _fetched(url: str) -> bytes:
    into = BytesIO()
    problem = fetch_link(thread_client(), url, into, LIMITS)
    if isinstance(problem, NotDelivered):
        reason = f"a picture that goes in could not be fetched: {problem.reason}; nothing was sent"
        final = problem.cause is Cause.REFUSED
        raise _NotThereError(Refused(reason=reason) if final else TryAgain(reason=reason))
    return into.getvalue()


def _examined(content: bytes, name: str) -> str:
    """A page or half a picture may be a server's bad moment, so it is tried again like a dead link."""
    try:
        picture = examine(name, content)
    except PictureFault as fault:
        raise _NotThereError(TryAgain(reason=f"{fault}; it goes in, so nothing was sent")) from None
    return _data_url(picture.media_type, content)


def _data_url(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{b64encode(content).decode()}"
