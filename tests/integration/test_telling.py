"""Flower is told over a broker that may be deaf or dead: nobody waits for it, and nothing piles up there."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import redis
from kombu.exceptions import OperationalError
from sqlalchemy.exc import DBAPIError

from pipeline.sandbox.attach import Services
from pipeline.store import events
from pipeline.store.events import Event
from pipeline.task import State
from pipeline.worker import flower, telling
from pipeline.worker.app import app
from pipeline.worker.move_log import MoveLog
from pipeline.worker.telling import News, Teller, publish
from tests.integration.conftest import World
from tests.integration.posts import accept, claim

Connect = Callable[[str], None]


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Says where the broker is, for this test: Celery keeps its connections for as long as a process lives."""

    def connected(url: str) -> None:
        monkeypatch.setitem(app.conf, "broker_url", url)
        monkeypatch.setattr(app, "_pool", None)
        monkeypatch.setattr(app.amqp, "_producer_pool", None)

    return connected


def told(number: int) -> list[flower.Told]:
    sent = Event(
        id=number,
        at=datetime.now(UTC),
        from_state=State.PLANNED,
        to_state=State.SUBMITTING,
        cause="dispatch",
        detail=None,
        task_id=number,
        parent_id=None,
        batch_id=1,
        batch="spring",
        account="acme",
        key=f"fox-{number}",
        action="imagine",
        prompt="a red fox in the snow " * 9,
        attempt=1,
        image_url=None,
        submitted_at=None,
        started_at=None,
        finished_at=None,
    )
    return list(flower.moved(sent))


def test_where_nobody_listens_nothing_is_kept(services: Services, connect: Connect) -> None:
    connect(services.redis())
    with redis.Redis.from_url(services.redis()) as broker:
        before = broker.dbsize()
        began = time.monotonic()
        for burst in range(4):
            publish([one for number in range(events.MOST) for one in told(burst * events.MOST + number)])
        assert time.monotonic() - began < 5
        assert broker.dbsize() == before


def test_while_the_broker_does_not_answer_moves_are_logged(
    world: World, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.conf.broker_transport_options, "socket_timeout", 1)
    world.plan("fox")
    claim(world)
    with socket.create_server(("127.0.0.1", 0)) as mute, ThreadPoolExecutor(1) as pool:
        connect(f"redis://127.0.0.1:{mute.getsockname()[1]}/0")
        telling = pool.submit(publish, told(1))
        with world.store.alone(4711) as tx:
            assert tx
            assert MoveLog(world.store).write_next(tx) == 1
        assert not telling.done()
        with pytest.raises(OperationalError):
            telling.result(20)


class HeardEnoughError(Exception):
    """Ends what goes on for as long as a process lives."""


@pytest.mark.parametrize(
    "broken", [(events, "running"), (events, "of"), (telling, "progress_of")], ids=lambda at: at[1]
)
def test_what_was_read_before_the_database_failed_is_told_by_the_next_try(
    world: World, monkeypatch: pytest.MonkeyPatch, broken: tuple[object, str]
) -> None:
    monkeypatch.setattr(telling, "TICK", 0.0)
    monkeypatch.setattr(telling, "COUNT_EVERY", 0.0)
    teller = Teller(world.store)
    world.plan("fox")
    accept(world, claim(world)[0])
    with world.store.look() as tx:
        teller._news = News(tx)
        world.change("UPDATE tasks SET state = 'running', progress = '40%'")
        with monkeypatch.context() as away:
            away.setattr(*broken, lambda tx, *_: tx.rows("SELECT nonsense"))
            with pytest.raises(DBAPIError):
                teller._tell(tx)
    heard: list[list[flower.Told]] = []

    def hear(told: list[flower.Told]) -> None:
        heard.append(list(told))
        if len(heard) == 3:
            raise HeardEnoughError

    monkeypatch.setattr(telling, "publish", hear)
    with world.store.look() as tx, pytest.raises(HeardEnoughError):
        teller._tell(tx)
    said = [(one["type"], one["args"]) for told in heard for one in told]
    assert said[0] == ("task-received", "a fox")
    assert {("task-started", "a fox"), ("task-started", "spring")} <= set(said)
