"""The matrix: what is done to a fleet while it works, and how much work it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.chaos import faults
from tests.chaos.faults import Fault, each, sentence, times
from tests.chaos.points import DELIVER, LOOK, READ, RESCUE, SUBMIT, TRACK
from tests.chaos.proxy import Cut

LOSSY: dict[str, object] = {
    "error_rate": 0.02,
    "lost_reply_rate": 0.01,
    "lost_callback_rate": 0.2,
    "doubled_callback_rate": 0.05,
    "reordered_callback_rate": 0.05,
}
"""2 % of the POSTs are answered 500, the replies to 1 % are lost after acceptance; callbacks are lost, doubled, and
overtake each other."""

DOUBTFUL = ("submit: sent, reply not read", "submit: just before a POST")
RESCUED = tuple(point for last in RESCUE for point in (DOUBTFUL[0], last, DOUBTFUL[1]))
LOOKED_FOR = tuple(point for last in LOOK for point in (DOUBTFUL[0], last, DOUBTFUL[1]))
"""Rescue, and whoever looks for lost replies, has something to do only after somebody has died in a POST."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """`rows` imagines with U1-U4 in each of `manifests`; more of these as long as faults are still to come."""

    name: str
    faults: Fault
    rows: int = 10
    manifests: int = 4
    server: Mapping[str, object] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    visibility: float | None = None
    impatient: bool = False
    """Whether the person kills each `pipeline submit` once before it is done, and types it again."""
    hurts: frozenset[str] = frozenset()
    """Which services go away: processes that need them may complain in their logs."""


UNTOLD = {"hook_url": ""}
"""The server reports nothing by itself: what was lost is found by asking, or not at all."""
POSTGRES, REDIS = frozenset({"postgres"}), frozenset({"redis"})

MATRIX = (
    Scenario(name="worker killed while it reads a manifest", faults=sentence(*READ, nth=(1, 1))),
    Scenario(name="worker killed while it submits", faults=sentence(*SUBMIT)),
    Scenario(name="worker killed while it submits, no callbacks", faults=sentence(*SUBMIT), settings=UNTOLD),
    Scenario(name="worker killed while it tracks", faults=sentence(*TRACK)),
    Scenario(name="worker killed while it delivers", faults=sentence(*DELIVER)),
    Scenario(name="worker killed while it rescues", faults=sentence(*RESCUED, nth=(1, 1))),
    Scenario(name="worker killed while it looks for lost replies", faults=sentence(*LOOKED_FOR, nth=(1, 1))),
    Scenario(name="all workers killed at once", faults=times(4, faults.kill_all_workers)),
    Scenario(name="everything of ours killed at once", faults=times(4, faults.kill_everybody)),
    Scenario(name="submit killed and typed again", faults=faults.nothing, impatient=True, manifests=6),
    Scenario(name="workers told to stop", faults=times(8, faults.stop_a_worker)),
    Scenario(name="hooks and beat killed", faults=times(8, faults.kill_the_hooks, faults.kill_the_beat)),
    Scenario(name="Redis flushed", faults=times(8, faults.flush_redis)),
    Scenario(name="Redis killed", faults=times(4, faults.kill_redis), hurts=REDIS),
    Scenario(name="Postgres restarted, immediate mode", faults=times(4, faults.restart_postgres), hurts=POSTGRES),
    Scenario(name="POSTs cut before", faults=times(6, faults.cut_posts(Cut.BEFORE))),
    Scenario(name="POSTs cut during", faults=times(6, faults.cut_posts(Cut.DURING, Cut.WAITING)), settings=UNTOLD),
    Scenario(name="POSTs cut after", faults=times(6, faults.cut_posts(Cut.AFTER)), settings=UNTOLD),
    Scenario(
        name="Postgres restarted during slow POSTs",
        faults=times(3, faults.restart_postgres_during_slow_posts),
        settings=UNTOLD,
        hurts=POSTGRES,
    ),
    Scenario(
        name="worker killed during slow POSTs",
        faults=times(3, faults.kill_a_worker_during_slow_posts),
        settings=UNTOLD,
    ),
    Scenario(
        name="network cut during slow POSTs",
        faults=times(3, faults.cut_the_network_during_slow_posts),
        settings=UNTOLD,
    ),
    Scenario(name="network to the API cut", faults=times(4, faults.cut_the_network)),
    Scenario(name="API server killed", faults=times(4, faults.kill_the_server)),
    Scenario(name="lossy API", faults=faults.nothing, server=LOSSY, rows=20, manifests=10),
    Scenario(
        name="visibility timeout of 5 s",
        faults=times(6, faults.kill_a_worker),
        visibility=5.0,
        server={"imagine_seconds": 2.0},
    ),
    Scenario(
        name="doubt resubmitted on a relay",
        faults=faults.nothing,
        server=LOSSY | {"dialect": "relay"},
        settings={"api_dialect": "relay", "in_doubt": "resubmit", "horizon": "2"},
    ),
    Scenario(
        name="all of it, at random",
        faults=faults.shuffled(
            {
                faults.kill_a_worker: 6,
                faults.kill_everybody: 2,
                faults.kill_the_hooks: 2,
                faults.kill_the_beat: 2,
                faults.kill_the_server: 2,
                faults.flush_redis: 2,
                faults.kill_redis: 2,
                faults.restart_postgres: 2,
                faults.cut_the_network: 2,
                faults.cut_posts(*Cut): 4,
            }
        ),
        server=LOSSY,
        rows=20,
        manifests=10,
        visibility=5.0,
        hurts=POSTGRES | REDIS,
    ),
)

SHORT = (
    Scenario(
        name="workers killed at points of every step",
        faults=each(
            sentence("read: tasks committed, nobody rung", nth=(1, 1)),
            sentence(
                "submit: claimed, nothing sent",
                "submit: sent, reply not read",
                "submit: settled, nobody rung",
                "track: reports applied, not committed",
                "deliver: named, without its record",
            ),
        ),
        manifests=1,
    ),
    Scenario(name="everything of ours killed at once", faults=times(1, faults.kill_everybody), manifests=1),
    Scenario(
        name="Redis flushed and killed",
        faults=times(2, faults.flush_redis, faults.kill_redis),
        manifests=1,
        hurts=REDIS,
    ),
    Scenario(
        name="Postgres restarted, immediate mode",
        faults=times(2, faults.restart_postgres),
        manifests=1,
        hurts=POSTGRES,
    ),
    Scenario(
        name="lossy API behind a bad network",
        faults=times(3, faults.cut_posts(*Cut), faults.cut_the_network),
        manifests=1,
        server=LOSSY,
    ),
)
