"""What a service needs before it starts: a database that fits this version, a broker that answers, a log."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from ipaddress import ip_address

from pipeline.errors import PipelineError, ServiceError, UsageError
from pipeline.log import log_to
from pipeline.settings import Settings
from pipeline.store.engine import Store, Transaction
from pipeline.store.revision import is_current, refuse_newer
from pipeline.wiring import open_store


def ready_store(settings: Settings, *, migrate_first: bool) -> Store:
    """Raises `ServiceError` when it is not reachable, `UsageError` when its tables are of another version."""
    store = open_store(settings)
    try:
        store.ping()
        if not is_current(store):
            _bring_up_to_date(store, migrate_first)
    except PipelineError:
        store.close()
        raise
    return store


def _bring_up_to_date(store: Store, migrate_first: bool) -> None:
    refuse_newer(store)
    if not migrate_first:
        raise UsageError("the database's tables are not those of this version: run `pipeline migrate` first")
    from pipeline.store.migrate import migrate  # noqa: PLC0415 - Alembic is slow to import

    migrate(store)


@contextmanager
def ready_transaction(settings: Settings) -> Iterator[Transaction]:
    """One transaction on a database that is made ready first. Raises what `ready_store` does."""
    with closing(ready_store(settings, migrate_first=True)) as store, store.begin() as tx:
        yield tx


def ready_broker(url: str) -> str:
    """The version of the Redis there. Raises `ServiceError` when there is none, `UsageError` for what is no address."""
    import redis  # noqa: PLC0415 - slow to import

    try:
        with redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5) as client:
            return str(client.info("server")["redis_version"])
    except ValueError:  # whose words would show a part of the password
        raise UsageError(
            "PIPELINE_REDIS_URL cannot be read: in a password, / # and ? are written %2F %23 and %3F"
        ) from None
    except redis.RedisError as failure:
        raise ServiceError(f"Redis cannot be reached: {failure} (see PIPELINE_REDIS_URL)") from None


def redis_url(settings: Settings) -> str:
    """Raises `UsageError` where none is set."""
    if settings.redis_url is None:
        raise UsageError("PIPELINE_REDIS_URL is not set (`pipeline run` brings up a Redis of its own)")
    return settings.redis_url.get_secret_value()


def log_to_stderr(settings: Settings) -> None:
    """What a service says while it runs: for people on a terminal, else as JSON; without what is secret."""
    log_to(sys.stderr, settings.secrets())


def is_loopback(host: str) -> bool:
    """Whether only this machine gets there."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
