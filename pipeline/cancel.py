"""What cancelled batches have at the API: it is asked to stop making it. Asking twice changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from pipeline.api.client import Api, QueryError
from pipeline.store import steering
from pipeline.store.engine import Store
from pipeline.store.steering import ToStop

Answer = str | QueryError | None
"""None: it stops it. Else why not, or why it does not answer."""
Each = Callable[[Callable[[ToStop], Answer], Sequence[ToStop]], Iterable[Answer]]
"""`map`, or that of a pool of threads."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How the API has answered, in tasks."""

    stopped: int = 0
    refused: int = 0
    why: str | None = None
    """The last refusal, in its own words."""

    def and_(self, answers: Collection[Answer]) -> Asked:
        refusals = [str(answer) for answer in answers if answer]
        return Asked(
            stopped=self.stopped + len(answers) - len(refusals),
            refused=self.refused + len(refusals),
            why=refusals[-1] if refusals else self.why,
        )


def ask_to_stop(store: Store, api: Api, account_id: int, each: Each = map, batch_id: int | None = None) -> Asked:
    """Asks about everything that is to be stopped, or all of a batch. Raises `QueryError` when the API does not answer:
    after a while it is asked again.

    Whether a task has stopped is for its reports to say, as always: some are made before they can be stopped.
    """
    asked = Asked()
    while True:
        with store.begin() as tx:
            taken = steering.take_to_stop(tx, account_id, batch_id)
        if not taken:
            return asked
        answers = dict(zip(taken, each(partial(_ask, api), taken), strict=True))
        answered = {task: answer for task, answer in answers.items() if not isinstance(answer, QueryError)}
        with store.begin() as tx:
            steering.was_asked(tx, [task.id for task in answered])
        asked = asked.and_(answered.values())
        for answer in answers.values():
            if isinstance(answer, QueryError):
                raise answer


def _ask(api: Api, task: ToStop) -> Answer:
    try:
        return api.cancel(task.remote_id)
    except QueryError as silence:
        return silence
