"""What the API says of a task, in our words. Lenient: the servers of the family agree on names, not on types."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pipeline.outcome import Report
from pipeline.task import State

_STATES = {
    "": State.SUBMITTED,  # a relay, before its own first poll
    "NOT_START": State.SUBMITTED,
    "SUBMITTED": State.SUBMITTED,
    "IN_PROGRESS": State.RUNNING,
    "SUCCESS": State.SUCCEEDED,
    "FAILURE": State.FAILED,
    "CANCEL": State.CANCELLED,
    "MODAL": State.FAILED,
}

_KEPT = ("finalPrompt", "messageHash", "discordInstanceId")
"""Properties worth a place in our record; the rest is the server's own bookkeeping."""

_ORDER = (State.SUBMITTED, State.RUNNING, State.FAILED, State.CANCELLED, State.SUCCEEDED)


def read_report(body: object) -> Report | None:
    """The report in one task object; None when it is none."""
    if not isinstance(body, dict) or not body.get("id"):
        return None
    status = str(body.get("status") or "").upper()
    state = _STATES.get(status, State.RUNNING)
    image_url = body.get("imageUrl") or None
    return Report(
        remote_id=str(body["id"]),
        state=state,
        progress=str(body["progress"]) if body.get("progress") else None,
        reason=_reason(state, status, body),
        image_url=str(image_url) if image_url else None,
        buttons=_custom_ids(body.get("buttons")),
        started_at=_moment(body.get("startTime")),
        finished_at=_moment(body.get("finishTime")),
        properties=_properties(body),
    )


def read_reports(body: object) -> list[Report]:
    """All reports of a list; of an id that a relay lists twice, the most advanced."""
    found: dict[str, Report] = {}
    for item in body if isinstance(body, list) else []:
        report = read_report(item)
        if report is None:
            continue
        known = found.get(report.remote_id)
        if known is None or _ORDER.index(report.state) > _ORDER.index(known.state):
            found[report.remote_id] = report
    return list(found.values())


def _reason(state: State, status: str, body: dict[str, Any]) -> str | None:
    if status == "MODAL":
        return "the API waits for more input in a window (status MODAL): switch remix mode off on this account"
    if state is State.CANCELLED:
        return "cancelled at the API"
    if state is State.FAILED:
        return " ".join(str(body.get("failReason") or "").split())[:2000] or "the API gives no reason"
    return None


def _custom_ids(buttons: object) -> tuple[str, ...]:
    if not isinstance(buttons, list):
        return ()
    return tuple(str(button["customId"]) for button in buttons if isinstance(button, dict) and button.get("customId"))


def _moment(milliseconds: object) -> datetime | None:
    """Epoch milliseconds; null or 0 where unset."""
    if not isinstance(milliseconds, int | float) or isinstance(milliseconds, bool) or milliseconds <= 0:
        return None
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _properties(body: dict[str, Any]) -> dict[str, Any] | None:
    given = body.get("properties")
    kept = {name: given[name] for name in _KEPT if given.get(name)} if isinstance(given, dict) else {}
    if body.get("seed"):
        kept["seed"] = str(body["seed"])
    return kept or None
