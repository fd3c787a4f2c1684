"""How often the live view looks: a database that was away does not keep the person waiting once it is back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from pipeline.cli import live


class Clock:
    """Time that passes only when somebody sleeps, or looks."""

    def __init__(self) -> None:
        self.now, self.slept = 0.0, list[float]()

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def follow(monkeypatch: pytest.MonkeyPatch, *looks: float, away: int = 0) -> list[float]:
    """The pauses of a run whose looks take so many seconds, the first of them after `away` that failed."""
    clock, failures, left = Clock(), iter(range(away)), iter(looks)

    @contextmanager
    def begin() -> Iterator[None]:
        if next(failures, None) is not None:
            raise OperationalError("SELECT", {}, Exception("the database system is starting up"))
        yield

    def progress_of(*_: Any) -> SimpleNamespace:
        clock.now += next(left)
        return SimpleNamespace(over=left.__length_hint__() == 0)

    @contextmanager
    def view(*_: Any) -> Iterator[Any]:
        yield lambda *_: None

    monkeypatch.setattr(live, "time", clock)
    monkeypatch.setattr(live, "progress_of", progress_of)
    monkeypatch.setattr(live, "_view", view)
    here: Any = SimpleNamespace(check_work=lambda: None)
    store: Any = SimpleNamespace(begin=begin)
    live.follow(here, store, SimpleNamespace(id=1))  # type: ignore[arg-type]
    return clock.slept


def test_a_look_that_takes_long_is_taken_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    assert follow(monkeypatch, 0.01, 0.5, 0.01) == [0.25, 5.0]


def test_the_time_for_which_the_database_was_away_is_not_the_time_of_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    assert follow(monkeypatch, 0.01, 0.01, away=30) == [1.0] * 30 + [0.25]
