"""Where a process number means what it says."""

from __future__ import annotations

import os

import pytest

from pipeline.store import presence


def test_processes_of_one_namespace_know_each_other_s_numbers() -> None:
    here = presence._here.__wrapped__
    assert here() == here()
    assert "pid:[" in here()


def test_where_proc_is_of_another_namespace_nobody_is_known_by_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getpid", lambda: 2**22 + 1)
    here = presence._here.__wrapped__
    assert here() != here()
