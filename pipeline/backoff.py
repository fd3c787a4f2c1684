"""When to try again: a pure function of what happened so far. Exponential, full jitter, capped in tries and in time."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How patient to be. Times in seconds; `tries` None means that only time ends the trying."""

    base: float
    cap: float
    tries: int | None
    total: float


BUSY = Backoff(base=1.0, cap=30.0, tries=None, total=math.inf)
"""The account cannot take more now, or cannot be reached: no fault of any task, so it is waited for, visibly."""

DOWNLOAD = Backoff(base=0.5, cap=60.0, tries=5, total=3_600.0)
"""A picture that was paid for. After this it waits for the next `pipeline run`, still at the API."""


AWAY = Backoff(base=0.5, cap=60.0, tries=None, total=3_600.0)
"""The same, while the place where the picture lies cannot be reached: links live for a day."""


def refused(tries: int) -> Backoff:
    """For one task that the API did not take for a reason that may pass."""
    return Backoff(base=1.0, cap=60.0, tries=tries, total=6 * 3_600.0)


def delay(policy: Backoff, tries: int, elapsed: float, hint: float | None, rng: random.Random) -> float | None:
    """Seconds to wait after the `tries`-th failure (from 1), `elapsed` seconds after the first; None: give up.

    The server's `hint` (Retry-After) wins over the formula, never over the caps; a tenth is added as jitter so that
    many waiters do not come back in one burst.
    """
    if (policy.tries is not None and tries >= policy.tries) or elapsed >= policy.total:
        return None
    if hint is not None:
        return min(hint * (1.0 + 0.1 * rng.random()), policy.total)
    ceiling = min(policy.cap, policy.base * 2.0 ** min(tries - 1, 32))
    return rng.uniform(0.0, ceiling)
