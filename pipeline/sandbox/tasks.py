"""A task of the emulated server: what was asked, and how far it is."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256

FOREVER = 1 << 62
"""A moment after every other, in milliseconds."""

encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""Compact, since relays rewrite the literal bytes `"code":22`."""


class Action(StrEnum):
    IMAGINE = "IMAGINE"
    UPSCALE = "UPSCALE"
    VARIATION = "VARIATION"
    REROLL = "REROLL"
    ZOOM = "ZOOM"
    PAN = "PAN"
    BLEND = "BLEND"
    DESCRIBE = "DESCRIBE"
    SHORTEN = "SHORTEN"
    SWAP_FACE = "SWAP_FACE"
    EDIT = "EDIT"
    VIDEO = "VIDEO"


LETTERS = {"U": Action.UPSCALE, "V": Action.VARIATION, "R": Action.REROLL}
GRIDS = frozenset([Action.IMAGINE, Action.VARIATION, Action.REROLL, Action.ZOOM, Action.PAN, Action.BLEND, Action.EDIT])
"""What is made as four pictures in one."""

LADDER = (
    ("SUBMITTED", "0%"),
    *(("IN_PROGRESS", f"{percent}%") for percent in (0, 15, 31, 46, 62, 78, 93)),
)
"""What a running grid shows, one step after the other in equal times. Anything else stays on the first."""

LATE_STEPS = frozenset([*LADDER[len(LADDER) // 2 :], ("IN_PROGRESS", "100%")])
"""The second half of it, in which an unfinished picture can be seen."""

_LADDERS = {late: {grid: LADDER if grid else LADDER[:1] for grid in (True, False)} for late in (True, False)}
_LADDERS[True] = {grid: (*ladder, ("IN_PROGRESS", "100%")) for grid, ladder in _LADDERS[True].items()}


class Window(StrEnum):
    """A form that opens when a button is pressed: nothing is made until it is answered. Named by what it asks for."""

    ZOOM = "zoom"
    """A prompt that ends in `--zoom`, 1 to 2."""
    REGION = "region"
    """A mask, and perhaps a prompt."""
    PROMPT = "prompt"
    """Perhaps another prompt."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A picture that a caller sent with an order. Equal by its digest."""

    sha256: str
    content: bytes = field(repr=False, compare=False)
    flaw: str = field(default="", compare=False)
    """Why it cannot be read as a picture, if so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a submit asks for, once it has been found in order."""

    action: Action
    prompt: str
    state: str | None = None
    notify_hook: str | None = None
    bot_type: str = "MID_JOURNEY"
    parent: Task | None = None
    index: int | None = None
    """Which of the four pictures, prompts or films."""
    variant: str | None = None
    """How: `subtle`, `strong` or `region` of a variation, `subtle`, `creative`, `2x` or `4x` of an upscale of a single
    picture, the factor of a zoom (`1.5`) or `square`, the side of a pan (`left`), the dimensions of a blend
    (`PORTRAIT`), the motion of a video (`low`)."""
    images: tuple[Upload, ...] = ()
    """In the order of the request; of a face swap the face and then the picture that receives it."""
    mask: Upload | None = None
    """White is painted anew."""
    mode: str = "fast"
    button: str = ""
    """The customId that was pressed."""
    window: Window | None = None
    """What must be answered before work begins."""

    @property
    def word(self) -> str:
        """`U2`, `V1`, `R`, `ZOOM 1.5`."""
        if self.variant is None and self.action in LETTERS.values():
            return f"{self.action[0]}{self.index or ''}"
        return " ".join(str(part) for part in (self.action, self.variant, self.index) if part is not None)

    @property
    def work(self) -> str:
        """The same text for the same piece of work: the prompt and its pictures, or the parent and the word."""
        sent = [image.sha256[:12] for image in (*self.images, self.mask) if image]
        if self.parent is None:
            what = self.prompt if self.action is Action.IMAGINE else f"{self.word} {self.prompt}".strip()
        else:
            anew = self.prompt if self.prompt != self.parent.order.prompt else ""
            what = f"{self.parent.id} {self.word} {anew}".strip()
        return " ".join([what, *sent])

    @property
    def single(self) -> bool:
        """Whether one picture is made."""
        return self.action is Action.UPSCALE


@dataclass(slots=True, kw_only=True, eq=False)
class Task:
    """An accepted order. Times are epoch milliseconds."""

    id: str
    order: Order
    submitted: int
    doom: str | None = None
    """Why it will fail, decided at the door."""
    late_doom: bool = False
    """It fails only after it has shown 100 %."""
    answered: int | None = None
    """When its window was answered."""
    ahead: int = 0
    """How many waited before it when it was accepted."""
    started: int | None = None
    takes: int = 0
    finished: int | None = None
    cancelled: bool = False
    shows: Task | None = None
    """Whose picture it shows by mistake."""
    looks: int = 0
    """How often it was looked at since it succeeded, where that is counted."""
    message_hash: str = field(init=False)
    """A UUID."""
    digest: bytes = field(init=False, repr=False)
    """32 bytes that are the task's own."""
    written: tuple[object, bytes] = field(init=False, repr=False, default=(None, b""))
    """Its last JSON, and what that was written for."""

    def __post_init__(self) -> None:
        self.digest = sha256(self.id.encode()).digest()
        at = self.digest.hex()
        self.message_hash = f"{at[:8]}-{at[8:12]}-4{at[13:16]}-a{at[17:20]}-{at[20:32]}"

    @property
    def status(self) -> str:
        return self.standing(FOREVER)[0]

    @property
    def ladder(self) -> tuple[tuple[str, str], ...]:
        """What it shows while it is made, in equal times."""
        return _LADDERS[self.late_doom][self.order.action in GRIDS]

    def standing(self, now: int) -> tuple[str, str | None]:
        """Status and progress at a moment."""
        if self.finished is not None and self.finished <= now:
            if self.cancelled:
                return "CANCEL", ""
            return ("FAILURE", "") if self.doom else ("SUCCESS", "100%")
        if self.order.window is not None or (self.answered is not None and now < self.answered):
            return "MODAL", None
        if self.started is None or now < self.started:
            return "NOT_START", None
        ladder = self.ladder
        if not self.takes:
            return ladder[0]
        step = (now - self.started) * len(ladder) // self.takes
        return ladder[min(step, len(ladder) - 1)]

    def previewed(self, standing: tuple[str, str | None]) -> bool:
        """Whether it shows an unfinished picture when it stands so."""
        return standing in LATE_STEPS and self.order.action in GRIDS

    def step(self, n: int) -> int | None:
        """When the n-th step of its ladder begins, of a task that has started; None when there are not so many."""
        if self.started is None or n >= len(self.ladder):
            return None
        return self.started - (-n * self.takes // len(self.ladder))
