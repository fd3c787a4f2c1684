"""Each service alone: what a process supervisor or docker-compose runs."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from socket import gethostname
from typing import Annotated

import httpx
import typer

from pipeline.cli.ready import log_to_stderr, ready_broker, ready_store, redis_url
from pipeline.deliver import remove_stale_parts
from pipeline.errors import PipelineError, ServiceError, UsageError
from pipeline.settings import Settings, load
from pipeline.store.revision import refuse_newer
from pipeline.wiring import open_api, open_home, open_store, runtime

THREADS = 8
"""Steps at once in one worker process. A step waits mostly; its requests run on threads of their own."""

STOP_BEAT_WITHIN = 10.0
"""Seconds. It only rings, so it has nothing to finish."""

UNSET = {
    "account": "not set, so it is the sandbox, which speaks {dialect}",
    "hooks": "not set, so a server is only asked, and the sandbox reports on loopback",
}


class Work(StrEnum):
    """What a worker process takes from its account's queues."""

    ALL = "all"
    FLOW = "flow"
    DELIVER = "deliver"


def worker(
    only: Annotated[Work, typer.Option(help="Take only this kind of work.")] = Work.ALL,
    name: Annotated[str, typer.Option(help="Name of this process on this host.")] = "worker",
) -> None:
    """Work: read manifests, send, poll, download. Start as many as you like, on as many hosts."""
    from pipeline.worker import stopping  # noqa: PLC0415 - slow to import
    from pipeline.worker.app import app, connect, deliver_queue, flow_queue, listen  # noqa: PLC0415
    from pipeline.worker.heartbeat import Heartbeat  # noqa: PLC0415

    settings = _configured()
    remove_stale_parts(runtime().home)
    connect(redis_url(settings))
    kinds = {Work.FLOW: flow_queue, Work.DELIVER: deliver_queue}
    listen([queue(settings.account_name) for kind, queue in kinds.items() if only in {kind, Work.ALL}])
    log_to_stderr(settings)
    _close_stdout()
    stopping.listen(stopping.STOP_WITHIN)
    Heartbeat(settings.heartbeat_file).with_the_worker()
    process = app.Worker(
        hostname=f"{name}@{gethostname()}",
        pool="threads",
        concurrency=THREADS,
        loglevel="WARNING",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
    )
    process.start()
    raise typer.Exit(process.exitcode or 0)


def beat() -> None:
    """The clock: ring for what is due. Several at once do not disturb each other."""
    from pipeline.worker import stopping  # noqa: PLC0415
    from pipeline.worker.app import app, connect  # noqa: PLC0415
    from pipeline.worker.clock import DueScheduler  # noqa: PLC0415

    settings = _configured()
    connect(redis_url(settings))
    log_to_stderr(settings)
    stopping.listen(STOP_BEAT_WITHIN)
    app.Beat(scheduler=DueScheduler, loglevel="WARNING", pidfile=None, quiet=True).run()


def _close_stdout() -> None:
    """Celery's worker writes there, past any log, that it was told to stop; the log has a line of ours for that."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def migrate() -> None:
    """Bring the database's tables up to date."""
    from pipeline.store.migrate import migrate as bring_up_to_date  # noqa: PLC0415

    store = open_store(load())
    store.ping()
    refuse_newer(store)
    print("the tables are up to date now" if bring_up_to_date(store) else "the tables were up to date")


def check() -> None:
    """Database, broker, account, dialect, hooks, output: a line each. What is not set, `pipeline run` brings up."""
    settings = load()
    worst = 0
    probes = (
        ("database", settings.database_url, _check_database),
        ("migrations", settings.database_url, _check_migrations),
        ("broker", settings.redis_url, _check_broker),
        ("account", settings.api_base_url, _check_account),
        ("hooks", settings.hook_url, _check_hooks),
        ("output", settings.output_dir, _check_output),
    )
    for name, setting, probe in probes:
        if setting is None:
            print(f"ok    {name}: {UNSET.get(name, 'not set, so embedded').format(dialect=settings.api_dialect)}")
            continue
        try:
            print(f"ok    {name}: {probe(settings)}")
        except PipelineError as failure:
            worst = max(worst, failure.exit_status)
            print(f"wrong {name}: {failure}")
    raise typer.Exit(worst)


def _check_database(settings: Settings) -> str:
    store = open_store(settings)
    store.ping()
    store.close()
    return "reachable"


def _check_migrations(settings: Settings) -> str:
    ready_store(settings, migrate_first=False).close()
    return "the tables are those of this version"


def _check_broker(settings: Settings) -> str:
    return f"Redis {ready_broker(redis_url(settings))}"


def _check_account(settings: Settings) -> str:
    """Raises `UsageError` when the server surely speaks another dialect than the settings say."""
    with open_api(settings) as api:
        spoken, evidence = api.probe()
        if spoken and spoken is not settings.api_dialect:
            raise UsageError(
                f"{settings.account_name} speaks {spoken} ({evidence}), and PIPELINE_API_DIALECT says "
                f"{settings.api_dialect}: set it to {spoken}"
            )
        api.check()
    return f"{settings.account_name} answers and takes the key; it speaks {settings.api_dialect} ({evidence})"


def _check_hooks(settings: Settings) -> str:
    """Asks the receiver under its public address. Raises `ServiceError`."""
    address = f"{settings.hook_url}/healthz"
    try:
        answer = httpx.get(address, timeout=10)
    except (httpx.HTTPError, httpx.InvalidURL) as failure:
        raise ServiceError(
            f"{settings.hook_url} cannot be reached ({failure}): is `pipeline hooks` running there?"
        ) from None
    if answer.status_code != 200:
        raise ServiceError(f"{address} answered HTTP {answer.status_code}: is that `pipeline hooks`?")
    return f"{settings.hook_url} receives"


def _check_output(settings: Settings) -> str:
    """Writes there as a worker would. Raises `ServiceError`."""
    home = open_home(settings)
    home.check()
    return f"{home} can be written"


def _configured() -> Settings:
    """Settings under which a process can work on its own; the first thing that is missing otherwise."""
    settings = load()
    ready_store(settings, migrate_first=False).close()
    open_api(settings)
    return settings
