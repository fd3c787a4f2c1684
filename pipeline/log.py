"""What a service says while it runs: events with their fields, a line each. Readable on a terminal, JSON elsewhere.

Formatters of the standard library do: all that they must know is that a message may be `Said`.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import TextIO

HIDDEN = "***"
SHORTEST_SECRET = 8
"""Characters. What is shorter is looked for only where secrets stand, not hidden wherever it is a part of a word."""

_BARE = re.compile(r"[\w.,:;/@%&?#+*()\[\]~-]+")
"""Values that need no quotes to be told from what follows."""
_SECRET_PLACES = tuple(
    re.compile(place)
    for place in (
        r"""(://)[^\s/@"\\]+(?=@)""",
        r"""(/hooks/)[^\s/?"'\\]+""",
        r"""(uthorization[\\"': ]+(?:\w+ )?)[^\s,"'\\]+""",
        r"""(mj-api-secret[\\"': ]+)[^\s,"'\\]+""",
    )
)
"""User and password in an address, the token of a POST, a key in a header. Each begins with a fixed text, and is a
pattern of its own: such are found a hundred times faster than one pattern of all."""


@dataclass(frozen=True, slots=True)
class Said:
    """A log's message: what happened, and what to know of it. Fields that are None are not known."""

    event: str
    fields: Mapping[str, object]

    def __str__(self) -> str:
        return " ".join((self.event, *(f"{name}={_readable(value)}" for name, value in self.known())))

    def known(self) -> Iterable[tuple[str, object]]:
        return ((name, value) for name, value in self.fields.items() if value is not None)


class Log:
    """The log of one part of the program, such as `worker`. An event is a word, its fields are plain values."""

    def __init__(self, part: str) -> None:
        self._logger = logging.getLogger(f"pipeline.{part}")

    def info(self, event: str, /, **fields: object) -> None:
        self._logger.info(Said(event, fields))

    def warning(self, event: str, /, **fields: object) -> None:
        self._logger.warning(Said(event, fields))

    def error(self, event: str, /, **fields: object) -> None:
        self._logger.error(Said(event, fields))

    def exception(self, event: str, /, **fields: object) -> None:
        """With the traceback of the exception that is being handled."""
        self._logger.exception(Said(event, fields))  # noqa: LOG004 - whoever calls this handles one


class JsonLine(logging.Formatter):
    """`time` in UTC, `level`, `logger`, `event`, then the fields, and `exception` with its whole traceback.

    What other libraries say is an event without fields.
    """

    def format(self, record: logging.LogRecord) -> str:
        said = record.msg if isinstance(record.msg, Said) else Said(record.getMessage(), {})
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "event": said.event,
            **dict(said.known()),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class Discreet(logging.Formatter):
    """Another formatter's lines without secrets: `secrets` themselves, and whatever stands where secrets do."""

    def __init__(self, inner: logging.Formatter, secrets: Iterable[str]) -> None:
        super().__init__()
        self._inner = inner
        told = {form for secret in secrets if len(secret) >= SHORTEST_SECRET for form in (secret, _in_json(secret))}
        self._secrets = sorted(told, key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        line = self._inner.format(record)
        for secret in self._secrets:
            line = line.replace(secret, HIDDEN)
        for place in _SECRET_PLACES:
            line = place.sub(rf"\1{HIDDEN}", line)
        return line


def log_to(stream: TextIO, secrets: Iterable[str]) -> None:
    """Sends what this process logs there, warnings and crashes included. For a service; called once."""
    plain = logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Discreet(plain if stream.isatty() else JsonLine(), secrets))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    logging.getLogger("pipeline").setLevel(logging.INFO)
    logging.captureWarnings(capture=True)
    sys.excepthook = _process_crashed
    threading.excepthook = _thread_crashed


def _process_crashed(_: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    logging.getLogger("pipeline").critical(Said("process_crashed", {}), exc_info=error)


def _thread_crashed(args: threading.ExceptHookArgs) -> None:
    if args.exc_type is not SystemExit:
        thread = args.thread.name if args.thread else None
        logging.getLogger("pipeline").error(Said("thread_crashed", {"thread": thread}), exc_info=args.exc_value)


def _readable(value: object) -> str:
    text = str(value)
    return text if _BARE.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def _in_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]
