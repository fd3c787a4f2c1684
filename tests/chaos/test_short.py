"""A short part of the chaos suite; `make chaos` runs all of it."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import pytest

from tests.chaos.scenarios import SHORT, Scenario
from tests.chaos.trial import Trial

SEED = int(os.environ.get("SEED") or secrets.randbelow(1_000_000))


@pytest.mark.parametrize("scenario", SHORT, ids=lambda scenario: scenario.name.replace(" ", "-"))
def test_nothing_is_paid_twice_and_nothing_is_lost(scenario: Scenario, tmp_path: Path) -> None:
    outcome = Trial(scenario, SEED, tmp_path / "fleet").run()
    assert outcome.verdict.violations == (), f"SEED={SEED} draws it again"
    assert outcome.verdict.faults > 0
    assert outcome.verdict.accepted > 0
