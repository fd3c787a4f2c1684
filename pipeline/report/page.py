"""The HTML of the gallery: pure functions from values to text. Everything that a person or the API wrote is escaped."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote_from_bytes

from pipeline.report.rows import STATE_WORDS, GalleryPicture, GalleryRow, kind_of
from pipeline.report.thumbnails import Shown

LONG_PROMPT = 220
"""Characters beyond which a prompt is folded to a few lines, with a button that opens it."""
FLAG = re.compile(r"(?<!\S)--[A-Za-z][\w-]*(?:\s+(?!--[A-Za-z])\S+)*")
"""One flag of a prompt with its value, which is kept on one line where it fits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A row with all it needs to be drawn: its anchor on the page and the thumbnails that exist."""

    anchor: str
    row: GalleryRow
    shown: Mapping[Path, Shown]


def article(card: Card) -> str:
    """One row: the grid large, its upscales in strips of four, branches of a variation beneath, then the words."""
    row, top = card.row, card.row.task
    return (
        f'<article class="row" id="{card.anchor}">'
        f"{_figure(card, top, '', 'lead')}{_children(card, top, '')}"
        f'<div class="words"><h2 dir="auto">{escape(row.key)}</h2>'
        f'<button type="button" class="copy">Copy prompt</button>{_prompt(row.prompt)}</div></article>\n'
    )


def link(path: Path) -> str:
    """A relative link that means this file and nothing else, whatever signs its name holds."""
    return escape("./" + quote_from_bytes(path.as_posix().encode(errors="surrogateescape")))


def anchor_of(row_anchor: str, trail: str) -> str:
    """Where a picture of a row stands: `r12`, or `r12-V2-U1`."""
    return "-".join((row_anchor, *trail.split()))


def duration(seconds: float) -> str:
    """Seconds as people say them: `41 s`, `2 min 5 s`, `3 h 12 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def moment(when: datetime) -> str:
    """A time in UTC, as a date and a clock."""
    when = when.astimezone(UTC)
    return f"{when.day} {when:%B %Y, %H:%M} UTC"


def document(*, title: str, body: str) -> str:
    """A whole page. Its policy allows its own style and script and the pictures beside it, nothing else."""
    style, script = _asset("gallery.css"), _asset("gallery.js")
    policy = (
        f"default-src 'none'; img-src 'self' file:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">'
        f"<title>{escape(title)}</title><style>{style}</style></head>\n"
        f"<body>{body}<script>{script}</script></body></html>\n"
    )


def _children(card: Card, parent: GalleryPicture, trail: str) -> str:
    """Pictures without followers share a strip; one with followers opens a branch of its own."""
    tiles = [child for child in parent.children if not child.children]
    branches = [child for child in parent.children if child.children]
    strip = "".join(_figure(card, one, trail, "tile") for one in tiles)
    return (
        (f'<div class="strip">{strip}</div>' if strip else "")
        + _reasons(tiles)
        + "".join(_branch(card, one, trail) for one in branches)
    )


def _branch(card: Card, head: GalleryPicture, trail: str) -> str:
    here = f"{trail} {head.word}".strip()
    beneath = f"<div>{_children(card, head, here)}</div>"
    return f'<section class="branch">{_figure(card, head, trail, "tile")}{beneath}</section>'


def _figure(card: Card, picture: GalleryPicture, trail: str, size: str) -> str:
    trail = f"{trail} {picture.word}".strip()
    shown = card.shown.get(picture.path) if picture.path else None
    inside = _picture(card, picture, shown, trail) if shown else _gap(picture, size)
    label = f"<figcaption>{escape(picture.word)}</figcaption>" if picture.word else ""
    return f'<figure class="{size}" id="{escape(anchor_of(card.anchor, trail))}-p">{inside}{label}</figure>'


def _picture(card: Card, picture: GalleryPicture, shown: Shown, trail: str) -> str:
    path = picture.path or shown.source
    facts = [f"{shown.width} × {shown.height}", f"task {picture.remote_id}" if picture.remote_id else ""]
    if picture.started_at and picture.finished_at:
        facts.append(f"made in {duration((picture.finished_at - picture.started_at).total_seconds())}")
    return (
        f'<a class="pic" href="{link(path)}" data-record="{link(path.with_suffix(".json"))}" '
        f'data-word="{escape(trail)}" data-facts="{escape(" · ".join(filter(None, facts)))}">'
        f'<img src="{link(shown.source)}" width="{shown.width}" height="{shown.height}" loading="lazy" '
        f'decoding="async" alt="{escape(f"{card.row.key} {trail}".strip())}"></a>'
    )


def _gap(picture: GalleryPicture, size: str) -> str:
    gone = picture.path is not None
    words = "file is missing" if gone else STATE_WORDS[picture.state]
    kind = "failed" if gone else kind_of(picture.state)
    reason = f'<small dir="auto">{escape(picture.reason)}</small>' if size == "lead" and picture.reason else ""
    return f'<div class="gap {kind}"><span>{words}</span>{reason}</div>'


def _reasons(tiles: list[GalleryPicture]) -> str:
    """A tile is too small for a sentence: its reason stands beneath the strip."""
    told = [one for one in tiles if one.reason and kind_of(one.state) != "delivered"]
    lines = "".join(
        f'<li class="{kind_of(one.state)}"><b>{escape(one.word)}</b> <span dir="auto">{escape(one.reason)}</span></li>'
        for one in told
    )
    return f'<ul class="reasons">{lines}</ul>' if lines else ""


def _prompt(prompt: str) -> str:
    words = _with_flags(prompt)
    long = len(prompt) > LONG_PROMPT or prompt.count("\n") > 3
    more = '<button type="button" class="more" aria-expanded="false">Show all</button>' if long else ""
    return f'<p class="prompt{" folded" if long else ""}" dir="auto">{words}</p>{more}'


def _with_flags(text: str) -> str:
    """The prompt with its flags set apart: they run left to right even where the words run the other way."""
    pieces, at = [], 0
    for flag in FLAG.finditer(text):
        pieces += [escape(text[at : flag.start()]), f'<span dir="ltr">{escape(flag[0])}</span>']
        at = flag.end()
    return "".join(pieces) + escape(text[at:])


@cache
def _asset(name: str) -> str:
    return files("pipeline.report").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()
