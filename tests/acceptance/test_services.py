"""Postgres and Redis that run already, with each of our services as a process of its own, as on a server."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from tests.acceptance.conftest import Host, MakeServer
from tests.acceptance.outside import Folder, Server, until


def test_services_of_their_own_deliver_what_was_submitted(folder: Folder, server: Server, host: Host) -> None:
    folder.settings |= server.settings | host()
    submitted_too_early = folder.pipeline("submit", folder.rows("own.csv", 2))
    assert (submitted_too_early.status, submitted_too_early.out) == (2, "")
    assert "pipeline migrate" in submitted_too_early.err

    assert folder.pipeline("migrate").status == 0
    checked = folder.pipeline("check")
    assert (checked.status, [line.split()[0] for line in checked.out.splitlines()]) == (0, ["ok"] * 6)

    submitted = folder.pipeline("submit", "own.csv")
    assert submitted.status == 0, submitted.err
    batch = submitted.out.strip()
    assert batch.isdecimal()
    beat = folder.start("beat", events="false")
    processes = [folder.start("worker"), folder.start("worker", "--name", "second"), beat]
    watched = folder.pipeline("watch", batch, "--json")
    assert watched.status == 0, watched.err
    assert {"tasks": 10, "sent": 10, "delivered": 10}.items() <= watched.json.items()
    assert len(folder.pictures("own")) == 10
    assert (server.accepted(), server.audit()["duplicates"]) == (10, [])
    until(lambda: Counter(line.get("to") for line in beat.log)["delivered"] == 10, f"moves are not logged: {beat.err}")
    for process in processes:
        process.process.terminate()
    assert [process.wait().status for process in processes] == [0, 0, 0]
    assert not (folder.path / ".pipeline").exists()
    moves = Counter((line["task"], line["to"]) for line in beat.log if line["event"] == "moved")
    assert set(moves.values()) == {1}
    assert {state for _, state in moves} >= {"submitting", "submitted", "succeeded", "delivered"}


def test_run_uses_the_services_that_it_is_given(folder: Folder, server: Server, host: Host) -> None:
    folder.settings |= server.settings | host()
    ended = folder.pipeline("run", folder.rows("given.csv", 1), "--json")
    assert ended.status == 0, ended.err
    assert {"sent": 5, "delivered": 5}.items() <= ended.json.items()
    assert not (folder.path / ".pipeline/postgres").exists()
    assert not (folder.path / ".pipeline/redis").exists()


def test_three_runs_at_once_share_one_postgres_and_pay_once(folder: Folder, server: Server) -> None:
    folder.settings |= server.settings
    one, other = folder.rows("one.csv", 2), folder.rows("other.csv", 2)
    runs = [folder.start("run", name, "--json") for name in (one, other, one)]
    until(lambda: server.accepted() or not all(run.is_running() for run in runs))
    postgres = [command for command in folder.running() if "postgres -D" in command]
    ended = [run.wait() for run in runs]
    assert [end.status for end in ended] == [0, 0, 0], [end.err for end in ended]
    assert [end.json["delivered"] for end in ended] == [10, 10, 10]
    assert len(postgres) == 1
    assert (server.accepted(), server.audit()["duplicates"]) == (20, [])


def test_a_lost_reply_is_found_at_the_api_and_costs_nothing_twice(folder: Folder, server: Server, host: Host) -> None:
    folder.settings |= server.settings | host() | {"prices": '{"imagine": 0.04, "upscale": 0.01}', "budget": "1"}
    folder.manifest("lost.csv", "owl,an owl --sandbox lost,U1", "cat,a cat,U1")
    ended = folder.pipeline("run", "lost.csv", "--json")
    assert (ended.status, ended.json["sent"], ended.json["delivered"]) == (0, 4, 4), ended.err
    assert (server.accepted(), server.audit()["duplicates"]) == (4, [])
    money = {"budget": "1", "spent": "0.10", "reserved": "0.00", "in_doubt": "0.00", "avoided": "0.04"}
    assert ended.json["money"] == money
    shown = folder.pipeline("status", "lost")
    assert "Money: 0.10 spent, 0.04 not paid twice; the budget is 1" in shown.out


def test_what_the_budget_does_not_pay_for_is_not_sent_until_it_is_raised(
    folder: Folder, server: Server, host: Host
) -> None:
    folder.settings |= server.settings | host() | {"prices": '{"imagine": 0.04, "upscale": 0.01}'}
    rows = "tasks: [{prompt: a fox}, {prompt: an owl}, {prompt: a cat}]"
    manifest = "batch: few\nbudget: {}\ndefaults: {{then: U1}}\n" + rows.replace("{", "{{").replace("}", "}}")
    (folder.path / "few.yaml").write_text(manifest.format("0.10"))
    ended = folder.pipeline("run", "few.yaml", "--json")
    assert (ended.status, ended.json["delivered"], ended.json["not_affordable"]) == (1, 4, 1), ended.err
    assert (ended.json["money"]["spent"], server.accepted()) == ("0.10", 4)
    assert "beyond the budget: not sent" in folder.pipeline("status", "few").out.lower()
    (folder.path / "few.yaml").write_text(manifest.format("0.20"))
    ended = folder.pipeline("run", "few.yaml", "--json")
    assert (ended.status, ended.json["delivered"], ended.json["money"]["spent"]) == (0, 6, "0.15"), ended.err
    unpriced = folder.pipeline("run", "few.yaml", prices='{"imagine": 0.04}')
    assert (unpriced.status, server.accepted()) == (2, 6)
    assert "the budget of 0.20 cannot be kept" in unpriced.err


def test_a_retry_sends_again_what_failed_and_nothing_else(folder: Folder, server: Server, host: Host) -> None:
    folder.settings |= server.settings | host()
    folder.manifest("some.csv", "owl,an owl --sandbox fail,U1", "cat,a cat,U1")
    assert folder.pipeline("run", "some.csv").status == 1
    before = server.accepted()
    again = folder.pipeline("retry", "some", "--json")
    assert "1 tasks are sent again" in again.err
    assert (again.status, again.json["delivered"], again.json["failed"]) == (1, 2, 1), again.err
    assert server.accepted() == before + 1


def test_a_lost_reply_that_nobody_can_tell_of_waits_for_a_person_and_is_never_sent_again(
    folder: Folder, serve: MakeServer, host: Host, tmp_path: Path
) -> None:
    journal = tmp_path / "journal.jsonl"
    server = serve(dialect="relay", journal=journal)
    folder.settings |= server.settings | host() | {"api_dialect": "relay", "horizon": "1"}
    folder.manifest("lost.csv", "owl,an owl --sandbox lost,U1", "cat,a cat --sandbox lost,U1-U2")
    first = folder.pipeline("run", "lost.csv")
    assert first.status == 1
    assert "0 of 5 pictures delivered, 2 in doubt, 3 not reached" in first.out
    assert "pipeline resolve lost/KEY" in first.out
    again = folder.pipeline("run", "lost.csv", "--json")
    assert (again.status, again.json["sent"], again.json["in_doubt"]) == (1, 0, 2)
    assert server.accepted() == 2

    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    (remote_id,) = [line["id"] for line in lines if line.get("prompt") == "an owl --sandbox lost"]
    assert folder.pipeline("resolve", "lost/owl", "--found", remote_id).status == 0
    assert folder.pipeline("resolve", "lost/cat", "--give-up").status == 0
    assert folder.pipeline("resolve", "lost/cat", "--give-up").status == 2
    last = folder.pipeline("run", "lost.csv", "--json")
    assert last.status == 1
    wanted = {"sent": 1, "delivered": 2, "failed": 1, "in_doubt": 0}
    assert {key: last.json[key] for key in wanted} == wanted
    assert [picture.name for picture in folder.pictures("lost")] == ["owl-U1.png", "owl.png"]
    assert (server.accepted(), server.audit()["duplicates"]) == (3, [])
