"""What is known of a fleet once its work is over: from the server that was paid, from the database, the disk, the logs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.chaos.fleet import Fleet

TRACEBACK = "Traceback (most recent call last):"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A task that the server accepted, which is what costs money. `token` is what the POST carried as `state`."""

    id: str
    token: str
    finished: bool
    """Whether its picture is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A task as the database knows it."""

    id: int
    name: str
    """`batch/stem`."""
    parent_id: int | None
    state: str
    reason: str | None
    waits: bool
    """Whether something is still to be done for it by itself."""
    remote_id: str | None
    path: str | None
    sha256: str | None
    attempts: int
    was_in_doubt: bool
    sent_again: int
    """How often it was sent again out of doubt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All of it, as plain values."""

    made: tuple[Made, ...]
    known: tuple[Known, ...]
    tokens: Mapping[str, int]
    """Of every POST of ours, the task that it was for."""
    works: Mapping[str, int]
    """How often the server accepted the same piece of work, as it counts itself."""
    asked_for: int
    """Tasks that the manifests ask for."""
    files: Mapping[str, str]
    """SHA-256 of what lies under a path of the output folder."""
    records: Mapping[str, str]
    """Of each picture's path, which of the server's tasks its record names."""
    tracebacks: tuple[tuple[str, str], ...]
    """Name of a log, and the last line of a traceback in it."""


def gather(fleet: Fleet, asked_for: int) -> Evidence:
    audit = fleet.audit()  # which also has the server finish what is due
    known = tuple(_known(fleet))
    return Evidence(
        made=tuple(_made(fleet.journal)),
        known=known,
        tokens={UUID(str(token)).hex: task for token, task in fleet.ask("SELECT token, task_id FROM attempts")},
        works=audit["by_work"],
        asked_for=asked_for,
        files={one.path: _digest(fleet.pictures / one.path) for one in known if one.path},
        records={one.path: _record(fleet.pictures / one.path) for one in known if one.path},
        tracebacks=tuple(_tracebacks(fleet.home / "log")),
    )


def _made(journal: Path) -> Iterator[Made]:
    accepted: dict[str, dict[str, Any]] = {}
    ends: dict[str, dict[str, Any]] = {}
    for line in journal.read_text().splitlines():
        record = json.loads(line)
        (accepted if "action" in record else ends)[record["id"]] = record
    for id_, order in accepted.items():
        end = ends.get(id_, {})
        finished = "finished" in end and not (end.get("cancelled") or order["doom"])
        yield Made(id=id_, token=order["state"] or "", finished=finished)


_TASKS = """
    SELECT t.id, b.name || '/' || t.stem, t.parent_id, t.state, t.reason, t.next_attempt_at IS NOT NULL, t.remote_id,
        a.path, a.sha256, t.attempt,
        EXISTS (SELECT FROM task_events e WHERE e.task_id = t.id AND e.to_state = 'in_doubt'),
        (SELECT count(*) FROM task_events e
            WHERE e.task_id = t.id AND e.from_state = 'in_doubt' AND e.to_state = 'planned')
    FROM tasks t JOIN batches b ON b.id = t.batch_id LEFT JOIN artifacts a ON a.task_id = t.id ORDER BY t.id
"""


def _known(fleet: Fleet) -> Iterator[Known]:
    for row in fleet.ask(_TASKS):
        yield Known(**dict(zip(Known.__slots__, row, strict=True)))


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _record(picture: Path) -> str:
    try:
        record = json.loads(picture.with_suffix(".json").read_text())
    except (OSError, ValueError):
        return ""
    return str(record["remote_id"]) if record["file"] == picture.name else ""


def _tracebacks(logs: Path) -> Iterator[tuple[str, str]]:
    """The last line of a traceback is the first after it that is not indented."""
    for log in sorted(logs.glob("*.log")):
        inside = False
        for line in log.read_text(errors="replace").splitlines():
            if line.startswith(TRACEBACK):
                inside = True
            elif inside and line and not line.startswith((" ", "The above", "During handling")):
                inside = False
                yield log.stem, line
