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

    shown = folder.pipeline("show", "long/row0", "--json").json
    assert (shown["batch"], shown["action"], len(shown["posts"])) == ("long", "imagine", 1)
    assert shown["moves"][0]["to_state"] == "submitting"
    assert server.audit()["duplicates"] == []
