"""The HTML of one row: its pictures, films and texts as a tree. Pure, and everything that is not ours is escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from pipeline.action import Action
from pipeline.report.labels import deed, label, trail_label
from pipeline.report.page import duration, link
from pipeline.report.rows import STATE_WORDS, GalleryInput, GalleryRow, GalleryTask, kind_of
from pipeline.report.texts import copy_button, host_of, told_block, web_link, with_flags
from pipeline.report.thumbnails import Shown, input_path
from pipeline.report.told import NOTHING

LONG_PROMPT = 220
"""Characters beyond which a prompt is folded to a few lines, with a button that opens it."""
SHORT_LABEL = 3
"""Characters that fit on a corner of a small picture; a longer label stands beneath it."""

NARROW_FAMILY = 12
"""Tasks of a row beyond which it takes the whole width of the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A row with all it needs to be drawn: its anchor on the page and the thumbnails that exist."""

    anchor: str
    row: GalleryRow
    shown: Mapping[Path, Shown]

    def of(self, task: GalleryTask) -> Shown | None:
        return self.shown.get(task.path) if task.path else None

    def of_input(self, one: GalleryInput) -> Shown | None:
        path = one.path or (input_path(one.sha256) if one.sha256 else None)
        return self.shown.get(path) if path else None

    def place(self, trail: str) -> str:
        return f'id="{escape(anchor_of(self.anchor, trail))}-p"'


def article(card: Card) -> str:
    """One row: what was made, large, with its words; then what followed. A text stands under its words."""
    top = card.row.task
    if top.is_text:
        face, after = _words(card), _told(card, top, "")
    else:
        face = _figure(card, top, "", "lead") + _strip(card, top, "") + _words(card)
        after = _beneath(card, top, "")
    wide = " wide" if sum(1 for _ in top.family()) > NARROW_FAMILY else ""
    beside = f'<div class="after">{after}</div>' if after else ""
    return f'<article class="row{wide}" id="{card.anchor}"><div class="face">{face}</div>{beside}</article>\n'


def anchor_of(row_anchor: str, trail: str) -> str:
    """Where a task of a row stands: `r12`, or `r12-V2-U1`."""
    return "-".join((row_anchor, *trail.split()))


def _strip(card: Card, parent: GalleryTask, trail: str, head: str = "") -> str:
    """Pictures without followers beside each other, after the `head` that they follow."""
    tiles = [child for child in parent.children if not child.is_text and not _has_followers(child)]
    strip = head + "".join(_figure(card, one, trail, "tile") for one in tiles)
    return (f'<div class="{"kin" if head else "strip"}">{strip}</div>' if strip else "") + _notes(parent)


def _beneath(card: Card, parent: GalleryTask, trail: str) -> str:
    """The texts that followed a picture, then the pictures that have followers of their own."""
    texts = [child for child in parent.children if child.is_text and not child.is_mark]
    heads = [child for child in parent.children if not child.is_text and _has_followers(child)]
    return "".join(_told(card, one, trail) for one in texts) + "".join(_branch(card, one, trail) for one in heads)


def _has_followers(task: GalleryTask) -> bool:
    return any(not child.is_mark for child in task.children)


def _branch(card: Card, head: GalleryTask, trail: str) -> str:
    here = f"{trail} {head.word}".strip()
    strip = _strip(card, head, here, _figure(card, head, trail, "tile"))
    return f'<section class="branch">{strip}{_beneath(card, head, here)}</section>'


def _told(card: Card, task: GalleryTask, trail: str) -> str:
    """A text, with the pictures that were made of its prompts, each under its prompt."""
    here = f"{trail} {task.word}".strip()

    def beneath(number: int) -> str:
        return "".join(_branch(card, child, here) for child in task.children if child.of_prompt == number)

    heading = f"<h3>{escape(label(task.word))}{_file_link(card, task)}</h3>" if task.word else ""
    text = _gap(task, "text") if task.told == NOTHING else told_block(task.told, beneath) + _late(task)
    placed = range(1, len(task.told.prompts) + 1)
    beyond = "".join(_branch(card, child, here) for child in task.children if child.of_prompt not in placed)
    return f'<section class="told" {card.place(here)}>{heading}{text}{beyond}</section>'


def _late(task: GalleryTask) -> str:
    """Why a text that is known is not on disk."""
    if task.kind == "delivered" or not task.reason:
        return ""
    return f'<p class="late {task.kind}" dir="auto">{escape(task.reason)}</p>'


def _file_link(card: Card, task: GalleryTask) -> str:
    shown = card.of(task)
    return f' · <a class="file" href="{link(shown.source)}">text file</a>' if shown else ""


def _figure(card: Card, task: GalleryTask, trail: str, size: str) -> str:
    trail = f"{trail} {task.word}".strip()
    shown = card.of(task)
    if shown is None:
        inside = _gap(task, size)
    else:
        inside = _film(card, task, shown) if task.is_film else _picture(card, task, shown, trail)
    return (
        f'<figure class="{size}" {card.place(trail)}>{inside}{_caption(task.word)}{_marks(card, task, trail)}</figure>'
    )


def _caption(word: str) -> str:
    if not word:
        return ""
    text = label(word)
    beneath = ' class="beneath"' if len(text) > SHORT_LABEL else ""
    return f"<figcaption{beneath}>{escape(text)}</figcaption>"


def _picture(card: Card, task: GalleryTask, shown: Shown, trail: str) -> str:
    path = task.path or shown.source
    facts = [f"{shown.width} × {shown.height}", f"task {task.remote_id}" if task.remote_id else ""]
    if task.started_at and task.finished_at:
        facts.append(f"made in {duration((task.finished_at - task.started_at).total_seconds())}")
    named = trail_label(trail)
    said = f' data-said="{escape(task.prompt)}"' if task.prompt and task.prompt != card.row.prompt else ""
    return (
        f'<a class="pic" href="{link(path)}" data-record="{link(path.with_suffix(".json"))}" '
        f'data-word="{escape(named)}" data-facts="{escape(" · ".join(filter(None, facts)))}"{said}>'
        f'<img src="{link(shown.source)}" width="{shown.width}" height="{shown.height}" loading="lazy" '
        f'decoding="async" alt="{escape(f"{card.row.key} {named}".strip())}"></a>'
    )


def _film(card: Card, task: GalleryTask, shown: Shown) -> str:
    """The first picture that went into it is its poster."""
    still = next(filter(None, map(card.of_input, task.inputs)), None)
    poster = f' poster="{link(still.source)}" width="{still.width}" height="{still.height}"' if still else ""
    return (
        f'<video class="film" controls playsinline preload="metadata" src="{link(shown.source)}"{poster} '
        f'aria-label="{escape(card.row.key)}"></video>'
    )


def _gap(task: GalleryTask, size: str) -> str:
    """What stands in the place of a picture or a text that is not there."""
    gone = task.path is not None and not task.is_text
    words = "file is missing" if gone else STATE_WORDS[task.state]
    kind = "failed" if gone else kind_of(task.state)
    told = size != "tile" and task.reason
    reason = f'<small dir="auto">{escape(task.reason)}</small>' if told else ""
    return f'<div class="gap {kind}"><span>{words}</span>{reason}</div>'


def _marks(card: Card, task: GalleryTask, trail: str) -> str:
    """The seed of a picture, and that it is bookmarked, as badges on it."""
    marks = "".join(
        f'<li class="{one.kind}" {card.place(f"{trail} {one.word}")}>{_mark(one)}</li>'
        for one in task.children
        if one.is_mark
    )
    return f'<ul class="marks">{marks}</ul>' if marks else ""


def _mark(task: GalleryTask) -> str:
    named = label(task.word).partition(" (")[0].lower()
    value = task.told.seed or (task.told.text if task.action is Action.SEED else "")
    if value:
        return f"{named} <b>{escape(value)}</b>"
    return "bookmarked" if task.kind == "delivered" else f"{named}: {STATE_WORDS[task.state]}"


def _notes(parent: GalleryTask) -> str:
    """A small picture has no room for a sentence: its reason, and a prompt of its own, stand beneath the strip."""
    lines = []
    for one in parent.children:
        kind, named = one.kind, f"<b>{escape(label(one.word))}</b>"
        if one.prompt and one.prompt != parent.prompt and not one.is_text:
            lines.append(f'<li>{named} <span class="said" dir="auto">{with_flags(one.prompt)}</span></li>')
        if one.reason and kind != "delivered" and (one.is_mark or not one.is_text):
            lines.append(f'<li class="{kind}">{named} <span dir="auto">{escape(one.reason)}</span></li>')
    return f'<ul class="notes">{"".join(lines)}</ul>' if lines else ""


def _words(card: Card) -> str:
    """The key, what was asked for, and what went in."""
    row, top = card.row, card.row.task
    given = _given(card, top.inputs)
    asked = "" if top.action is Action.IMAGINE else deed(top.action, len(top.inputs))
    return (
        f'<div class="words"><h2 dir="auto">{escape(row.key)}</h2>'
        + (copy_button("prompt", shown="Copy prompt") if row.prompt else "")
        + (f'<p class="deed">{asked}{_file_link(card, top) if top.is_text else ""}</p>' if asked else "")
        + given
        + (_prompt(row.prompt) if row.prompt else "")
        + "</div>"
    )


def _given(card: Card, inputs: Sequence[GalleryInput]) -> str:
    """The pictures that went in, small, in their order."""
    items = "".join(f"<li>{_given_one(card, one)}</li>" for one in inputs)
    return f'<ul class="given" aria-label="Pictures that went in">{items}</ul>' if items else ""


def _given_one(card: Card, one: GalleryInput) -> str:
    shown = card.of_input(one)
    if shown:
        size = f'width="{shown.width}" height="{shown.height}"'
        return f'<img src="{link(shown.source)}" {size} loading="lazy" decoding="async" alt="">'
    return web_link(one.url, host_of(one.url)) if one.url else "<i>picture</i>"


def _prompt(prompt: str) -> str:
    long = len(prompt) > LONG_PROMPT or prompt.count("\n") > 3
    more = '<button type="button" class="more" aria-expanded="false">Show all</button>' if long else ""
    return f'<p class="prompt copied{" folded" if long else ""}" dir="auto">{with_flags(prompt)}</p>{more}'
