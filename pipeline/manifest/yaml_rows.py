"""YAML: `version`, `batch`, `defaults` and `tasks`, with line, column and key path of every fault."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any, BinaryIO

from pipeline.errors import UsageError
from pipeline.manifest.entry import Defaults, Entry
from pipeline.manifest.names import batch_name, is_batch_name
from pipeline.manifest.nodes import Items, Node, Pairs, Scalar
from pipeline.manifest.options import mode_in
from pipeline.manifest.place import Faults, Place, Unreadable
from pipeline.manifest.then_tree import Ground
from pipeline.manifest.then_words import Then
from pipeline.manifest.vocabulary import (
    ACTION_WORDS,
    DEFAULTS_WORDS,
    FILE_WORDS,
    ROW_WORDS,
    SCHEDULE_WORDS,
    plain,
    unknown,
)
from pipeline.manifest.yaml_nodes import Document
from pipeline.manifest.yaml_schedule import read_schedule
from pipeline.manifest.yaml_then import read_then
from pipeline.task import Policy
from pipeline.terms import amount

MAY_BE_STRUCTURED = (
    *("blend", "describe", "swap_face", "upload", "images", "image", "source", "target", "end"),
    *("account_filter", "requires"),
)
"""Words whose value may be a list or a mapping; the others are texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a file says of all its rows."""

    batch: str | None = None
    budget: Decimal | None = None
    """What the batch may cost at most."""
    in_doubt: Policy | None = None
    priority: int | None = None
    """Its weight among the batches of its account."""
    schedule: Mapping[str, Any] = field(default_factory=dict)
    """What it says of when it is to be made again, by the words of `Rules`."""
    defaults: Defaults = field(default_factory=Defaults)


def read_head(source: BinaryIO, file: str, ground: Ground) -> Head:
    """Everything but the rows. Reads the whole file, because YAML lets `defaults` and `batch` stand below `tasks`."""
    at, faults = partial(_place, file), ground.faults
    nodes = _top(source, file, faults)
    tasks = nodes.get("tasks")
    if tasks and not isinstance(tasks, Items):
        faults.add(at(tasks, "tasks").fault("`tasks` must be a list: start each row with `- `"))
    if version := nodes.get("version"):
        _check_version(version, at(version, "version"), faults)
    batch, budget, policy, priority = (nodes.get(word) for word in ("batch", "budget", "in_doubt", "priority"))
    schedule, defaults = nodes.get("schedule"), nodes.get("defaults")
    return Head(
        batch=_batch(batch, at(batch, "batch"), faults) if batch else None,
        budget=_budget(budget, at(budget, "budget"), faults) if budget else None,
        in_doubt=_policy(policy, at(policy, "in_doubt"), faults) if policy else None,
        priority=_priority(priority, at(priority, "priority"), faults) if priority else None,
        schedule=_schedule(schedule, file, faults) if schedule else {},
        defaults=_defaults(defaults, file, ground) if defaults else Defaults(),
    )


def _top(source: BinaryIO, file: str, faults: Faults) -> dict[str, Node]:
    nodes: dict[str, Node] = {}
    lines: dict[str, int] = {}
    try:
        for key, index, node in Document(source, file).pairs("tasks"):
            if index is None:
                nodes.setdefault(_note_key(key, "", FILE_WORDS, lines, file, faults), node)
    except Unreadable:
        # Reading the rows meets the same place again, after the faults that stand before it.
        return nodes
    if not nodes:
        faults.add(Place(file=file, line=1).fault("the file is empty: start it with `tasks:`"))
    elif "tasks" not in nodes:
        faults.add(Place(file=file, line=1).fault("there are no `tasks`: put the rows under `tasks:`"))
    return nodes


def entries(source: BinaryIO, file: str, faults: Faults) -> Iterator[Entry]:
    """The entries under `tasks`, one at a time."""
    for key, index, node in Document(source, file).pairs("tasks"):
        if key.text != "tasks":
            continue
        items = [(index, node)] if index is not None else enumerate(node.nodes) if isinstance(node, Items) else ()
        for number, item in items:
            path = f"tasks[{number}]"
            if isinstance(item, Pairs):
                yield _entry(item, path, file, faults)
            else:
                message = "a row must be a mapping such as `- imagine: a red fox`"
                faults.add(_place(file, item, path).fault(message))


def _entry(node: Pairs, path: str, file: str, faults: Faults) -> Entry:
    before = faults.count
    nodes = _fields(node, path, ROW_WORDS, file, faults)
    texts: dict[str, str] = {}
    structured: dict[str, Items | Pairs] = {}
    for word, value in nodes.items():
        if isinstance(value, Scalar):
            texts[word] = "" if value.is_nothing else value.text
            if value.cut and word in ACTION_WORDS:
                at = Place(file=file, line=value.cut.line, column=value.cut.column, path=f"{path}.{word}")
                faults.add(at.fault(value.cut.message))
        elif word in MAY_BE_STRUCTURED:
            structured[word] = value
        elif word != "then":
            faults.add(_place(file, value, f"{path}.{word}").fault(f"`{word}` must be a text: write it on one line"))
    unusable = faults.count > before
    then = nodes.get("then")

    def place(word: str, at: int | None = None) -> Place:
        found = nodes.get(word)
        if found is None:
            return _place(file, node, path)
        column = found.column_of(at) if at is not None and isinstance(found, Scalar) else found.column
        return Place(file=file, line=found.line, column=column, path=f"{path}.{word}")

    return Entry(
        line=node.line,
        texts=texts,
        nodes=structured,
        then=None if then is None else partial(read_then, then, place("then")),
        place=place,
        incomplete=unusable,
    )


def _defaults(node: Node, file: str, ground: Ground) -> Defaults:
    faults = ground.faults
    if isinstance(node, Scalar) and node.is_nothing:
        return Defaults()
    if not isinstance(node, Pairs):
        faults.add(
            _place(file, node, "defaults").fault("`defaults` must be a mapping such as `{mode: fast, then: U1-U4}`")
        )
        return Defaults()
    fields = _fields(node, "defaults", DEFAULTS_WORDS, file, faults)
    mode, then = fields.get("mode"), fields.get("then")
    if isinstance(mode, Scalar) and not mode.is_nothing:
        read = mode_in(mode.text, _place(file, mode, "defaults.mode"), faults)
    else:
        read = None
        if isinstance(mode, Items | Pairs):
            faults.add(_place(file, mode, "defaults.mode").fault("`mode` must be one word"))
    return Defaults(mode=read, then=read_then(then, _place(file, then, "defaults.then"), ground) if then else Then())


def _schedule(node: Node, file: str, faults: Faults) -> dict[str, Any]:
    if isinstance(node, Scalar) and node.is_nothing:
        return {}
    if not isinstance(node, Pairs):
        message = "`schedule` must be a mapping such as `{cron: 0 9 * * 1, timezone: Europe/Berlin}`"
        faults.add(_place(file, node, "schedule").fault(message))
        return {}
    fields = _fields(node, "schedule", SCHEDULE_WORDS, file, faults)
    return read_schedule(
        fields, lambda word: _place(file, fields.get(word, node), f"schedule.{word}".strip(".")), faults
    )


def _fields(node: Pairs, path: str, known: tuple[str, ...], file: str, faults: Faults) -> dict[str, Node]:
    """The values by their words. Unknown and doubled words are told and left out."""
    fields: dict[str, Node] = {}
    lines: dict[str, int] = {}
    for key, value in node.pairs:
        word = _note_key(key, path, known, lines, file, faults)
        if word in known:
            fields.setdefault(word, value)
    return fields


def _note_key(key: Scalar, path: str, known: tuple[str, ...], lines: dict[str, int], file: str, faults: Faults) -> str:
    """The key's word, noted with its line. Tells one that is unknown, or there already."""
    word = plain(key.text)
    place = _place(file, key, f"{path}.{key.text}".lstrip("."))
    if key.text == "<<":
        faults.add(place.fault("merge keys are not read here: put what rows share under `defaults`"))
    elif word in lines:
        faults.add(place.fault(f"`{key.text}` is there already, on line {lines[word]}: keep one of them"))
    elif word not in known:
        faults.add(place.fault(unknown("key", key.text, known)))
    lines.setdefault(word, key.line)
    return word


