"""Follow-ups of known rows: what is made stays, what is new is asked for, what is gone is not sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, count
from typing import Any

from sqlalchemy import Row

from pipeline.inputs import Input, Role, inputs_from_json
from pipeline.store import names, wanted
from pipeline.store.engine import Transaction, as_json
from pipeline.store.wanted import NO_FOLLOW_UP, SET_ASIDE
from pipeline.task import FinishedTask, Mode, State
from pipeline.then import FollowUp, then_from_json, then_to_json

Node = Row[Any]
FINISHED = (State.SUCCEEDED, State.DELIVERED)
_NEVER_MADE = (State.PLANNED, State.FAILED, State.CANCELLED)

_CHANGED = f"""
    WITH RECURSIVE nodes AS (
        SELECT t.id, s.name, s.tree FROM staged s JOIN tasks t ON t.id = s.task_id WHERE t."then" <> s.tree
        UNION ALL SELECT t.id, NULL, NULL FROM nodes JOIN tasks t ON t.parent_id = nodes.id
    )
    SELECT t.id, t.parent_id, t.key, t.stem, t.depth, t.action, t.word, t.prompt, t.own_prompt, t.inputs, t.mode,
        t.state, t.wanted, t.remote_id, t.options, t.result -> 'prompts' AS prompts, {SET_ASIDE} AS set_aside,
        nodes.name, nodes.tree
    FROM nodes JOIN tasks t USING (id) ORDER BY t.id
"""


@dataclass(slots=True)
class Growth:
    """What becomes of the trees of known rows."""

    thens: list[tuple[Node, tuple[FollowUp, ...]]] = field(default_factory=list)
    """Each task that is asked for, with its follow-ups as they are now."""
    finished: list[FinishedTask] = field(default_factory=list)
    """Tasks that have finished, each with the follow-ups that are to be created at once. Others create theirs when
    they finish, as always."""
    back: list[int] = field(default_factory=list)
    """Follow-ups that are asked for again."""
    gone: list[int] = field(default_factory=list)
    replaced: list[int] = field(default_factory=list)
    """Follow-ups that were never made, and leave their names to others."""
    words: dict[str, str] = field(default_factory=dict)
    """Of follow-ups by the stems that the plan gives them, where they are known by another word."""


def grow(tx: Transaction) -> Growth:
    """Gives known rows the follow-ups that the table `staged` has for them, and takes away the others."""
    growth = growth_of(tx)
    wanted.drop(tx, growth.gone, NO_FOLLOW_UP)
    names.give_up(tx, growth.replaced)
    wanted.take_back(tx, growth.back)
    tx.run(
        """
        UPDATE tasks t SET "then" = v."then", follow_up_count = v.follow_up_count
        FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS v(id bigint, "then" jsonb, follow_up_count bigint)
        WHERE t.id = v.id
        """,
        rows=as_json(
            {"id": node.id, "then": then_to_json(then), "follow_up_count": sum(one.size for one in then)}
            for node, then in growth.thens
        ),
    )
    return growth


def growth_of(tx: Transaction) -> Growth:
    """What `grow` would do."""
    trees = _Trees(tx.rows(_CHANGED))
    for root in trees.roots:
        trees.walk(root, then_from_json(root.tree), root.name)
    return trees.growth


class _Trees:
    """Walks the trees of tasks beside those of the manifest."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.growth = Growth()
        self.roots = [node for node in nodes if node.tree is not None]
        self._children: dict[int | None, list[Node]] = {}
        for node in nodes:
            self._children.setdefault(node.parent_id, []).append(node)

    def walk(self, node: Node, then: tuple[FollowUp, ...], name: str) -> tuple[FollowUp, ...]:
        """The follow-ups as they are now, under the words by which their tasks are known. `name`: the plan's stem."""
        named = [child for child in self._children.get(node.id, ()) if child.key == f"{node.key}-{child.word}"]
        known = _paired(then, named)
        gone = [child for child in named if child not in known.values()]
        self.growth.gone += [child.id for child in gone if child.wanted]
        taken = {child.word for child in named if child not in gone or _may_be_made(child)}
        now, missing = [], []
        for place, one in enumerate(then):
            if place in known:
                now.append(self._known(known[place], one, f"{name}-{one.word}"))
            else:
                now.append(self._new(one, taken, f"{name}-{one.word}"))
                missing.append(now[-1])
        words = {one.word for one in missing}
        self.growth.replaced += [child.id for child in gone if child.word in words]
        self.growth.thens.append((node, tuple(now)))
        if missing and node.state in FINISHED:
            self.growth.finished.append(_with_missing(node, missing))
        return tuple(now)

    def _known(self, child: Node, one: FollowUp, name: str) -> FollowUp:
        self._note_word(one, child.word, name)
        if not child.wanted:
            self.growth.back.append(child.id)
        return replace(one, word=child.word, then=self.walk(child, one.then, name))

    def _new(self, one: FollowUp, taken: set[str], name: str) -> FollowUp:
        """What was sent under its word stays there: then it is the next one of that word, as siblings are."""
        base = one.word.partition("~")[0]
        words = chain([one.word], (f"{base}~{number}" for number in count(2)))
        word = next(word for word in words if word not in taken)
        taken.add(word)
        self._note_word(one, word, name)
        return replace(one, word=word)

    def _note_word(self, one: FollowUp, word: str, name: str) -> None:
        if word != one.word:
            self.growth.words[name] = word


def _paired(then: Sequence[FollowUp], children: Sequence[Node]) -> dict[int, Node]:
    """The task of each follow-up that has one, by its place: what asks for the same, if it can be under its word."""
    left, known = list(children), dict[int, Node]()
    for exactly in (True, False):
        for place, one in enumerate(then):
            alike = (child for child in left if _request(child) == one.request)
            child = next((child for child in alike if child.word == one.word or not exactly), None)
            if child is not None and place not in known:
                known[place] = child
                left.remove(child)
    return known


def _request(child: Node) -> tuple[str, str | None, Input | None]:
    mask = next((one for one in inputs_from_json(child.inputs) if one.role is Role.MASK), None)
    return FollowUp(child.word, (), child.prompt if child.own_prompt else None, mask).request


def _may_be_made(child: Node) -> bool:
    return child.remote_id is not None or child.state not in _NEVER_MADE


def _with_missing(node: Node, missing: Iterable[FollowUp]) -> FinishedTask:
    """A finished task with those of its follow-ups that do not exist yet."""
    return FinishedTask(
        id=node.id,
        key=node.key,
        stem=node.stem,
        depth=node.depth,
        prompt=node.prompt,
        mode=Mode(node.mode) if node.mode else None,
        then=tuple(missing),
        to_deliver=False,
        prompts=tuple(node.prompts or ()),
        options=node.options,
    )
