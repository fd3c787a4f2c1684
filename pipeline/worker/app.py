"""The Celery application, and the only place that sends its messages."""

from __future__ import annotations

from collections.abc import Sequence

from celery import Celery, signals
from kombu.entity import Exchange, Queue
from kombu.transport.virtual import Channel

from pipeline.log import Log

log = Log("worker")

app = Celery("pipeline", include=["pipeline.worker.steps"])
app.conf.update(
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    # Neither early nor late acknowledgement is trusted: a lost message is rung again by the beat.
    task_acks_late=False,
    worker_prefetch_multiplier=1,
    task_publish_retry=False,
    broker_connection_retry_on_startup=True,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    worker_enable_remote_control=True,
    broker_transport_options={
        "global_keyprefix": "pipeline:",
        "socket_connect_timeout": 5,
        "socket_timeout": 30,
        "socket_keepalive": True,
        "health_check_interval": 25,
        "unacked_mutex_expire": 30,
        # Whoever rings has outcomes to save, which must not wait six seconds for each ring to a broker that is away.
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0.2,
    },
    # A worker uses few threads, and each may publish.
    broker_pool_limit=10,
)


# Where somebody hears this, Celery sets up no log of its own: its lines go where ours go.
signals.setup_logging.connect(lambda **_: None, weak=False)


def flow_queue(account: str) -> str:
    """Where the steps of one account wait. Only workers that have its key listen there."""
    return f"{account}.flow"


def deliver_queue(account: str) -> str:
    """Downloads wait apart, so that they never hold up a POST or a poll."""
    return f"{account}.deliver"


def connect(redis_url: str) -> None:
    """Says where the broker is. Called once, by the entry point."""
    app.conf.broker_url = redis_url


def _acknowledge_while_open(channel: Channel, delivery_tag: str, multiple: bool = False) -> None:  # noqa: ARG001 - kombu's own
    if not channel.closed:
        channel.qos.ack(delivery_tag)


def listen(queues: Sequence[str]) -> None:
    """Says which queues this process takes messages from."""
    # A worker whose Redis is killed ends when it tries to put back what it had not begun, or to acknowledge what it
    # has begun (kombu 5.7, QoS.restore_unacked and QoS.ack, on a connection that is closed already). The beat rings
    # for that again anyway.
    Channel.do_restore = False
    Channel.basic_ack = _acknowledge_while_open  # type: ignore[method-assign]
    # An exchange of its own for each: on a shared one, a message for one account could reach another.
    app.conf.task_queues = [
        Queue(name, Exchange(name), routing_key=name)  # type: ignore[no-untyped-call]
        for name in queues
    ]


class Doorbell:
    """Rings steps. To be rung after the commit: a broker that is away loses a ring, never work."""

    def read(self, account: str, batch_id: int) -> None:
        self._ring("read", [batch_id], flow_queue(account))

    def submit(self, account: str, account_id: int) -> None:
        self._ring("submit", [account_id], flow_queue(account))

    def track(self, account: str, account_id: int, task_ids: Sequence[int] | None = None) -> None:
        """For all tasks of the account, or for some that its server has reported."""
        self._ring("track", [account_id, None if task_ids is None else list(task_ids)], flow_queue(account))

    def look(self, account: str, account_id: int) -> None:
        """For tasks in doubt, and for late successes."""
        self._ring("look", [account_id], flow_queue(account))

    def cancel(self, account: str, account_id: int) -> None:
        """For what cancelled batches have at the API."""
        self._ring("cancel", [account_id], flow_queue(account))

    def rescue(self, account: str, *, thorough: bool) -> None:
        self._ring("rescue", [thorough], flow_queue(account))

    def deliver(self, account: str, task_ids: Sequence[int], *, a_message: int = 20) -> None:
        """Nothing for no tasks; else a message for every `a_message` of them."""
        for start in range(0, len(task_ids), a_message):
            self._ring("deliver", [list(task_ids[start : start + a_message])], deliver_queue(account))

    def _ring(self, step: str, args: list[object], queue: str) -> None:
        try:
            app.send_task(f"pipeline.{step}", args=args, queue=queue, expires=600)
        except Exception as failure:  # noqa: BLE001 - whatever a broker does, the step that rings has done its work
            log.warning("ring_lost", step=step, queue=queue, why=failure, note="the beat rings again")
