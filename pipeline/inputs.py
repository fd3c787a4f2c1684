"""The pictures that go into a task."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Role(StrEnum):
    """What a picture is for. Pictures of one role keep their order."""

    IMAGE = "image"
    """To be imagined after, blended, described, edited, uploaded, or filmed."""
    END = "end"
    """The last frame of a film."""
    MASK = "mask"
    """White is painted anew, black stays."""
    SOURCE = "source"
    """The face of a face swap."""
    TARGET = "target"
    """The picture that receives the face."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One picture, by exactly one of: the digest of a file that was read, an address, another row's result."""

    role: Role
    sha256: str | None = None
    url: str | None = None
    stems: tuple[str, ...] = ()
    """Of another row's result: the stem of the row, and of each follow-up on the way; the last one is the picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture file that was read and found right. `media_type` is what the bytes are, whatever the file's name."""

    sha256: str
    media_type: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """An input as it is sent: `data:image/png;base64,...`, or the address that a person gave."""

    role: Role
    content: str


def inputs_to_json(inputs: Iterable[Input]) -> list[dict[str, Any]]:
    """Without what is not set: `[{"role": "image", "sha256": "..."}]`."""
    return [
        {name: value for name, value in asdict(one).items() if value}
        | ({"stems": list(one.stems)} if one.stems else {})
        for one in inputs
    ]


def inputs_from_json(listed: Sequence[dict[str, Any]] | None) -> tuple[Input, ...]:
    """The inverse of `inputs_to_json`."""
    return tuple(
        Input(role=Role(one["role"]), sha256=one.get("sha256"), url=one.get("url"), stems=tuple(one.get("stems") or ()))
        for one in listed or ()
    )
