"""What goes wrong on purpose: by chance (the rates of `Options`), by a script, or by prompt.

A prompt that holds `--sandbox WORD` meets that fault for certain, for this one imagine and not for its follow-ups:

    fail        accepted, and later FAILURE
    late_fail   accepted, IN_PROGRESS up to 100 %, and then FAILURE
    lost        accepted, but the connection is closed without an answer
    500         an error instead of an answer, nothing accepted
    missing     its picture answers 404
    html        its picture answers with a web page, status 200
    truncated   its picture is cut off half way, in a reply that looks complete
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from random import Random

from pipeline.sandbox import script
from pipeline.sandbox.options import Options
from pipeline.sandbox.results import RefusedError
from pipeline.sandbox.tasks import Action, Order

_ASKED = re.compile(r"--sandbox\s+(\w+)")
_UNLUCKY = "[Internal Server Error] The picture could not be made (failure rate of the sandbox)"
_HASTY = ((3, "关联任务不存在或已失效"), (4, "关联任务状态错误"))


@dataclass(frozen=True, slots=True)
class Doom:
    """Why an order will fail, and whether only after 100 %."""

    why: str | None = None
    late: bool = False


NO_DOOM = Doom()


class Faults:
    """Draws every lot. One request after the other, so that a seed repeats them."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._script = script.read(options.script, options.seed) if options.script else script.Script((), 0)
        self.reset()

    def reset(self) -> None:
        self._lots = Random(self._options.seed)  # noqa: S311 - not a secret
        self._turned_away = 0
        self._followed: Counter[str] = Counter()
        self._script.reset()

    def struck(self, path: str) -> int | str | None:
        """The fault that meets this request before it is understood: a status, or a word of the script."""
        if (fault := self.scripted(path)) is not None:
            return fault
        return next((status for status, rate in self._options.refusal_rates if self._strikes(rate)), None)

    def scripted(self, path: str) -> int | str | None:
        return self._script.strikes(path) if self._script else None

    def too_many(self) -> bool:
        """Whether this request is one of the first that are answered 429."""
        if self._turned_away >= self._options.too_many_requests:
            return False
        self._turned_away += 1
        return True

    def breaks(self, order: Order) -> bool:
        return asked(order) == "500" or self._strikes(self._options.error_rate)

    def loses(self, order: Order) -> bool:
        return asked(order) == "lost" or self._strikes(self._options.lost_reply_rate)

    def doom(self, order: Order, scripted: int | str | None = None) -> Doom:
        """Whether this order will fail."""
        word = scripted if scripted in {"fail", "late_fail"} else asked(order)
        if word in {"fail", "late_fail"}:
            return Doom("[Invalid parameter] Unrecognized parameter(s): `--sandbox`", word == "late_fail")
        if order.images or order.mask:
            for image in (*order.images, order.mask):
                if image is not None and image.flaw:
                    return Doom(image.flaw)
        if self._strikes(self._options.failure_rate):
            return Doom(_UNLUCKY)
        return Doom(_UNLUCKY, late=True) if self._strikes(self._options.late_failure_rate) else NO_DOOM

    def hurried(self, order: Order) -> None:
        """Raises RefusedError for the first follow-ups of a task, where that was chosen."""
        if order.parent is None or not self._options.hasty:
            return
        before = self._followed[order.parent.id]
        if before < self._options.hasty:
            self._followed[order.parent.id] += 1
            raise RefusedError(*_HASTY[before % 2])

    def empties(self) -> bool:
        """Whether a fetch is answered as if nobody knew the task."""
        return self._strikes(self._options.empty_fetch_rate)

    def spoils(self, order: Order) -> str | None:
        """What becomes of a request for the picture: `missing`, `html`, `truncated` or nothing."""
        if (word := asked(order)) in {"missing", "html", "truncated"}:
            return word
        if self._strikes(self._options.picture_missing_rate):
            return "missing"
        return "html" if self._strikes(self._options.picture_html_rate) else None

    def _strikes(self, rate: float) -> bool:
        return rate > 0 and self._lots.random() < rate


def asked(order: Order) -> str | None:
    """The fault that the prompt names."""
    if order.action is not Action.IMAGINE or "--sandbox" not in order.prompt:
        return None
    found = _ASKED.search(order.prompt)
    return found.group(1) if found else None
