"""Postgres and Redis that run already, with each of our services as a process of its own, as on a server."""

from __future__ import annotations

from tests.acceptance.conftest import Host
from tests.acceptance.outside import Folder, Server, until


def test_services_of_their_own_deliver_what_was_submitted(folder: Folder, server: Server, host: Host) -> None:
    folder.settings |= server.settings | host()
    submitted_too_early = folder.pipeline("submit", folder.rows("own.csv", 2))
    assert (submitted_too_early.status, submitted_too_early.out) == (2, "")
    assert "pipeline migrate" in submitted_too_early.err

    assert folder.pipeline("migrate").status == 0
    checked = folder.pipeline("check")
    assert (checked.status, [line.split()[0] for line in checked.out.splitlines()]) == (0, ["ok"] * 5)

    submitted = folder.pipeline("submit", "own.csv")
    assert submitted.status == 0, submitted.err
    batch = submitted.out.strip()
    assert batch.isdecimal()
    processes = [folder.start("worker"), folder.start("worker", "--name", "second"), folder.start("beat")]
    watched = folder.pipeline("watch", batch, "--json")
    assert watched.status == 0, watched.err
    assert {"tasks": 10, "sent": 10, "delivered": 10}.items() <= watched.json.items()
    assert len(folder.pictures("own")) == 10
    assert (server.accepted(), server.audit()["duplicates"]) == (10, [])
    for process in processes:
        process.process.terminate()
    assert [process.wait().status for process in processes] == [0, 0, 0]
    assert not (folder.path / ".pipeline").exists()


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


def test_a_lost_reply_waits_for_a_person_and_is_never_sent_again(folder: Folder, server: Server, host: Host) -> None:
    folder.settings |= server.settings | host()
    folder.manifest("lost.csv", "owl,an owl --sandbox lost,U1", "cat,a cat --sandbox lost,U1-U2")
    first = folder.pipeline("run", "lost.csv")
    assert first.status == 1
    assert "0 of 5 pictures delivered, 2 in doubt, 3 not reached" in first.out
    assert "pipeline resolve lost/KEY" in first.out
    again = folder.pipeline("run", "lost.csv", "--json")
    assert (again.status, again.json["sent"], again.json["in_doubt"]) == (1, 0, 2)
    assert server.accepted() == 2

    (remote_id,) = server.task_ids("an owl --sandbox lost")
    assert folder.pipeline("resolve", "lost/owl", "--found", remote_id).status == 0
    assert folder.pipeline("resolve", "lost/cat", "--give-up").status == 0
    assert folder.pipeline("resolve", "lost/cat", "--give-up").status == 2
    last = folder.pipeline("run", "lost.csv", "--json")
    assert last.status == 1
    wanted = {"sent": 1, "delivered": 2, "failed": 1, "in_doubt": 0}
    assert {key: last.json[key] for key in wanted} == wanted
    assert [picture.name for picture in folder.pictures("lost")] == ["owl-U1.png", "owl.png"]
    assert (server.accepted(), server.audit()["duplicates"]) == (3, [])
