"""A task of the emulated server: what was asked, how far it is, and its JSON as the plus dialect prints it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Any
from uuid import UUID

ACCOUNT = "1118138338562560102"
BOT_USER = "936929561302675456"

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
OPERATIONS = {"upsample": Action.UPSCALE, "variation": Action.VARIATION, "reroll": Action.REROLL}

LADDER = (
    ("SUBMITTED", "0%"),
    *(("IN_PROGRESS", f"{percent}%") for percent in (0, 15, 31, 46, 62, 78, 93)),
)
"""What a running grid shows, one step after the other in equal times. An upscale stays on the first."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A picture that a caller sent with an order. Equal by its digest."""

    sha256: str
    content: bytes = field(repr=False, compare=False)


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

    @property
    def word(self) -> str:
        """`U2`, `V1` or `R`."""
        return f"{self.action[0]}{self.index or ''}"

    @property
    def work(self) -> str:
        """The same text for the same piece of work: the parent and the word, or the prompt."""
        return f"{self.parent.id} {self.word}" if self.parent else self.prompt

    @property
    def description(self) -> str:
        return f"/up {self.work}" if self.parent else f"/imagine {self.prompt}"


@dataclass(slots=True, kw_only=True, eq=False)
class Task:
    """An accepted order. Times are epoch milliseconds."""

    id: str
    order: Order
    submitted: int
    doom: str | None = None
    """Why it will fail, decided at the door."""
    started: int | None = None
    takes: int = 0
    finished: int | None = None
    message_hash: str = field(init=False)
    _digest: bytes = field(init=False, repr=False)
    _written: tuple[object, bytes] = field(init=False, repr=False, default=(None, b""))

    def __post_init__(self) -> None:
        self._digest = sha256(self.id.encode()).digest()
        self.message_hash = str(UUID(bytes=self._digest[:16], version=4))

    @property
    def status(self) -> str:
        return self.standing(0)[0]

    def standing(self, now: int) -> tuple[str, str | None]:
        """Status and progress at a moment."""
        if self.finished is not None:
            return ("FAILURE", "") if self.doom else ("SUCCESS", "100%")
        if self.started is None:
            return "NOT_START", None
        if self.order.action is Action.UPSCALE or not self.takes:
            return LADDER[0]
        step = (now - self.started) * len(LADDER) // self.takes
        return LADDER[min(max(step, 0), len(LADDER) - 1)]

    def wire(self, now: int, link_base: str) -> bytes:
        """The task object. Written again only when its status or progress has changed."""
        standing = self.standing(now)
        if self._written[0] != standing:
            self._written = (standing, encode(self._fields(*standing, link_base)).encode())
        return self._written[1]

    def _fields(self, status: str, progress: str | None, link_base: str) -> dict[str, Any]:
        made = status == "SUCCESS"
        return {
            "id": self.id,
            "action": self.order.action,
            "status": status,
            "prompt": self.order.prompt,
            "promptEn": self.order.prompt,
            "description": self.order.description,
            "state": self.order.state,
            "submitTime": self.submitted,
            "startTime": self.started,
            "finishTime": self.finished,
            "progress": progress,
            "imageUrl": f"{link_base}/pictures/{self.id}.png" if made else None,
            "failReason": self.doom if status == "FAILURE" else None,
            "properties": self._properties(made=made),
            "buttons": buttons(self) if made else [],
        }

    def _properties(self, *, made: bool) -> dict[str, Any]:
        begun = self.started is not None
        return {
            "botType": self.order.bot_type,
            "discordInstanceId": ACCOUNT,
            "discordChannelId": ACCOUNT,
            "nonce": self._snowflake(16),
            "notifyHook": self.order.notify_hook,
            "finalPrompt": self.order.prompt if begun else None,
            "finalZhPrompt": "" if begun else None,
            "progressMessageId": self._snowflake(20) if begun else None,
            "messageId": self._snowflake(24) if made else None,
            "messageContent": self._message() if made else None,
            "messageHash": self.message_hash if made else None,
            "flags": 0 if made else None,
        }

    def _snowflake(self, at: int) -> str:
        """A 19-digit number as Discord counts, the same for the same task."""
        return str(10**18 + int.from_bytes(self._digest[at : at + 7], "big"))

    def _message(self) -> str:
        order = self.order
        which = f" - Image #{order.index}" if order.action is Action.UPSCALE else ""
        return f"**{order.prompt}**{which} - <@{BOT_USER}> (fast)"


def custom_id(operation: str, n: int, message_hash: str) -> str:
    """`MJ::JOB::upsample::2::HASH`, or the `::SOLO` form that a reroll has."""
    return f"MJ::JOB::{operation}::{n}::{message_hash}" + ("::SOLO" if operation == "reroll" else "")


def buttons(task: Task) -> list[dict[str, Any]]:
    """What Discord shows beneath the finished picture, in its order."""
    rows = _upscale_buttons if task.order.action is Action.UPSCALE else _grid_buttons
    return [
        {"customId": name, "emoji": emoji, "label": label, "type": 2, "style": 2}
        for name, emoji, label in rows(task.message_hash)
    ]


def _grid_buttons(of: str) -> list[tuple[str, str, str]]:
    return [
        *((custom_id("upsample", n, of), "", f"U{n}") for n in range(1, 5)),
        (custom_id("reroll", 0, of), "🔄", ""),
        *((custom_id("variation", n, of), "", f"V{n}") for n in range(1, 5)),
    ]


def _upscale_buttons(of: str) -> list[tuple[str, str, str]]:
    return [
        (f"MJ::JOB::upsample_v6_2x_subtle::1::{of}::SOLO", "", "Upscale (Subtle)"),
        (f"MJ::JOB::upsample_v6_2x_creative::1::{of}::SOLO", "", "Upscale (Creative)"),
        (f"MJ::JOB::low_variation::1::{of}::SOLO", "🪄", "Vary (Subtle)"),
        (f"MJ::JOB::high_variation::1::{of}::SOLO", "🪄", "Vary (Strong)"),
        (f"MJ::Inpaint::1::{of}::SOLO", "🖌️", "Vary (Region)"),
        (f"MJ::Outpaint::50::1::{of}::SOLO", "🔍", "Zoom Out 2x"),
        (f"MJ::Outpaint::75::1::{of}::SOLO", "🔍", "Zoom Out 1.5x"),
        (f"MJ::CustomZoom::{of}", "🔍", "Custom Zoom"),
        (f"MJ::JOB::pan_left::1::{of}::SOLO", "⬅️", ""),
        (f"MJ::JOB::pan_right::1::{of}::SOLO", "➡️", ""),
        (f"MJ::JOB::pan_up::1::{of}::SOLO", "⬆️", ""),
        (f"MJ::JOB::pan_down::1::{of}::SOLO", "⬇️", ""),
        (custom_id("reroll", 0, of), "🔄", ""),
    ]
