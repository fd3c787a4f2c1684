"""What is to be done about the fire times that have come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, takewhile

from pipeline.schedule.rules import MOST_CAUGHT_UP, CatchUp, Rules, in_short

GRACE = timedelta(seconds=60)
"""A fire time that is looked at later than this is missed, and made up for as the rules say."""
MOST = 5_000
"""Fire times that are looked at together: after an outage of weeks, those of every minute are many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Fire times that have come, all of `missed` before all of `kept`."""

    missed: tuple[datetime, ...]
    why: str
    """Why those are not made up for: a sentence."""
    kept: tuple[datetime, ...]
    """Those that each ask for a batch."""
    until: datetime
    """Up to here all is said; where it is before now, there is more to look at."""


def due(rules: Rules, since: datetime, now: datetime) -> Due:
    """What is due after `since`, up to `now`."""
    most = MOST + MOST_CAUGHT_UP
    come = tuple(takewhile(lambda fire_time: fire_time <= now, islice(rules.calendar.after(since), most)))
    if len(come) == most:
        # As many come after these as could be made up for, so none of these is.
        return Due(missed=come[:MOST], why=_why(rules), kept=(), until=come[MOST - 1])
    late = sum(fire_time < now - GRACE for fire_time in come)
    first = late - _made_up_for(rules, come[:late], now, is_last=late == len(come))
    return Due(missed=come[:first], why=_why(rules), kept=come[first:], until=max(since, now))


def _made_up_for(rules: Rules, late: tuple[datetime, ...], now: datetime, *, is_last: bool) -> int:
    """How many of the late ones, from the newest."""
    if rules.catch_up is CatchUp.LATEST:
        return min(len(late), int(is_last))
    if rules.catch_up is CatchUp.ALL:
        return sum(fire_time >= now - rules.within for fire_time in late[-rules.at_most :])
    return 0


def _why(rules: Rules) -> str:
    only = {
        CatchUp.SKIP: "it is not made up for",
        CatchUp.LATEST: "only the latest is made up for",
        CatchUp.ALL: f"only the newest {rules.at_most} within {in_short(rules.within)} are made up for",
    }
    return f"no beat looked at it in time, and {only[rules.catch_up]}"
