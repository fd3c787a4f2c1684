"""What a schedule makes, and when: a manifest with its pictures, rules and terms, as a person hands them over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pipeline.errors import UsageError
from pipeline.inputs import Picture
from pipeline.schedule import Rules
from pipeline.store.engine import Transaction, as_json
from pipeline.store.schedules import Schedule
from pipeline.terms import Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A schedule as a person hands it over."""

    name: str
    rules: Rules
    filename: str
    manifest: bytes
    lint: bool
    deliver: bool
    terms: Terms
    pictures: Mapping[str, Picture]


def add(tx: Transaction, account_id: int, content: Content) -> None:
    """A new schedule, whose first fire time is after now. Raises `UsageError` when there is one of this name."""
    now = tx.scalar("SELECT now()")
    schedule_id = tx.scalar(
        """
        INSERT INTO schedules (account_id, name, cron, timezone, overlap, catch_up, within_minutes, at_most, budget,
            per, filename, manifest, lint, deliver, batch_budget, prices, in_doubt, priority,
            settled_until, next_fire_at)
        VALUES (:account_id, :name, :cron, :timezone, :overlap, :catch_up, :within_minutes, :at_most, :budget,
            :per, :filename, :manifest, :lint, :deliver, :batch_budget, CAST(:prices AS jsonb), :in_doubt, :priority,
            :now, :next)
        ON CONFLICT (account_id, name) DO NOTHING RETURNING id
        """,
        account_id=account_id,
        name=content.name,
        now=now,
        next=content.rules.calendar.next(now),
        **_values(content),
    )
    if schedule_id is None:
        raise UsageError(
            f"there is a schedule {content.name!r} already: take another name, or --replace it, which keeps its history"
        )
    _name_pictures(tx, schedule_id, content.pictures)


def change(tx: Transaction, schedule: Schedule, content: Content) -> None:
    """The schedule has this manifest and these rules from now on. What it has done stays."""
    tx.run(
        """
        UPDATE schedules SET cron = :cron, timezone = :timezone, overlap = :overlap, catch_up = :catch_up,
            within_minutes = :within_minutes, at_most = :at_most, budget = :budget, per = :per, filename = :filename,
            manifest = :manifest, lint = :lint, deliver = :deliver, batch_budget = :batch_budget,
            prices = CAST(:prices AS jsonb), in_doubt = :in_doubt, priority = :priority
        WHERE id = :id
        """,
        id=schedule.id,
        **_values(content),
    )
    tx.run("DELETE FROM schedule_pictures WHERE schedule_id = :id", id=schedule.id)
    _name_pictures(tx, schedule.id, content.pictures)


def manifest(tx: Transaction, schedule: Schedule) -> bytes:
    return bytes(tx.scalar("SELECT manifest FROM schedules WHERE id = :id", id=schedule.id))


def pictures(tx: Transaction, schedule: Schedule) -> dict[str, Picture]:
    """By the names that its manifest has for them."""
    rows = tx.rows(
        "SELECT name, sha256, media_type, width, height FROM schedule_pictures JOIN pictures USING (sha256) "
        "WHERE schedule_id = :id",
        id=schedule.id,
    )
    return {
        row.name: Picture(sha256=row.sha256, media_type=row.media_type, width=row.width, height=row.height)
        for row in rows
    }


def _name_pictures(tx: Transaction, schedule_id: int, named: Mapping[str, Picture]) -> None:
    tx.run(
        """
        INSERT INTO schedule_pictures (schedule_id, name, sha256)
        SELECT :id, name, sha256 FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS v(name text, sha256 text)
        """,
        id=schedule_id,
        rows=as_json({"name": name, "sha256": picture.sha256} for name, picture in named.items()),
    )


def _values(content: Content) -> dict[str, Any]:
    rules, terms = content.rules, content.terms
    return {
        "cron": rules.cron,
        "timezone": rules.timezone,
        "overlap": rules.overlap,
        "catch_up": rules.catch_up,
        "within_minutes": rules.within // timedelta(minutes=1),
        "at_most": rules.at_most,
        "budget": rules.budget,
        "per": rules.per,
        "filename": content.filename,
        "manifest": content.manifest,
        "lint": content.lint,
        "deliver": content.deliver,
        "batch_budget": terms.budget,
        "prices": json.dumps({str(action): str(price) for action, price in terms.prices.items()}),
        "in_doubt": terms.in_doubt,
        "priority": terms.priority,
    }
