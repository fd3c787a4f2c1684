"""What the emulated server has seen, so that a test can prove that nothing was asked for twice."""

from __future__ import annotations

from collections import Counter
from typing import Any

from pipeline.sandbox.engine import Engine


class Audit:
    """Counts requests and refusals. What was accepted is counted from the tasks themselves."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.requests: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        """By code of the submit result (`23`, `4`), or by HTTP status (`401`, `429`, `500`)."""
        self.struck: Counter[str] = Counter()
        """Faults that met a request at the door, of the script or by chance."""
        self.lost_replies = 0
        self.answered_again = 0
        """Windows that somebody tried to answer a second time."""
        self.swapped = 0
        """Pairs of equal prompts that got each other's picture."""

    def report(self, engine: Engine) -> dict[str, Any]:
        """The counts as JSON. `by_work` has a key per prompt, or per parent and word (`1689231405853400 U2`).

        A task that opens a window is accepted, and paid for, when that is answered.
        """
        orders = [task.order for task in engine.tasks.values() if task.order.window is None]
        open_windows = [task for task in engine.tasks.values() if task.order.window and task.finished is None]
        by_state = Counter(order.state for order in orders if order.state is not None)
        return {
            "accepted": len(orders),
            "refused": dict(self.refused),
            "lost_replies": self.lost_replies,
            "requests": dict(self.requests),
            "polls": sum(n for path, n in self.requests.items() if path.endswith(("by-condition", "/fetch"))),
            "running": engine.running,
            "waiting": len(engine.waiting),
            "max_running": engine.max_running,
            "max_waiting": engine.max_waiting,
            "duplicates": sorted(state for state, n in by_state.items() if n > 1),
            "by_state": dict(by_state),
            "by_work": dict(Counter(order.work for order in orders)),
            "by_action": dict(Counter(order.action for order in orders)),
            "windows_open": len(open_windows),
            "windows_answered_again": self.answered_again,
            "swapped": self.swapped,
            "struck": dict(self.struck),
        }
