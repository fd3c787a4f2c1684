"""Are these bytes a film? An MP4 is a row of boxes, each with its length; a torn one ends in the middle of a box."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from pipeline.deliver.delivery import Cause, Fetched, NotDelivered, Picture

MP4 = Picture(format="MP4", extension=".mp4", media_type="video/mp4")
HEADER, LARGE_HEADER = 8, 16
"""Bytes before a box's content; a box beyond 4 GiB has its length in eight more."""
NEEDED = frozenset({b"moov", b"mdat"})
"""Where the frames are, and the frames."""


def verify_film(path: Path, fetched: Fetched) -> Picture | NotDelivered:
    """Walks the boxes of an MP4 (ISO 14496-12, 4.2). Raises OSError only when the disk fails."""
    first, found, whole = b"", set[bytes](), True
    for kind, whole in _boxes(path):  # noqa: B007 - it matters how the last one ends
        first = first or kind
        found |= {kind} & NEEDED
    if first != b"ftyp":
        named = fetched.content_type or "no content type"
        return _no_film(f"the link answered {fetched.bytes:,} bytes ({named}) that are no MP4")
    if found != NEEDED or not whole:
        return _no_film(f"the film is cut short or damaged ({fetched.bytes:,} bytes came)")
    return MP4


def _boxes(path: Path) -> Iterator[tuple[bytes, bool]]:
    """The kind of each box, and whether it is there whole; nothing can be found after one that is not."""
    size, at, whole = path.stat().st_size, 0, True
    with path.open("rb") as file:
        while whole and at < size:
            file.seek(at)
            kind, length = _kind_and_length(file.read(LARGE_HEADER), size - at)
            at += length
            whole = length >= HEADER and at <= size
            yield kind, whole


def _kind_and_length(start: bytes, rest: int) -> tuple[bytes, int]:
    """Written as 0, a length reaches to the end of the file; as 1, it stands after the kind. For what is no box, 0."""
    if len(start) < HEADER:
        return b"?", 0
    length, kind = struct.unpack_from(">I4s", start)
    if length != 1:
        return kind, length or rest
    return (kind, struct.unpack_from(">Q", start, HEADER)[0]) if len(start) == LARGE_HEADER else (b"?", 0)


def _no_film(reason: str) -> NotDelivered:
    return NotDelivered(reason=reason, cause=Cause.NO_PICTURE)
