"""A schedule's fire times become batches: each exactly one, or a sentence that says why none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from itertools import takewhile

from pipeline.errors import UsageError
from pipeline.manifest import put_in
from pipeline.schedule import FireOutcome, Overlap, Rules, batch_names, due, values
from pipeline.store import batches, fires, pictures, schedule_contents, schedules, steering
from pipeline.store.batches import Handed
from pipeline.store.engine import Transaction
from pipeline.store.fires import Running
from pipeline.store.schedule_contents import Content
from pipeline.store.schedules import Schedule
from pipeline.terms import smaller


def settle(tx: Transaction, schedule_id: int, *, now: datetime | None = None) -> list[int]:
    """Settles what is due of a schedule, unless somebody else does: the batches that were made, to be read.

    `now` is the database's clock if not given. Up to 5,000 fire times are settled at once; the next call goes on.
    """
    schedule = schedules.take_due(tx, schedule_id, now=now)
    if schedule is None:
        return []
    made = [_make_queued(tx, schedule)]
    found = due(schedule.rules, schedule.settled_until, schedule.now)
    fires.record_all(tx, schedule.id, found.missed, FireOutcome.MISSED, found.why)
    made += [_fire(tx, schedule, fire_at) for fire_at in found.kept]
    schedules.settled(tx, schedule, found.until, schedule.rules)
    return [batch_id for batch_id in made if batch_id is not None]


def run_now(tx: Transaction, schedule: Schedule) -> int:
    """A batch at once, even if another is not over, or the schedule paused. Raises `UsageError` beyond its budget."""
    left = _left(tx, schedule, schedule.now)
    if left is not None and left <= 0:
        raise UsageError(f"{schedule.name}: {_used_up(schedule)}; nothing was made")
    return _make(tx, schedule, schedule.now, left, by_hand=True)


def resume(tx: Transaction, schedule: Schedule) -> None:
    """Goes on with a paused schedule, from now: what would have fired meanwhile is not made up for."""
    _pass_over(tx, schedule, schedule.rules, "before the schedule was paused")
    schedules.resume(tx, schedule)


def change(tx: Transaction, schedule: Schedule, content: Content) -> None:
    """The schedule has this manifest and these rules from now on."""
    _pass_over(tx, schedule, content.rules, "before the schedule was replaced")
    schedule_contents.change(tx, schedule, content)


def _pass_over(tx: Transaction, schedule: Schedule, rules: Rules, before: str) -> None:
    """Settles every fire time up to now without a batch. From now on the `rules` hold."""
    after = schedule.rules.calendar.after(schedule.settled_until)
    come = list(takewhile(lambda fire_at: fire_at <= schedule.now, after))
    paused = [fire_at for fire_at in come if schedule.paused_at and fire_at > schedule.paused_at]
    missed = come[: len(come) - len(paused)]
    fires.record_all(tx, schedule.id, missed, FireOutcome.MISSED, f"no beat looked at it {before}")
    fires.record_all(tx, schedule.id, paused, FireOutcome.PAUSED, "the schedule was paused")
    schedules.settled(tx, schedule, schedule.now, rules)


def _make_queued(tx: Transaction, schedule: Schedule) -> int | None:
    """The batch of the fire time that waits, once the one before it is over."""
    fire_at = fires.queued(tx, schedule.id)
    if fire_at is None or fires.running(tx, schedule.id):
        return None
    fires.forget_queued(tx, schedule.id)
    return _make_if_affordable(tx, schedule, fire_at)


def _fire(tx: Transaction, schedule: Schedule, fire_at: datetime) -> int | None:
    overlap = schedule.rules.overlap
    running = [] if overlap is Overlap.ALLOW else fires.running(tx, schedule.id)
    if running and overlap is not Overlap.CANCEL:
        waits = fires.queued(tx, schedule.id)
        queue = overlap is Overlap.QUEUE and waits is None
        reason = f"{running[-1].name} is not over" + (", and another waits for it already" if waits else "")
        outcome = FireOutcome.QUEUED if queue else FireOutcome.SKIPPED
        fires.record(tx, schedule.id, fire_at, outcome, reason=reason)
        return None
    return _make_if_affordable(tx, schedule, fire_at, instead_of=running)


def _make_if_affordable(
    tx: Transaction, schedule: Schedule, fire_at: datetime, instead_of: Sequence[Running] = ()
) -> int | None:
    """A batch instead of those, which are cancelled once it is sure that this one can be made."""
    left = _left(tx, schedule, fire_at, instead_of)
    if left is not None and left <= 0:
        fires.record(tx, schedule.id, fire_at, FireOutcome.UNAFFORDABLE, reason=_used_up(schedule))
        return None
    for batch in instead_of:
        if not batch.cancelled:
            steering.cancel(tx, batch.id)
    return _make(tx, schedule, fire_at, left)


def _left(tx: Transaction, schedule: Schedule, fire_at: datetime, instead_of: Sequence[Running] = ()) -> Decimal | None:
    """What the budget of the window of a fire time still pays for; None: there is none."""
    rules = schedule.rules
    if rules.budget is None or rules.per is None:
        return None
    fires.running(tx, schedule.id)
    window = rules.calendar.window(rules.per, fire_at)
    return rules.budget - fires.committed(tx, schedule.id, window, [batch.id for batch in instead_of])


def _used_up(schedule: Schedule) -> str:
    return f"beyond the budget: all {schedule.rules.budget:f} of this {schedule.rules.per} are spent or reserved"


def _make(
    tx: Transaction, schedule: Schedule, fire_at: datetime, left: Decimal | None, *, by_hand: bool = False
) -> int:
    local = schedule.rules.calendar.local(fire_at)
    given = values(local, schedules.count_batch(tx, schedule))
    names = batch_names(schedule.name, local, by_hand=by_hand)
    named = schedule_contents.pictures(tx, schedule)
    handed = Handed(
        name=next(name for name in names if batches.known(tx, schedule.account, name) is None),
        filename=schedule.filename,
        manifest=put_in(schedule_contents.manifest(tx, schedule), given),
        deliver=schedule.deliver,
        lint=schedule.lint,
        pictures=tuple(picture.sha256 for picture in named.values()),
    )
    batch_id, _ = batches.receive(tx, schedule.account_id, handed)
    batches.agree(tx, batch_id, replace(schedule.terms, budget=smaller(schedule.terms.budget, left)))
    pictures.name_them(tx, batch_id, named)
    fires.record(tx, schedule.id, fire_at, FireOutcome.MADE, batch_id=batch_id, by_hand=by_hand)
    return batch_id
