"""The picture files that a manifest names: found, read and looked at before anything is sent."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Mapping
from difflib import get_close_matches
from hashlib import sha256
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Protocol

from PIL import Image, UnidentifiedImageError

from pipeline.errors import UsageError
from pipeline.inputs import Picture

MAX_BYTES = 10_000_000
"""Of one file. In a request it takes a third more."""

MAX_PIXELS = 80_000_000
"""Of one picture, unpacked. The largest upscales have 67.1 million."""

_MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "MPO": "image/jpeg", "WEBP": "image/webp", "GIF": "image/gif"}
_BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1"), "a HEIC picture"),
    **dict.fromkeys((b"avif", b"avis"), "an AVIF picture"),
}
_PNG_END = b"IEND\xaeB`\x82"

# What Pillow raises on bytes that are torn or hostile, by format and by place.
_TORN = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, struct.error, OverflowError)
_TOO_MANY_PIXELS = (Image.DecompressionBombError, Image.DecompressionBombWarning)


class PictureFault(UsageError):  # noqa: N818 - it becomes a Fault of the manifest
    """A picture that cannot be used, and why."""


class Pictures(Protocol):
    """Where a manifest's pictures come from."""

    def find(self, name: str) -> Picture:
        """The picture that the manifest calls `name`. Raises `PictureFault`."""

    def colour(self, name: str) -> str | None:
        """`black` or `white` for a picture that is nothing else, as far as it can be looked at."""


class KnownPictures:
    """Pictures that were looked at before, where their files may be out of reach."""

    def __init__(self, known: Mapping[str, Picture]) -> None:
        self._known = known

    def find(self, name: str) -> Picture:
        if name not in self._known:
            raise PictureFault(f"the picture `{name}` was not handed over with this manifest")
        return self._known[name]

    def colour(self, name: str) -> str | None:  # noqa: ARG002
        return None


class DiskPictures:
    """Pictures in files, by paths that start at `folder`. Each is read once, however many rows name it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._found: dict[str, Picture] = {}
        self._faults: dict[str, str] = {}

    @property
    def found(self) -> Mapping[str, Picture]:
        """What was found right so far, by the manifest's names."""
        return self._found

    def find(self, name: str) -> Picture:
        if name in self._faults:
            raise PictureFault(self._faults[name])
        if name not in self._found:
            try:
                self._found[name] = examine(name, self._bytes(name))
            except PictureFault as fault:
                self._faults[name] = str(fault)
                raise
        return self._found[name]

    def colour(self, name: str) -> str | None:
        with Image.open(BytesIO(self.read(name))) as image:
            drawn = image.convert("RGBA")
        shades, opacities = drawn.convert("L").histogram(), drawn.getchannel("A").histogram()
        pixels = drawn.width * drawn.height
        if pixels not in opacities:
            return None
        return "black" if shades[0] == pixels else "white" if shades[255] == pixels else None

    def read(self, name: str) -> bytes:
        """The bytes that `find` judged. Raises `PictureFault` when the file is another one by now."""
        content = self._bytes(name)
        if name in self._found and sha256(content).hexdigest() != self._found[name].sha256:
            raise PictureFault(f"the picture `{name}` was changed while it was being read: try again")
        return content

    def _bytes(self, name: str) -> bytes:
        path = self._path(name)
        try:
            if not path.exists():
                raise PictureFault(self._missing(name, path))
            if not path.is_file():
                raise PictureFault(f"`{name}` is no picture file, but a folder or device")
            if (size := path.stat().st_size) > MAX_BYTES:
                raise PictureFault(
                    f"`{name}` has {size / 1e6:,.1f} MB, at most {MAX_BYTES // 1_000_000} MB are taken: make it smaller"
                )
            return path.read_bytes()
        except PermissionError:
            raise PictureFault(f"you may not read `{name}`") from None
        except (OSError, ValueError) as wrong:
            why = getattr(wrong, "strerror", None) or "this is no name of a file"
            raise PictureFault(f"`{name}` cannot be read: {why}") from None

    def _path(self, name: str) -> Path:
        return Path.home() / name[2:] if name.startswith("~/") else self._folder / name

    def _missing(self, name: str, path: Path) -> str:
        names = [one.name for one in islice(path.parent.iterdir(), 1000)] if path.parent.is_dir() else []
        if near := get_close_matches(path.name, names, n=1, cutoff=0.75):
            return f"there is no picture `{name}`: did you mean `{name.removesuffix(path.name)}{near[0]}`?"
        return f"there is no picture `{name}`: paths start at the manifest's folder"


def examine(name: str, content: bytes) -> Picture:
    """What the bytes are, whatever the file's name says. Raises `PictureFault`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            kind, width, height = _decoded(content)
    except UnidentifiedImageError:
        other = _other_kind(content)
        why = f"is {other}" if other else "is no PNG, JPEG, WEBP or GIF picture, whatever its name says"
        raise PictureFault(f"`{name}` {why}") from None
    except _TOO_MANY_PIXELS:
        raise PictureFault(f"`{name}` has more than {MAX_PIXELS // 1_000_000} megapixels: make it smaller") from None
    except _TORN:
        raise PictureFault(f"`{name}` is cut short or damaged: save it again") from None
    return Picture(sha256=sha256(content).hexdigest(), media_type=_MEDIA_TYPES[kind], width=width, height=height)


def _other_kind(content: bytes) -> str | None:
    """What a file is that is not taken, and the remedy, by its first bytes."""
    if not content:
        return "an empty file: save the picture again"
    start = content[:1024].lstrip()
    kind = "an SVG drawing" if start.startswith((b"<svg", b"<?xml", b"<!--")) and b"<svg" in start else None
    if start.startswith(b"%PDF"):
        kind = "a PDF document"
    elif content[4:8] == b"ftyp":
        kind = _BRANDS.get(content[8:12])
    return kind and f"{kind}: export it as PNG or JPEG"


def _decoded(content: bytes) -> tuple[str, int, int]:
    """Format and size, after every pixel of the first frame was decoded."""
    with Image.open(BytesIO(content), formats=("PNG", "JPEG", "WEBP", "GIF")) as image:
        kind, width, height = image.format or "", image.width, image.height
        if width * height > MAX_PIXELS:
            raise Image.DecompressionBombError
        if kind == "PNG":
            image.verify()
            if _PNG_END not in content[-65_536:]:
                raise EOFError
    with Image.open(BytesIO(content), formats=("PNG", "JPEG", "WEBP", "GIF")) as image:
        # A JPEG unpacks eight times as fast at an eighth of its size, and is read to its end all the same.
        image.draft(None, (1, 1))
        image.load()
    return kind, width, height
