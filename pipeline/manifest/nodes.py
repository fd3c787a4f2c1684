"""What a manifest says, as it was written: texts, lists and mappings that know where they stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias


class Cut(NamedTuple):
    """A comment that begins without a space after its `#`, behind an unquoted text: perhaps the rest of that."""

    line: int
    column: int
    text: str

    @property
    def message(self) -> str:
        shown = self.text if len(self.text) <= 60 else f"{self.text[:60]}..."
        return f"the rest of the line, `{shown}`, is a comment: put the whole text in quotes (or a space after `#`)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """A text exactly as it was written (`001` stays `001`)."""

    line: int
    column: int
    text: str
    quoted: bool = False
    text_column: int | None = None
    """Where the text itself starts, if it stands in the file character by character as it reads here."""
    cut: Cut | None = None

    @property
    def is_nothing(self) -> bool:
        return not self.quoted and self.text in {"", "~", "null", "Null", "NULL"}

    def column_of(self, at: int) -> int:
        """The column of one character; of the start where that cannot be told."""
        return self.column if self.text_column is None else self.text_column + at


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """A sequence."""

    line: int
    column: int
    nodes: list[Node]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """A mapping. Doubled keys are still in it."""

    line: int
    column: int
    pairs: list[tuple[Scalar, Node]]


Node: TypeAlias = Scalar | Items | Pairs
