"""docker-compose.yml without Docker: each service's very command, as a process, in the very environment."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import yaml

from pipeline.settings import Settings, load
from tests.acceptance.conftest import Host
from tests.acceptance.outside import COMMAND, Command, Folder, until

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
EXAMPLE = ROOT / ".env.example"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text())["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "mj-pipeline"}
LOGIN = "ann:sk-very-secret-123"
FILLED_IN = {"POSTGRES_PASSWORD": "secret", "PIPELINE_FLOWER_LOGIN": LOGIN}
REPORTED = {"PIPELINE_HOOK_URL": "http://hooks:8091"}
"""What .env.example says has the sandbox report."""
MADE = {"PIPELINE_DATABASE_URL", "PIPELINE_REDIS_URL", "PIPELINE_HEARTBEAT_FILE"}
"""Settings that the file gives itself."""
OF_ONE_MACHINE = {"PIPELINE_DATA_DIR", "PIPELINE_WORKERS"}
"""Settings of what `pipeline run` and `up` bring up, which no service does."""
_VARIABLE = re.compile(r"\$\{(\w+)(:[-?])?([^}]*)\}")


def interpolated(text: str, values: Mapping[str, str]) -> str:
    """As compose does it: `${NAME}`, `${NAME:-default}`, and `${NAME:?what is missing}`."""

    def value(match: re.Match[str]) -> str:
        name, kind, rest = match.groups()
        assert values.get(name) or kind == ":-", f"{name}: {rest}"
        return values.get(name) or rest

    return _VARIABLE.sub(value, text)


class Machine:
    """Where services are processes that find each other on loopback instead of by name."""

    def __init__(self, folder: Folder, settings: Mapping[str, str]) -> None:
        self._folder = folder
        postgres, redis = urlsplit(settings["database_url"]), urlsplit(settings["redis_url"])
        self._places = {
            "pipeline:secret@postgres:5432/pipeline": f"{postgres.netloc}{postgres.path}",
            "redis:6379/0": f"{redis.netloc}{redis.path}",
            "//sandbox:": "//127.0.0.1:",
            "//hooks:": "//127.0.0.1:",
            "/data/": f"{folder.path}/",
        }

    def environment(self, service: str) -> dict[str, str]:
        environment = OURS[service].get("environment", {})
        given = {name: value for name, value in environment.items() if value is not None}  # the rest is passed on
        wired = {
            name: self._placed(interpolated(value, FILLED_IN | REPORTED), service) for name, value in given.items()
        }
        return self._folder.environment(workers="") | wired

    def start(self, service: str, *words: str) -> Command:
        words = words or tuple(self._placed(word, service) for word in OURS[service]["command"])
        command = Command((*COMMAND, *words), self._folder.path, self.environment(service))
        self._folder.commands.append(command)
        return command

    def is_healthy(self, service: str) -> bool:
        """What the service's own health check says."""
        kind, *words = (self._placed(word, service) for word in OURS[service]["healthcheck"]["test"])
        words = [sys.executable if word == "python" else word.replace("$$", "$") for word in words]
        argv = words if kind == "CMD" else ["sh", "-c", *words]
        return subprocess.run(argv, check=False, capture_output=True).returncode == 0

    def _placed(self, text: str, service: str) -> str:
        text = text.replace("/data/heartbeat", f"/data/heartbeat-of-{service}")
        for there, here in self._places.items():
            text = text.replace(there, here)
        return text


def states_in_flower() -> list[str]:
    ann, password = LOGIN.split(":")
    seen = httpx.get("http://127.0.0.1:5555/api/tasks", auth=(ann, password)).json()
    return [task["state"] for task in seen.values()]


def secrets_of(environment: Mapping[str, str]) -> list[str]:
    addresses = (environment["PIPELINE_DATABASE_URL"], environment["PIPELINE_REDIS_URL"])
    return [LOGIN, *(password for one in addresses if (password := urlsplit(one).password))]


def test_it_is_a_compose_file() -> None:
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)]
    subprocess.run(check, check=True, capture_output=True)


