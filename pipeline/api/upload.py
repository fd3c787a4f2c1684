"""The body of a request as it is sent. A large one goes in pieces, under a clock."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

PIECE = 64 * 1024
"""Bytes. A body without pictures is one piece."""


class CutShortError(Exception):
    """The request was broken off before its end was sent, so nobody can have acted on it.

    A server must take a message that is shorter than its Content-Length for incomplete, and close the connection (RFC
    9112, 6.3 and 8). One that looked at it all the same would find JSON without its closing brace.
    """


class Upload:
    """One body. `seconds`: how long sending it may take in all."""

    def __init__(self, body: dict[str, Any], seconds: float) -> None:
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        self._content = text.encode()
        self._seconds = seconds
        self.is_large = len(self._content) > PIECE

    @property
    def headers(self) -> dict[str, str]:
        return {"Content-Type": "application/json", "Content-Length": str(len(self._content))}

    @property
    def content(self) -> bytes | Iterator[bytes]:
        return self._pieces() if self.is_large else self._content

    @property
    def stall(self) -> float:
        """Seconds for which the server may take nothing. A third, so that the last piece too ends within `seconds`."""
        return self._seconds / 3 if self.is_large else self._seconds

    def _pieces(self) -> Iterator[bytes]:
        """Raises `CutShortError` between two pieces, when there is no time left to send the next one."""
        length = len(self._content)
        ends = time.monotonic() + self._seconds - self.stall
        for start in range(0, length, PIECE):
            if time.monotonic() > ends:
                sent = f"{start / 1e6:.1f} of {length / 1e6:.1f} MB"
                raise CutShortError(f"the server took {sent} in {self._seconds - self.stall:.0f} seconds")
            yield self._content[start : start + PIECE]
