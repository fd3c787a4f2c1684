"""A finished task names its children. Pure: the same parent always names the same children, under the same keys."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.task import FinishedTask, NewTask


def children(finished: Iterable[FinishedTask]) -> list[NewTask]:
    """The follow-ups of tasks that have succeeded."""
    return [
        NewTask(
            key=f"{parent.key}-{one.word}",
            stem=f"{parent.stem}-{one.word}",
            action=one.action,
            prompt=parent.prompt,
            index=one.index,
            mode=parent.mode,
            then=one.then,
            parent_id=parent.id,
            depth=parent.depth + 1,
        )
        for parent in finished
        for one in parent.then
    ]
