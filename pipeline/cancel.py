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


def ask_to_stop(store: Store, api: Api, account_id: int, each: Each = map) -> Asked:
    """Asks about everything that is to be stopped. Raises `QueryError` when the API does not answer: ask again later.

    Whether a task has stopped is for its reports to say, as always: some are made before they can be stopped.
    """
    asked, last = Asked(), 0
    while True:
        with store.begin() as tx:
            listed = steering.to_stop(tx, account_id, last)
        if not listed:
            return asked
        last = listed[-1].id
        answers = dict(zip(listed, each(partial(_ask, api), listed), strict=True))
        with store.begin() as tx:
            steering.was_asked(tx, [task.id for task, answer in answers.items() if not isinstance(answer, QueryError)])
        for answer in answers.values():
            if isinstance(answer, QueryError):
                raise answer
        asked = asked.and_(answers.values())


def _ask(api: Api, task: ToStop) -> Answer:
    try:
        return api.cancel(task.remote_id)
    except QueryError as silence:
        return silence
