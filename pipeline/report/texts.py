"""The HTML of text results: numbered prompts, weighed words, links. Pure, and everything is escaped."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from urllib.parse import urlsplit

from pipeline.report.told import Token, Told

FLAG = re.compile(r"(?<!\S)--[A-Za-z][\w-]*(?:\s+(?!--[A-Za-z])\S+)*")
"""One flag of a prompt with its value, which is kept on one line where it fits."""
STRONG, NORMAL = 0.6, 0.3
"""Weights from which a word that has a number is shown as strong, and as normal."""
Beneath = Callable[[int], str]


def told_block(told: Told, beneath: Beneath) -> str:
    """All that a text tells. `beneath(2)` is what stands under the second prompt: the picture that was made of it."""
    parts = [_tokens(told.tokens), _prompts(told.prompts, beneath), _links(told.urls)]
    if any(parts):
        return "".join(parts)
    return f'<div class="one"><p class="text copied" dir="auto">{escape(told.text)}</p>{copy_button("text")}</div>'


def copy_button(what: str, *, shown: str = "Copy") -> str:
    """Copies the text of the element of class `copied` beside it."""
    return f'<button type="button" class="copy" aria-label="Copy {what}">{shown}</button>'


def with_flags(text: str) -> str:
    """A prompt with its flags set apart: they run left to right even where the words run the other way."""
    pieces, at = [], 0
    for flag in FLAG.finditer(text):
        pieces += [escape(text[at : flag.start()]), f'<span dir="ltr">{escape(flag[0])}</span>']
        at = flag.end()
    return "".join(pieces) + escape(text[at:])


def web_link(url: str, shown: str = "") -> str:
    """A link to follow where it leads to the web; else only its text."""
    text = escape(shown or url)
    if not url.lower().startswith(("http://", "https://")):
        return f'<span dir="ltr">{text}</span>'
    return f'<a href="{escape(url)}" target="_blank" rel="noreferrer noopener" dir="ltr">{text}</a>'


def host_of(url: str) -> str:
    """The host of an address, as much as a person needs to know it again."""
    try:
        return urlsplit(url).hostname or url
    except ValueError:
        return url


def _prompts(prompts: tuple[str, ...], beneath: Beneath) -> str:
    items = "".join(
        f'<li class="one"><p class="prompt copied" dir="auto">{with_flags(prompt)}</p>'
        f"{copy_button(f'prompt {number}')}{beneath(number)}</li>"
        for number, prompt in enumerate(prompts, 1)
    )
    return f'<ol class="prompts">{items}</ol>' if items else ""


def _tokens(tokens: tuple[Token, ...]) -> str:
    items = "".join(
        f'<li class="{_strength(one.weight)}"><span dir="auto">{escape(one.token)}</span>'
        + (f" <small>{escape(one.weight)}</small>" if one.weight else "")
        + "</li>"
        for one in tokens
    )
    return f'<ul class="tokens" aria-label="Words and their weights">{items}</ul>' if items else ""


def _links(urls: tuple[str, ...]) -> str:
    items = "".join(
        f'<li class="one"><p class="link copied">{web_link(url)}</p>{copy_button("link")}</li>' for url in urls
    )
    return f'<ul class="links">{items}</ul>' if items else ""


def _strength(weight: str) -> str:
    if weight in ("strong", "normal", "weak"):
        return weight
    try:
        number = float(weight)
    except ValueError:
        return "normal"
    return "strong" if number >= STRONG else "normal" if number >= NORMAL else "weak"
