"""The process that owns the embedded services of one data folder: `python -m pipeline.sandbox.supervisor FOLDER`.

It lives while a client is attached. A connection to its control socket is the attachment: the kernel closes it
however the client ends. Two processes: the inner one serves; the outer one adopts and ends whatever the inner one
leaves behind if it is killed, and holds the lock until then.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline.sandbox.keeper import Keeper, Recipe
from pipeline.sandbox.lair import SOCKET, EmbeddedError, Memory, open_lair, socket_address, take_lock
from pipeline.sandbox.postgres import Postgres
from pipeline.sandbox.processes import Children, adopt_orphans, children_of, die_with
from pipeline.sandbox.program import OVER, Program, ProgramRecipe
from pipeline.sandbox.redis import Redis

FIRST_CLIENT = 10.0  # seconds to wait for one
LEFTOVER_GRACE = 3.0  # seconds between SIGTERM and SIGKILL for what a killed supervisor left
ENDINGS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
LINE_LIMIT = 4 * 1024 * 1024  # bytes of one request; an environment can be large


class Client:
    """One connection. `wants` are the keys of the children that it asked for."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self.reader = reader
        self.wants: set[str] = set()


class Supervisor:
    """Serves the clients of one data folder. Everything runs in one thread, on one event loop."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._memory = Memory(folder)
        self._children = Children()
        self._postgres = Postgres(folder, self._memory, self._children.run)
        self._redis = Redis(folder, self._memory)
        self._keepers: dict[str, Keeper] = {}
        self._clients: set[Client] = set()
        self._attendances: set[asyncio.Task[None] | None] = set()
        self._over = asyncio.Event()
        self._all_gone = asyncio.Event()

    async def serve(self) -> None:
        """From the first client to the last."""
        loop = asyncio.get_running_loop()
        for ending in ENDINGS:
            loop.add_signal_handler(ending, self._over.set)
        listener = self._listen()
        server = await asyncio.start_unix_server(self._attend, sock=listener, limit=LINE_LIMIT)
        loop.call_later(FIRST_CLIENT, self._end_if_alone)
        await self._over.wait()
        server.close()
        (self._folder / SOCKET).unlink(missing_ok=True)
        await self._stop_all()
        self._all_gone.set()
        for client in self._clients:
            client.reader.feed_eof()
        await asyncio.gather(*filter(None, self._attendances), return_exceptions=True)

    def _listen(self) -> socket.socket:
        (self._folder / SOCKET).unlink(missing_ok=True)  # left by a supervisor that was killed: we hold the lock
        listener = socket.socket(socket.AF_UNIX)
        with socket_address(self._folder) as address:
            listener.bind(address)
        (self._folder / SOCKET).chmod(0o600)
        listener.listen(128)
        listener.setblocking(False)
        return listener

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Client(reader)
        self._clients.add(client)
        self._attendances.add(asyncio.current_task())
        request = asyncio.ensure_future(reader.readline())
        try:
            while (line := await request) and not self._over.is_set():
                request = asyncio.ensure_future(reader.readline())
                answer = asyncio.ensure_future(self._answer(client, json.loads(line)))
                # A client waits for its answer; what comes before that is its good-bye or its death.
                await asyncio.wait((answer, request), return_when=asyncio.FIRST_COMPLETED)
                if not answer.done():
                    answer.cancel()
                    break
                writer.write(json.dumps(answer.result()).encode() + b"\n")
                await writer.drain()
        except (OSError, ValueError):
            pass  # the connection broke, or was no client of ours
        finally:
            request.cancel()
            await self._leave(client)
            if self._all_gone.is_set():
                writer.write(OVER)
            writer.close()
            self._attendances.discard(asyncio.current_task())

    async def _answer(self, client: Client, request: dict[str, Any]) -> dict[str, Any]:
        try:
            match request["do"]:
                case "hello":
                    return {"pid": os.getpid()}
                case "postgres":
                    await self._ensure(client, "postgres", self._postgres)
                    return {"url": self._postgres.url}
                case "redis":
                    await self._ensure(client, "redis", self._redis)
                    return {"url": self._redis.url}
                case "port":
                    return {"port": self._memory.port(f"port of {request['name']}")}
                case "ensure":
                    program = Program.from_json(request["program"])
                    key = json.dumps(request["program"], sort_keys=True)
                    await self._ensure(client, key, ProgramRecipe(program))
                    return {}
                case "status":
                    return {"children": [keeper.describe() for keeper in self._keepers.values()]}
                case unknown:
                    return {"error": f"the supervisor does not know how to {unknown}"}
        except (EmbeddedError, OSError) as error:
            return {"error": str(error)}

    async def _ensure(self, client: Client, key: str, recipe: Recipe) -> None:
        client.wants.add(key)
        while (keeper := self._keepers.get(key)) and keeper.state == "stopping" and not keeper.gone.is_set():
            await keeper.gone.wait()
        if keeper is None or keeper.state in {"failed", "stopping"}:
            keeper = self._keepers[key] = Keeper(recipe, self._children, self._folder)
        await keeper.ready()

    async def _leave(self, client: Client) -> None:
        """Stop what nobody else wants; the last client waits for the end of everything."""
        self._clients.discard(client)
        self._end_if_alone()
        if self._over.is_set():
            await self._all_gone.wait()
            return
        wanted = {"postgres", "redis"}.union(*(other.wants for other in self._clients))
        await self._stop(key for key in list(self._keepers) if key not in wanted)

    def _end_if_alone(self) -> None:
        if not self._clients:
            self._over.set()

    async def _stop_all(self) -> None:
        await self._stop(key for key in list(self._keepers) if key not in {"postgres", "redis"})
        await self._stop(list(self._keepers))

    async def _stop(self, keys: Iterable[str]) -> None:
        """Clients before servers: a worker that loses its server while it stops would report trouble."""
        keepers = {key: self._keepers[key] for key in keys}
        for keeper in keepers.values():
            keeper.retire()  # all of them now: nobody may join one that is doomed
        serving = {key for key, keeper in keepers.items() if keeper.recipe.serves}
        for group in (keepers.keys() - serving, serving):
            await asyncio.gather(*(keepers[key].stop() for key in group))
            for key in group:
                if self._keepers.get(key) is keepers[key]:
                    del self._keepers[key]


def main() -> int:
    """Serve in a child; then end whatever it has left, and let go of the lock."""
    folder = open_lair(Path(sys.argv[1]))
    lock = int(sys.argv[2]) if len(sys.argv) > 2 else take_lock(folder)
    if lock is None:
        print(f"a supervisor already serves {folder}", file=sys.stderr)
        return 75
    os.set_inheritable(lock, False)
    adopt_orphans()
    outer = os.getpid()
    inner = os.fork()
    if inner == 0:
        die_with(outer, signal.SIGTERM)
        return _serve(folder)
    for ending in ENDINGS:
        signal.signal(ending, lambda number, _: os.kill(inner, number))
    status = _wait_for(inner)
    for ending in ENDINGS:
        signal.signal(ending, signal.SIG_IGN)
    _end_leftovers()
    return status


def _serve(folder: Path) -> int:
    async def serve() -> None:
        await Supervisor(folder).serve()  # which needs the running loop from its first breath

    try:
        asyncio.run(serve())
    except (EmbeddedError, OSError) as error:
        print(f"cannot serve {folder}: {error}; it must lie on a local file system with room", file=sys.stderr)
        return 1
    return 0


def _wait_for(inner: int) -> int:
    while True:
        pid, status = os.wait()  # adopted orphans end here too
        if pid == inner:
            return os.waitstatus_to_exitcode(status) & 0xFF


def _end_leftovers() -> None:
    """Children of a killed supervisor have had their death signal; those that forked may have left more."""
    patience_ends = time.monotonic() + LEFTOVER_GRACE
    ending = signal.SIGTERM
    told: set[int] = set()
    while children := children_of(os.getpid()):
        if ending is signal.SIGTERM and time.monotonic() > patience_ends:
            ending, told = signal.SIGKILL, set()
        for pid in set(children) - told:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, ending)
            told.add(pid)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.01)


if __name__ == "__main__":
    sys.exit(main())
