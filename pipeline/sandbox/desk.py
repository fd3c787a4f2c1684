"""What the submit routes answer: an order is read, and placed, refused or lost."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import Response

from pipeline.sandbox import follow_ups, windows
from pipeline.sandbox.answers import Call, Sandbox
from pipeline.sandbox.buttons import BOOKMARK, DESCRIBE_ALL
from pipeline.sandbox.faults import Doom
from pipeline.sandbox.pages import JSON
from pipeline.sandbox.results import ACCOUNT, MalformedError, RefusedError, result
from pipeline.sandbox.submission import Submission
from pipeline.sandbox.submits import BANNED, Reader
from pipeline.sandbox.tasks import Action, Order, Task
from pipeline.sandbox.view import Links
from pipeline.sandbox.wire import queued

Place = Callable[[Call, Submission], Response | None]


class Desk:
    """Takes orders. `place` and the others are one answer each; `submit` puts one of them behind its checks."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._engine = sandbox.engine
        self._dialect = sandbox.dialect
        self._links = Links(sandbox.options.link_base)

    def submit(self, place: Place, call: Call) -> Response | None:
        """Runs an answer; what it raises becomes a refusal in the server's own words."""
        self._engine.advance()
        try:
            return place(call, self._submission(call))
        except MalformedError as malformed:
            return self._sandbox.page(malformed.status, call.scope)
        except RefusedError as refused:
            self._sandbox.audit.refused[str(refused.code)] += 1
            self._sandbox.audit.answered_again += isinstance(refused, windows.AnsweredAgainError)
            return Response(refused.answer, refused.status, media_type=JSON)

    def order(self, read: Reader, call: Call, asked: Submission) -> Response | None:
        return self._place(read(asked), call)

    def press(self, call: Call, asked: Submission) -> Response | None:
        """`/submit/action`. A bookmark makes no task, and describe's `all` makes four."""
        parent, button = follow_ups.pressed(asked)
        if button.custom_id.startswith(BOOKMARK):
            return _ok(result(1, self._dialect.words.accepted, parent.id, {"discordInstanceId": ACCOUNT}))
        if button.custom_id != DESCRIBE_ALL:
            return self._place(follow_ups.press(asked, parent, button), call)
        made = [self._accept(order, Doom())[0] for order in follow_ups.described_four(asked, parent, button)]
        ids = ",".join(task.id for task in made if task)
        properties = {"discordInstanceId": ACCOUNT}
        return _ok(result(1, self._dialect.words.accepted, ids, properties)) if ids else self._full()

    def modal(self, call: Call, asked: Submission) -> Response | None:
        """`/submit/modal`: the task whose window this fills in begins, under the id that it has."""
        task = windows.waiting(asked)
        order = windows.filled(asked, task.order)
        if self._sandbox.faults.breaks(order):
            return self._sandbox.page(500, call.scope)
        doom = self._doom(order, call)
        ahead = None if call.fault == "full" else self._engine.answer(task, order, doom.why, late=doom.late)
        if ahead is None:
            return self._full()
        self._sandbox.callbacks.expect(task)
        return self._accepted(task, ahead, call)

    def upload(self, call: Call, asked: Submission) -> Response:  # noqa: ARG002 - one shape for all answers
        """`/submit/upload-discord-images`: at once, and without a task."""
        images = asked.pictures_of("base64Array")
        if not images:
            raise RefusedError(4, "base64Array不能为空")
        for image in images:
            self._sandbox.journal.uploads.keep(image)
        return _ok(result(1, self._dialect.words.accepted, [self._links.upload(image) for image in images]))

    def _submission(self, call: Call) -> Submission:
        body, options = call.body, self._sandbox.options
        known = self._engine.tasks
        self._dialect.screen(call.path, body, known)
        root = call.scope.get("root_path", "")
        mode = next((mode for mode in ("fast", "relax", "turbo") if mode in root), "") if root else ""
        return Submission(
            body=body,
            known=known,
            dialect=self._dialect,
            pictures=call.pictures,
            mode=mode,
            remix=options.remix,
            relay_hooks=options.relay_hooks,
        )

    def _place(self, order: Order, call: Call) -> Response | None:
        faults = self._sandbox.faults
        faults.hurried(order)
        if faults.breaks(order):
            return self._sandbox.page(500, call.scope)
        if order.window is not None:
            return self._opened(order, call)
        task, ahead = (None, 0) if call.fault == "full" else self._accept(order, self._doom(order, call))
        return self._full() if task is None else self._accepted(task, ahead, call)

    def _accept(self, order: Order, doom: Doom) -> tuple[Task | None, int]:
        task, ahead = self._engine.accept(order, doom.why, late=doom.late)
        if task is not None:
            self._sandbox.callbacks.expect(task)
            if self._sandbox.options.swap_pictures:
                self._swap(task)
        return task, ahead

    def _doom(self, order: Order, call: Call) -> Doom:
        if self._dialect.bans_late and BANNED.search(order.prompt):
            return Doom("可能包含敏感词")
        return self._sandbox.faults.doom(order, call.fault)

    def _accepted(self, task: Task, ahead: int, call: Call) -> Response | None:
        """The answer to an accepted order; `ahead` tasks waited before it."""
        if self._loses(task.order, call):
            return None
        if not ahead:
            return _ok(result(1, self._dialect.words.accepted, self._id(task), {"discordInstanceId": ACCOUNT}))
        place = {"numberOfQueues": ahead, "discordInstanceId": ACCOUNT}
        return _ok(result(1 if self._dialect.hides_queue else 22, queued(ahead), self._id(task), place))

    def _opened(self, order: Order, call: Call) -> Response | None:
        task = self._engine.open(order)
        if self._loses(order, call):
            return None
        code = 1 if order.window in self._dialect.hides else 21
        shown = {"discordInstanceId": ACCOUNT, "finalPrompt": order.prompt, "remix": True}
        return _ok(result(code, self._dialect.words.window, self._id(task), shown))

    def _full(self) -> Response:
        code, words = self._dialect.words.queue_full
        self._sandbox.audit.refused[str(code)] += 1
        return _ok(result(code, words, properties={"discordInstanceId": ACCOUNT}))

    def _loses(self, order: Order, call: Call) -> bool:
        lost = call.fault == "lost" or self._sandbox.faults.loses(order)
        self._sandbox.audit.lost_replies += lost
        return lost

    def _id(self, task: Task) -> str | int:
        return int(task.id) if self._sandbox.options.result_as_integer else task.id

    def _swap(self, task: Task) -> None:
        """Two equal prompts in flight are told apart by nothing: each is given the other's picture."""
        if task.order.action is not Action.IMAGINE:
            return
        for other in self._engine.unfinished():
            if other is not task and other.shows is None and other.order.work == task.order.work:
                task.shows, other.shows = other, task
                self._sandbox.audit.swapped += 1
                return


def _ok(answer: bytes) -> Response:
    return Response(answer, media_type=JSON)