def test_every_service_runs_by_itself_and_together_they_make_a_batch(folder: Folder, host: Host) -> None:
    machine = Machine(folder, host())
    assert machine.start("migrate").wait().status == 0
    running = {name: machine.start(name) for name in OURS if name not in {"migrate", "cli"}}
    assert set(running) == {"worker", "beat", "hooks", "flower", "sandbox"}
    second = machine.start("worker", *OURS["worker"]["command"], "--name", "second")
    until(lambda: "sandbox ready" in running["sandbox"].err, "the sandbox does not start")
    submitted = machine.start("cli", "submit", folder.rows("composed.csv", 2)).wait()
    assert submitted.status == 0, submitted.err
    watched = machine.start("cli", "watch", submitted.out.strip(), "--json").wait()
    assert (watched.status, watched.json["delivered"]) == (0, 10), watched.err
    assert len(folder.pictures("composed")) == 10
    audit = httpx.get("http://127.0.0.1:8080/sandbox/audit").json()
    assert (audit["accepted"], audit["duplicates"]) == (10, [])
    assert sum(audit["callbacks"].values()) >= 10
    for name in running:
        until(partial(machine.is_healthy, name), f"{name} is not healthy")
    until(lambda: set(states_in_flower()) == {"SUCCESS"}, f"Flower shows {states_in_flower()}")
    logged: dict[str, list[dict[str, Any]]] = {}
    for name, command in {**running, "second": second}.items():
        command.process.terminate()
        ended = command.wait()
        assert (ended.status, "Traceback" in ended.err) == (0, False), (name, ended.err)
        if name != "sandbox":
            logged[name] = command.log
            assert ended.out == ""
            assert not [secret for secret in secrets_of(machine.environment("flower")) if secret in ended.err]
    assert all(logged.values())


def test_a_password_that_is_not_filled_in_is_said() -> None:
    with pytest.raises(AssertionError, match=r"POSTGRES_PASSWORD: copy \.env\.example to \.env and fill it in"):
        interpolated(FILE.read_text(), FILLED_IN | {"POSTGRES_PASSWORD": ""})


def test_flower_says_that_it_has_no_login(folder: Folder) -> None:
    ended = folder.pipeline(*OURS["flower"]["command"], flower_login="")
    assert ended.status == 2
    assert "set PIPELINE_FLOWER_LOGIN to user:password" in ended.err


def test_every_setting_can_be_given_and_is_in_the_example() -> None:
    example = EXAMPLE.read_text()
    assert {f"{line}\n" in example for line in ("POSTGRES_PASSWORD=", "PIPELINE_FLOWER_LOGIN=")} == {True}
    ours = {f"PIPELINE_{name.upper()}" for name in Settings.model_fields}
    environment: dict[str, str | None] = OURS["flower"]["environment"]
    assert {name for name in environment if name.startswith("PIPELINE_")} == ours - OF_ONE_MACHINE
    given = {match[1] for match in _VARIABLE.finditer(FILE.read_text())}
    given |= {name for name, value in environment.items() if value is None}
    assert ours - OF_ONE_MACHINE - MADE <= given
    assert given - {"HOOKS_PORT", "FLOWER_PORT"} == set(re.findall(r"^(?:# )?([A-Z_]+)=", example, re.MULTILINE))
    assert "\n# PIPELINE_HOOK_URL={PIPELINE_HOOK_URL}\n".format(**REPORTED) in example


def test_a_server_that_nobody_said_how_to_reach_us_is_only_asked() -> None:
    environment = OURS["worker"]["environment"]
    assert interpolated(environment["PIPELINE_HOOK_URL"], FILLED_IN) == ""


def test_what_is_left_empty_may_be_a_secret_of_docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pipeline.settings.SECRETS", tmp_path)
    for name, value in OURS["flower"]["environment"].items():
        if name.startswith("PIPELINE_"):
            monkeypatch.setenv(name, interpolated(value, {"POSTGRES_PASSWORD": "secret"}))
    (tmp_path / "PIPELINE_API_KEY").write_text("sk-1\n")
    (tmp_path / "PIPELINE_FLOWER_LOGIN").write_text(LOGIN)
    settings = load()
    assert settings.api_key.get_secret_value() == "sk-1"
    assert settings.flower_login
    assert settings.flower_login.get_secret_value() == LOGIN
    assert (settings.max_running, settings.horizon, settings.hook_url) == (3, 120.0, None)


def test_each_service_waits_for_what_it_needs_and_comes_back() -> None:
    for name, service in OURS.items():
        if name in {"migrate", "sandbox"}:
            continue
        assert service["depends_on"]["migrate"]["condition"] == "service_completed_successfully", name
    assert SERVICES["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    once = {name for name, service in SERVICES.items() if service["restart"] == "no"}
    assert once == {"migrate", "cli"}
