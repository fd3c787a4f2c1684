"""The ways to ask for a follow-up, the best first: the parent's button, then change, then simple-change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pipeline.action import Action
from pipeline.api.buttons import button_for, signs
from pipeline.api.dialects import Traits
from pipeline.api.endpoints import ACTION, CHANGE, SEED, SIMPLE_CHANGE, Request, UnaskableError
from pipeline.api.rows import row
from pipeline.task import ClaimedTask
from pipeline.then import family_and_value

_LETTERS = {Action.UPSCALE: "U", Action.VARIATION: "V", Action.REROLL: "R"}
_CHANGES = {letter: action.upper() for action, letter in _LETTERS.items()}
_REMIXED = frozenset({"V", "R", "vary", "pan"})
"""Families whose prompt can be edited when that is asked for; the others open a window by themselves or take none."""


def word_of(task: ClaimedTask) -> str | None:
    """The word of a follow-up; None for a row. Tasks that were planned before words were kept have none."""
    if task.word is not None:
        return task.word
    letter = _LETTERS.get(task.action)
    return None if letter is None else f"{letter}{'' if letter == 'R' else task.index or ''}"


def ways(task: ClaimedTask, traits: Traits) -> Iterator[Request]:
    """Requests that each ask for the follow-up. Raises `UnaskableError` where there cannot be one."""
    word = word_of(task) or ""
    family, value = family_and_value(word)
    if family == "seed":
        yield Request(SEED, None, task.parent_remote_id or "")
    elif family == "describe":
        yield row(task)
    elif family == "imagine":
        anew = row(task)
        # The button opens a window for the prompt that the task says; imagining that prompt comes to the same.
        button = _pressed(task, traits, (f"MJ::JOB::{name}::{value}" for name in traits.prompt_buttons))
        yield from [button, anew] if button else [anew]
    else:
        changed = _REMIXED & {family} if task.own_prompt else frozenset()
        others = [] if changed else list(_changes(task, traits, family, value))
        button = _pressed(task, traits, signs(word, own_prompt=task.own_prompt), remix=bool(changed))
        if button is None and not others:
            raise UnaskableError(_missing(task, word))
        yield from [button, *others] if button else others


def _pressed(task: ClaimedTask, traits: Traits, wanted: Iterable[str], *, remix: bool = False) -> Request | None:
    button = button_for(wanted, task.parent_buttons) if traits.press_buttons else None
    if button is None:
        return None
    body: dict[str, Any] = {"taskId": task.parent_remote_id, "customId": button}
    return Request(ACTION, body | {"enableRemix": True} if remix else body)


def _changes(task: ClaimedTask, traits: Traits, family: str, value: str) -> Iterator[Request]:
    if family not in _CHANGES:
        return
    if traits.change:
        # Relays refuse a REROLL without a non-zero index, and the others ignore it.
        body = {"taskId": task.parent_remote_id, "action": _CHANGES[family], "index": int(value or 1)}
        yield Request(CHANGE, body)
    if traits.simple_change:
        yield Request(SIMPLE_CHANGE, {"content": f"{task.parent_remote_id} {family}{value}"})


def _missing(task: ClaimedTask, word: str) -> str:
    wanted = " or ".join(f"`{sign}`" for sign in signs(word, own_prompt=task.own_prompt))
    own = " with a prompt of its own" if task.own_prompt else ""
    return f"the parent, task {task.parent_remote_id} of the API, has no button for {word}{own} ({wanted})"
