"""What can be chosen about the emulated server: its dialect, its speed, its room, its faults."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - to name them, not to bind them


class DialectName(StrEnum):
    """Which server is emulated. `dialects.py` says what that means."""

    PLUS = "plus"
    NOVICEZK = "novicezk"
    TRUEAI = "trueai"
    RELAY = "relay"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Times are seconds, rates are shares from 0 to 1. The defaults are a pleasant, faultless server."""

    host: str = "127.0.0.1"
    port: int = 8090
    """0: any free port."""
    dialect: DialectName = DialectName.PLUS
    key: str = "sandbox"
    """What callers must show. Empty: everybody is let in."""
    slots: int = 3
    """How many tasks are made at once (`coreSize` of the real servers)."""
    queue: int = 10
    """How many may wait (`queueSize`)."""
    imagine_seconds: float = 1.5
    """Every grid and every film takes as long."""
    upscale_seconds: float = 0.4
    """What is made in one step takes as long: describe, shorten and face swap too."""
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
    remix: bool = False
    """The account has remix on: reroll, variation and pan ask for a prompt first."""
    result_as_integer: bool = False
    """The id in a submit's answer is a number."""
    progress_text: bool = False
    """Progress begins with words: `Waiting to start`."""
    staleness: float = 0.3
    """How often a relay looks at the server behind it (15 in reality)."""
    relay_hooks: bool = False
    """A relay leaves `notifyHook` and `accountFilter` in what it passes on."""

    failure_rate: float = 0.0
    """Accepted, and later FAILURE."""
    late_failure_rate: float = 0.0
    """Accepted, IN_PROGRESS up to 100 %, and then FAILURE."""
    lost_reply_rate: float = 0.0
    """Accepted, and the connection is closed without an answer."""
    error_rate: float = 0.0
    """A submit is answered 500, and nothing accepted."""
    refusal_rates: tuple[tuple[int, float], ...] = ()
    """HTTP status (401, 403, 429, 500, 503) and the share of all requests of the API that are answered with it."""
    empty_fetch_rate: float = 0.0
    """A fetch of a known task is answered as if it were unknown."""
    late_pictures: int = 0
    """SUCCESS comes without a link for the first n looks."""
    link_seconds: float = 0.0
    """Picture links answer 403 after so long; a new look at the task brings a new link. 0: they last."""
    hasty: int = 0
    """The first n follow-ups of each task are refused (3, 4, 3 ...), as right after SUCCESS."""
    swap_pictures: bool = False
    """Of equal prompts in flight at once, each shows another's picture."""
    forgetful: bool = False
    """A restart forgets every task, journal or not."""
    seed_seconds: float = 0.0
    """How long `image-seed` takes."""
    lost_callback_rate: float = 0.0
    doubled_callback_rate: float = 0.0
    reordered_callback_rate: float = 0.0
    """A report comes after the one that follows it."""
    late_callback_rate: float = 0.0
    """A report comes `late_callback_seconds` later."""
    late_callback_seconds: float = 1.0
    picture_missing_rate: float = 0.0
    """A request for a picture is answered 404."""
    picture_html_rate: float = 0.0
    """A request for a picture is answered with a web page, status 200."""
    too_many_requests: int = 0
    """The first n requests are answered 429 with `Retry-After: 1`."""
    script: Path | None = None
    """Faults at certain requests: see `script.py`."""

    @property
    def address(self) -> str:
        """The base URL that a caller on this machine can use."""
        host = ANYWHERE.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def link_base(self) -> str:
        return (self.public_url or self.address).rstrip("/")
