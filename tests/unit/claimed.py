"""A task that may be sent, and its pictures."""

from __future__ import annotations

from typing import Any

from pipeline.action import Action
from pipeline.inputs import Attached, Role
from pipeline.task import ClaimedTask
from pipeline.then import FollowUp

FIRST, SECOND = "data:image/png;base64,AAAA", "data:image/png;base64,BBBB"


def task(action: Action = Action.IMAGINE, **said: Any) -> ClaimedTask:
    known: dict[str, Any] = {"id": 1, "attempt": 1, "token": "token", "prompt": "a fox", "index": None, "mode": None}
    return ClaimedTask(action=action, **(known | {"tries": 0, "seconds_failing": 0.0} | said))


def follow_up(word: str, *buttons: str, **said: Any) -> ClaimedTask:
    """Of the parent 77, which has these buttons."""
    named = FollowUp(word)
    parent: dict[str, Any] = {"parent_remote_id": "77", "parent_buttons": buttons}
    return task(named.action, **({"word": word, "index": named.index} | parent | said))


def attached(*pictures: str, role: Role = Role.IMAGE) -> tuple[Attached, ...]:
    return tuple(Attached(role=role, content=content) for content in pictures)
