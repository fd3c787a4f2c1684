"""Faults at certain requests: a YAML file that holds a list of rules.

    - {at: 7, fault: 503}                                  the seventh request to the API
    - {path: /mj/submit/imagine, nth: 3, fault: lost}      the third to this route
    - {path: /mj/task/{id}/fetch, rate: 0.1, fault: empty} each of them with this chance (drawn from `--seed`)
    - {path: /pictures/{id}.png, nth: 1, fault: 403}       pictures are counted by path only

`fault` is an HTTP status (401, 403, 429, 500, 503: answered in the dialect's own shape, nothing accepted) or one of

    hang_up   the connection is closed, nothing accepted      lost      accepted, and the connection is closed
    full      a submit is told that the queue is full         empty     an answer without a body, nothing done
    fail      accepted, and later FAILURE                     late_fail the same, but only after 100 %

A rule without `nth`, `at` and `rate` strikes every time. The first rule that fits a request decides. Paths are written
as in the documentation, without a speed's prefix, and count over all speeds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import yaml

STATUSES: frozenset[int | str] = frozenset({401, 403, 429, 500, 503})
WORDS: frozenset[int | str] = frozenset({"hang_up", "lost", "full", "empty", "fail", "late_fail"})
PICTURES = ("/pictures/", "/films/", "/uploads/")


class ScriptError(ValueError):
    """The script cannot be read: a sentence that names the file and the rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    fault: int | str
    path: str | None = None
    at: int | None = None
    nth: int | None = None
    rate: float = 1.0


class Script:
    """Counts requests, and says which of them meet a fault."""

    def __init__(self, rules: tuple[Rule, ...], seed: int) -> None:
        self._rules = rules
        self._seed = seed
        self.reset()

    def reset(self) -> None:
        self._all = 0
        self._by_path: Counter[str] = Counter()
        self._lots = Random(self._seed)  # noqa: S311 - not a secret

    def __bool__(self) -> bool:
        return bool(self._rules)

    def strikes(self, path: str) -> int | str | None:
        """The fault of this request, if any. To be asked once for each request, in their order."""
        self._by_path[path] += 1
        counted = not path.startswith(PICTURES)
        self._all += counted
        fitting = (rule for rule in self._rules if self._fits(rule, path, counted=counted))
        return next((rule.fault for rule in fitting), None)

    def _fits(self, rule: Rule, path: str, *, counted: bool) -> bool:
        if rule.path is None and not counted:
            return False
        if rule.path not in {None, path} or rule.at not in {None, self._all}:
            return False
        if rule.nth is not None and rule.nth != (self._by_path[path] if rule.path else self._all):
            return False
        return rule.rate >= 1 or self._lots.random() < rule.rate


def read(path: Path, seed: int) -> Script:
    """Raises ScriptError, and OSError where the file cannot be read."""
    try:
        rules = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ScriptError(f"{path}: {' '.join(str(error).split())}") from error
    if not isinstance(rules, list):
        raise ScriptError(f"{path}: a list of rules is expected, like '- {{at: 7, fault: 503}}'")
    return Script(tuple(_rule(written, f"{path}: rule {n}") for n, written in enumerate(rules, 1)), seed)


def _rule(written: Any, where: str) -> Rule:
    if not isinstance(written, Mapping):
        raise ScriptError(f"{where}: expected something like {{at: 7, fault: 503}}")
    if unknown := sorted(set(map(str, written)) - {"at", "path", "nth", "rate", "fault"}):
        raise ScriptError(f"{where}: unknown key {unknown[0]} (known are at, path, nth, rate, fault)")
    fault = written.get("fault")
    if not isinstance(fault, int | str) or fault not in STATUSES | WORDS:
        known = ", ".join(sorted(map(str, STATUSES | WORDS)))
        raise ScriptError(f"{where}: fault {fault!r} is not one of {known}")
    for name in ("at", "nth"):
        if not (written.get(name) is None or (type(written[name]) is int and written[name] > 0)):
            raise ScriptError(f"{where}: {name} must be a number from 1")
    rate = written.get("rate", 1.0)
    if not isinstance(rate, int | float) or not 0 <= rate <= 1:
        raise ScriptError(f"{where}: rate must be between 0 and 1")
    path = written.get("path")
    if path is not None and not (isinstance(path, str) and path.startswith("/")):
        raise ScriptError(f"{where}: path must begin with /")
    return Rule(fault=fault, path=path, at=written.get("at"), nth=written.get("nth"), rate=float(rate))
