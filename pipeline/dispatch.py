"""Which planned tasks may go now: those that their account has room for, counted in the database, so that any number of
workers together keep the limit. The backlog waits in Postgres, never in the broker."""

from __future__ import annotations

import time
from dataclasses import dataclass

from pipeline.api.client import SUBMIT_TIMEOUT
from pipeline.store.claims import claim_for_submit
from pipeline.store.engine import Transaction
from pipeline.task import ClaimedTask

MOST = 32
"""Tasks that one step takes at once; what is left over is for the next step, perhaps on another host."""

_LONGEST_POST = sum(seconds or 0.0 for seconds in SUBMIT_TIMEOUT.as_dict().values()) + (SUBMIT_TIMEOUT.read or 0.0)
LEASE = 2 * _LONGEST_POST
"""Seconds until rescue may put a task in doubt: longer than any POST that starts in time can last."""


@dataclass(frozen=True, slots=True)
class Handful:
    """Tasks to POST now. `send_before` is a reading of `now`: after it the lease may end during the POST."""

    tasks: list[ClaimedTask]
    more: bool
    """Whether the account has room for more, at once."""
    send_before: float


def take(tx: Transaction, account_id: int, owner: int) -> Handful:
    """Takes a handful for the process `owner`. They may be sent once `tx` has committed."""
    send_before = now() + LEASE - _LONGEST_POST
    tasks, more = claim_for_submit(tx, account_id, most=MOST, lease=LEASE, owner=owner)
    return Handful(tasks, more, send_before)


def now() -> float:
    """Seconds of a clock that goes on while the machine sleeps, as `time.monotonic` does not on Linux."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
