"""What differs between the servers of the family, as data. Sources: the public sources of each server, read 2026."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pipeline.settings import Dialect


class KeyHeader(StrEnum):
    """How the key is shown."""

    BOTH = "both"
    """`Authorization: Bearer KEY` and `mj-api-secret: KEY`: what gateways and their servers take."""
    SECRET = "secret"  # noqa: S105 - the name of a header
    """`mj-api-secret: KEY`."""
    VERBATIM = "verbatim"
    """`Authorization: KEY`. This server would compare `Bearer ` as a part of the key."""


class LookUp(StrEnum):
    """Where tasks can be found by the `state` that we gave them."""

    QUERY = "query"
    """`/task/query`, filtered by the server."""
    ALL = "all"
    """`/task/list` and `/task/queue`, which name every task."""
    NEWEST = "newest"
    """`/task/list`, which names the newest 100 of the whole server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """How one dialect is spoken."""

    key_header: KeyHeader = KeyHeader.BOTH
    press_buttons: bool = True
    """Whether finished tasks list buttons, and `/submit/action` presses them."""
    prompt_buttons: tuple[str, ...] = ()
    """The families of buttons that imagine one of the prompts of a describe or a shorten, where they can be pressed."""
    change: bool = True
    simple_change: bool = True
    windows: bool = True
    """Whether code 21 opens a window. Elsewhere it says that the task exists already."""
    windows_told: bool = True
    """Whether the reply says so at once. Elsewhere it says 1, and only the task itself tells of its window."""
    window_hooks: bool = True
    """Whether the answer to a window may name a `notifyHook`."""
    hooks: bool = True
    """Whether it reports to `notifyHook`."""
    look_ups: tuple[LookUp, ...] = ()
    """The best first."""
    lacks: frozenset[str] = frozenset()
    """Abilities that it has not: actions of a row, families of follow-ups, `mode`, and `remix` (to edit a prompt)."""


_ORIGINAL_LACKS = frozenset(
    (
        *("shorten", "swap_face", "edit", "video", "upload", "mode", "remix", "seed", "bookmark"),
        *("upscale", "vary", "vary_region", "zoom", "square", "pan"),
    )
)

TRAITS = {
    Dialect.PLUS: Traits(
        prompt_buttons=("PicReader", "PromptAnalyzer"),
        window_hooks=False,
        look_ups=(LookUp.QUERY, LookUp.ALL),
        lacks=frozenset({"edit", "video", "bookmark"}),
    ),
    Dialect.NOVICEZK: Traits(
        key_header=KeyHeader.SECRET,
        press_buttons=False,
        windows=False,
        look_ups=(LookUp.ALL,),
        lacks=_ORIGINAL_LACKS,
    ),
    # Version 9.5 presses any button; 11 refuses the bookmark and the buttons of a shorten.
    Dialect.TRUEAI: Traits(
        key_header=KeyHeader.VERBATIM,
        prompt_buttons=("PicReader",),
        change=False,
        simple_change=False,
        look_ups=(LookUp.NEWEST,),
    ),
    # Relays remove notifyHook unless their operator allows it; what is removed does no harm.
    Dialect.RELAY: Traits(simple_change=False, windows_told=False, lacks=frozenset({"bookmark"})),
}


def key_headers(key: str, shown: KeyHeader) -> dict[str, str]:
    """The headers that show the key; none for a server without keys."""
    if not key:
        return {}
    if shown is KeyHeader.VERBATIM:
        return {"Authorization": key}
    secret = {"mj-api-secret": key}
    return secret if shown is KeyHeader.SECRET else {**secret, "Authorization": f"Bearer {key}"}
