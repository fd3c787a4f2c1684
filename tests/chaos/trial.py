"""One scenario from the first manifest to the verdict."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from tests.chaos.evidence import gather
from tests.chaos.fleet import Fleet
from tests.chaos.scenarios import Scenario
from tests.chaos.verdict import FOLLOW_UPS, Verdict, judge

DEADLINE = 480.0
"""Seconds that a scenario may take. It ends long before, unless something hangs."""
HORIZON = 15.0
"""Seconds after which what the server does not know counts as never sent, as `PIPELINE_HORIZON`. It has to be longer
than anything holds a POST back, here the network's `HOLD`: with 3 s, a POST that was held when the network broke was
looked for in vain, sent again, and arrived then."""
LATE = 20.0
"""Seconds for which something that is missing may still come late."""
MOST_MANIFESTS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a scenario came to.

    `again` is the longest time, in seconds, from a fault until a task moved again. `settled` is the time from the last
    fault until nothing was unfinished.
    """

    scenario: str
    again: float
    settled: float
    took: float
    verdict: Verdict


class Trial:
    """A scenario that runs in `home` with the chances of `seed`."""

    def __init__(self, scenario: Scenario, seed: int, home: Path, scale: float = 1.0) -> None:
        self.scenario = scenario
        self._rows = max(1, round(scenario.rows * scale))
        self._dice = Random(f"{seed} {scenario.name}")
        self._seed = seed
        self._home = home
        self._submitted = 0
        self._ends = time.monotonic() + DEADLINE

    def run(self) -> Outcome:
        began = time.monotonic()
        scenario = self.scenario
        with Fleet(
            self._home,
            server=scenario.server,
            settings={"horizon": str(HORIZON)} | dict(scenario.settings),
            visibility=scenario.visibility,
            seed=self._seed,
        ) as fleet:
            self._work(fleet)
            over = time.time()
            verdict = self._verdict(fleet)
            for service in fleet.services.status():
                assert service.state != "failed", f"{service.name} does not stay up: {service.log}"
            return Outcome(
                scenario=scenario.name,
                again=_longest_standstill(fleet),
                settled=over - max(fleet.faults, default=over),
                took=time.monotonic() - began,
                verdict=verdict,
            )

    def _work(self, fleet: Fleet) -> None:
        """Submits the manifests while the faults strike, and more of them until the last fault has struck."""
        trouble: list[BaseException] = []

        def strike() -> None:
            try:
                self.scenario.faults(fleet, self._dice)
            except BaseException as failure:  # noqa: BLE001 - it is raised below, where somebody looks
                trouble.append(failure)

        chaos = threading.Thread(target=strike, name="chaos", daemon=True)
        chaos.start()
        for _ in range(self.scenario.manifests):
            self._submit(fleet)
        while not trouble and (chaos.is_alive() or not self._is_over(fleet)):
            if chaos.is_alive() and self._submitted < MOST_MANIFESTS and self._is_over(fleet):
                self._submit(fleet)
            assert time.monotonic() < self._ends, self._dump(fleet)
            time.sleep(0.1)
        if trouble:
            raise trouble[0]

    def _submit(self, fleet: Fleet) -> None:
        self._submitted += 1
        name = f"m{self._submitted}"
        rows = (f"r{row},a lighthouse on rock {row} of coast {name},U1-U4" for row in range(self._rows))
        (fleet.home / f"{name}.csv").write_text("\n".join(("key,prompt,then", *rows)) + "\n")
        if self.scenario.impatient:
            fleet.killed_command(self._dice.uniform(0.5, 3.0), "submit", f"{name}.csv")
        fleet.pipeline("submit", f"{name}.csv")

    def _is_over(self, fleet: Fleet) -> bool:
        """Whether nothing goes on by itself. What has succeeded and is not due any more waits for a person: a loss."""
        return not fleet.ask(
            """
            SELECT FROM batches WHERE state = 'received' UNION ALL SELECT FROM tasks
            WHERE state IN ('planned', 'submitting', 'submitted', 'running')
                OR (state IN ('succeeded', 'in_doubt') AND next_attempt_at IS NOT NULL) LIMIT 1
            """
        )

    def _verdict(self, fleet: Fleet) -> Verdict:
        """What is missing may come late: that is waited for before it counts."""
        ends = time.monotonic() + LATE
        while (verdict := self._judge(fleet)).lost and time.monotonic() < ends:
            time.sleep(1)
        return verdict

    def _judge(self, fleet: Fleet) -> Verdict:
        settings = self.scenario.settings
        return judge(
            gather(fleet, asked_for=self._submitted * self._rows * (1 + FOLLOW_UPS)),
            may_resubmit=settings.get("in_doubt") == "resubmit",
            can_look=settings.get("api_dialect") != "relay",
            hurts=self.scenario.hurts,
        )

    def _dump(self, fleet: Fleet) -> str:
        """What there is to see when it does not end."""
        rows = fleet.ask(
            """
            SELECT b.name, t.stem, t.state, t.reason, t.attempt, t.lease_until, t.owner, t.next_attempt_at, t.updated_at
            FROM tasks t JOIN batches b ON b.id = t.batch_id WHERE t.state NOT IN ('delivered', 'in_doubt') LIMIT 20
            """
        )
        return "\n".join(
            (
                f"{self.scenario.name} (seed {self._seed}) is not over after {DEADLINE:.0f} s, in {self._home}:",
                f"now {datetime.now(tz=UTC)}; {fleet.ask('SELECT state, count(*) FROM tasks GROUP BY 1')}",
                *(" ".join(map(str, row)) for row in rows),
                f"accounts {fleet.ask('SELECT * FROM accounts')}",
                f"dooms that nobody met {fleet.crew.unmet}",
                *(f"{name}: {'alive' if one.alive else 'dead'}" for name, one in fleet.crew.members.items()),
            )
        )


def _longest_standstill(fleet: Fleet) -> float:
    longest = 0.0
    for moment in fleet.faults:
        ((next_move,),) = fleet.ask(
            "SELECT extract(epoch FROM min(at))::float FROM task_events WHERE at > to_timestamp(%(moment)s)",
            moment=moment,
        )
        longest = max(longest, (next_move or moment) - moment)
    return longest
