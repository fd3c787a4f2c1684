"""Names that are made from what a person wrote: keys for rows without one, the batch's name, safe file names."""

from __future__ import annotations

import re
import unicodedata
from hashlib import sha256

from pipeline.action import MADE_OF
from pipeline.then import FAMILIES, Family

MAX_BATCH = 80
"""Characters in the name of a batch, which is also its folder."""

STEM_BYTES = 100
"""UTF-8 bytes of a row's stem. Leaves room for the suffixes of five levels of follow-ups in the 255 of a disk."""

_BATCH = re.compile(r"\w[\w.-]*")
_NOT_A_WORD = re.compile(r"[\W_]+")
_UNSAFE = re.compile('[\x00-\x1f\x7f-\x9f/\\\\:*?"<>|~\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def key_from_content(about: str, content: str) -> str:
    """A key that says what the row is about and is the same wherever the row stands: `a-red-fox-3f2a9c01`.

    The digest is of `content`. Eight digits, because 100,000 rows from one template share their first words.
    """
    slug = _NOT_A_WORD.sub("-", about.split(" --", 1)[0].casefold()).strip("-")
    if len(slug) > 40:
        slug = slug[:41].rpartition("-")[0] or slug[:40]
    return f"{slug or 'row'}-{digest(content, 8)}"


def stem(key: str) -> str:
    """The file name, without ending, of a row's picture: the key itself wherever any disk can take it.

    A key that had to be changed, and one that ends like a follow-up (`fox-U1`), gets `~` and a digest. No key keeps a
    `~` of its own, so that such a stem meets neither another row nor the upscale of `fox`.
    """
    name = safe(key)
    if name == key and len(name.encode()) <= STEM_BYTES and not _LIKE_A_FOLLOW_UP.search(name):
        return name
    suffix = f"~{digest(key, 10)}"
    start = name.encode()[: STEM_BYTES - len(suffix)].decode(errors="ignore").rstrip(" .")
    return f"{start or 'row'}{suffix}"


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


def _endings(families: dict[str, Family]) -> str:
    """A pattern for the follow-ups of these families, as file names end in them."""
    numbers = {"zoom": r"-[\d.]+"}
    return "|".join(
        name + (numbers.get(name) or (f"{'' if name in 'UV' else '-'}(?:{'|'.join(of.values)})" if of.values else ""))
        for name, of in families.items()
    )


_OF_A_ROW = {name: of for name, of in FAMILIES.items() if of.of & {*MADE_OF.values()}}

# What follows a row directly comes first: `red-square` is a name like any other, because a square follows an upscale.
_LIKE_A_FOLLOW_UP = re.compile(f"-(?:{_endings(_OF_A_ROW)})(?:-(?:{_endings(FAMILIES)}))*$", re.IGNORECASE)
