"""Many reports at once, more than one receiver, and a receiver that is stopped in the middle: none is lost."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from pipeline.sandbox.attach import Services
from pipeline.store import accounts, settlements
from pipeline.store.settlements import Settlement
from pipeline.task import ClaimedTask, State
from tests.integration.conftest import World
from tests.integration.hooks import body, served
from tests.integration.posts import accept, claim

THREADS = 16


@pytest.fixture
def tokens(world: World) -> list[str]:
    """The addresses of 2,000 tasks at the API; the id of the task is its id there."""
    with world.store.begin() as tx:
        tx.run(
            """
            WITH made AS (
                INSERT INTO tasks (batch_id, account_id, key, stem, action, prompt, state, attempt, remote_id)
                SELECT :batch, :account, n::text, n::text, 'imagine', 'x', 'submitted', 1, n::text
                FROM generate_series(1, 2000) AS n ORDER BY n RETURNING id, remote_id
            )
            INSERT INTO attempts (task_id, number, outcome, ended_at, remote_id)
            SELECT id, 1, 'accepted', now(), remote_id FROM made
            """,
            batch=world.batch_id,
            account=world.account_id,
        )
        return [row.token.hex for row in tx.rows("SELECT token FROM attempts ORDER BY remote_id::int")]


def running(world: World) -> set[int]:
    with world.store.begin() as tx:
        return {int(row.remote_id) for row in tx.rows("SELECT remote_id FROM tasks WHERE state = 'running'")}


def starts(world: World) -> int:
    with world.store.begin() as tx:
        return int(tx.scalar("SELECT count(*) FROM task_events WHERE cause = 'callback' AND to_state = 'running'"))


def report_all(urls: Sequence[str], tokens: Sequence[str], status: str) -> set[int]:
    """Reports every task to every receiver, all at once; those that were answered 200 by the last of them."""

    def send(share: int) -> set[int]:
        with httpx.Client(timeout=30) as client:
            taken = set()
            for number in range(share, len(tokens), THREADS):
                for url in urls:
                    try:
                        answer = client.post(f"{url}/hooks/{tokens[number]}", json=body(str(number + 1), status, "15%"))
                    except httpx.TransportError:
                        continue
                    if answer.status_code == 200:
                        taken.add(number + 1)
            return taken

    with ThreadPoolExecutor(THREADS) as pool:
        return set().union(*pool.map(send, range(THREADS)))


def stop_in_the_middle(world: World, process: subprocess.Popen[bytes]) -> None:
    while len(running(world)) < 100:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)


def test_two_thousand_reports_at_once_are_all_taken(world: World, tokens: list[str]) -> None:
    with served(world.store) as hooks:
        assert report_all([hooks.url], tokens, "IN_PROGRESS") == running(world) == set(range(1, 2001))
        assert report_all([hooks.url], tokens[:500], "SUCCESS") == set(range(1, 501))
    asked = [task for _, _, tasks in hooks.rings for task in tasks]
    assert len(asked) == len(set(asked)) == 500
    assert len(hooks.rings) < 500
    assert {len(tasks) <= 100 for _, _, tasks in hooks.rings} == {True}


def test_workers_who_save_the_same_tasks_at_once_are_not_held_up_and_agree(world: World) -> None:
    world.change("UPDATE accounts SET max_running = 1000")
    world.plan(*(f"fox-{number}" for number in range(300)))
    tasks = [task for _ in range(10) for task in claim(world)]
    ends = [
        Settlement(id=task.id, attempt=1, state=State.SUBMITTED, outcome="accepted", remote_id=str(task.id))
        for task in tasks
    ]

    def save(seed: int) -> None:
        """Many at once, and any of them: as two workers do after a rescue."""
        random.Random(seed).shuffle(mixed := list(ends))
        for start in range(0, len(mixed), 30):
            with world.store.begin() as tx:
                settlements.settle(tx, sorted(mixed[start : start + 30], key=lambda one: one.id))

    def report(task: ClaimedTask) -> set[int]:
        return {hooks.post(task.token, body(str(task.id), "IN_PROGRESS", f"{percent}%")) for percent in (15, 46)}

    with served(world.store) as hooks, ThreadPoolExecutor(THREADS) as pool:
        saved = [pool.submit(save, seed) for seed in range(4)]
        answers = set().union(*pool.map(report, tasks))
        for one in saved:
            one.result()
    assert answers == {200}
    assert {(row, int(name)) for row, name in zip(world.column("id"), world.column("remote_id"), strict=True)} == {
        (task.id, task.id) for task in tasks
    }
    assert set(world.states().values()) <= {"submitted", "running"}


class Process:
    """`pipeline hooks`, as a person would start it."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self.log = log

    @property
    def url(self) -> str:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self.process.poll() is None:
            if found := re.search(r'"callbacks_are_received", "at": "(\S+)"', self.log.read_text()):
                return found[1]
            time.sleep(0.02)
        raise AssertionError(self.log.read_text())


