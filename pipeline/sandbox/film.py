"""A short film of a drawing: the camera moves over it. A real MP4 (ISO 14496-12 and -14) whose frames are JPEGs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import BytesIO
from itertools import accumulate
from struct import pack

from PIL import Image

from pipeline.sandbox import photos
from pipeline.sandbox.drawings import drawing_of
from pipeline.sandbox.pictures import picture
from pipeline.sandbox.scenery import lots
from pipeline.sandbox.tasks import Order

FRAMES, PER_SECOND = 16, 8
LARGEST = 480
"""Side in pixels of the square that has as many pixels as a frame, at most."""
_CLOSENESS = {"high": 1.5}
_USUAL = 1.2
_JPEG = 0x6C  # objectTypeIndication "Visual ISO/IEC 10918-1"
_MATRIX = pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_TICKS = 1000


def mp4(order: Order, side: int) -> bytes:
    """Two seconds, eight frames each, of what an order shows. Another `index` moves another way."""
    still = picture(drawing_of(order, min(side, LARGEST)))
    frames = [_jpeg(frame) for frame in _frames(order, still)]
    head = _box(b"ftyp", b"isom", pack(">I", 0x200), b"isomiso2mp41")
    return head + _movie(still.size, frames, len(head)) + _box(b"mdat", *frames)


def _frames(order: Order, still: Image.Image) -> Iterator[Image.Image]:
    """From the whole picture to a part of it; towards the second picture, when the order brings one."""
    rng = lots(order.prompt, str(order.index), order.variant or "", "camera")
    aim = rng.random(), rng.random()
    closest = _CLOSENESS.get(order.variant or "", _USUAL)
    last = photos.fitted(order.images[1], still.size) if len(order.images) > 1 else None
    for n in range(FRAMES):
        along = n / (FRAMES - 1)
        share = 1 / (1 + (closest - 1) * along)
        left, top = (aim[k] * (1 - share) * still.size[k] for k in (0, 1))
        box = (left, top, left + still.width * share, top + still.height * share)
        frame = still.resize(still.size, Image.Resampling.BICUBIC, box=box)
        yield Image.blend(frame, last, max(0.0, 2 * along - 1)) if last else frame


def _jpeg(frame: Image.Image) -> bytes:
    file = BytesIO()
    frame.save(file, "JPEG", quality=78)
    return file.getvalue()


def _movie(size: tuple[int, int], frames: list[bytes], before: int) -> bytes:
    """The `moov` box; the frames follow it in an `mdat`, so its own length decides where they are."""
    length = len(_moov(size, frames, 0))
    return _moov(size, frames, before + length + 8)


def _moov(size: tuple[int, int], frames: list[bytes], first: int) -> bytes:
    lasting = FRAMES * _TICKS // PER_SECOND
    dimensions = pack(">II", size[0] << 16, size[1] << 16)
    header = pack(">4I", 0, 0, _TICKS, lasting) + pack(">IHHII", 0x10000, 0x100, 0, 0, 0) + _MATRIX + bytes(24)
    track = pack(">5I", 0, 0, 1, 0, lasting) + bytes(16) + _MATRIX + dimensions
    media = _box(
        b"mdia",
        _full(b"mdhd", pack(">4IHH", 0, 0, _TICKS, lasting, 0x55C4, 0)),
        _full(b"hdlr", bytes(4), b"vide", bytes(12), b"Video\0"),
        _box(
            b"minf",
            _full(b"vmhd", bytes(8), flags=1),
            _box(b"dinf", _full(b"dref", pack(">I", 1), _full(b"url ", flags=1))),
            _samples(size, frames, first),
        ),
    )
    return _box(
        b"moov",
        _full(b"mvhd", header, pack(">I", 2)),
        _box(b"trak", _full(b"tkhd", track, flags=7), media),
    )


def _samples(size: tuple[int, int], frames: list[bytes], first: int) -> bytes:
    places = accumulate((len(frame) for frame in frames[:-1]), initial=first)
    return _box(
        b"stbl",
        _full(b"stsd", pack(">I", 1), _entry(size)),
        _full(b"stts", pack(">3I", 1, len(frames), _TICKS // PER_SECOND)),
        _full(b"stsc", pack(">4I", 1, 1, 1, 1)),
        _full(b"stsz", pack(">II", 0, len(frames)), _numbers(len(frame) for frame in frames)),
        _full(b"stco", pack(">I", len(frames)), _numbers(places)),
    )


def _entry(size: tuple[int, int]) -> bytes:
    """The sample entry `mp4v`, told by its descriptor to hold JPEGs."""
    decoder = _descriptor(4, pack(">BB", _JPEG, 0x11), bytes(3), bytes(8))
    stream = _descriptor(3, pack(">HB", 1, 0), decoder, _descriptor(6, b"\x02"))
    fields = bytes(6) + pack(">H", 1) + bytes(16) + pack(">HHIIIH", *size, 72 << 16, 72 << 16, 0, 1)
    return _box(b"mp4v", fields, bytes(32), pack(">Hh", 24, -1), _full(b"esds", stream))


def _numbers(values: Iterable[int]) -> bytes:
    return b"".join(pack(">I", value) for value in values)


def _descriptor(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return pack(">BB", tag, len(content)) + content


def _box(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return pack(">I", len(content) + 8) + kind + content


def _full(kind: bytes, *parts: bytes, flags: int = 0) -> bytes:
    """A box that begins with a version (0) and flags."""
    return _box(kind, pack(">I", flags), *parts)
