"""Ctrl-C is never lost. Python raises KeyboardInterrupt wherever it happens to be, and some places swallow it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_asked = False


def listen() -> None:
    """Remembers every Ctrl-C, besides raising it as usual. Called once, by the entry point.

    A shell that starts a command in the background has it ignore Ctrl-C; that is respected.
    """
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _note)


def _note(number: int, frame: FrameType | None) -> None:
    global _asked  # noqa: PLW0603 - a signal belongs to the whole process
    _asked = True
    signal.default_int_handler(number, frame)


def raise_if_asked() -> None:
    """Raises the Ctrl-C that came before, and was swallowed."""
    if _asked:
        raise KeyboardInterrupt


@contextmanager
def going_on_with(command: str) -> Iterator[None]:
    """Tells a person who interrupts what to type to go on."""
    try:
        yield
    except KeyboardInterrupt:
        print(f"\ninterrupted: nothing is lost. Go on with: {command}", file=sys.stderr)
        raise
