"""Bad input: one clear line for each fault, the right exit status, nothing sent, nothing lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.acceptance.conftest import Host, MakeServer
from tests.acceptance.outside import Command, Ended, Folder, Server

MANIFESTS = {
    "missing.csv": (None, ["missing.csv: no such file: is the path right?"]),
    "letters.txt": (b"key,prompt\na,b\n", ["letters.txt: a manifest is a .csv, .yaml or .yml file"]),
    "empty.csv": (b"", ["empty.csv:1:1: the file is empty"]),
    "utf16.csv": ("key,prompt\nfox,a fox\n".encode("utf-16"), ["utf16.csv:1:1: this is UTF-16"]),
    "latin.csv": ("key,prompt\nfox,a fée\n".encode("latin-1"), ["latin.csv:2:8: the byte 0xe9 is not UTF-8"]),
    "column.csv": (b"key,prompt,thn\nfox,a fox,U1\n", ["column.csv:1:12: unknown column `thn`: did you mean `then`?"]),
    "twice.csv": (b"key,prompt\nfox,a fox\nfox,an owl\n", ["twice.csv:3:1: the key `fox` is taken by line 2"]),
    "u5.csv": (b"key,prompt,then\nfox,a fox,U5\n", ["u5.csv:2:11: U5: there are only four pictures"]),
    "faults.csv": (
        b"key,prompt,then\nfox,,U1\nowl,an owl,U9\n",
        ["faults.csv:2:5: ", "faults.csv:3:12: U9: "],
    ),
    "word.yaml": (b"tasks:\n  - imagine: a fox\n    thn: U1\n", ["word.yaml:3:5: tasks[0].thn: unknown key `thn`"]),
    "long.csv": (
        b"key,prompt,then\n"
        + b"".join(b"k%d,a fox,%s\n" % (n, b"U1-U5" if n == 7_776 else b"U1") for n in range(10_000)),
        ["long.csv:7778:13: U1-U5: there are only four pictures"],
    ),
}


def refused(ended: Ended, status: int, *lines: str) -> bool:
    """Whether it said these lines, each from its start, and nothing else."""
    said = ended.err.splitlines()
    assert (ended.status, ended.out, len(said)) == (status, "", len(lines)), ended
    assert "Traceback" not in ended.err
    return all(line.startswith(start) for line, start in zip(said, lines, strict=True))


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that none of these tests may ask for a picture."""
    with Server(tmp_path_factory.mktemp("idle")) as server:
        yield server
        assert server.audit()["requests"] == {}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    """A folder whose Postgres runs already, so that each command takes a second."""
    folder = Folder(tmp_path_factory.mktemp("bad") / "project")
    folder.rows("good.csv", 1)
    with folder.services() as services:
        services.postgres()
        yield folder
    folder.leave()


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, idle: Server) -> Iterator[tuple[Folder, dict[str, Command]]]:
    """A run of each bad manifest, all at once."""
    folder = Folder(tmp_path_factory.mktemp("manifests"), **idle.settings)
    for name, (content, _) in MANIFESTS.items():
        if content is not None:
            (folder.path / name).write_bytes(content)
    yield folder, {name: folder.start("run", name, "--json") for name in MANIFESTS}
    folder.leave()


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_bad_manifest_is_told_line_by_line(told: tuple[Folder, dict[str, Command]], name: str) -> None:
    folder, commands = told
    ended = commands[name].wait()
    assert refused(ended, 2, *MANIFESTS[name][1]), ended.err
    assert not (folder.path / ".pipeline").exists()


def test_a_folder_is_no_manifest(folder: Folder, idle: Server) -> None:
    (folder.path / "jobs.csv").mkdir()
    assert refused(folder.pipeline("run", "jobs.csv", **idle.settings), 2, "jobs.csv: this is a folder: ")


@pytest.mark.parametrize(
    ("setting", "value", "line"),
    [
        ("api_base_url", "api.example.com", "PIPELINE_API_BASE_URL: must look like https://"),
        ("database_url", "mysql://u:sk-very-secret-123@h/d", "PIPELINE_DATABASE_URL: must look like postgresql://"),
        ("redis_url", "sk-very-secret-123", "PIPELINE_REDIS_URL: "),
        ("workers", "many", "PIPELINE_WORKERS: "),
        ("max_running", "0", "PIPELINE_MAX_RUNNING: "),
    ],
)
def test_a_malformed_setting_is_named_and_its_value_kept_secret(
    folder: Folder, idle: Server, setting: str, value: str, line: str
) -> None:
    folder.rows("good.csv", 1)
    ended = folder.pipeline("run", "good.csv", **idle.settings | {setting: value})
    assert refused(ended, 2, line), ended.err
    assert "secret" not in ended.err


def test_a_postgres_that_refuses_is_said(folder: Folder, idle: Server) -> None:
    folder.rows("good.csv", 1)
    url = "postgresql://me:sk-very-secret-123@127.0.0.1:1/there"
    ended = folder.pipeline("run", "good.csv", database_url=url, **idle.settings)
    assert refused(ended, 3, "Postgres cannot be reached: "), ended.err
    assert "secret" not in ended.err


def test_a_redis_that_refuses_is_said(folder: Folder, server: Server, host: Host) -> None:
    folder.rows("good.csv", 1)
    wrong = host() | {"redis_url": "redis://:geheim@127.0.0.1:1/0"}
    ended = folder.pipeline("run", "good.csv", **server.settings | wrong)
    assert refused(ended, 3, "Redis cannot be reached: "), ended.err
    assert "geheim" not in ended.err
    assert server.accepted() == 0


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "http://api.invalid"])
def test_a_server_that_cannot_be_reached_is_said(project: Folder, address: str) -> None:
    ended = project.pipeline("run", "good.csv", "--json", api_base_url=address, api_key="k")
    assert refused(ended, 3, f"{address} cannot be reached"), ended.err
    assert "PIPELINE_API_BASE_URL" in ended.err


def test_a_wrong_key_is_said_and_never_shown(project: Folder, serve: MakeServer) -> None:
    server = serve(key="the-right-key")
    ended = project.pipeline("run", "good.csv", api_base_url=server.url, api_key="sk-very-secret-123")
    assert refused(ended, 3, f"{server.url} refuses the key (HTTP 401): check PIPELINE_API_KEY"), ended.err
    assert project.holds("sk-very-secret-123") == []
    assert server.accepted() == 0


class Stranger(BaseHTTPRequestHandler):
    """A web server that is no API."""

    kind, body = "text/html", b"<!doctype html><title>Welcome</title>"

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(200)
        self.send_header("content-type", self.kind)
        self.send_header("content-length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    do_POST = do_GET  # noqa: N815 - the name that http.server calls

    def log_message(self, *_: object) -> None:
        """Says nothing."""


class Talker(Stranger):
    kind, body = "text/plain", b"hello"


class Counter(Stranger):
    kind, body = "application/json", b'{"count": 3}'


@contextmanager
def serving(stranger: type[Stranger]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), stranger) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("stranger", [Stranger, Talker, Counter])
def test_a_server_that_is_no_api_is_said(project: Folder, stranger: type[Stranger]) -> None:
    with serving(stranger) as address:
        ended = project.pipeline("run", "good.csv", "--json", api_base_url=address, api_key="k")
    assert refused(ended, 3, address), ended.err
    assert "PIPELINE_API_BASE_URL" in ended.err


def test_after_all_of_that_nothing_was_queued(project: Folder) -> None:
    assert project.pipeline("status", "--json").out.strip() == "[]"
