"""Conditions on tasks that statements and partial indexes share: an index serves what says the same."""

from __future__ import annotations

from enum import StrEnum

from pipeline.task import AT_THE_API, IN_FLIGHT, State


def one_of(column: str, words: type[StrEnum] | tuple[str, ...]) -> str:
    """`column IN (...)`."""
    return f"{column} IN ({', '.join(repr(str(word)) for word in words)})"


HOLDS_ROOM = f"{one_of('state', IN_FLIGHT)} AND (state <> 'in_doubt' OR updated_at > now() - interval '1 hour')"
"""What takes room on its account. Doubt does for an hour, within which every known server has finished or given up."""

TO_ASK_FOR = f"({one_of('state', AT_THE_API)} OR (state = 'in_doubt' AND window_id IS NOT NULL))"
"""What the API is asked for: what it has, and what it may have since a window of known id was answered."""

TO_LOOK_FOR = f"{one_of('state', (State.IN_DOUBT, State.FAILED, State.CANCELLED))} AND next_attempt_at IS NOT NULL"
"""What is looked for at the API beside that: doubt, and what ended here and may still succeed there."""
