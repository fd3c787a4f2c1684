"""Rows to tasks: stable keys, readable file stems, and what it all may cost. Pure; sends nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from itertools import groupby

from pipeline.action import Action
from pipeline.manifest.names import stem
from pipeline.manifest.place import LISTED, Faults, Place
from pipeline.manifest.vocabulary import DOING
from pipeline.task import NewTask, Row
from pipeline.terms import unpriced
from pipeline.then import FAMILIES, FollowUp, family_and_value

__all__ = ["Branch", "Skipped", "Summary", "needs", "possible", "stem", "summarise", "tasks"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A row that is not sent, because it says what it requires and the server lacks it."""

    key: str
    line: int
    reason: str


def tasks(rows: Iterable[Row], lacks: frozenset[str] = frozenset()) -> Iterator[NewTask]:
    """The root task of each row. What follows a task is planned when it has finished.

    Left out are the rows that say that they require what the server `lacks`; `needs` names such abilities.
    """
    for row in _wanted(rows, lacks, []):
        yield NewTask(
            key=row.key,
            stem=stem(row.key),
            action=row.action,
            prompt=row.prompt,
            mode=row.mode,
            then=row.then,
            inputs=row.inputs,
            options=row.options,
        )


def possible(
    rows: Iterable[Row], file: str, dialect: str, lacks: frozenset[str], skipped: list[Skipped]
) -> Iterator[Row]:
    """The rows that will be sent, as they stream by; those that are not are noted in `skipped`.

    At the end, raises `ManifestError` when a row needs what a server of this dialect lacks and does not say `requires`.
    """
    faults = Faults()
    for row in _wanted(rows, lacks, skipped):
        if missing := needs(row) & lacks:
            faults.add(Place(file=file, line=row.line).fault(_impossible(dialect, missing, row)))
        yield row
    faults.raise_any()


def _impossible(dialect: str, missing: frozenset[str], row: Row) -> str:
    words = [word for word in DOING if word in missing]
    count = 1 + sum(one.size for one in row.then)
    skipped = f"the whole row, {count} tasks, skipped" if count > 1 else "the row skipped"
    return (
        f"{dialect} cannot {' or '.join(DOING[word] for word in words)}: {_remedy(words, row.action)}, or write "
        f"`requires: {', '.join(words)}` to have {skipped} there"
    )


def _remedy(words: list[str], action: Action) -> str:
    if action.value in words:
        return "remove the row"
    beside = {"mode": "`mode`", "remix": "the prompts of its V and R"}
    follow_ups = " and ".join(f"`{word}`" for word in words if word not in beside)
    removed = [f"{follow_ups} from `then`"] if follow_ups else []
    return f"remove {' and '.join(removed + [beside[word] for word in words if word in beside])}"


def needs(row: Row) -> frozenset[str]:
    """What a server must be able to do for a row: its action, the families of its follow-ups, `mode`, `remix`."""
    own = {row.action.value, *(("mode",) if row.mode else ())}
    return frozenset(own).union(*(_needs_of(one) for one in row.then))


@lru_cache(maxsize=1024)
def _needs_of(one: FollowUp) -> frozenset[str]:
    word = ("remix" if one.prompt else None) if one.family in {"U", "V", "R"} else one.family
    return frozenset((word,) if word else ()).union(*(_needs_of(child) for child in one.then))


def _wanted(rows: Iterable[Row], lacks: frozenset[str], skipped: list[Skipped]) -> Iterator[Row]:
    stems: set[str] = set()
    for row in rows:
        reason = _excuse(row, lacks, stems)
        if reason is None:
            yield row
        else:
            stems.add(stem(row.key))
            skipped.append(Skipped(key=row.key, line=row.line, reason=reason))


def _excuse(row: Row, lacks: frozenset[str], skipped: set[str]) -> str | None:
    """Why a row is skipped: for what it requires, or because a picture of a skipped row goes into it."""
    missing = [word for word in row.requires if word in lacks]
    if missing:
        return f"it requires {' and '.join(missing)}, which the server lacks"
    if source := next((one.stems[0] for one in row.inputs if one.stems and one.stems[0] in skipped), None):
        return f"it uses the picture of {source}, which is skipped"
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tidied:
    """A prompt that is sent otherwise than it was written: its flags last, their dashes right."""

    key: str
    written: str
    sent: str


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
    sharing_prompts: int = 0
    """Rows that imagine the same prompt as another one: they are sent one after the other."""
    tidied: tuple[Tidied, ...] = ()
    """The first prompts that are sent otherwise than they were written, at most `LISTED`."""
    tidied_count: int = 0

    @property
    def tasks(self) -> int:
        return sum(self.actions.values())

    def most_posts(self, max_attempts: int) -> int:
        """Requests that are sent at worst: every task needs every attempt that it is allowed."""
        return self.tasks * max_attempts

    def unpriced(self, prices: Mapping[Action, Decimal]) -> tuple[Action, ...]:
        return unpriced(self.actions, prices)

    def most_cost(self, prices: Mapping[Action, Decimal]) -> Decimal | None:
        """What it costs at worst, in the currency of `prices`: every task is made. A refused attempt costs nothing.

        None where an action has no price.
        """
        if self.unpriced(prices):
            return None
        return sum((prices.get(action, Decimal(0)) * count for action, count in self.actions.items()), Decimal(0))


def summarise(rows: Iterable[Row]) -> Summary:
    """Counts the rows as they stream by."""
    roots: dict[str, _Count] = {}
    prompts = _Prompts()
    for (action, then), alike in groupby(map(prompts.seen, rows), key=lambda row: (row.action, row.then)):
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
        sharing_prompts=prompts.sharing,
        tidied=tuple(prompts.tidied),
        tidied_count=prompts.tidied_count,
    )


class _Prompts:
    """Counts rows that imagine what another row imagines. Remembers a number for each prompt, and few texts."""

    def __init__(self) -> None:
        self._once: set[int] = set()
        self._more: set[int] = set()
        self.sharing = 0
        self.tidied: list[Tidied] = []
        self.tidied_count = 0

    def seen(self, row: Row) -> Row:
        if row.written is not None:
            self.tidied_count += 1
            if len(self.tidied) < LISTED:
                self.tidied.append(Tidied(key=row.key, written=row.written, sent=row.prompt))
        if row.action is Action.IMAGINE:
            prompt = hash(row.prompt)
            if prompt in self._more:
                self.sharing += 1
            elif prompt in self._once:
                self._more.add(prompt)
                self.sharing += 2
            self._once.add(prompt)
        return row


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


_FAMILY_ORDER = {name: place for place, name in enumerate(FAMILIES)}


def _order(item: tuple[str, _Count]) -> tuple[int, int, str]:
    """The API's own order: U before V before R, then the buttons of one picture."""
    word = item[0]
    family, value = family_and_value(word)
    values = FAMILIES[family].values
    return _FAMILY_ORDER[family], values.index(value) if value in values else 0, word
