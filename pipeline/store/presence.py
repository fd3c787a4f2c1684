"""Who is alive. Each worker process holds an advisory lock under its number for as long as it is connected, so that the
database knows at once when it has died, whatever killed it."""

from __future__ import annotations

import secrets
import threading

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

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
                self.number = secrets.randbits(62)
                self._connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
                self._connection.execute(text("SELECT pg_advisory_lock(:number)"), {"number": self.number})
        return self.number

    def leave(self) -> None:
        """What this process was working on is free for others from now on."""
        with self._turn:
            self._drop()

    def _still_held(self) -> bool:
        if self._connection is None:
            return False
        try:
            self._connection.execute(text("SELECT 1"))
        except SQLAlchemyError:
            # Also one that broke while the lock was taken: SQLAlchemy refuses to use that, and says so otherwise.
            self._drop()
        return self._connection is not None

    def _drop(self) -> None:
        """Ends the session, and its lock with it: the pool must not keep it."""
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None
