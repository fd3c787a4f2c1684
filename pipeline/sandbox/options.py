"""What can be chosen about the emulated server: its speed, its room, its faults."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - to name them, not to bind them


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Times are seconds, rates are shares from 0 to 1. The defaults are a pleasant, faultless server."""

    host: str = "127.0.0.1"
    port: int = 8090
    """0: any free port."""
    key: str = "sandbox"
    """What callers must show. Empty: everybody is let in."""
    slots: int = 3
    """How many tasks are made at once (`coreSize` of the real servers)."""
    queue: int = 10
    """How many may wait (`queueSize`)."""
    imagine_seconds: float = 1.5
    """Variations and rerolls take as long."""
    upscale_seconds: float = 0.4
    jitter: float = 0.0
    """Each task takes up to this share more or less."""
    picture_size: int = 1024
    """Side of a square grid in pixels; other shapes have as many pixels."""
    public_url: str = ""
    """Where the picture links point. Empty: the address that is served."""
    journal: Path | None = None
    """Accepted tasks are written here and survive a restart."""
    seed: int = 0
    """The same seed and the same order of requests meet the same faults."""

    failure_rate: float = 0.0
    """Accepted, and later FAILURE."""
    lost_reply_rate: float = 0.0
    """Accepted, and the connection is closed without an answer."""
    error_rate: float = 0.0
    """Status 500, and nothing accepted."""
    picture_missing_rate: float = 0.0
    """A request for a picture is answered 404."""
    picture_html_rate: float = 0.0
    """A request for a picture is answered with a web page, status 200."""
    too_many_requests: int = 0
    """The first n requests are answered 429 with `Retry-After: 1`."""

    @property
    def address(self) -> str:
        """The base URL that a caller on this machine can use."""
        host = ANYWHERE.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def link_base(self) -> str:
        return (self.public_url or self.address).rstrip("/")
