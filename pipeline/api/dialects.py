"""What differs between the servers of the family, as data. Sources: the public sources of each server, read 2026."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.settings import Dialect


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """How one dialect is spoken."""

    press_buttons: bool
    """Whether finished tasks list buttons, and `/submit/action` presses them."""
    change: bool
    simple_change: bool


TRAITS = {Dialect.PLUS: Traits(press_buttons=True, change=True, simple_change=True)}