def _check_version(node: Node, place: Place, faults: Faults) -> None:
    if not isinstance(node, Scalar) or node.text.strip() != "1":
        found = f"`{node.text}`" if isinstance(node, Scalar) else "that"
        faults.add(place.fault(f"this release reads `version: 1`, not {found}"))


def _batch(node: Node, place: Place, faults: Faults) -> str | None:
    if isinstance(node, Scalar) and (node.is_nothing or is_batch_name(node.text)):
        return None if node.is_nothing else node.text
    hint = f": `{batch_name(node.text)}` would do" if isinstance(node, Scalar) else ""
    faults.add(place.fault(f"a batch name is letters, digits, `.`, `_` and `-`, because it is also a folder{hint}"))
    return None


def _budget(node: Node, place: Place, faults: Faults) -> Decimal | None:
    try:
        return amount(node.text if isinstance(node, Scalar) else "")
    except UsageError as wrong:
        faults.add(place.fault(str(wrong)))
        return None


def _priority(node: Node, place: Place, faults: Faults) -> int | None:
    text = node.text.strip() if isinstance(node, Scalar) else ""
    if re.fullmatch(r"[1-9]\d?|100", text):
        return int(text)
    faults.add(
        place.fault("a priority is a whole number from 1, as others have, to 100: how many places for each of theirs")
    )
    return None


def _policy(node: Node, place: Place, faults: Faults) -> Policy | None:
    text = node.text.strip().casefold() if isinstance(node, Scalar) else ""
    if text in set(Policy):
        return Policy(text)
    faults.add(
        place.fault(
            "`in_doubt` is `hold` (a task in doubt waits for you), `resubmit` (it is sent again, and may be paid for "
            "twice) or `fail` (it is given up, and may have been paid for)"
        )
    )
    return None


def _place(file: str, node: Node, path: str) -> Place:
    return Place(file=file, line=node.line, column=node.column, path=path)
