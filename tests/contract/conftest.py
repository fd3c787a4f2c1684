"""The accounts that the contract is tried on: the sandbox in each dialect and, where the environment names one, a real
server: CONTRACT_BASE_URL, CONTRACT_KEY, CONTRACT_DIALECT (plus, when it is not set). What is made there is paid for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.api.client import Api
from pipeline.api.dialects import TRAITS
from pipeline.settings import Dialect
from tests.acceptance.outside import Server
from tests.contract.playing import Account

REAL = "real"
SECONDS_HERE, SECONDS_THERE = 30.0, 900.0
QUICK = {"picture_size": 64, "imagine_seconds": 0.1, "staleness": 0.05, "slots": 8}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*abilities): only on servers that lack none of these")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tries each promise on the servers that make it. What takes `emulated` would cost too much on a real one."""
    if "account" not in metafunc.fixturenames:
        return
    needed = {ability for mark in metafunc.definition.iter_markers("needs") for ability in mark.args}
    servers: list[str] = [dialect for dialect in Dialect if not needed & TRAITS[dialect].lacks]
    if os.environ.get("CONTRACT_BASE_URL") and "emulated" not in metafunc.fixturenames:
        servers.append(REAL)
    metafunc.parametrize("account", servers, indirect=True, scope="session", ids=str)


@pytest.fixture(scope="session")
def account(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """The sandbox in one dialect, in a process of its own; or the real server."""
    if request.param == REAL:
        with _real() as api:
            yield Account(api, SECONDS_THERE)
        return
    home: Path = tmp_path_factory.mktemp("sandbox")
    with Server(home, dialect=request.param, **QUICK) as server, Api(server.url, server.key, request.param) as api:
        yield Account(api, SECONDS_HERE)


@pytest.fixture
def emulated(account: Account) -> Account:
    """The sandbox only: what is asked of it would cost more than a check should."""
    return account


def _real() -> Api:
    dialect = Dialect(os.environ.get("CONTRACT_DIALECT") or Dialect.PLUS)
    return Api(os.environ["CONTRACT_BASE_URL"].rstrip("/"), os.environ["CONTRACT_KEY"], dialect)
