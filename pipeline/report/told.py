"""What a text result tells: prompts, weighed words, a seed, links. Read leniently: it was written by a server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A word of a prompt with its weight: `strong`, `normal`, `weak`, or a number from 0 to 1."""

    token: str
    weight: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A text result. `text` is as it came; the others are what could be made of it."""

    text: str = ""
    prompts: tuple[str, ...] = ()
    tokens: tuple[Token, ...] = ()
    seed: str = ""
    urls: tuple[str, ...] = ()


NOTHING = Told()


def told_of(result: Mapping[str, Any] | None) -> Told:
    """A task's `result` as a value."""
    if not result:
        return NOTHING
    return Told(
        text=_text(result.get("text")),
        prompts=tuple(_text(one) for one in _list(result.get("prompts"))),
        tokens=tuple(_token(one) for one in _list(result.get("tokens"))),
        seed=_text(result.get("seed")),
        urls=tuple(_text(one) for one in _list(result.get("urls"))),
    )


def _token(one: Any) -> Token:
    if not isinstance(one, Mapping):
        return Token(token=_text(one))
    return Token(token=_text(one.get("token")), weight=_text(one.get("weight")))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return "" if value is None else str(value)
