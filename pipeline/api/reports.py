"""What the API says of a task, in our words. Lenient: the servers of the family agree on names, not on types."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pipeline.api.texts import described, shortened
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
    "MODAL": State.SUBMITTED,
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
    return Report(
        remote_id=str(body["id"]),
        state=state,
        progress=_progress(state, body),
        reason=_reason(state, body),
        window=status == "MODAL",
        image_url=_link(body),
        result=_text(body) if state is State.SUCCEEDED else None,
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
        if known is None or _advance(report) > _advance(known):
            found[report.remote_id] = report
    return list(found.values())


def _advance(report: Report) -> tuple[int, bool]:
    """A task whose window was answered is further than one whose window waits."""
    return _ORDER.index(report.state), not report.window


def _progress(state: State, body: dict[str, Any]) -> str | None:
    """As the server words it. Relays say 100% of whatever has ended, also of a failure."""
    return str(body["progress"]) if body.get("progress") and state is not State.FAILED else None


def _reason(state: State, body: dict[str, Any]) -> str | None:
    if state is State.CANCELLED:
        return "cancelled at the API"
    if state is State.FAILED:
        return " ".join(str(body.get("failReason") or "").split())[:2000] or "the API gives no reason"
    return None


def _link(body: dict[str, Any]) -> str | None:
    """Where the result is. A film has a picture too, its first frame, which may be there before the film is."""
    films = body.get("videoUrls")
    listed = films if isinstance(films, list) else []
    links = [body.get("videoUrl"), *(film.get("url") if isinstance(film, dict) else film for film in listed)]
    if not str(body.get("action") or "").upper().startswith("VIDEO") or _is_film(body.get("imageUrl")):
        links.append(body.get("imageUrl"))
    return next((link for link in links if isinstance(link, str) and link), None)


def _is_film(link: object) -> bool:
    return isinstance(link, str) and link.partition("?")[0].lower().endswith(".mp4")


def _text(body: dict[str, Any]) -> dict[str, Any] | None:
    """The text of a describe or a shorten. Novicezk writes a describe's over the prompt as well."""
    action = str(body.get("action") or "").upper()
    properties = body.get("properties")
    final = properties.get("finalPrompt") if isinstance(properties, dict) else None
    if action == "DESCRIBE":
        final = final or body.get("promptEn") or body.get("prompt")
    if action not in {"DESCRIBE", "SHORTEN"} or not isinstance(final, str) or not final.strip():
        return None
    return described(final) if action == "DESCRIBE" else shortened(final)


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
