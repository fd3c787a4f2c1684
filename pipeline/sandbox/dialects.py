"""Which server of the family is emulated: everything in which the four differ, as data.

`plus` is what both public seed sites document, `novicezk` its open-source original, `trueai` the re-implementation in
C# (version 11, with the buttons of 9.5), `relay` the billing relay new-api in front of a `plus`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any

from pipeline.sandbox import bodies, pages, relay, wire
from pipeline.sandbox.options import DialectName
from pipeline.sandbox.results import RefusedError, RelayRefusedError
from pipeline.sandbox.tasks import Task, Window
from pipeline.sandbox.wire import ACCEPTED, WINDOW_OPEN

Headers = Iterable[tuple[bytes, bytes]]
Read = Callable[[str, bytes, bytes], bodies.Body]
"""From a route, a Content-Type and bytes to the body that a server sees. Raises MalformedError."""
Screen = Callable[[str, Mapping[str, Any], Mapping[str, Task]], None]
"""What a server checks of a path and a body before it understands them. Raises RefusedError or MalformedError."""

ORIGINAL = frozenset(
    [
        "/mj/submit/imagine",
        "/mj/submit/change",
        "/mj/submit/simple-change",
        "/mj/submit/blend",
        "/mj/submit/describe",
        "/mj/task/{id}/fetch",
        "/mj/task/list",
        "/mj/task/queue",
        "/mj/task/list-by-condition",
    ]
)
WITH_BUTTONS = frozenset(
    [
        "/mj/submit/action",
        "/mj/submit/modal",
        "/mj/submit/shorten",
        "/mj/submit/upload-discord-images",
        "/mj/insight-face/swap",
        "/mj/task/{id}/image-seed",
    ]
)
FIRST_ACTIONS = frozenset(["IMAGINE", "UPSCALE", "VARIATION", "REROLL", "DESCRIBE", "BLEND"])
ALL_ACTIONS = FIRST_ACTIONS | {"ZOOM", "PAN", "SHORTEN", "SWAP_FACE"}
FILMS = frozenset(["/mj/submit/edits", "/mj/submit/video"])


def _any_way(key: bytes, headers: Headers) -> bool:
    either = {(b"authorization", key), (b"authorization", b"Bearer " + key), (b"mj-api-secret", key)}
    return not either.isdisjoint(headers)


def _secret(key: bytes, headers: Headers) -> bool:
    return (b"mj-api-secret", key) in headers


def _verbatim(key: bytes, headers: Headers) -> bool:
    """`Authorization`, compared with its `Bearer ` if it has one; only without that header `Mj-Api-Secret`."""
    shown = dict(headers)
    return shown.get(b"authorization", shown.get(b"mj-api-secret")) == key


def _bearer(key: bytes, headers: Headers) -> bool:
    shown = dict(headers)
    token = shown.get(b"authorization", b"").removeprefix(b"Bearer ").strip()
    if token in {b"", b"midjourney-proxy"}:
        token = shown.get(b"mj-api-secret", b"").removeprefix(b"Bearer ").strip()
    return token.removeprefix(b"sk-") == key.removeprefix(b"sk-")


def _unscreened(path: str, body: Mapping[str, Any], known: Mapping[str, Task]) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What it says: descriptions, and the codes that differ."""

    accepted: str = ACCEPTED
    window: str = WINDOW_OPEN
    queue_full: tuple[int, str] = (23, "队列已满，请稍后尝试")
    blend: str = "base64List参数错误"
    mask: str = "maskBase64不能为空"
    zoom: str = "prompt参数错误，缺少 --zoom 1~2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one server of the family is spoken to, and how it speaks."""

    name: DialectName
    paths: frozenset[str]
    prefixes: str
    """The first segments that may stand before `/mj`, as a regular expression. Empty: none."""
    admits: Callable[[bytes, Headers], bool] = _any_way
    page: pages.Page
    form: wire.Form
    read: Read = bodies.read_typed
    words: Words = field(default_factory=Words)
    orphan: Callable[[], RefusedError] = lambda: RefusedError(3, "关联任务不存在或已失效")
    """The refusal of a follow-up whose parent is unknown."""
    unknown: tuple[int, bytes] = (200, b"")
    """Status and body of a fetch of an unknown id."""
    strict: bool = False
    """A number is no string."""
    loose_pictures: bool = False
    """Bare base64 and http addresses are pictures too, not only data URLs."""
    chooses: bool = True
    """It knows `botType` and `accountFilter`. Elsewhere they are ignored, as any unknown field is."""
    any_bot: bool = False
    """An unknown botType is the usual one."""
    actions: frozenset[str] = ALL_ACTIONS
    """What its framework takes for an `action`. Not all of it can be done to a task."""
    bans_late: bool = False
    """A banned word is accepted, and fails later."""
    hides: frozenset[Window] = frozenset()
    """Windows whose code 21 is rewritten to 1."""
    hides_queue: bool = False
    """22 is rewritten to 1."""
    listed: int | None = None
    """How many of the newest tasks `task/list` shows; None: all."""
    extras: bool = False
    """Bookmark, animate, and `all` of a describe."""
    longest: Mapping[str, int] = field(default_factory=dict)
    """How many characters it takes, by field."""
    cancels: bool = True
    """Whether the key may cancel; otherwise only an administrator may."""
    reports: bool = True
    """Whether `notifyHook` is called by default."""
    final_reports: int = 1
    """How often the end is reported."""
    seed_patience: tuple[float, Callable[[], RefusedError]] = (inf, lambda: RefusedError(3, "未找到 seed"))
    """How many seconds it waits for a seed, and what it says when that is not enough."""
    seedless_status: int = 200
    """With which a seed is refused where there is no finished picture."""
    picture_path: str = "/pictures/{id}.png"
    preview_path: str = "/pictures/{id}_grid_0.webp"
    """Where an unfinished grid is seen. `moment` is in epoch nanoseconds."""
    cross_origin: bool = True
    """Pages of other sites may call it."""
    polls: bool = False
    """It only knows what it saw at its last look at the server behind it."""
    screen: Screen = _unscreened


