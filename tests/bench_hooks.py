"""How many reports a second the callback receiver takes, each committed before its answer.

A receiver of its own, a real Postgres, and callers in a second process that keep 256 connections open and wait for each
answer before they send the next report, as servers do. Every report is of a task at the API and says something new, so
each one is a write. At the end the rows are counted: what was answered 200 must be there.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import socket
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pipeline.hooks.receiver import app
from pipeline.hooks.serving import Server, listen, serve
from pipeline.sandbox.attach import attach
from pipeline.store import accounts, batches
from pipeline.store.batches import Handed
from pipeline.store.engine import Store
from pipeline.store.migrate import migrate

REPORTS = int(os.environ.get("REPORTS") or 20_000)
CONNECTIONS = 256
_PADDING = {"prompt": "a red fox in the snow " * 20, "properties": {"finalPrompt": "a red fox " * 40, "flags": 0}}


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="pipeline-bench-hooks-") as folder, attach(Path(folder)) as services:
        store = Store(services.postgres().replace("postgresql://", "postgresql+psycopg://"))
        migrate(store)
        tokens = _tasks_at_the_api(store, REPORTS)
        rings: list[int] = []
        took, answered, cpu = _burst(store, tokens, rings)
        running, asked = _counted(store), len(set(rings))
        store.close()
    # The last tenth of the reports are successes, which are asked for and move nothing.
    live = REPORTS - REPORTS // 10
    print(f"callbacks          {answered / took:,.0f} a second, {answered:,} of {REPORTS:,} taken in {took:.2f} s")
    print(f"CPU per callback   {1000 * cpu / REPORTS:.2f} ms in the receiver")
    if (answered, running, asked) != (REPORTS, live, REPORTS - live):
        sys.exit(f"of {REPORTS:,} reports {running:,} started a task and {asked:,} were asked for")


def _tasks_at_the_api(store: Store, count: int) -> list[str]:
    with store.begin() as tx:
        account = accounts.register(tx, name="acme", base_url="http://acme.test", max_running=3, max_queued=10)
        handed = Handed(name="bench", filename="bench.csv", manifest=b"prompt\nx\n", deliver=False)
        batch, _ = batches.receive(tx, account, handed)
        tx.run(
            """
            WITH made AS (
                INSERT INTO tasks (batch_id, account_id, key, stem, action, prompt, state, attempt, remote_id)
                SELECT :batch, :account, n::text, n::text, 'imagine', 'x', 'submitted', 1, n::text
                FROM generate_series(1, :count) AS n ORDER BY n RETURNING id, remote_id
            )
            INSERT INTO attempts (task_id, number, outcome, ended_at, remote_id)
            SELECT id, 1, 'accepted', now(), remote_id FROM made
            """,
            batch=batch,
            account=account,
            count=count,
        )
        return [row.token.hex for row in tx.rows("SELECT token FROM attempts ORDER BY remote_id::int")]


def _burst(store: Store, tokens: list[str], rings: list[int]) -> tuple[float, int, float]:
    """Seconds, reports that were answered 200, and CPU seconds of this process."""
    ready = threading.Event()
    with listen("127.0.0.1", 0) as listener:
        server = Server(app(store, lambda _name, _id, ids: rings.extend(ids)), ready.set)
        thread = threading.Thread(target=serve, args=(server, listener))
        thread.start()
        ready.wait(10)
        with multiprocessing.get_context("spawn").Pool(1) as callers:
            callers.apply(_nothing)
            before = time.process_time()
            took, answered = callers.apply(_call, (listener.getsockname()[1], tokens))
            cpu = time.process_time() - before
        server.should_exit = True
        thread.join()
    return took, answered, cpu


def _nothing() -> None:
    """Until the process of the callers is there."""


def _call(port: int, tokens: list[str]) -> tuple[float, int]:
    """Seconds, and how many reports were answered 200."""
    ends = len(tokens) - len(tokens) // 10
    requests = [_request(number, token, ended=number > ends) for number, token in enumerate(tokens, start=1)]
    shares = [requests[start::CONNECTIONS] for start in range(CONNECTIONS)]
    began = time.monotonic()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        answered = sum(pool.map(lambda share: _send(port, share), shares))
    return time.monotonic() - began, answered


def _request(number: int, token: str, *, ended: bool) -> bytes:
    status = {"status": "SUCCESS", "progress": "100%"} if ended else {"status": "IN_PROGRESS", "progress": "15%"}
    body = json.dumps({"id": str(number), "action": "IMAGINE", **status, **_PADDING}).encode()
    head = f"POST /hooks/{token} HTTP/1.1\r\nhost: hooks\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def _send(port: int, requests: list[bytes]) -> int:
    """One connection of a caller. Raw: an HTTP client would cost this machine more than the receiver does."""
    taken = 0
    with socket.create_connection(("127.0.0.1", port)) as connection:
        for request in requests:
            connection.sendall(request)
            reply = connection.recv(4096)
            # The head may come before the line that is the body.
            while reply.endswith(b"\r\n\r\n") or not reply.endswith(b"\n"):
                reply += connection.recv(4096)
            taken += reply.startswith(b"HTTP/1.1 200 ")
    return taken


def _counted(store: Store) -> int:
    with store.begin() as tx:
        return int(tx.scalar("SELECT count(*) FROM tasks WHERE state = 'running' AND progress = '15%'"))


if __name__ == "__main__":
    main()
