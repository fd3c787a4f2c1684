"""Are these bytes the picture they claim to be? The bytes decide; the name in the link and the header may lie."""

from __future__ import annotations

import struct
from pathlib import Path

from PIL import Image, ImageSequence, UnidentifiedImageError

from pipeline.deliver.delivery import Cause, Fetched, Limits, NotDelivered, Picture

EXTENSIONS = {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp", "GIF": ".gif"}
PNG_END = b"IEND\xaeB`\x82"
TAIL_BYTES = 64 * 1024
WORDS_SHOWN = 120

# What Pillow raises on bytes that are torn or hostile, by format and by place.
TORN = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, struct.error, OverflowError)
TOO_MANY_PIXELS = (Image.DecompressionBombError, Image.DecompressionBombWarning)


def verify(path: Path, fetched: Fetched, limits: Limits) -> Picture | NotDelivered:
    """Decode every pixel of the file. Raises OSError only when the disk fails."""
    try:
        with Image.open(path, formats=tuple(EXTENSIONS)) as image:
            name, width, height = image.format or "", image.width, image.height
            image.verify()
        if width * height > limits.pixels:
            return _too_many_pixels()
        _decode(path, limits)
    except UnidentifiedImageError:
        return NotDelivered(reason=_what_came(path, fetched), cause=Cause.NO_PICTURE)
    except TOO_MANY_PIXELS:
        return _too_many_pixels()
    except TORN as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        return _torn(fetched, str(error))
    if name == "PNG" and PNG_END not in _tail(path):
        return _torn(fetched, "its end is missing")
    return Picture(
        format=name,
        extension=EXTENSIONS[name],
        media_type=f"image/{name.lower()}",
        width=width,
        height=height,
    )


def _decode(path: Path, limits: Limits) -> None:
    pixels = 0
    with Image.open(path, formats=tuple(EXTENSIONS)) as image:
        for frame in ImageSequence.Iterator(image):
            frame.load()
            pixels += frame.width * frame.height
            if pixels > limits.pixels:
                raise Image.DecompressionBombError


def _tail(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL_BYTES))
        return file.read()


def _what_came(path: Path, fetched: Fetched) -> str:
    if not fetched.bytes:
        return "the link answered nothing (0 bytes) instead of a picture"
    with path.open("rb") as file:
        start = file.read(2048)
    if _is_web_page(start):
        named = f" ({fetched.content_type})" if fetched.content_type else ""
        return f"the link answered a web page{named} instead of a picture"
    named = fetched.content_type or "no content type"
    words = _words(start)
    if words:
        return f"the link answered text ({named}) instead of a picture: {words}"
    return f"the link answered {fetched.bytes:,} bytes ({named}) that are no PNG, JPEG, WEBP or GIF picture"


def _is_web_page(start: bytes) -> bool:
    head = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return head.startswith((b"<!doctype html", b"<html")) or b"<html" in head


def _words(start: bytes) -> str:
    """The first words of a text, on one line; nothing when the bytes are no text."""
    try:
        text = start.decode("utf-8", errors="strict" if len(start) < 2048 else "ignore")
    except UnicodeDecodeError:
        return ""
    if any(not (char.isprintable() or char.isspace()) for char in text):
        return ""
    line = " ".join(text.split())
    return line if len(line) <= WORDS_SHOWN else line[:WORDS_SHOWN].rstrip() + " ..."


def _torn(fetched: Fetched, why: str) -> NotDelivered:
    reason = f"the picture is cut short or damaged ({fetched.bytes:,} bytes came): {why}"
    return NotDelivered(reason=reason, cause=Cause.NO_PICTURE)


def _too_many_pixels() -> NotDelivered:
    reason = "the picture unpacks to far more pixels than Midjourney makes; it was not opened"
    return NotDelivered(reason=reason, cause=Cause.REFUSED)
