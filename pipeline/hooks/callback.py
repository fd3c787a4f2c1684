"""One report as it comes in: the bytes of a request to our words. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum, auto

from pipeline.api.reports import read_report
from pipeline.outcome import Report

LONGEST_ID, LONGEST_PROGRESS = 255, 100
"""Characters. Known servers use 16 to 40 for an id, and a percentage or a few words for progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """A report, and the token of the address to which it came."""

    token: str
    report: Report


class Verdict(Enum):
    """What becomes of a report."""

    TAKEN = auto()
    """Whatever it said is committed; perhaps it said nothing new."""
    UNKNOWN = auto()
    """No POST of ours gave out this address."""
    FOREIGN = auto()
    """It is about another task than the one that has this address."""
    BUSY = auto()
    """A worker is writing to the task: to be tried again."""
    AWAY = auto()
    """The database did not take it."""
    BROKEN = auto()
    """This program failed on it."""


def read_callback(token: str, body: bytes) -> Callback | None:
    """None where the body is no task object."""
    try:
        # A body that is nested a million deep is a RecursionError.
        task = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(task, dict) or not _names_a_task(task.get("id")):
        return None
    report = read_report(task)
    return None if report is None else Callback(token=token, report=_kept(report))


def _kept(report: Report) -> Report:
    """What a callback is believed of. Thousands may wait, so the rest of a body must not wait with them."""
    return Report(
        remote_id=report.remote_id,
        state=report.state,
        progress=report.progress and report.progress[:LONGEST_PROGRESS],
        window=report.window,
        started_at=report.started_at,
    )


def _names_a_task(remote_id: object) -> bool:
    """An id as a string or a number, as `pipeline resolve` would take it."""
    if isinstance(remote_id, bool) or not isinstance(remote_id, str | int):
        return False
    text = str(remote_id)
    return 0 < len(text) <= LONGEST_ID and text.isprintable()
