"""Whatever is installed from a lock file has everything that is needed."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
NEEDED: list[str] = PROJECT["project"]["dependencies"]
LOCKS: dict[str, list[str]] = {
    "requirements.lock": [],
    "requirements-s3.lock": PROJECT["project"]["optional-dependencies"]["s3"],
    "requirements-dev.lock": PROJECT["dependency-groups"]["dev"],
}


def conditions(requirement: Requirement) -> set[str]:
    """Of its marker, in the spelling of the lock files."""
    marker = str(requirement.marker or "").replace("python_version", "python_full_version").replace('"', "'")
    return set(filter(None, marker.split(" and ")))


@pytest.mark.parametrize("lock", LOCKS)
def test_every_dependency_is_locked_wherever_it_is_needed(lock: str) -> None:
    pins = {pin.name: pin for pin in map(Requirement, (ROOT / lock).read_text().splitlines())}
    for needed in map(Requirement, NEEDED + LOCKS[lock]):
        assert needed.name in pins, f"{needed.name} is not in {lock}: make lock"
        pin = pins[needed.name]
        assert conditions(pin) <= conditions(needed), f"{needed.name} is not everywhere in {lock}: make lock"
        assert needed.specifier.contains(str(pin.specifier).removeprefix("==")), f"{needed.name} in {lock}: make lock"
