"""A point that names nothing would disable itself in silence."""

from __future__ import annotations

import signal
import subprocess
import sys
from inspect import signature

import pytest

from tests.chaos.fleet import ROOT
from tests.chaos.points import POINTS, When


@pytest.mark.parametrize("name", POINTS)
def test_every_point_names_a_function_of_the_product(name: str) -> None:
    owner, attribute = POINTS[name].found()
    assert callable(getattr(owner, attribute))


@pytest.mark.parametrize("name", [name for name, point in POINTS.items() if point.when is When.COMMITTED])
def test_what_is_committed_is_told_its_transaction(name: str) -> None:
    owner, attribute = POINTS[name].found()
    assert "tx" in signature(getattr(owner, attribute)).parameters


def test_a_process_that_passes_its_point_dies_without_a_farewell() -> None:
    program = (
        "import sys, pipeline.dispatch as dispatch; dispatch.take = lambda: type('Handful', (), {'tasks': [1]});"
        "from tests.chaos.points import POINTS; POINTS['submit: claimed, not committed'].arm(2);"
        "dispatch.take(); print('alive', flush=True); dispatch.take(); print('still alive')"
    )
    died = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (died.returncode, died.stdout) == (-signal.SIGKILL, "alive\n"), died.stderr
