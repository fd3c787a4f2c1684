"""The audit: from the evidence to figures, and to whatever should not be, in sentences. Pure.

| figure | counts |
|---|---|
| faults | what was done to the fleet, and requests that the server spoilt by itself; not its callbacks |
| duplicates | submissions that the server accepted for a task beyond its first, except those counted as resubmits |
| resubmits | the same, where the policy `resubmit` was told to take that risk |
| lost | pictures that the server finished and that are not at home, and tasks that were asked for and do not exist |
| in doubt | tasks that wait for a person, each with its reason |
| recovered | tasks at home that met a fault: it struck between their POST and their delivery, or they were in doubt, |
| | or sent more than once |
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.chaos.evidence import Evidence, Known

FOLLOW_UPS = 4
FINAL = frozenset({"delivered", "failed", "cancelled", "in_doubt"})
EXCUSES = {
    "postgres": re.compile(
        r"(sqlalchemy\.exc\.|psycopg\.(errors\.)?)(OperationalError|InterfaceError|AdminShutdown|CrashShutdown)"
    ),
    "redis": re.compile(r"(redis|kombu)\.exceptions\.|(ConnectionRefused|ConnectionReset|BrokenPipe)Error"),
}
"""Last lines of tracebacks that Celery writes when a service goes away in the middle of a step: nothing is wrong, the
step comes again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    accepted: int
    faults: int
    duplicates: int
    resubmits: int
    lost: int
    in_doubt: int
    failed: int
    recovered: int
    violations: tuple[str, ...]


def judge(evidence: Evidence, *, may_resubmit: bool = False, can_look: bool = True, hurts: frozenset[str]) -> Verdict:
    """`can_look`: whether the server can be asked for a lost reply: then a doubt about a picture it has is a loss."""
    twice, again = _sent_twice(evidence, may_resubmit)
    lost = [*_not_at_home(evidence, can_look), *_unknown(evidence)]
    states = Counter(one.state for one in evidence.known)
    return Verdict(
        accepted=len(evidence.made),
        faults=len(evidence.faults) + evidence.misbehaved,
        duplicates=len(twice),
        resubmits=again,
        lost=len(lost),
        in_doubt=states["in_doubt"],
        failed=states["failed"],
        recovered=sum(_recovered(one, evidence.faults) for one in evidence.known),
        violations=(*twice, *lost, *_not_settled(evidence), *_complaints(evidence, hurts)),
    )


def unsettled(known: Known) -> bool:
    """Whether it is neither final nor in doubt for a person."""
    return known.state not in FINAL or (known.state == "in_doubt" and known.waits)


def _sent_twice(evidence: Evidence, may_resubmit: bool) -> tuple[list[str], int]:
    """What was paid twice, and how often that was as the policy said."""
    by_id = {one.id: one for one in evidence.known}
    paid = Counter(evidence.tokens[one.token] for one in evidence.made if one.token in evidence.tokens)
    allowed = {id_: min(n - 1, by_id[id_].sent_again) if may_resubmit else 0 for id_, n in paid.items()}
    twice = [
        f"paid twice: {by_id[id_].name} was accepted {n} times ({by_id[id_].state})"
        for id_, n in paid.items()
        for _ in range(n - 1 - allowed[id_])
    ]
    again = sum(allowed.values())
    counted = sum(n - 1 for n in evidence.works.values())
    if counted != len(twice) + again:
        twice += [
            f"the server counts {counted} pieces of work that it accepted again, the records {len(twice) + again}"
        ]
    twice += [
        f"paid and unknown: {one.id} carries no token of ours"
        for one in evidence.made
        if one.token not in evidence.tokens
    ]
    return twice, again


def _not_at_home(evidence: Evidence, can_look: bool) -> Iterator[str]:
    by_id = {one.id: one for one in evidence.known}
    home = {one.id: why for one in evidence.known if (why := _why_not_at_home(one, evidence))}
    for made in evidence.made:
        task = by_id.get(evidence.tokens.get(made.token, -1))
        if task is None or not made.finished or task.id not in home:
            continue
        if task.state == "in_doubt" and not can_look:
            continue
        yield f"lost: {task.name} is made ({made.id}), and {home.pop(task.id)}"
    for id_, why in home.items():
        if by_id[id_].state == "delivered":
            yield f"lost: {by_id[id_].name} is delivered, and {why}"


def _why_not_at_home(task: Known, evidence: Evidence) -> str | None:
    if task.state != "delivered" or task.path is None:
        return f"the task is {task.state}: {task.reason}"
    if not task.sha256 or evidence.files[task.path] != task.sha256:
        return f"{task.path} is not on disk as it was recorded"
    if evidence.records[task.path] != task.remote_id:
        return f"the record beside {task.path} names {evidence.records[task.path] or 'nothing'}, not {task.remote_id}"
    return None


def _unknown(evidence: Evidence) -> Iterator[str]:
    """Rows that are nowhere, and grids whose follow-ups are nowhere."""
    roots = [one for one in evidence.known if one.parent_id is None]
    for _ in range(evidence.asked_for // (1 + FOLLOW_UPS) - len(roots)):
        yield "lost: a row of a manifest has no task"
    children = Counter(one.parent_id for one in evidence.known)
    for root in roots:
        missing = FOLLOW_UPS - children[root.id]
        if root.state == "delivered" and missing:
            yield f"lost: {root.name} is delivered, and {missing} of its follow-ups do not exist"


def _not_settled(evidence: Evidence) -> Iterator[str]:
    for one in evidence.known:
        if unsettled(one):
            yield f"not settled: {one.name} is {one.state} ({one.reason or 'no reason is given'})"
        elif one.state == "in_doubt" and not one.reason:
            yield f"{one.name} is in doubt, and nobody says why"
        elif one.state in {"failed", "cancelled"}:
            yield f"given up: {one.name} is {one.state}, and nothing was wrong with it: {one.reason}"


def _complaints(evidence: Evidence, hurts: frozenset[str]) -> Iterator[str]:
    excuses = [EXCUSES[service] for service in hurts]
    found = Counter(one for one in evidence.tracebacks if not any(excuse.match(one[1]) for excuse in excuses))
    for (log, line), number in found.items():
        yield f"{number} tracebacks in {log}.log end with: {line[:300]}"
    for death in evidence.deaths:
        yield f"{death} ended by itself"


def _recovered(one: Known, faults: Sequence[float]) -> bool:
    if one.state != "delivered" or one.home is None:
        return False
    return one.attempts > 1 or one.was_in_doubt or any(one.began <= moment < one.home for moment in faults)
