"""Brings up on this machine whatever the settings do not name: database, broker, sandbox, workers. Configured or
embedded, everything after this file sees plain addresses: there is one code path."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pydantic import SecretStr

from pipeline.cli.ready import ready_broker
from pipeline.errors import ServiceError, UsageError
from pipeline.sandbox.attach import EmbeddedError, Program, Services, attach
from pipeline.settings import Dialect, Settings, load
from pipeline.store.batches import Batch
from pipeline.wiring import open_home

SANDBOX, HOOKS = "sandbox", "hooks"
NETWORK = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""What else of this process's environment the workers need."""
OF_STORES = ("AWS_", "AZURE_", "GOOGLE_", "FSSPEC_")
"""Where the libraries of stores elsewhere find their credentials, when pictures go there."""
ENOUGH = 16 * 1024 * 1024
"""Bytes without which the embedded Postgres cannot go on: it writes its journal in pieces of this size."""
GRACE = 200.0
"""Seconds that a worker may take to end its POSTs: cut off, they would be in doubt."""


class Place:
    """Where the work is done: the settings with every address filled in, and the services behind them."""

    def __init__(self, settings: Settings, stack: ExitStack) -> None:
        self.settings = settings
        self._sandboxed = settings.api_base_url is None
        self._stack = stack
        self._services: Services | None = None

    @property
    def services(self) -> Services:
        if self._services is None:
            self._services = self._stack.enter_context(attach(self.settings.data_dir))
        return self._services

    @property
    def has_services(self) -> bool:
        """Whether this machine's own services are up."""
        return self._services is not None

    @property
    def is_sandbox(self) -> bool:
        """Whether no server is named, so that the emulated one is asked."""
        return self._sandboxed

    @property
    def account_name(self) -> str:
        if not self._sandboxed:
            return self.settings.account_name
        dialect = self.settings.api_dialect
        return SANDBOX if dialect is Dialect.PLUS else f"{SANDBOX}-{dialect}"

    def refuse_other_account(self, batch: Batch) -> None:
        """Raises `UsageError` for a batch that another account's key must go on with."""
        if batch.account != self.account_name:
            raise UsageError(
                f"batch {batch.name!r} belongs to account {batch.account}, and the settings name "
                f"{self.account_name}: set PIPELINE_API_BASE_URL, its key and its dialect as they were"
            )

    def bring_up_database(self) -> None:
        if self.settings.database_url is None:
            self._set(database_url=self.services.postgres())

    def bring_up_api(self) -> None:
        """The sandbox, where no server is named; it speaks the dialect of the settings, and reports by itself."""
        if self.settings.api_base_url is not None:
            return
        name = self.account_name
        port = self.services.port(name)
        journal = self.settings.data_dir.absolute() / f"{name}.jsonl"
        options = ["--port", str(port), "--key", SANDBOX, "--journal", str(journal)]
        options += ["--dialect", self.settings.api_dialect]
        options += ["--slots", str(self.settings.max_running), "--queue", str(self.settings.max_queued)]
        argv = (sys.executable, "-m", "pipeline", "sandbox", *options)
        self.services.ensure(Program(name=name, argv=argv, ready=f"tcp:127.0.0.1:{port}"))
        self._set(api_base_url=f"http://127.0.0.1:{port}", api_key=SANDBOX, account=name)

    def start_work(self) -> None:
        """Workers and the beat, until this process ends. Raises `UsageError` for an output that cannot be one."""
        open_home(self.settings)
        if self.settings.redis_url is None:
            self._set(redis_url=self.services.redis())
        self.check_broker()
        if self._sandboxed and self.settings.hook_url is None:
            self._receive_callbacks()
        for number in range(1, self.settings.workers + 1):
            self._start(f"worker-{number}", "worker", "--only", "flow", "--name", f"worker-{number}")
        self._start("deliver", "worker", "--only", "deliver", "--name", "deliver")
        self._start("beat", "beat")

    def start_flower(self, port: int) -> None:
        """On loopback, until this process ends. Raises `EmbeddedError` where somebody else listens there."""
        self._serve("flower", port)

    def _receive_callbacks(self) -> None:
        """On loopback, which a server elsewhere cannot reach: only the sandbox is told of it."""
        port = self.services.port(HOOKS)
        self._serve(HOOKS, port)
        self._set(hook_url=f"http://127.0.0.1:{port}")

    def _serve(self, command: str, port: int) -> None:
        argv = (sys.executable, "-m", "pipeline", command, "--port", str(port))
        ready = f"tcp:127.0.0.1:{port}"
        self.services.ensure(Program(name=command, argv=argv, env=self._environment(), ready=ready))

    def _start(self, name: str, *words: str) -> None:
        argv = (sys.executable, "-m", "pipeline", *words)
        self.services.ensure(Program(name=name, argv=argv, env=self._environment(), grace=GRACE))

    def check_broker(self) -> None:
        """Raises `ServiceError` when the broker cannot be reached."""
        if self.settings.redis_url:
            ready_broker(self.settings.redis_url.get_secret_value())

    def check_work(self) -> None:
        """Raises `ServiceError` when the work cannot go on: a full disk, or a program that does not stay up."""
        free = shutil.disk_usage(self.settings.data_dir).free if self.has_services else ENOUGH
        if free < ENOUGH:
            raise ServiceError(
                f"the disk of {self.settings.data_dir} is full ({free // 1024:,} KB free), so nothing can be recorded. "
                "Nothing is lost: make room, and run the same again"
            )
        for child in self.services.status() if self._services else ():
            # Without the receiver of callbacks the server is asked, as often as any other.
            if child.state == "failed" and child.name != HOOKS:
                raise ServiceError("\n".join((f"{child.name} does not stay up; its last words were:", *child.log)))

    def ring_read(self, batch: Batch) -> None:
        """Tells a worker that a manifest waits."""
        from pipeline.worker.app import Doorbell, connect  # noqa: PLC0415 - slow to import

        if self.settings.redis_url:
            connect(self.settings.redis_url.get_secret_value())
            Doorbell().read(batch.account, batch.id)

    def _set(self, **values: str) -> None:
        self.settings = load(**(self.settings.model_dump() | values))

    def _environment(self) -> dict[str, str]:
        values = {
            f"PIPELINE_{name.upper()}": value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            for name, value in self.settings
            if value not in (None, "", {})
        }
        values.pop("PIPELINE_PRICES", None)  # agreed with the batch
        asked = {*NETWORK, *(name.lower() for name in NETWORK)}
        if "://" in self.settings.output_dir:
            asked |= {name for name in os.environ if name.startswith(OF_STORES)}
        else:
            values["PIPELINE_OUTPUT_DIR"] = str(Path(self.settings.output_dir).absolute())
        return {name: os.environ[name] for name in asked if name in os.environ} | values


@contextmanager
def place(settings: Settings) -> Iterator[Place]:
    """A place with a database. Leaving it ends whatever it brought up, unless somebody else still works there."""
    try:
        with ExitStack() as stack:
            here = Place(settings, stack)
            here.bring_up_database()
            yield here
    except EmbeddedError as failure:
        raise ServiceError(str(failure)) from None
