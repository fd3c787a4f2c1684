"""Whatever happens, in any order and repeated: no forbidden move, no second POST without certainty, and no money lost.

The machine plays the API, the workers, the network and a person. It knows the truth of every POST; the program under
test knows only what it is told.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test

from pipeline import doubt, follow_up, submit, track
from pipeline.action import Action
from pipeline.doubt import Seen
from pipeline.hooks.callback import Callback
from pipeline.hooks.door import Door
from pipeline.outcome import Accepted, Blame, InDoubt, Outcome, Refused, Report, TryAgain
from pipeline.store import (
    accounts,
    batches,
    claims,
    deliveries,
    doubts,
    looks,
    moves,
    needs,
    rescue,
    retrying,
    rows,
    settlements,
)
from pipeline.store.batches import Handed
from pipeline.store.deliveries import DeliveryEnd
from pipeline.store.engine import Store
from pipeline.store.presence import Presence
from pipeline.task import MOVES, REVIVALS, ClaimedTask, NewTask, Policy, State
from pipeline.terms import Terms
from pipeline.then import FollowUp

PRICES = {Action.IMAGINE: Decimal("0.04"), Action.UPSCALE: Decimal("0.01")}
HOW = ("heard", "busy", "away", "banned", "lost", "lost", "killed")
"""What a worker hears of a POST; of one that was accepted, only whether it hears at all makes a difference."""
BY_A_PERSON = {"retry", "resolve", "needs", "manifest"}


@dataclass(slots=True)
class Post:
    """One POST, as only the API knows it."""

    task: ClaimedTask
    accepted: bool = False
    ended: str | None = None
    """SUCCESS, FAILURE or nothing yet."""
    told: list[Report] = field(default_factory=list)
    """Everything that the API has ever said of it: any of it may arrive at any time, and again."""

    @property
    def remote_id(self) -> str:
        return f"r-{self.task.token[:8]}"

    @property
    def paid(self) -> bool:
        return self.accepted and self.ended != "FAILURE"


class AnyOrder(RuleBasedStateMachine):
    store: Store
    posts = Bundle("posts")

    def __init__(self) -> None:
        super().__init__()
        self.rng = random.Random(0)
        self.by_token: dict[str, Post] = {}
        self.risked: set[int] = set()
        """Tasks of which a person or the policy has said: send it again, at the risk of paying twice."""
        with self.store.begin() as tx:
            tx.run("TRUNCATE accounts, batches, tasks, attempts, task_events, artifacts, processes CASCADE")
            self.account_id = accounts.register(
                tx, name="acme", base_url="http://acme.test", max_running=9, max_queued=9
            )
            handed = Handed(name="spring", filename="spring.csv", manifest=b"x", deliver=True)
            self.batch_id, _ = batches.receive(tx, self.account_id, handed)
            then = (FollowUp("U1"),)
            wanted = [
                NewTask(key=key, stem=key, action=Action.IMAGINE, prompt=f"a {key}", then=then)
                for key in ("fox", "owl", "cat", "hen", "elk", "bee")
            ]
            rows.write_tasks(tx, self.batch_id, wanted)
            batches.agree(tx, self.batch_id, Terms(prices=PRICES))
        self.presence = Presence(self.store.engine)
        self.door = Door(self.store, lambda *_: None)

    def teardown(self) -> None:
        self.presence.leave()

    @rule(target=posts, ends=st.lists(st.tuples(st.booleans(), st.sampled_from(HOW)), min_size=3, max_size=3))
    def a_worker_sends(self, ends: list[tuple[bool, str]]) -> object:
        """A handful is claimed and POSTed. Each POST arrives or does not, whatever the worker hears of it."""
        with self.store.begin() as tx:
            tx.run("UPDATE accounts SET blocked_until = NULL, refusals = 0")
            tx.run("UPDATE tasks SET next_attempt_at = now() WHERE state = 'planned' AND next_attempt_at > now()")
            claimed, _ = claims.claim_for_submit(tx, self.account_id, most=3, lease=600, owner=self.presence.hold())
        for task, (accepted, how) in zip(claimed, ends, strict=False):
            before = [post for post in self.by_token.values() if post.task.id == task.id]
            paid = [post for post in before if post.paid]
            assert not paid or task.id in self.risked, "a task is POSTed again although the API has it"
            post = self.by_token[task.token] = Post(task, accepted=accepted)
            self._end(post, how)
        return multiple(*(self.by_token[task.token] for task in claimed))

    def _end(self, post: Post, how: str) -> None:
        if how == "killed":
            with self.store.begin() as tx:
                tx.run("UPDATE tasks SET lease_until = now() - interval '1 s' WHERE id = :id", id=post.task.id)
                rescue.rescue(tx, self.presence)
                rescue.rescue(tx, self.presence)
        elif how == "lost":
            self._settle(post, InDoubt(reason="the reply was lost"))
        elif post.accepted:
            self._settle(post, Accepted(remote_id=post.remote_id, code=1, detail=""))
        else:
            blame = {"busy": Blame.ACCOUNT, "away": Blame.SERVER}.get(how, Blame.TASK)
            refused = Refused(reason="banned") if how == "banned" else TryAgain(reason="later", blame=blame)
            self._settle(post, refused)

    @rule(post=posts)
    def its_reply_comes_after_all(self, post: Post) -> None:
        """The worker was only cut off."""
        if post.accepted:
            self._settle(post, Accepted(remote_id=post.remote_id, code=1, detail=""))

    @rule(horizon=st.sampled_from((0.0, 0.0, 1e9)), complete=st.booleans(), policy=st.sampled_from(Policy))
    def it_is_looked_for(self, horizon: float, complete: bool, policy: Policy) -> None:
        with self.store.begin() as tx:
            batches.agree(tx, self.batch_id, Terms(prices=PRICES, in_doubt=policy))
            tx.run("UPDATE tasks SET next_attempt_at = now() WHERE next_attempt_at > now() AND state <> 'planned'")
            sought = [task for task in looks.take_to_look(tx, self.account_id) if not task.remote_id]
        resolutions = []
        for task in sought:
            there = [self.by_token[token] for token in task.tokens if self.by_token[token].accepted]
            report = Report(remote_id=there[0].remote_id, state=State.SUBMITTED) if there else None
            seen = Seen(report=report, token=there[0].task.token if there else None, absent=complete, why="unknown")
            found = doubt.resolution(task, seen, horizon, 3)
            if found and found.state is State.PLANNED and not found.costs_nothing:
                self.risked.add(task.id)
            resolutions += [found] if found else []
        with self.store.begin() as tx:
            doubts.resolve(tx, resolutions, "look_up")
            doubts.resolve(tx, resolutions, "look_up")

    @rule(
        post=posts,
        state=st.sampled_from((State.SUBMITTED, State.RUNNING, State.SUCCEEDED, State.FAILED)),
        which=st.integers(0, 9),
        pushed=st.booleans(),
    )
    def a_report_arrives(self, post: Post, state: State, which: int, pushed: bool) -> None:
        """The newest or an older one. What has ended at the API stays as it has ended."""
        if not post.accepted:
            return
        if not post.ended:
            post.ended = {State.SUCCEEDED: "SUCCESS", State.FAILED: "FAILURE"}.get(state)
            link = "http://acme.test/1.png" if state is State.SUCCEEDED else None
            reason = "banned" if state is State.FAILED else None
            post.told.append(
                Report(remote_id=post.remote_id, state=state, image_url=link, reason=reason, progress="1%")
            )
        report = post.told[-1 - which % len(post.told)]
        if pushed:
            self.door.take([Callback(token=post.task.token, report=report)])
            return
        with self.store.begin() as tx:
            known = claims.at_the_api(tx, self.account_id, [post.task.id])
            self._adopt(tx, track.changes(known, [report]))

    @rule(post=posts)
    def the_api_forgets_it(self, post: Post) -> None:
        with self.store.begin() as tx:
            tx.run(
                "UPDATE tasks SET missing_since = now() - interval '1 day', misses = 99 WHERE id = :id "
                "AND state IN ('submitted', 'running')",
                id=post.task.id,
            )
            known = claims.at_the_api(tx, self.account_id, [post.task.id])
            self._adopt(tx, track.forgotten(known))

    @rule(post=posts, what=st.sampled_from(("found", "resend", "give up")))
    def a_person_settles_it(self, post: Post, what: str) -> None:
        with self.store.begin() as tx:
            state = tx.scalar("SELECT state FROM tasks WHERE id = :id", id=post.task.id)
            newest = tx.scalar("SELECT attempt FROM tasks WHERE id = :id", id=post.task.id) == post.task.attempt
            if state != "in_doubt" or not newest:
                return
            if what == "found" and post.accepted:
                doubts.found(tx, post.task.id, post.remote_id)
            elif what == "resend":
                self.risked.add(post.task.id)
                doubts.send_again(tx, post.task.id)
            elif what == "give up":
                doubts.give_up(tx, post.task.id)

    @rule()
    def a_person_says_retry(self) -> None:
        """The API is asked first, as the command does."""
        with self.store.begin() as tx:
            ids = list(retrying.ended_at_the_api(tx, self.batch_id))
            known = claims.at_the_api(tx, self.account_id, ids)
            of = {post.remote_id: post for post in self.by_token.values() if post.accepted}
            newest = [of[task.remote_id] for task in known if task.remote_id in of]
            said = [
                post.told[-1] if post.told else Report(remote_id=post.remote_id, state=State.SUBMITTED)
                for post in newest
            ]
            self._adopt(tx, track.changes(known, said))
            retrying.resume(tx, track.unfinished(known, said))
            retrying.retry(tx, self.batch_id)
            needs.settle(tx, self.account_id)

    @rule()
    def pictures_come_home(self) -> None:
        with self.store.begin() as tx:
            ids = [row.id for row in tx.rows("SELECT id FROM tasks WHERE state = 'succeeded'")]
            for task in deliveries.claim_for_delivery(tx, ids, lease=60, owner=self.presence.hold()):
                deliveries.record(
                    tx, [DeliveryEnd(id=task.id, path=f"{task.id}.png", bytes=1, sha256="0", media_type="image/png")]
                )

    @invariant()
    def no_move_is_forbidden(self) -> None:
        with self.store.begin() as tx:
            made = tx.rows("SELECT DISTINCT from_state, to_state, cause FROM task_events")
        for move in made:
            before, after = State(move.from_state), State(move.to_state)
            told = after in REVIVALS.get(before, ()) and move.cause in BY_A_PERSON
            assert after in MOVES[before] or told, move

    @invariant()
    def money_is_conserved(self) -> None:
        with self.store.begin() as tx:
            found = tx.rows(
                "SELECT action, state, attempt, reserved, spent, released, price FROM tasks WHERE attempt > 0"
            )
        for task in found:
            price = PRICES[Action(task.action)]
            assert task.reserved + task.spent + task.released == price * task.attempt, task
            made = task.state in {"succeeded", "delivered"}
            assert task.spent == (price if made else 0), task
            if task.state in {"submitting", "in_doubt", "submitted", "running"}:
                assert task.reserved >= price, task

    @invariant()
    def what_is_reserved_may_still_come_to_cost(self) -> None:
        """The last POST, while it is under way, being made, or in doubt; and every one in doubt before it."""
        with self.store.begin() as tx:
            found = tx.rows(
                """
                SELECT t.action, t.state, t.reserved, t.remote_id, count(a.id) FILTER (
                    WHERE coalesce(a.outcome, 'in_doubt') = 'in_doubt' AND a.number < t.attempt) AS earlier,
                    count(a.id) FILTER (
                        WHERE coalesce(a.outcome, 'in_doubt') = 'in_doubt' AND a.number = t.attempt) AS last
                FROM tasks t JOIN attempts a ON a.task_id = t.id GROUP BY t.id
                """
            )
        for task in found:
            price = PRICES[Action(task.action)]
            if task.state == "planned":
                assert task.reserved <= price * (task.earlier + task.last), task
            if task.state in {"succeeded", "delivered"}:
                assert task.reserved <= price * task.earlier, task

    @invariant()
    def what_the_api_has_is_at_most_once_there(self) -> None:
        for task_id in {post.task.id for post in self.by_token.values()} - self.risked:
            paid = [post for post in self.by_token.values() if post.task.id == task_id and post.paid]
            assert len(paid) <= 1

    def _settle(self, post: Post, outcome: Outcome) -> None:
        settled = submit.settlement(post.task, outcome, 3, self.rng)
        for _ in range(2):
            with self.store.begin() as tx:
                settlements.settle(tx, [settled])

    def _adopt(self, tx: object, changes: list[moves.Change]) -> None:
        finished = moves.report(tx, changes, "poll")
        moves.add_children(tx, self.account_id, follow_up.children(finished))


@pytest.fixture
def machine(quick_store: Store) -> type[AnyOrder]:
    return type("AnyOrderHere", (AnyOrder,), {"store": quick_store})


def test_whatever_happens_in_any_order_nothing_is_paid_twice_and_money_is_conserved(machine: type[AnyOrder]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
