"""A batch that recurs, from the command line to pictures on disk."""

from __future__ import annotations

import psycopg

from tests.acceptance.conftest import Host
from tests.acceptance.outside import Folder, Server, until

WEEKLY = """
schedule: {cron: 0 9 * * 1, timezone: Europe/Berlin, overlap: allow}
defaults: {then: U1}
tasks: [{key: "fox-{{ number }}", imagine: a fox on a {{ weekday }}}]
"""


def test_a_schedule_makes_its_pictures_when_it_is_due_and_by_hand(folder: Folder, server: Server, host: Host) -> None:
    folder.settings |= server.settings | host()
    (folder.path / "weekly.yaml").write_text(WEEKLY)
    added = folder.pipeline("schedule", "add", "weekly", "weekly.yaml")
    assert (added.status, added.out.startswith("weekly: fires next at Mon ")) == (0, True), added.err
    again = folder.pipeline("schedule", "add", "weekly", "weekly.yaml")
    assert (again.status, again.out, len(again.err.splitlines())) == (2, "", 1), again.err
    assert "there is a schedule 'weekly' already" in again.err
    (folder.path / "weekly.yaml").unlink()  # it is kept in the database
    beats = [folder.start(service) for service in ("worker", "beat", "beat")]

    by_hand = folder.pipeline("schedule", "run-now", "weekly")
    assert (by_hand.status, by_hand.out.strip().isdecimal()) == (0, True), by_hand.err
    with psycopg.connect(folder.settings["database_url"]) as connection:
        connection.execute("UPDATE schedules SET settled_until = now() - interval '15 days', next_fire_at = now()")

    def history() -> list[dict[str, object]]:
        fires: list[dict[str, object]] = folder.pipeline("schedule", "show", "weekly", "--json").json["fires"]
        return fires

    fires = until(lambda: found if len(found := history()) == 3 else None)
    assert sorted(str(fire["outcome"]) for fire in fires) == ["made", "made", "missed"]
    for fire in fires:
        if fire["outcome"] == "made":
            watched = folder.pipeline("watch", str(fire["batch"]), "--json")
            assert (watched.status, watched.json["delivered"]) == (0, 2), watched.err
            assert len(folder.pictures(str(fire["name"]))) == 2
    assert (server.accepted(), server.audit()["duplicates"]) == (4, [])
    assert all(beat.is_running() for beat in beats)
