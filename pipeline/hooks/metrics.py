"""GET /metrics: figures for Prometheus, counted from the rows: every receiver says the same, but of its own callbacks.

They say what is spent, and a receiver stands open to the internet: whoever shows `PIPELINE_METRICS_TOKEN` as a bearer
token is answered. Without one, a receiver that no server elsewhere reports to answers callers on this machine.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from ipaddress import ip_address

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from pipeline.store import figures
from pipeline.store.engine import Store
from pipeline.store.figures import SECONDS, Figures, Posts, Room, WayHome
from pipeline.store.tally import Tally

_NOT_FOR_YOU = PlainTextResponse("Not Found", 404)
_AWAY = PlainTextResponse("the database is away\n", 503)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may see the figures: who shows the token; without one, if nothing leads here from elsewhere, this machine.

    A proxy that passes the internet on looks like a caller on this machine, and not each one says that it is a proxy.
    """

    token: str | None = None
    private: bool = False


class Metrics:
    """Answers whoever may ask. Callers at once share one count; the first one reads every row."""

    def __init__(self, store: Store, callbacks: Mapping[str, int], access: Access) -> None:
        self._store = store
        self._callbacks = callbacks
        self._access = access
        self._tally = Tally()
        self._counted: asyncio.Future[bytes] | None = None

    async def answer(self, request: Request) -> Response:
        if not self._may_ask(request):
            return _NOT_FOR_YOU
        if self._counted is None or self._counted.done():
            self._counted = asyncio.get_running_loop().run_in_executor(None, self._count)
            self._counted.add_done_callback(lambda counted: counted.cancelled() or counted.exception())
        try:
            return Response(await asyncio.shield(self._counted), media_type=CONTENT_TYPE_LATEST)
        except SQLAlchemyError:
            return _AWAY

    def _may_ask(self, request: Request) -> bool:
        if self._access.token:
            shown = request.headers.get("authorization", "").encode()
            return hmac.compare_digest(shown, f"Bearer {self._access.token}".encode())
        return self._access.private and request.client is not None and ip_address(request.client.host).is_loopback

    def _count(self) -> bytes:
        registry = CollectorRegistry()
        with self._store.look() as tx:
            counted = self._tally.look(tx)
            registry.register(_Counted([*_families(counted, figures.rooms(tx)), _callbacks(self._callbacks)]))
        return generate_latest(registry)


class _Counted:
    """What was counted, in the way in which prometheus_client asks for it."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return self._families


def _families(counted: Figures, rooms: Sequence[Room]) -> Iterator[Metric]:
    tasks = GaugeMetricFamily("pipeline_tasks", "Tasks", labels=("account", "action", "state"))
    spent = CounterMetricFamily("pipeline_spent", "What was spent", labels=("account", "action"))
    reserved = GaugeMetricFamily("pipeline_reserved", "What may still be spent on what is sent", labels=("account",))
    # Added up as decimals: floats in another order may come to a little less, which Prometheus takes for a new start.
    money: dict[tuple[str, str], Decimal] = {}
    held: dict[str, Decimal] = {}
    for one in counted.tasks:
        tasks.add_metric((one.account, one.action, one.state), one.tasks)
        money[one.account, one.action] = money.get((one.account, one.action), Decimal()) + one.spent
        held[one.account] = held.get(one.account, Decimal()) + one.reserved
    for labels, amount in money.items():
        spent.add_metric(labels, float(amount))
    for account, amount in held.items():
        reserved.add_metric((account,), float(amount))
    yield from (tasks, spent, reserved, *_rooms(rooms), *_posts(counted.posts), _way_home(counted.way_home))


def _rooms(rooms: Sequence[Room]) -> Iterator[Metric]:
    for name, text, values in (
        ("in_flight", "Tasks that hold room on the account", {room.account: room.in_flight for room in rooms}),
        ("in_flight_limit", "Tasks that the account has room for", {room.account: room.most for room in rooms}),
        ("closed", "1 while nothing is sent to the account", {room.account: int(room.closed) for room in rooms}),
        ("budget", "Budgets of the account's batches together", {room.account: float(room.budget) for room in rooms}),
    ):
        family = GaugeMetricFamily(f"pipeline_{name}", text, labels=("account",))
        for account, value in values.items():
            family.add_metric((account,), value)
        yield family


def _posts(posts: Sequence[Posts]) -> Iterator[Metric]:
    ended = CounterMetricFamily("pipeline_attempts", "POSTs by how they ended", labels=("account", "outcome"))
    still_open = GaugeMetricFamily(
        "pipeline_open_attempts", "POSTs under way or in doubt", labels=("account", "outcome")
    )
    for one in posts:
        family = still_open if one.outcome in {"", "in_doubt"} else ended
        family.add_metric((one.account, one.outcome or "under_way"), one.posts)
    yield from (ended, still_open)


def _way_home(home: WayHome) -> Metric:
    buckets = [(str(float(bound)), count) for bound, count in zip(SECONDS, home.within, strict=True)]
    family = HistogramMetricFamily("pipeline_delivery_seconds", "From the API's end of a task until its file is home")
    family.add_metric((), [*buckets, ("+Inf", home.deliveries)], float(home.seconds))
    return family


def _callbacks(counts: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily("pipeline_callbacks", "Reports to this receiver by their answer", labels=("outcome",))
    for outcome, count in counts.items():
        family.add_metric((outcome,), count)
    return family
