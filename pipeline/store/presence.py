"""Who is alive. Each worker process holds an advisory lock under its number for as long as it is connected, so that the
database knows at once when it has died, whatever killed it.

A process without its lock may also be cut off, with a POST of its on the way. Its own host can tell the two apart.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from pipeline.store.engine import Transaction

ALIVE = """EXISTS (
    SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND (classid::bigint << 32) | objid::bigint = owner
)"""
"""Whether the process that owns the task (column `owner`) is connected.

Being wrong is harmless: a task that is put in doubt while its owner is alive and cut off is settled by the reply.
"""


class Presence:
    """This process, as the database sees it."""

    def __init__(self, engine: Engine) -> None:
        self.number = secrets.randbits(62)
        self.former: list[int] = []
        """Its numbers before its connection broke."""
        self.in_hand: Counter[int] = Counter()
        """Tasks that this process is sending at this moment, under whichever number."""
        self._engine = engine
        self._connection: Connection | None = None
        self._turn = threading.Lock()

    def hold(self) -> int:
        """Makes sure that the lock is held; the number under which tasks are owned from now on.

        It is a new one after the connection broke: a claim may have been committed, or a result not, without our
        knowing, and what nobody here knows of must not look taken care of for as long as this process lives.
        """
        with self._turn:
            if not self._still_held():
                self.former.append(self.number)
                self.number = secrets.randbits(62)
                self._connection = self._join(self.number)
        return self.number

    @contextmanager
    def sending(self) -> Iterator[Callable[[Iterable[int]], None]]:
        """Takes tasks in hand: while this lasts they are being sent by this process, even under another number.

        To be called before their claim is committed: from then on rescue, of this very process, may see them.
        """
        ids: list[int] = []

        def take(task_ids: Iterable[int]) -> None:
            more = list(task_ids)
            ids.extend(more)
            self.in_hand.update(more)

        try:
            yield take
        finally:
            self.in_hand.subtract(ids)

    def leave(self) -> None:
        """What this process was working on is free for others from now on."""
        with self._turn:
            self._drop()

    def _join(self, number: int) -> Connection:
        """A connection that holds the lock. One on which that failed is not kept: it would be taken for held."""
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            connection.execute(text("SELECT pg_advisory_lock(:number)"), {"number": number})
            connection.execute(
                text(
                    "INSERT INTO processes (number, host, pid, began) VALUES (:number, :host, :pid, :began) "
                    "ON CONFLICT DO NOTHING"
                ),
                {"number": number, "host": _here(), "pid": os.getpid(), "began": _began(os.getpid()) or 0},
            )
        except BaseException:
            _end(connection)
            raise
        return connection

    def _still_held(self) -> bool:
        if self._connection is None:
            return False
        try:
            self._connection.execute(text("SELECT 1"))
        except SQLAlchemyError:
            self._drop()
        return self._connection is not None

    def _drop(self) -> None:
        if self._connection is not None:
            _end(self._connection)
            self._connection = None


def _end(connection: Connection) -> None:
    """Ends the session, and its lock with it: the pool must not keep it."""
    connection.invalidate()
    connection.close()


def dead_here(tx: Transaction) -> list[int]:
    """The numbers of processes of this host that have surely ended: nothing that they sent is still to come."""
    rows = tx.rows("SELECT number, pid, began FROM processes WHERE host = :host", host=_here())
    return [row.number for row in rows if _began(row.pid) != row.began]


def forget(tx: Transaction, numbers: list[int]) -> None:
    """Forgets processes that own nothing any more."""
    tx.run(
        "DELETE FROM processes p WHERE number = ANY(:numbers) "
        "AND NOT EXISTS (SELECT FROM tasks WHERE owner = p.number AND state IN ('submitting', 'in_doubt'))",
        numbers=numbers,
    )


@cache
def _here() -> str:
    """This kernel since it started, and the namespace in which it counts processes.

    Nobody elsewhere than on Linux, and where /proc is of another namespace: there our numbers mean other processes.
    """
    try:
        if Path("/proc/self").readlink().name != str(os.getpid()):
            return secrets.token_hex(16)
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return secrets.token_hex(16)


def _began(pid: int) -> int | None:
    """When the process of this number began, in ticks since the kernel did; None if it has ended (proc(5))."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if words[0] in "ZX" else int(words[19])
