"""What a row is known by beside its key: everything that it sends, the pictures of other rows included."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from itertools import pairwise
from typing import Any

from pipeline.inputs import inputs_to_json
from pipeline.task import NewTask
from pipeline.then import FollowUp


class Fingerprints:
    """Gives each row of one manifest its fingerprint, in an order in which rows stand below those that they use.

    A row that uses the picture of a row that has changed has changed itself, whatever the order of the others.
    """

    def __init__(self) -> None:
        self._rows: dict[str, tuple[str, tuple[FollowUp, ...]]] = {}

    def of(self, task: NewTask) -> str:
        sources = [self._source(one.stems) for one in task.inputs if one.stems]
        fingerprint = _digest([task.fingerprint, sources]) if sources else task.fingerprint
        self._rows[task.stem] = fingerprint, task.then
        return fingerprint

    def _source(self, stems: Sequence[str]) -> list[Any]:
        """The row, and what the follow-ups on the way from it to the picture say of their own."""
        fingerprint, then = self._rows.get(stems[0], ("", ()))
        own: list[Any] = []
        for before, stem in pairwise(stems):
            one = next((one for one in then if f"{before}-{one.word}" == stem), None)
            then = one.then if one else ()
            _, prompt, mask = one.request if one else ("", None, None)
            own.append([prompt, inputs_to_json([mask] if mask else [])])
        return [fingerprint, own]


def _digest(what: list[Any]) -> str:
    return sha256(json.dumps(what).encode()).hexdigest()[:32]