@contextmanager
def started(log: Path, environment: dict[str, str], *words: str) -> Iterator[Process]:
    with log.open("wb") as file:
        argv = (sys.executable, "-m", "pipeline", "hooks", *words)
        process = subprocess.Popen(argv, stderr=file, stdout=file, env=environment, cwd=log.parent)
        try:
            yield Process(process, log)
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def environment(services: Services, database_url: str) -> dict[str, str]:
    ours = {"PIPELINE_DATABASE_URL": database_url.replace("+psycopg", ""), "PIPELINE_REDIS_URL": services.redis()}
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "HOME") if name in os.environ}
    return kept | ours | {"PYTHONPATH": os.pathsep.join(filter(None, (str(Path.cwd()), kept.get("PYTHONPATH"))))}


def test_two_receivers_that_are_told_the_same_move_each_task_once(
    world: World, tokens: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    with (
        started(tmp_path / "1.log", environment, "--port", "0") as one,
        started(tmp_path / "2.log", environment, "--port", "0") as other,
    ):
        assert len(report_all([one.url, other.url], tokens, "IN_PROGRESS")) == 2000
    assert running(world) == set(range(1, 2001))
    assert starts(world) == 2000


def test_a_receiver_that_is_stopped_finishes_what_it_has_taken(
    world: World, tokens: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    with started(tmp_path / "log", environment, "--port", "0") as hooks:
        url = hooks.url
        stopper = threading.Thread(target=stop_in_the_middle, args=(world, hooks.process))
        stopper.start()
        taken = report_all([url], tokens, "IN_PROGRESS")
        stopper.join()
        assert hooks.process.wait(15) == 0
    assert 0 < len(taken) < 2000
    assert taken <= running(world)
    assert not any(token in hooks.log.read_text() for token in tokens)


def test_what_was_reported_while_nobody_received_is_asked_for_when_it_starts(
    world: World, environment: dict[str, str], tmp_path: Path
) -> None:
    world.plan("fox")
    (fox,) = claim(world)
    accept(world, fox)
    world.change("UPDATE accounts SET next_poll_at = now() + interval '1 minute', called_back_at = now()")
    with started(tmp_path / "log", environment, "--port", "0") as hooks:
        assert hooks.url
    with world.store.begin() as tx:
        assert accounts.calls_back(tx, world.account_id) is False
        assert accounts.due_for_poll(tx, "acme") == world.account_id


def test_what_keeps_it_from_starting_is_one_sentence(environment: dict[str, str], tmp_path: Path) -> None:
    def refused(environment: dict[str, str], *words: str) -> tuple[int, str]:
        with started(tmp_path / "log", environment, *words) as hooks:
            status = hooks.process.wait(30)
            (line,) = hooks.log.read_text().splitlines()
            return status, line

    with started(tmp_path / "first.log", environment, "--port", "0") as first:
        port = first.url.rpartition(":")[2]
        status, line = refused(environment, "--port", port)
        assert (status, port in line, "--port" in line) == (3, True, True)
    status, line = refused(environment | {"PIPELINE_REDIS_URL": "redis://127.0.0.1:1/0"})
    assert (status, "PIPELINE_REDIS_URL" in line) == (3, True)
    status, line = refused(environment | {"PIPELINE_DATABASE_URL": "postgresql://127.0.0.1:1/none"})
    assert (status, "PIPELINE_DATABASE_URL" in line) == (3, True)
    status, line = refused({name: value for name, value in environment.items() if "REDIS" not in name})
    assert (status, "PIPELINE_REDIS_URL is not set" in line) == (2, True)
