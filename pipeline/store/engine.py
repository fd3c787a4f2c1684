"""The connection to Postgres: transactions that ring doorbells only after they have committed."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Row, create_engine, event, text
from sqlalchemy.exc import OperationalError

from pipeline.errors import ServiceError


class Transaction:
    """One transaction. `after_commit` callbacks run once it has committed, and never if it has not."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.rings: list[Callable[[], None]] = []

    def after_commit(self, ring: Callable[[], None]) -> None:
        self.rings.append(ring)

    def rows(self, sql: str, **values: Any) -> Sequence[Row[Any]]:
        return self.connection.execute(text(sql), values).all()

    def run(self, sql: str, **values: Any) -> int:
        """Runs a statement; the number of rows it touched."""
        return self.connection.execute(text(sql), values).rowcount

    def scalar(self, sql: str, **values: Any) -> Any:
        return self.connection.execute(text(sql), values).scalar()


CONNECTIONS = 16
"""Of one process: for its steps, its uploads that read pictures, the lock that says it is alive, and to spare."""


SILENCE = {"idle": 5, "interval": 5, "count": 3}
"""Seconds without a word after which a host is asked whether it is there, seconds between two questions, and how many.

After 20 seconds a host that lost its power, or its network, has no session, no lock and no row in its hands any more;
by the systems' own rules that takes hours. And a process waits no longer than that for a Postgres that is lost.
"""
_UNANSWERED = 1000 * (SILENCE["idle"] + SILENCE["interval"] * SILENCE["count"])  # milliseconds
_HEAR_HOSTS_LEAVE = "; ".join(
    (
        *(f"SET tcp_keepalives_{name} = {value}" for name, value in SILENCE.items()),
        f"SET tcp_user_timeout = {_UNANSWERED}",
    )
)


class Store:
    """Where the truth is. Safe to share between threads."""

    def __init__(self, url: str, *, connections: int = CONNECTIONS) -> None:
        self.engine = create_engine(
            url,
            pool_size=connections,
            max_overflow=0,
            pool_pre_ping=True,
            hide_parameters=True,  # an error is logged with its statement: prompts and tokens stay out of it
            connect_args={
                "connect_timeout": 10,
                "application_name": "pipeline",
                "tcp_user_timeout": _UNANSWERED,
                **{f"keepalives_{name}": value for name, value in SILENCE.items()},
            },
        )
        event.listen(self.engine, "connect", _hear_hosts_leave)

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        with self.engine.begin() as connection:
            transaction = Transaction(connection)
            yield transaction
        for ring in transaction.rings:
            ring()

    @contextmanager
    def look(self) -> Iterator[Transaction]:
        """A transaction of which nothing stays."""
        with self.engine.connect() as connection:
            yield Transaction(connection)

    @contextmanager
    def alone(self, key: int) -> Iterator[Transaction | None]:
        """Statements that commit by themselves, for one process at a time of all that use this key; None for others.

        It has a connection of its own, and ends with it.
        """
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            try:
                first = connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}).scalar()
                yield Transaction(connection) if first else None
            finally:
                connection.invalidate()  # which ends the session, and its lock with it

    def ping(self) -> None:
        """Raises `ServiceError` with the server's own words when Postgres cannot be reached."""
        try:
            with self.engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except OperationalError as failure:
            words = " ".join(str(failure.orig).split())
            raise ServiceError(f"Postgres cannot be reached: {words} (see PIPELINE_DATABASE_URL)") from None

    def close(self) -> None:
        self.engine.dispose()


def _hear_hosts_leave(session: Any, _: object) -> None:
    """Has Postgres notice a host that is gone. Said to each session, since not every pooler lets options through."""
    session.autocommit = True
    session.execute(_HEAR_HOSTS_LEAVE)
    session.autocommit = False


def as_json(rows: Iterable[Mapping[str, Any]]) -> str:
    """Many rows as one parameter, for `jsonb_to_recordset`: one statement, one plan, whatever their number.

    What a server may send and Postgres cannot hold (NUL, lone surrogates, infinity) is replaced: one such value must
    not keep its neighbours from being saved.
    """
    listed = list(rows)
    try:
        text = json.dumps(listed, ensure_ascii=False, allow_nan=False)
        text.encode()
    except ValueError:
        return json.dumps(_storable(listed), ensure_ascii=False)
    return json.dumps(_storable(listed), ensure_ascii=False) if "\\u0000" in text else text


def words(text: str) -> str:
    """Text as Postgres can hold it."""
    return text.replace("\0", "\ufffd").encode(errors="replace").decode()


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return words(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {words(str(name)): _storable(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(inner) for inner in value]
    return value
