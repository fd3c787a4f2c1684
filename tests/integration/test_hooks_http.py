"""What callers are answered, whatever they send and however they send it."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from pipeline.hooks import inbox, receiver, serving
from pipeline.store.engine import Store
from tests.integration.conftest import World
from tests.integration.hooks import UNKNOWN, Hooks, body, served
from tests.integration.posts import accept, claim

MIB = 1 << 20


@pytest.fixture
def hooks(world: World) -> Iterator[Hooks]:
    with served(world.store) as running:
        yield running


@pytest.fixture
def token(world: World) -> str:
    """The address of a task that is at the API under the id 77."""
    world.plan("fox")
    (task,) = claim(world)
    accept(world, task)
    return task.token


def raw(hooks: Hooks, *parts: bytes) -> bytes:
    """What a caller who sends these bytes, and then waits, is answered until the connection is closed."""
    with socket.create_connection(("127.0.0.1", hooks.port), timeout=10) as connection:
        for part in parts:
            connection.sendall(part)
        reply = b""
        try:
            while more := connection.recv(4096):
                reply += more
        except ConnectionResetError:
            pass
        return reply


def head(token: str, *lines: str) -> bytes:
    return "\r\n".join((f"POST /hooks/{token} HTTP/1.1", "host: hooks", *lines, "", "")).encode()


def test_reports_are_posted(hooks: Hooks, token: str) -> None:
    for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"):
        answer = hooks.client.request(method, f"{hooks.url}/hooks/{token}")
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_an_address_that_nobody_was_given_is_not_found(hooks: Hooks, token: str) -> None:
    for path in (
        "/",
        "/hooks",
        "/hooks/",
        f"/hooks/{UNKNOWN}",
        f"/hooks/{token}/",
        f"/hooks/{token}0",
        f"/hooks/A{token[1:].upper()}",
        f"/hooks/{token}%0A",
        "/hooks/%27%20OR%20true--",
        "/mj/notify",
    ):
        answer = hooks.client.post(f"{hooks.url}{path}", json=body("77", "SUCCESS"))
        assert (path, answer.status_code, hooks.rings) == (path, 404, [])


NO_TASK_OBJECTS = (
    b"",
    b"id=77&status=SUCCESS",
    b"[]",
    b"null",
    b'"77"',
    b"{}",
    b'[{"id":"77"}]',
    b'{"status":"SUCCESS"}',
    b'{"id":null}',
    b'{"id":""}',
    b'{"id":true}',
    b'{"id":{"a":1}}',
    b'{"id":7.7}',
    b'{"id":"77',
    b'{"id":"\\u0000"}',
    b'{"id":' + b"9" * 5_000 + b"}",
    b'{"id":"' + b"7" * 300 + b'"}',
    b"[" * 500_000,
    b'{"id":' * 100_000,
    b"\xff\xfe\x00",
)


def test_what_is_no_task_object_is_a_bad_request(hooks: Hooks, token: str) -> None:
    for sent in NO_TASK_OBJECTS:
        answer = hooks.client.post(f"{hooks.url}/hooks/{token}", content=sent)
        assert (sent[:40], answer.status_code) == (sent[:40], 400)


ODD_FIELDS: tuple[dict[str, object], ...] = (
    {"id": 77},
    {"status": None},
    {"status": {"a": 1}},
    {"status": "PAUSED"},
    {"progress": 15},
    {"progress": ["15%"]},
    {"progress": "x" * 100_000},
    {"startTime": "yesterday", "finishTime": 1e300},
    {"buttons": "none", "properties": [1]},
    {"failReason": "no\0no"},
)


def test_a_task_object_with_odd_fields_is_taken(hooks: Hooks, token: str) -> None:
    for more in ODD_FIELDS:
        assert (more, hooks.post(token, body("77", "IN_PROGRESS", "15%") | more)) == (more, 200)


def test_a_body_that_says_it_is_too_large_is_not_waited_for(hooks: Hooks, token: str) -> None:
    reply = raw(hooks, head(token, f"content-length: {MIB + 1}"))
    assert reply.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in reply.lower()
    assert raw(hooks, head(token, f"content-length: {10**30}"))[9:12] in {b"413", b"400"}


def test_a_body_that_turns_out_too_large_is_not_read_on(hooks: Hooks, token: str) -> None:
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    assert raw(hooks, head(token, "transfer-encoding: chunked"), *[chunk] * 17).startswith(b"HTTP/1.1 413 ")


def test_a_body_of_just_a_mebibyte_is_read(hooks: Hooks, token: str) -> None:
    report = json.dumps(body("77", "IN_PROGRESS", "15%")).encode().ljust(MIB)
    assert hooks.client.post(f"{hooks.url}/hooks/{token}", content=report).status_code == 200
    assert hooks.client.post(f"{hooks.url}/hooks/{token}", content=report + b" ").status_code == 413


def test_all_bodies_together_have_a_limit_too(hooks: Hooks, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver, "LARGEST_BODIES", 1_000)
    answer = hooks.client.post(f"{hooks.url}/hooks/{token}", content=b" " * 2_000)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert hooks.post(token, body("77", "IN_PROGRESS")) == 200


def test_a_caller_who_dribbles_holds_nobody_up(hooks: Hooks, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver, "SLOWEST_BODY", 2.0)
    monkeypatch.setattr(serving, "SLOWEST_HEAD", 2.0)
    with ThreadPoolExecutor(21) as pool:
        slow = [pool.submit(raw, hooks, head(token, "content-length: 100"), b"{") for _ in range(10)]
        slower = [pool.submit(raw, hooks, b"POST /hooks/") for _ in range(10)]
        silent = pool.submit(raw, hooks)
        assert hooks.post(token, body("77", "IN_PROGRESS")) == 200
        assert not any(one.done() for one in [*slow, *slower, silent])
        assert {one.result(10)[9:12] for one in slow} == {b"408"}
        assert {one.result(10) for one in [*slower, silent]} == {b""}


def test_a_caller_who_hangs_up_early_is_nobodys_trouble(hooks: Hooks, token: str) -> None:
    with socket.create_connection(("127.0.0.1", hooks.port)) as connection:
        connection.sendall(head(token, "content-length: 100") + b'{"id"')
    report = json.dumps(body("77", "SUCCESS")).encode()
    with socket.create_connection(("127.0.0.1", hooks.port)) as connection:
        connection.sendall(head(token, f"content-length: {len(report)}") + report)
    assert hooks.rung()
    assert hooks.post(token, body("77", "IN_PROGRESS")) == 200


def test_more_than_can_wait_is_turned_away(hooks: Hooks, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "MOST_WAITING", 0)
    answer = hooks.client.post(f"{hooks.url}/hooks/{token}", json=body("77", "SUCCESS"))
    assert (answer.status_code, answer.headers["retry-after"], hooks.rings) == (503, "1", [])


def test_while_the_database_is_away_the_caller_is_told_so() -> None:
    store = Store("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    with served(store) as hooks:
        answer = hooks.client.post(f"{hooks.url}/hooks/{UNKNOWN}", json=body("77", "SUCCESS"))
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert hooks.client.get(f"{hooks.url}/healthz").status_code == 503
    store.close()


def test_health_is_that_of_the_database(hooks: Hooks) -> None:
    assert hooks.client.get(f"{hooks.url}/healthz").status_code == 200
    assert hooks.client.post(f"{hooks.url}/healthz").status_code == 405


def test_a_report_that_this_program_fails_on_costs_only_itself(
    world: World, hooks: Hooks, token: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("pipeline.hooks.callback.LONGEST_ID", 10_000)
    monkeypatch.setattr("pipeline.hooks.judge._percent", {"15%": 15, None: None}.__getitem__)
    world.change("UPDATE tasks SET progress = '15%', state = 'running'")
    with caplog.at_level(logging.INFO, "pipeline"):
        assert hooks.post(token, body("77", "IN_PROGRESS", "a secret of theirs")) == 500
        assert hooks.post(token, body("77", "SUCCESS")) == 200
    assert "callback_crashed why=KeyError" in caplog.text
    assert "secret" not in caplog.text


def test_nothing_of_a_request_comes_back_or_is_logged(
    hooks: Hooks, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        answers: list[httpx.Response] = [
            hooks.client.post(f"{hooks.url}/hooks/{where}?echo", headers={"x-echo": "echo"}, content=sent)
            for where in (token, UNKNOWN, "echo", "echo/")
            for sent in (json.dumps(body("77", "SUCCESS", echo="echo")), json.dumps(body("echo", "SUCCESS")), "echo")
        ]
    for answer in answers:
        assert "echo" not in str(answer.headers) + answer.text
    said = [record.getMessage() for record in caplog.records if record.name.startswith(("pipeline", "uvicorn"))]
    assert said
    assert not [line for line in said if token in line or "echo" in line or "77" in line]
