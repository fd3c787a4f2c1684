"""What a fire time gives to its batch: a name, and values for the manifest's `{{ date }}` and the like."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import count

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NAMES = ("date", "time", "week", "month", "year", "weekday", "number")
"""Of the values that a manifest may use."""


def values(local: datetime, number: int) -> dict[str, str]:
    """By their names, for a fire time in the schedule's zone that makes its batch number `number`.

    Letters, digits and `-` only, from a letter or digit on: neither CSV nor YAML reads them as anything but text.
    """
    year, week, day = local.isocalendar()
    return {
        "date": f"{local:%Y-%m-%d}",
        "time": f"{local:%H-%M}",
        "week": f"{year}-W{week:02}",
        "month": f"{local:%Y-%m}",
        "year": f"{local:%Y}",
        "weekday": WEEKDAYS[day - 1],
        "number": str(number),
    }


def batch_names(schedule: str, local: datetime, *, by_hand: bool = False) -> Iterator[str]:
    """Names for the batch of a fire time, the best first: an hour that comes twice has the same one twice."""
    name = f"{schedule}-{local:%Y-%m-%dT%H%M%S}" if by_hand else f"{schedule}-{local:%Y-%m-%dT%H%M}"
    yield name
    yield from (f"{name}-{number}" for number in count(2))
