"""What a service says: a line for each event, and no secret in it."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO

import pytest

from pipeline.log import Discreet, JsonLine, Log, Said
from pipeline.settings import load

PLAIN = logging.Formatter("%(levelname)s %(name)s %(message)s")
SECRETS = {
    "PIPELINE_API_KEY": 'sk-very"secret\\key',
    "PIPELINE_DATABASE_URL": "postgresql://ann:pass%2Fword-1@db.test/pipeline",
    "PIPELINE_REDIS_URL": "redis://:redis-password@redis.test:6379/0",
    "PIPELINE_FLOWER_LOGIN": "ann:flower-password",
    "PIPELINE_METRICS_TOKEN": "metrics-token",
}


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """Of a part of the program, which leads nowhere but to what a test adds."""
    logger = logging.getLogger("pipeline.test")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    yield logger
    logger.propagate = True
    logger.handlers.clear()


def written(logger: logging.Logger, formatter: logging.Formatter) -> StringIO:
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logger.addHandler(handler)
    return stream


def test_elsewhere_than_on_a_terminal_each_event_is_an_object(logger: logging.Logger) -> None:
    stream = written(logger, JsonLine())
    began = datetime.now(UTC)
    Log("test").warning("ring_lost", step="read", tasks=3, seconds=0.5, why=ValueError("no\nbroker: 图"), note=None)
    line = json.loads(stream.getvalue())
    assert abs((datetime.fromisoformat(line.pop("time")) - began).total_seconds()) < 5
    assert line == {
        "level": "WARNING",
        "logger": "pipeline.test",
        "event": "ring_lost",
        "step": "read",
        "tasks": 3,
        "seconds": 0.5,
        "why": "no\nbroker: 图",
    }
    assert stream.getvalue().count("\n") == 1


def test_an_exception_stays_within_its_line(logger: logging.Logger) -> None:
    stream = written(logger, JsonLine())
    try:
        raise ValueError("no\nsuch fox")
    except ValueError:
        Log("test").exception("read_crashed", batch_id=7)
    (line,) = stream.getvalue().splitlines()
    told = json.loads(line)
    assert (told["event"], told["batch_id"], told["level"]) == ("read_crashed", 7, "ERROR")
    assert told["exception"].startswith("Traceback (most recent call last):\n")
    assert told["exception"].endswith("ValueError: no\nsuch fox")


def test_what_other_libraries_say_is_an_event_too(logger: logging.Logger) -> None:
    stream = written(logger, JsonLine())
    logger.error("consumer: Cannot connect to %s: %s.", "redis", "refused", extra={"data": {"args": "..."}})
    told = json.loads(stream.getvalue())
    assert set(told) == {"time", "level", "logger", "event"}
    assert told["event"] == "consumer: Cannot connect to redis: refused."


def test_on_a_terminal_it_is_a_readable_line(logger: logging.Logger) -> None:
    stream = written(logger, PLAIN)
    Log("test").info("moved", task=7, at="http://127.0.0.1:80/a?b", why="it\x1b[2J is\nfull", more="a=b", none=None)
    told = r'INFO pipeline.test moved task=7 at=http://127.0.0.1:80/a?b why="it\u001b[2J is\nfull" more="a=b"'
    assert stream.getvalue() == f"{told}\n"


@pytest.mark.parametrize("inner", [PLAIN, JsonLine()], ids=["terminal", "json"])
def test_no_secret_of_the_settings_is_written(
    logger: logging.Logger, inner: logging.Formatter, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    secrets = list(load().secrets())
    stream = written(logger, Discreet(inner, secrets))
    for secret in (*SECRETS.values(), *secrets):
        Log("test").warning("refused", why=f"the API says: no key {secret}")
        logger.error("Cannot connect to %s", secret)
        try:
            raise ValueError(secret)
        except ValueError:
            Log("test").exception("crashed")
    for part in ("very", "pass%2F", "pass/", "redis-password", "flower-password", "metrics-token"):
        assert part not in stream.getvalue()
    assert "redis.test:6379/0" in stream.getvalue()


@pytest.mark.parametrize(
    ("said", "written_as"),
    [
        ("redis://:pw@host:6379/0 is away", "redis://***@host:6379/0 is away"),
        ("https://ann:pw@cdn.test/a.png?x=1", "https://***@cdn.test/a.png?x=1"),
        ("POST https://here.test/hooks/0f3a77 failed", "POST https://here.test/hooks/*** failed"),
        ("Authorization: Bearer sk-1, mj-api-secret: sk-2", "Authorization: Bearer ***, mj-api-secret: ***"),
        ("{'authorization': 'Basic c2stMQ=='}", "{'authorization': 'Basic ***'}"),
        ('{"mj-api-secret": "sk-1"}', '{"mj-api-secret": "***"}'),
        ("a basic plan of the bearer", "a basic plan of the bearer"),
        ("write to ann@example.com", "write to ann@example.com"),
        ("hooks/receiver.py", "hooks/receiver.py"),
    ],
)
def test_what_stands_where_secrets_stand_is_not_written(logger: logging.Logger, said: str, written_as: str) -> None:
    stream = written(logger, Discreet(JsonLine(), []))
    logger.error(said)
    Log("test").info("event", why=said, note="after it")
    foreign, ours = (json.loads(line) for line in stream.getvalue().splitlines())
    assert foreign["event"] == ours["why"] == written_as
    assert ours["note"] == "after it"


def test_a_short_secret_does_not_hide_words_that_it_is_a_part_of(logger: logging.Logger) -> None:
    stream = written(logger, Discreet(PLAIN, ["fox", ""]))
    logger.error("a fox")
    assert stream.getvalue() == "ERROR pipeline.test a fox\n"


CRASHING = """
import sys, threading, warnings
from pipeline.log import Log, log_to
log_to(sys.stderr, ["sk-secret-key"])
warnings.warn("old\\nthing")
thread = threading.Thread(target=lambda: 1 / 0, name="teller")
thread.start()
thread.join()
threading.Thread(target=sys.exit).start()
raise ValueError("sk-secret-key")
"""


def test_a_process_that_crashes_says_so_in_a_line_as_well() -> None:
    ended = subprocess.run([sys.executable, "-c", CRASHING], capture_output=True, text=True, check=False)
    warning, thread, process = (json.loads(line) for line in ended.stderr.splitlines())
    assert (warning["logger"], "old\nthing" in warning["event"]) == ("py.warnings", True)
    assert (thread["event"], thread["thread"]) == ("thread_crashed", "teller")
    assert thread["exception"].endswith("ZeroDivisionError: division by zero")
    assert (process["event"], ended.returncode) == ("process_crashed", 1)
    assert process["exception"].endswith("ValueError: ***")


def test_whoever_sets_up_no_log_reads_it_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    Log("worker").warning("ring_lost", step="read")
    assert caplog.messages == ["ring_lost step=read"]
    assert caplog.records[0].msg == Said("ring_lost", {"step": "read"})
