"""What goes wrong on purpose: by chance (the rates of `Options`), or by prompt.

A prompt that holds `--sandbox WORD` meets that fault for certain, for this one imagine and not for its follow-ups:

    fail        accepted, and later FAILURE
    lost        accepted, but the connection is closed without an answer
    500         an error instead of an answer, nothing accepted
    missing     its picture answers 404
    html        its picture answers with a web page, status 200
    truncated   its picture is cut off half way, in a reply that looks complete
"""

from __future__ import annotations

import re
from random import Random

from pipeline.sandbox.options import Options
from pipeline.sandbox.tasks import Action, Order

_ASKED = re.compile(r"--sandbox\s+(\w+)")


class Faults:
    """Draws every lot. One request after the other, so that a seed repeats them."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self.reset()

    def reset(self) -> None:
        self._lots = Random(self._options.seed)  # noqa: S311 - not a secret
        self._turned_away = 0

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

    def doom(self, order: Order) -> str | None:
        """Why this order will fail, if it will."""
        if asked(order) == "fail":
            return "[Invalid parameter] Unrecognized parameter(s): `--sandbox`"
        if self._strikes(self._options.failure_rate):
            return "[Internal Server Error] The picture could not be made (failure rate of the sandbox)"
        return None

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
