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


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """How one dialect is spoken."""

    key_header: KeyHeader = KeyHeader.BOTH
    press_buttons: bool = True
    """Whether finished tasks list buttons, and `/submit/action` presses them."""
    change: bool = True
    simple_change: bool = True
    windows: bool = True
    """Whether code 21 opens a window. Elsewhere it says that the task exists already."""
    hooks: bool = True
    """Whether it reports to `notifyHook`."""
    lacks: frozenset[str] = frozenset()
    """Abilities that it has not: actions of a row, families of follow-ups, and `mode`."""


_ORIGINAL_LACKS = frozenset(
    [
        "shorten",
        "swap_face",
        "edit",
        "video",
        "upload",
        "upscale",
        "vary",
        "vary_region",
        "zoom",
        "square",
        "pan",
        "bookmark",
        "seed",
        "mode",
    ]
)

TRAITS = {
    Dialect.PLUS: Traits(lacks=frozenset({"edit", "video", "bookmark"})),
    Dialect.NOVICEZK: Traits(key_header=KeyHeader.SECRET, press_buttons=False, windows=False, lacks=_ORIGINAL_LACKS),
    # Version 9.5 presses any button; 11 refuses the bookmark and the buttons of a shorten.
    Dialect.TRUEAI: Traits(key_header=KeyHeader.VERBATIM, change=False, simple_change=False),
    # Relays remove notifyHook unless their operator allows it; what is removed does no harm.
    Dialect.RELAY: Traits(simple_change=False, lacks=frozenset({"bookmark"})),
}
