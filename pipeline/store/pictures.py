"""Pictures that go into tasks: files that a person named, and results of other rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipeline.inputs import Picture
from pipeline.store.engine import Transaction, as_json


def missing(tx: Transaction, digests: Iterable[str]) -> set[str]:
    """Those of the digests whose bytes are not here yet."""
    wanted = set(digests)
    rows = tx.rows("SELECT sha256 FROM pictures WHERE sha256 = ANY(:wanted)", wanted=list(wanted))
    return wanted - {row.sha256 for row in rows}


def keep(tx: Transaction, picture: Picture, content: bytes) -> None:
    """Keeps a picture's bytes; once is enough."""
    tx.run(
        """
        INSERT INTO pictures (sha256, media_type, width, height, content)
        VALUES (:sha256, :media_type, :width, :height, :content) ON CONFLICT DO NOTHING
        """,
        sha256=picture.sha256,
        media_type=picture.media_type,
        width=picture.width,
        height=picture.height,
        content=content,
    )


def name_them(tx: Transaction, batch_id: int, named: Mapping[str, Picture]) -> None:
    """Notes which picture the batch's manifest means by which name. A name that changed means the new picture."""
    tx.run(
        """
        INSERT INTO batch_pictures (batch_id, name, sha256)
        SELECT :batch_id, name, sha256 FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS v(name text, sha256 text)
        ON CONFLICT (batch_id, name) DO UPDATE SET sha256 = excluded.sha256
        """,
        batch_id=batch_id,
        rows=as_json({"name": name, "sha256": picture.sha256} for name, picture in named.items()),
    )


def named(tx: Transaction, batch_id: int) -> dict[str, Picture]:
    """The pictures of a batch by the names that its manifest has for them."""
    rows = tx.rows(
        "SELECT name, sha256, media_type, width, height FROM batch_pictures JOIN pictures USING (sha256) "
        "WHERE batch_id = :id",
        id=batch_id,
    )
    return {
        row.name: Picture(sha256=row.sha256, media_type=row.media_type, width=row.width, height=row.height)
        for row in rows
    }


def contents(tx: Transaction, digests: Sequence[str]) -> dict[str, tuple[str, bytes]]:
    """Media type and bytes by digest."""
    rows = tx.rows(
        "SELECT sha256, media_type, content FROM pictures WHERE sha256 = ANY(:digests)", digests=list(digests)
    )
    return {row.sha256: (row.media_type, bytes(row.content)) for row in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Where the picture of another row is."""

    key: str
    remote_id: str | None
    path: str | None
    """Relative to the output folder, once it is at home."""
    sha256: str | None


def results(tx: Transaction, task_id: int, stems: Sequence[str]) -> dict[str, Result]:
    """The results that go into this task, by their stems, of its own batch."""
    rows = tx.rows(
        """
        SELECT s.stem, s.key, s.remote_id, a.path, a.sha256
        FROM tasks t JOIN tasks s ON s.batch_id = t.batch_id AND s.stem = ANY(:stems)
            LEFT JOIN artifacts a ON a.task_id = s.id
        WHERE t.id = :id
        """,
        id=task_id,
        stems=list(stems),
    )
    return {row.stem: Result(key=row.key, remote_id=row.remote_id, path=row.path, sha256=row.sha256) for row in rows}
