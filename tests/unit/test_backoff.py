from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.backoff import BUSY, DOWNLOAD, Backoff, delay, refused


class Highest(random.Random):
    """Draws the top of every range, so that the ceiling itself can be seen."""

    def uniform(self, a: float, b: float) -> float:  # noqa: ARG002
        return b

    def random(self) -> float:
        return 1.0


def test_ceilings_double_up_to_the_cap() -> None:
    policy = Backoff(base=1, cap=10, tries=9, total=1e9)
    assert [delay(policy, tries, 0, None, Highest()) for tries in range(1, 7)] == [1, 2, 4, 8, 10, 10]


@given(tries=st.integers(1, 10_000), seed=st.integers())
def test_jitter_is_full_from_zero_to_the_ceiling(tries: int, seed: int) -> None:
    seconds = delay(BUSY, tries, 0, None, random.Random(seed))
    assert seconds is not None
    assert 0 <= seconds <= BUSY.cap


def test_tries_are_capped() -> None:
    assert delay(refused(3), 2, 0, None, Highest()) is not None
    assert delay(refused(3), 3, 0, None, Highest()) is None


def test_time_is_capped() -> None:
    assert delay(DOWNLOAD, 1, DOWNLOAD.total - 1, None, Highest()) is not None
    assert delay(DOWNLOAD, 1, DOWNLOAD.total, None, Highest()) is None


def test_a_busy_account_is_waited_for_however_often_it_refuses() -> None:
    assert delay(BUSY, 10_000, 0, None, Highest()) == BUSY.cap


@pytest.mark.parametrize("hint", [0.0, 7.0, 3_000.0])
def test_retry_after_wins_over_the_formula(hint: float) -> None:
    seconds = delay(refused(8), 1, 0, hint, random.Random(1))
    assert seconds is not None
    assert hint <= seconds <= 1.1 * hint


def test_retry_after_does_not_win_over_the_caps() -> None:
    assert delay(refused(3), 3, 0, 1.0, Highest()) is None
    assert delay(refused(3), 1, 0, 1e12, Highest()) == refused(3).total
    assert delay(BUSY, 1, 1e9, None, Highest()) == 1
