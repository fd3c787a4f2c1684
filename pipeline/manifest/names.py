"""Names that are made from what a person wrote: keys for rows without one, the batch's name, safe file names."""

from __future__ import annotations

import re
import unicodedata
from hashlib import sha256

from pipeline.task import Mode

MAX_BATCH = 80
"""Characters in the name of a batch, which is also its folder."""

_BATCH = re.compile(r"\w[\w.-]*")
_NOT_A_WORD = re.compile(r"[\W_]+")
_UNSAFE = re.compile('[\x00-\x1f\x7f-\x9f/\\\\:*?"<>|~\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def key_from_content(prompt: str, mode: Mode | None) -> str:
    """A key that says what the row is about and is the same wherever the row stands: `a-red-fox-3f2a9c01`.

    The digest is of what will be sent. Eight digits, because 100,000 rows from one template share their first words.
    """
    slug = _NOT_A_WORD.sub("-", prompt.split(" --", 1)[0].casefold()).strip("-")
    if len(slug) > 40:
        slug = slug[:41].rpartition("-")[0] or slug[:40]
    return f"{slug or 'row'}-{digest(prompt + chr(0) + (mode or ''), 8)}"


def digest(text: str, digits: int) -> str:
    """The first hexadecimal digits of the text's SHA-256."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:digits]


def is_batch_name(name: str) -> bool:
    """Whether it can be a folder, an argument and a heading as it is."""
    return bool(_BATCH.fullmatch(name)) and len(name) <= MAX_BATCH and safe(name) == name


def batch_name(text: str) -> str:
    """The nearest batch name to a text such as a file's stem."""
    words = re.sub(r"[^\w.-]+", "-", unicodedata.normalize("NFC", text))
    return safe(words[:MAX_BATCH]).strip("-.") or "batch"


def safe(text: str) -> str:
    """The text as one ordinary file name on any disk: no separators, no leading dot, no device names. May be empty."""
    name = _UNSAFE.sub("-", unicodedata.normalize("NFC", text)).lstrip(" .-").rstrip(" .")
    return f"_{name}" if _RESERVED.fullmatch(name) else name
