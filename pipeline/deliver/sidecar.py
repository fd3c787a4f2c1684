"""The record beside a picture: everything one needs to find, cite or remake it, and no secret."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import httpx

from pipeline.deliver.delivery import Delivery, Fetched, Picture

FLAG = re.compile(r"(?:^|\s)--([A-Za-z][\w-]*)")


def prompt_parameters(prompt: str) -> dict[str, str | bool]:
    """The flags of a prompt as written: `a fox --ar 3:2 --tile` gives `{"ar": "3:2", "tile": True}`.

    A flag that is written twice keeps both values, joined by a space.
    """
    flags: dict[str, str | bool] = {}
    found = list(FLAG.finditer(prompt))
    ends = [*(one.start() for one in found[1:]), len(prompt)][: len(found)]
    for one, end in zip(found, ends, strict=True):
        name, value = one[1], prompt[one.end() : end].strip() or True
        earlier = flags.get(name)
        flags[name] = f"{earlier} {value}" if isinstance(earlier, str) else value
    return flags


def sidecar(delivery: Delivery, fetched: Fetched, picture: Picture) -> dict[str, Any]:
    """The record as JSON values. Times are ISO 8601 in UTC; the same delivery gives the same record."""
    facts = delivery.facts
    parameters = prompt_parameters(facts.prompt)
    return {
        "file": delivery.stem + picture.extension,
        "key": facts.key,
        "batch": facts.batch,
        "action": facts.action.value,
        "word": facts.word,
        "index": facts.index,
        "prompt": facts.prompt,
        "parameters": parameters,
        "mode": facts.mode.value if facts.mode else None,
        "state": facts.state,
        "seed": facts.seed or _text(parameters.get("seed")),
        "task_id": delivery.task_id,
        "remote_id": facts.remote_id,
        "parent_remote_id": facts.parent_remote_id,
        "account": facts.account,
        "attempts": facts.attempts,
        "submitted_at": _iso(facts.submitted_at),
        "started_at": _iso(facts.started_at),
        "finished_at": _iso(facts.finished_at),
        "url": _without_secrets(delivery.url),
        "sha256": fetched.sha256,
        "bytes": fetched.bytes,
        "width": picture.width,
        "height": picture.height,
        "format": picture.format,
    }


def _text(value: str | bool | None) -> str | None:
    return value if isinstance(value, str) else None


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None


def _without_secrets(url: str) -> str:
    """The link without user, password, query and fragment: signatures and tokens travel there."""
    return str(httpx.URL(url).copy_with(userinfo=b"", query=None, fragment=None))
