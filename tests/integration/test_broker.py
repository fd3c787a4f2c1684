"""What a worker does with a broker that goes away under it."""

from __future__ import annotations

import time

import pytest
from kombu import Connection
from kombu.transport.virtual import Channel

from pipeline.sandbox.attach import Services
from pipeline.worker.app import Doorbell, app, listen


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("do_restore", "basic_ack"):
        monkeypatch.setattr(Channel, name, getattr(Channel, name))
    monkeypatch.setitem(app.conf, "task_queues", None)
    listen(["acme.flow"])


def test_a_ring_to_a_broker_that_is_away_is_lost_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.conf, "broker_url", "redis://127.0.0.1:9/0")
    monkeypatch.setattr(app, "_pool", None)
    monkeypatch.setattr(app.amqp, "_producer_pool", None)
    began = time.monotonic()
    Doorbell().submit("acme", 1)
    assert time.monotonic() - began < 3.0


@pytest.mark.usefixtures("listening")
def test_a_message_is_acknowledged_and_one_of_a_closed_connection_is_let_go(services: Services) -> None:
    with Connection(services.redis()) as connection:
        queue = connection.SimpleQueue("acknowledged")
        queue.put({"look": 1})
        queue.put({"look": 2})
        first, second = queue.get(timeout=5), queue.get(timeout=5)
        first.ack()
        assert queue.channel.client.hlen("unacked") == 1
        queue.channel.close()
        second.ack()
