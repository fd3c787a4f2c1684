"""The text that a describe or a shorten makes, taken apart.

Describe: four prompts, each after a keycap emoji; CRLF and no emoji on some servers. Shorten: Markdown with the weights
of the words (bold is strong, struck through is weak), then five prompts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_KEYCAP = re.compile("[1-9]\ufe0f?\u20e3")
_NUMBER = re.compile(r"^\d[.):]\s+")
_HEADING = re.compile(r"^#+\s*(.+?)\s*$", re.MULTILINE)
_MARKED = re.compile(r"\*\*(?P<strong>.+?)\*\*|~~(?P<weak>.+?)~~|(?P<normal>(?:(?!\*\*|~~).)+)", re.DOTALL)
_PUNCTUATION = " \t\r\n,;:.*~"


def described(text: str) -> dict[str, Any]:
    """`{"text": ..., "prompts": [...]}` of what a describe made."""
    return {"text": text, "prompts": _prompts(text)}


def shortened(text: str) -> dict[str, Any]:
    """`{"text": ..., "prompts": [...], "tokens": [{"token": ..., "weight": "strong"|"normal"|"weak"}]}`."""
    sections = dict(_sections(text))
    prompts = next((_prompts(words) for title, words in sections.items() if "prompt" in title), None)
    tokens = next((list(_tokens(words)) for title, words in sections.items() if "token" in title), [])
    return {"text": text, "prompts": _prompts(text) if prompts is None else prompts, "tokens": tokens}


def _prompts(text: str) -> list[str]:
    """What stands after each keycap; without any keycap, each line that is not empty."""
    first, *numbered = _KEYCAP.split(text)
    parts = numbered or first.splitlines()
    return [words for part in parts if (words := _NUMBER.sub("", " ".join(part.split())))]


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """Titles in lower case, with what stands below them."""
    _, *parts = _HEADING.split(text)
    for title, words in zip(parts[::2], parts[1::2], strict=True):
        yield title.lower(), words


def _tokens(text: str) -> Iterator[dict[str, str]]:
    for part in _MARKED.finditer(text):
        weight = part.lastgroup or "normal"
        for word in part[weight].split():
            if token := word.strip(_PUNCTUATION):
                yield {"token": token, "weight": weight}
