"""An account that is used as the flow uses it: ask, answer the window, look until it is finished."""

from __future__ import annotations

import itertools
import time
import uuid
from base64 import b64encode
from dataclasses import dataclass, field, replace
from io import BytesIO
from typing import Any

from PIL import Image

from pipeline.action import Action
from pipeline.api.client import Api
from pipeline.inputs import Attached, Role
from pipeline.outcome import Accepted, Blame, Outcome, Report, TryAgain, Window
from pipeline.task import ClaimedTask, State
from pipeline.then import FollowUp

UNFINISHED = (State.SUBMITTED, State.RUNNING)
FIRST_WAIT, LONGEST_WAIT = 0.02, 5.0
"""Seconds between two looks; each wait is longer than the one before."""


def attached(colour: str = "teal", *, size: tuple[int, int] = (96, 64), role: Role = Role.IMAGE) -> Attached:
    """A small PNG of one colour."""
    file = BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return Attached(role=role, content="data:image/png;base64," + b64encode(file.getvalue()).decode())


def mask() -> Attached:
    """Its right half is to be painted anew."""
    picture, file = Image.new("L", (96, 96), 0), BytesIO()
    picture.paste(255, (48, 0, 96, 96))
    picture.save(file, "PNG")
    return Attached(role=Role.MASK, content="data:image/png;base64," + b64encode(file.getvalue()).decode())


@dataclass(slots=True)
class Account:
    """`seconds`: how long a task may take here."""

    api: Api
    seconds: float
    parents: dict[str, Report] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def row(self, action: Action = Action.IMAGINE, prompt: str = "a red fox in the snow", **said: Any) -> ClaimedTask:
        """Prompts differ from task to task: servers may mistake the pictures of equal ones."""
        known: dict[str, Any] = {"id": 1, "attempt": 1, "index": None, "mode": None, "tries": 0, "seconds_failing": 0.0}
        if prompt and action in {Action.IMAGINE, Action.SHORTEN}:
            prompt = f"{prompt} --seed {next(self._numbers)}" if action is Action.IMAGINE else prompt
        return ClaimedTask(action=action, prompt=prompt, token=uuid.uuid4().hex, **(known | said))

    def follow_up(self, parent: Report, word: str, prompt: str = "a red fox in the snow", **said: Any) -> ClaimedTask:
        named = FollowUp(word)
        of = {"parent_remote_id": parent.remote_id, "parent_buttons": parent.buttons}
        task = self.row(named.action, prompt, word=word, index=named.index, **of, **said)
        return replace(task, prompt=prompt)

    def make(self, task: ClaimedTask) -> Report:
        """Through its window, if one opens, to its end."""
        outcome = self._sent(task)
        if isinstance(outcome, Window):
            return self._answered(task, outcome.remote_id)
        assert isinstance(outcome, Accepted), outcome
        report = outcome.report or self.ended(outcome.remote_id)
        return self._answered(task, report.remote_id) if report.window else report

    def ended(self, remote_id: str) -> Report:
        """The report of the end, or of a window that only the report tells of."""
        return self._looked(remote_id, windows=True)

    def follow(self, parent: Report, word: str, **said: Any) -> Report:
        report = self.make(self.follow_up(parent, word, **said))
        assert report.state is State.SUCCEEDED, report.reason
        return report

    def grid(self) -> Report:
        """Four pictures, made once for all tests that only need some."""
        return self._once("grid", lambda: self.make(self.row()))

    def single(self) -> Report:
        """One picture of them."""
        return self._once("single", lambda: self.follow(self.grid(), "U2"))

    def _once(self, name: str, making: Any) -> Report:
        if name not in self.parents:
            self.parents[name] = making()
            assert self.parents[name].state is State.SUCCEEDED, self.parents[name].reason
        return self.parents[name]

    def _answered(self, task: ClaimedTask, window_id: str) -> Report:
        outcome = self._sent(replace(task, window_id=window_id, token=uuid.uuid4().hex))
        assert isinstance(outcome, Accepted), outcome
        return self._looked(outcome.remote_id, windows=False)

    def _looked(self, remote_id: str, *, windows: bool) -> Report:
        gives_up, waited = time.monotonic() + self.seconds, FIRST_WAIT
        while True:
            report = self.api.fetch(remote_id)
            if report and ((report.window and windows) or self._is_final(report)):
                return report
            assert time.monotonic() < gives_up, report
            time.sleep(waited)
            waited = min(LONGEST_WAIT, 1.5 * waited)

    def _is_final(self, report: Report) -> bool:
        """Servers say SUCCESS a moment before they know the link or the text."""
        if report.state is State.SUCCEEDED:
            return report.image_url is not None or report.result is not None
        return report.state not in UNFINISHED

    def _sent(self, task: ClaimedTask) -> Outcome:
        """Again, for a while, when the server is full or has not noted the parent's success yet."""
        gives_up = time.monotonic() + self.seconds
        outcome = self.api.submit(task)
        while isinstance(outcome, TryAgain) and outcome.blame is not Blame.KEY and time.monotonic() < gives_up:
            time.sleep(outcome.after or 0.2)
            outcome = self.api.submit(task)
        return outcome
