"""What can be done to a fleet. Each fault strikes when the work has moved on a little, so that a slow machine is struck
as often, and as far into its work, as a fast one. What is drawn is drawn from `dice`, so that a seed repeats it."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping
from random import Random

import redis

from tests.chaos.fleet import FLOW, OURS, WORKERS, Fleet
from tests.chaos.members import Doom
from tests.chaos.proxy import Cut

Fault = Callable[[Fleet, Random], None]

STANDSTILL = 12.0
"""Seconds after which the next fault strikes even if nothing has moved."""


def times(number: int, *faults: Fault, every: tuple[int, int] = (10, 40)) -> Fault:
    """The faults in turn, so many in all, with so many moves of tasks between two of them."""

    def strike(fleet: Fleet, dice: Random) -> None:
        for n in range(number):
            wait_for_moves(fleet, dice.randint(*every))
            faults[n % len(faults)](fleet, dice)

    return strike


def wait_for_moves(fleet: Fleet, number: int) -> None:
    """Until tasks have moved so often."""
    before, ends = moves(fleet), time.monotonic() + STANDSTILL
    while moves(fleet) < before + number and time.monotonic() < ends:
        time.sleep(0.05)


def moves(fleet: Fleet) -> int:
    return int(fleet.ask("SELECT coalesce(max(id), 0) FROM task_events")[0][0])


def sentence(*points: str, nth: tuple[int, int] = (1, 3)) -> Fault:
    """Workers that die at these points, one at each, at a passage that is drawn."""

    def strike(fleet: Fleet, dice: Random) -> None:
        fleet.crew.sentence([Doom(point, dice.randint(*nth)) for point in points])
        while fleet.crew.unmet:
            time.sleep(0.05)

    return strike


def kill_a_worker(fleet: Fleet, dice: Random) -> None:
    """kill -9, at a moment that nobody has chosen."""
    fleet.struck()
    fleet.crew.kill(dice.choice(WORKERS))


def stop_a_worker(fleet: Fleet, dice: Random) -> None:
    """SIGTERM, as a deployment does."""
    fleet.struck()
    fleet.crew.stop(dice.choice(WORKERS))


def kill_everybody(fleet: Fleet, _: Random) -> None:
    """kill -9 of all workers, the beat and the receiver at once."""
    fleet.struck()
    fleet.crew.kill(*OURS)


def kill_all_workers(fleet: Fleet, _: Random) -> None:
    fleet.struck()
    fleet.crew.kill(*WORKERS)


def kill_the_hooks(fleet: Fleet, dice: Random) -> None:
    """The receiver is dead for a while: what the server reports meanwhile is lost."""
    _kill_for_a_while(fleet, "hooks", dice.uniform(0.0, 1.5))


def kill_the_beat(fleet: Fleet, dice: Random) -> None:
    _kill_for_a_while(fleet, "beat", dice.uniform(0.0, 1.5))


def kill_the_server(fleet: Fleet, dice: Random) -> None:
    """The API's own process dies; what it has accepted it finishes later."""
    _kill_for_a_while(fleet, "server", dice.uniform(0.0, 1.5))


def _kill_for_a_while(fleet: Fleet, name: str, seconds: float) -> None:
    fleet.struck()
    fleet.crew.kill(name, held=True)
    time.sleep(seconds)
    fleet.crew.release(name)


def flush_redis(fleet: Fleet, _: Random) -> None:
    """Every message that is on its way is gone."""
    fleet.struck()
    try:
        with fleet.redis() as broker:
            broker.flushall()
    except redis.RedisError:
        pass  # it is just being restarted: the broker is empty of ears anyway


def kill_redis(fleet: Fleet, _: Random) -> None:
    """kill -9; it comes back with what it had written, which may lack the last second."""
    fleet.struck()
    fleet.signal_service("redis", signal.SIGKILL)


def restart_postgres(fleet: Fleet, _: Random) -> None:
    """Immediate mode: every connection breaks, and it recovers from its log."""
    fleet.struck()
    fleet.signal_service("postgres", signal.SIGQUIT)


def cut_posts(*cuts: Cut, number: tuple[int, int] = (1, 4)) -> Fault:
    """The next POSTs to the API are cut."""

    def strike(fleet: Fleet, dice: Random) -> None:
        chosen = [dice.choice(cuts) for _ in range(dice.randint(*number))]
        for _ in chosen:
            fleet.struck()
        fleet.proxy.cut(*chosen)

    return strike


def restart_postgres_during_slow_posts(fleet: Fleet, dice: Random) -> None:
    """The workers live on, and for a moment nobody sees that they do, while their POSTs are still under way."""
    cut_posts(Cut.HELD, number=(4, 8))(fleet, dice)
    fleet.proxy.wait_for_a_post(STANDSTILL)
    restart_postgres(fleet, dice)
    wait_for_moves(fleet, 1)


def kill_a_worker_during_slow_posts(fleet: Fleet, dice: Random) -> None:
    """What it has sent arrives long after its death."""
    cut_posts(Cut.HELD, number=(4, 8))(fleet, dice)
    fleet.proxy.wait_for_a_post(STANDSTILL)
    fleet.struck()
    fleet.crew.kill(*FLOW)


def cut_the_network(fleet: Fleet, dice: Random) -> None:
    """Nobody reaches the API for a while: neither POSTs, nor questions, nor pictures."""
    fleet.struck()
    fleet.proxy.disconnect()
    time.sleep(dice.uniform(0.3, 2.0))
    fleet.proxy.connect()


def cut_the_network_during_slow_posts(fleet: Fleet, dice: Random) -> None:
    """Their senders hear that the connection broke, and look for them, long before they arrive."""
    cut_posts(Cut.HELD, number=(4, 8))(fleet, dice)
    fleet.proxy.wait_for_a_post(STANDSTILL)
    cut_the_network(fleet, dice)


def each(*faults: Fault) -> Fault:
    """One after the other."""

    def strike(fleet: Fleet, dice: Random) -> None:
        for fault in faults:
            fault(fleet, dice)

    return strike


def shuffled(numbers: Mapping[Fault, int], every: tuple[int, int] = (10, 40)) -> Fault:
    """Each fault so many times, all of them in an order that is drawn."""

    def strike(fleet: Fleet, dice: Random) -> None:
        order = [fault for fault, number in numbers.items() for _ in range(number)]
        dice.shuffle(order)
        times(len(order), *order, every=every)(fleet, dice)

    return strike


def nothing(_fleet: Fleet, _dice: Random) -> None:
    """The server's own faults are enough."""