SPEEDS = r"mj-(?:fast|relax|turbo)(?:-(?:relay|origin|proxy))?|mj-proxy|(?:fast|relax|turbo)"

DIALECTS = {
    DialectName.PLUS: Dialect(
        name=DialectName.PLUS,
        paths=ORIGINAL | WITH_BUTTONS | {"/mj/task/list-by-ids", "/mj/task/query", "/mj/task/{id}/cancel"},
        prefixes=SPEEDS,
        page=pages.plus,
        form=wire.plus,
    ),
    DialectName.NOVICEZK: Dialect(
        name=DialectName.NOVICEZK,
        paths=ORIGINAL,
        prefixes="",
        admits=_secret,
        page=pages.novicezk,
        form=wire.novicezk,
        chooses=False,
        actions=FIRST_ACTIONS,
        cross_origin=False,
    ),
    DialectName.TRUEAI: Dialect(
        name=DialectName.TRUEAI,
        paths=ORIGINAL - {"/mj/submit/change", "/mj/submit/simple-change", "/mj/task/queue"}
        | WITH_BUTTONS
        | FILMS
        | {"/mj/submit/edit", "/mj/submit/retexture", "/mj/task/list-by-ids", "/mj/task/{id}/cancel"},
        prefixes=SPEEDS,
        admits=_verbatim,
        page=pages.trueai,
        form=wire.trueai,
        words=Words(
            window="Waiting for window confirm",
            queue_full=(9, "提交失败，队列已满，请稍后重试"),
            blend="图片参数错误，2~5张图片",
        ),
        orphan=lambda: RefusedError(3, "关联任务不存在或已失效", status=404),
        unknown=(204, b""),
        strict=True,
        loose_pictures=True,
        any_bot=True,
        bans_late=True,
        listed=100,
        extras=True,
        longest={"state": 255, "notifyHook": 2000},
        cancels=False,
        final_reports=2,
        seed_patience=(60, lambda: RefusedError(3, "未找到 seed")),
        seedless_status=400,
    ),
    DialectName.RELAY: Dialect(
        name=DialectName.RELAY,
        paths=ORIGINAL - {"/mj/task/list", "/mj/task/queue"} | WITH_BUTTONS | FILMS | {"/mj/image/{id}"},
        prefixes="[^/]+",
        admits=_bearer,
        page=pages.relay,
        form=wire.relay,
        read=relay.read,
        orphan=lambda: RelayRefusedError("task_not_found"),
        unknown=(400, RelayRefusedError("task_no_found").answer),
        strict=True,
        hides=frozenset({Window.PROMPT}),
        hides_queue=True,
        reports=False,
        seed_patience=(30, lambda: RelayRefusedError("do_request_failed", 5)),
        picture_path="/mj/image/{id}",
        preview_path="/mj/image/{id}?rand={moment}",
        polls=True,
        screen=relay.screen,
    ),
}
