"""A batch is paused, resumed, looked at and cancelled from a second terminal, while a run works on it."""

from __future__ import annotations

from tests.acceptance.conftest import MakeServer
from tests.acceptance.outside import Folder, until


def test_a_batch_is_steered_from_a_second_terminal(folder: Folder, serve: MakeServer) -> None:
    server = serve(imagine_seconds=1.5, upscale_seconds=0.8)
    folder.settings |= server.settings | {"max_running": "2", "max_queued": "1"}
    run = folder.start("run", folder.rows("long.csv", 6), "--json")
    until(lambda: server.accepted() >= 2 or not run.is_running(), "nothing is accepted")

    paused = folder.pipeline("pause", "long")
    assert paused.out.startswith("long is paused"), paused.err
    until(lambda: all(task["status"] == "SUCCESS" for task in server.tasks()), "what was sent is not made")
    sent = server.accepted()
    until(lambda: "pipeline resume long" in run.err, "the run does not say why it waits")
    assert (server.accepted(), sent < 30) == (sent, True)
    assert folder.pipeline("resume", "long").status == 0
    until(lambda: server.accepted() > sent, "nothing is sent after it was resumed")

    cancelled = folder.pipeline("cancel", "long")
    assert (cancelled.status, "long is cancelled" in cancelled.out) == (0, True), cancelled.err
    ended = run.wait()
    told = ended.json
    assert (ended.status, told["standing"], told["failed"], told["in_doubt"]) == (1, "cancelled", 0, 0)
    assert told["delivered"] == len(folder.pictures("long"))
    sent = server.accepted()
    assert told["delivered"] <= sent < 30

    refused = folder.pipeline("cancel", "long")
    assert (refused.status, refused.err) == (2, "long is cancelled: there is nothing to cancel\n")

    again = folder.pipeline("run", "long.csv", "--json")
    assert (again.status, again.json["standing"]) in {(0, "over"), (1, "over")}, again.err
    assert again.json["delivered"] + again.json["failed"] + again.json["not_reached"] == 30
    assert server.audit()["duplicates"] == []
    shown = folder.pipeline("show", "long/row1-U1", "--json").json
    assert (shown["state"], shown["parent"], len(shown["posts"])) == ("delivered", "row1", 1)
    assert [move["to_state"] for move in shown["moves"]][-1] == "delivered"
