"""Are these bytes a film? An MP4 is a row of boxes, each with its length; a torn one ends in the middle of a box."""

from __future__ import annotations

import struct
from pathlib import Path

from pipeline.deliver.delivery import Cause, Fetched, NotDelivered, Picture

MP4 = Picture(format="MP4", extension=".mp4", media_type="video/mp4")


def verify_film(path: Path, fetched: Fetched) -> Picture | NotDelivered:
    """Walks the boxes of an MP4 (ISO 14496-12, 4.2). Raises OSError only when the disk fails."""
    try:
        kinds = _boxes(path)
    except (struct.error, ValueError):
        kinds = []
    if kinds[:1] != [b"ftyp"]:
        return _no_film(
            f"the link answered {fetched.bytes:,} bytes ({fetched.content_type or 'no type'}) that are no MP4"
        )
    if not {b"moov", b"mdat"} <= set(kinds):
        return _no_film(f"the film is cut short or damaged ({fetched.bytes:,} bytes came)")
    return MP4


def _boxes(path: Path) -> list[bytes]:
    """The kinds of the boxes that are there whole. Raises struct.error or ValueError for what is no box."""
    size, kinds, at = path.stat().st_size, [], 0
    with path.open("rb") as file:
        while at < size:
            file.seek(at)
            length, kind = struct.unpack(">I4s", file.read(8))
            if length == 1:
                (length,) = struct.unpack(">Q", file.read(8))
            length = length or size - at
            if length < 8:
                raise ValueError(kind)
            at += length
            if at <= size:
                kinds.append(kind)
    return kinds


def _no_film(reason: str) -> NotDelivered:
    return NotDelivered(reason=reason, cause=Cause.NO_PICTURE)
