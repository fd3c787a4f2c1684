"""How far a request has come, as httpx's own transport tells it: that is what a failure means.

The names of the events are httpcore's. Should they ever change, less is known, and what is not known is in doubt.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

UNSENT_FOR = 60
"""Seconds for which the system goes on sending what the other side does not confirm."""
DROP_UNSENT = struct.pack("ii", 1, 0)
"""SO_LINGER, on, for no time at all."""


class Trail:
    """One request on its way. httpx calls it before and after each step, if it is given as the `trace` of a request."""

    def __init__(self) -> None:
        self._set_out = self._began = self._broke = False

    @property
    def nothing_sent(self) -> bool:
        """Whether this surely ended before the request's first byte: on the way to the server, or to a proxy."""
        return self._set_out and not self._began

    @property
    def cut_short(self) -> bool:
        """Whether a part of the request surely was not sent: a write that fails has not handed over all its bytes."""
        return self._broke

    def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        match event.split(".")[1:]:
            case "connect_tcp", "started":
                self._set_out = True
            case "connect_tcp", "complete":
                forget_what_is_unsent(info["return_value"].get_extra_info("socket"))
            case "send_request_headers", "started":
                # A proxy is asked to connect before the server is asked for anything.
                self._began |= info["request"].method != b"CONNECT"
            case "send_request_headers" | "send_request_body", "failed":
                self._broke = True


def forget_what_is_unsent(connection: socket.socket) -> None:
    """A request that is given up, or whose process dies, must not be sent minutes later, when the network is back: by
    then it may have been looked for at the API, and not found."""
    with suppress(OSError):  # it may be gone already
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, DROP_UNSENT)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNSENT_FOR * 1000)
