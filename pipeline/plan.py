"""Rows to tasks: stable keys, readable file stems, and what it all may cost. Pure; sends nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from pipeline.action import Action
from pipeline.manifest.names import digest, safe
from pipeline.task import NewTask, Row
from pipeline.then import FOLLOW_UP_WORDS, FollowUp

STEM_BYTES = 100
"""UTF-8 bytes of a row's stem. Leaves room for the suffixes of five levels of follow-ups in the 255 of a disk."""

_LIKE_A_FOLLOW_UP = re.compile(r"-([uv][1-4]|r)$", re.IGNORECASE)


def tasks(rows: Iterable[Row]) -> Iterator[NewTask]:
    """The root task of each row. What follows a task is planned when it has finished."""
    for row in rows:
        yield NewTask(
            key=row.key,
            stem=stem(row.key),
            action=row.action,
            prompt=row.prompt,
            mode=row.mode,
            then=row.then,
        )


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """How many tasks of the batch come from one word at one place of the tree."""

    word: str
    action: Action
    count: int
    then: tuple[Branch, ...] = ()

    def each(self) -> Iterator[Branch]:
        yield self
        for branch in self.then:
            yield from branch.each()


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a manifest becomes, counted."""

    rows: int
    actions: Mapping[Action, int]
    tree: tuple[Branch, ...]

    @property
    def tasks(self) -> int:
        return sum(self.actions.values())

    def most_posts(self, max_attempts: int) -> int:
        """Requests that are sent at worst: every task needs every attempt that it is allowed."""
        return self.tasks * max_attempts

    def unpriced(self, prices: Mapping[Action, Decimal]) -> tuple[Action, ...]:
        return tuple(action for action in self.actions if action not in prices)

    def most_cost(self, prices: Mapping[Action, Decimal]) -> Decimal | None:
        """What it costs at worst, in the currency of `prices`: every task is made. A refused attempt costs nothing.

        None where an action has no price.
        """
        if self.unpriced(prices):
            return None
        return sum((prices[action] * count for action, count in self.actions.items()), Decimal(0))


def summarise(rows: Iterable[Row]) -> Summary:
    """Counts the rows as they stream by."""
    roots: dict[str, _Count] = {}
    for (action, then), alike in groupby(rows, key=lambda row: (row.action, row.then)):
        root = roots.setdefault(action.value, _Count(action))
        root.add(sum(1 for _ in alike), then)
    tree = tuple(root.branch(word) for word, root in roots.items())
    actions = dict.fromkeys(Action, 0)
    for branch in (one for root in tree for one in root.each()):
        actions[branch.action] += branch.count
    return Summary(
        rows=sum(root.count for root in tree),
        actions={action: count for action, count in actions.items() if count},
        tree=tree,
    )


class _Count:
    """A branch while it is being counted."""

    def __init__(self, action: Action) -> None:
        self.action = action
        self.count = 0
        self.then: dict[str, _Count] = {}

    def add(self, count: int, then: Iterable[FollowUp]) -> None:
        self.count += count
        for follow_up in then:
            self.then.setdefault(follow_up.word, _Count(follow_up.action)).add(count, follow_up.then)

    def branch(self, word: str) -> Branch:
        then = tuple(child.branch(name) for name, child in sorted(self.then.items(), key=_order))
        return Branch(word=word, action=self.action, count=self.count, then=then)


def _order(item: tuple[str, _Count]) -> int:
    return FOLLOW_UP_WORDS.index(item[0])
