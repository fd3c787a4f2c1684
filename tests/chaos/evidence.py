"""What is known of a fleet once its work is over: from the server that was paid, the database, the disk, the logs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.chaos.fleet import Fleet

TRACEBACK = "Traceback (most recent call last):"
CHAINED = ("The above exception was the direct cause", "During handling of the above exception")
STAMP = re.compile(r"\d{4}-\d\d-\d\d ")
"""What a new entry of a log begins with, where it is not JSON."""
NEXT_ENTRY = "0000-00-00 "


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
    """Whether a reply of the API to it was lost."""
    sent_again: int
    """How often the policy had it sent again."""
    began: float
    home: float | None
    """When it was first sent and when it came home, in epoch seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All of it, as plain values."""

    made: tuple[Made, ...]
    known: tuple[Known, ...]
    tokens: dict[str, int]
    """Of every POST of ours, the task that it was for."""
    works: dict[str, int]
    """How often the server accepted the same piece of work, as it counts itself."""
    asked_for: int
    """Tasks that the manifests ask for."""
    files: dict[str, str]
    """SHA-256 of what lies under a path of the output folder."""
    records: dict[str, str]
    """Of each picture's path, which of the server's tasks its record names."""
    tracebacks: tuple[tuple[str, str], ...]
    """Name of a log, and the last line of a traceback in it."""
    deaths: tuple[str, ...]
    """Processes that ended although nobody had killed them, with their exit status."""
    faults: tuple[float, ...]
    """When each fault was injected, in epoch seconds."""
    misbehaved: int
    """How often the server itself did: replies that it lost, errors that it answered."""


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
        tracebacks=tuple(tracebacks(fleet.home / "log")),
        deaths=tuple(f"{one.name} ({one.status})" for one in fleet.crew.ended_by_themselves()),
        faults=tuple(fleet.faults),
        misbehaved=audit["lost_replies"] + sum(n for code, n in audit["refused"].items() if code.startswith("50")),
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
        EXISTS (SELECT FROM task_events e WHERE e.task_id = t.id AND e.to_state = 'in_doubt')
            OR EXISTS (SELECT FROM attempts p WHERE p.task_id = t.id AND p.outcome = 'in_doubt'),
        (SELECT count(*) FROM task_events e
            WHERE e.task_id = t.id AND e.to_state = 'planned' AND e.cause = 'policy'),
        (SELECT coalesce(extract(epoch FROM min(e.at)), 0)::float FROM task_events e WHERE e.task_id = t.id),
        (SELECT extract(epoch FROM max(e.at))::float FROM task_events e
            WHERE e.task_id = t.id AND e.to_state = 'delivered')
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


def tracebacks(logs: Path) -> Iterator[tuple[str, str]]:
    """Of a chain of exceptions only the last one, which is what reached the log."""
    for log in sorted(logs.glob("*.log")):
        last, inside = "", False
        for line in _lines(log.read_text(errors="replace")):
            if line.startswith(TRACEBACK):
                last, inside = "", True
            elif line.startswith(CHAINED):
                last = ""
            elif inside and line and not line.startswith(" "):
                last, inside = line, False
            elif last and line and STAMP.match(line):
                yield log.stem, last
                last = ""
        if last:
            yield log.stem, last


def _lines(log: str) -> Iterator[str]:
    """Lines as they are; but of an entry in JSON the lines of the exception in it, between the marks of new entries."""
    for line in log.split("\n"):
        try:
            entry = json.loads(line) if line.startswith("{") else None
        except ValueError:  # its process was killed while it wrote
            entry = None
        if entry is None:
            yield line
        else:
            yield from (NEXT_ENTRY, *entry.get("exception", "").split("\n"), NEXT_ENTRY)
