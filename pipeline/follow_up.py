"""A finished task names its children. Pure: the same parent always names the same children, under the same keys."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.action import Action
from pipeline.inputs import Input, Role
from pipeline.task import FinishedTask, NewTask
from pipeline.then import FollowUp

INHERITED = ("bot", "account_filter", "state")
"""Options that a follow-up takes over from its parent; the others are of the parent's own request."""


def children(finished: Iterable[FinishedTask]) -> list[NewTask]:
    """The follow-ups of tasks that have succeeded."""
    return [_child(parent, one) for parent in finished for one in parent.then]


def _child(parent: FinishedTask, one: FollowUp) -> NewTask:
    return NewTask(
        key=f"{parent.key}-{one.word}",
        stem=f"{parent.stem}-{one.word}",
        action=one.action,
        word=one.word,
        prompt=_prompt(parent, one),
        own_prompt=one.prompt is not None,
        index=one.index,
        mode=parent.mode,
        then=one.then,
        parent_id=parent.id,
        depth=parent.depth + 1,
        inputs=_inputs(parent, one),
        options={name: parent.options[name] for name in INHERITED if name in parent.options},
    )


def _prompt(parent: FinishedTask, one: FollowUp) -> str:
    """Its own; that of the text it was chosen from, empty where the text has fewer; else the parent's."""
    if one.prompt is not None:
        return one.prompt
    if one.action is Action.IMAGINE and one.index is not None:
        return parent.prompts[one.index - 1] if one.index <= len(parent.prompts) else ""
    return parent.prompt


def _inputs(parent: FinishedTask, one: FollowUp) -> tuple[Input, ...]:
    if one.action is Action.DESCRIBE:
        return (Input(role=Role.IMAGE, stems=(parent.stem,)),)
    return (one.mask,) if one.mask else ()
