"""A manifest that is edited and run again: the difference is told, and sent, and nothing is paid twice."""

from __future__ import annotations

from tests.acceptance.conftest import Host
from tests.acceptance.outside import Folder, Server


def test_a_manifest_that_was_edited_sends_the_difference_and_says_it_before(
    folder: Folder, server: Server, host: Host
) -> None:
    folder.settings |= server.settings | host() | {"prices": '{"imagine": 0.5, "upscale": 0.25}'}
    spring = folder.manifest("spring.csv", "fox,a fox,U1", "owl,an owl,", "hen,a hen,")
    assert folder.pipeline("run", spring).status == 0
    folder.manifest("spring.csv", "cat,a cat,", "owl,an owl,U2", "fox,a red fox,U1")

    plan = folder.pipeline("plan", spring, "--json").json
    assert plan["changes"] == {
        "new": 1,
        "changed": [{"key": "owl", "fields": ["then"]}, {"key": "fox", "fields": ["prompt"]}],
        "unchanged": 0,
        "done": 0,
        "removed": [{"key": "hen", "sent": True}],
    }
    assert plan["to_send"] == {"tasks": 4, "actions": {"imagine": 2, "upscale": 2}, "cost": "1.50"}
    assert (plan["tasks"], plan["worst_case"]["cost"]) == (5, "2.00")
    assert server.accepted() == 4

    ran = folder.pipeline("run", spring, "--json")
    assert (ran.status, ran.json["sent"], ran.json["failed"]) == (0, 4, 0), ran.err
    assert "spring: 1 new, 2 changed (owl: then; fox: prompt), 0 unchanged, 1 removed\n" in ran.err
    made = ["cat", "fox", "fox-U1", "fox~2", "fox~2-U1", "hen", "owl", "owl-U2"]
    assert sorted(picture.stem for picture in folder.pictures("spring")) == made
    again = folder.pipeline("run", spring, "--json")
    assert (again.status, again.json["sent"], server.accepted()) == (0, 0, 8)
    assert "Since spring was last run: 0 new, 0 changed, 3 unchanged" in folder.pipeline("plan", spring).out


def test_fresh_starts_over_in_a_new_folder_and_leaves_what_is_there(folder: Folder, server: Server, host: Host) -> None:
    folder.settings |= server.settings | host()
    spring = folder.manifest("spring.csv", "fox,a fox", "owl,an owl", columns="key,prompt")
    assert folder.pipeline("run", spring).status == 0
    before = {picture: picture.read_bytes() for picture in folder.pictures("spring")}
    assert folder.pipeline("plan", spring, "--json").json["to_send"]["tasks"] == 0
    assert folder.pipeline("plan", spring, "--fresh", "--json").json["to_send"]["tasks"] == 2

    fresh = folder.pipeline("run", spring, "--fresh", "--json")
    assert (fresh.status, fresh.json["sent"]) == (0, 2), fresh.err
    assert "spring: starts over in pictures/spring-2; what was made before is batch spring~1, in pictures/spring\n" in (
        fresh.err
    )
    assert {picture: picture.read_bytes() for picture in folder.pictures("spring")} == before
    assert len(folder.pictures("spring-2")) == 2
    assert folder.pipeline("status", "spring~1", "--json").json["delivered"] == 2
    assert folder.pipeline("run", spring, "--json").json["sent"] == 0

    elsewhere = folder.settings | host()
    refused = folder.pipeline("run", spring, **elsewhere)
    assert (refused.status, "holds 2 pictures" in refused.err, server.accepted()) == (2, True, 4)
    assert folder.pipeline("run", spring, "--fresh", **elsewhere).status == 0
    assert {picture: picture.read_bytes() for picture in folder.pictures("spring")} == before
    assert len(folder.pictures("spring-3")) == 2


def test_a_plan_asks_the_database_that_is_there_and_makes_none(folder: Folder) -> None:
    spring = folder.manifest("spring.csv", "fox,a fox", columns="key,prompt")
    assert folder.pipeline("plan", spring, "--json").json["changes"]["new"] == 1
    assert folder.files(".pipeline") == []
    assert folder.pipeline("run", spring).status == 0
    changes = folder.pipeline("plan", spring, "--json").json["changes"]
    assert changes == {"new": 0, "changed": [], "unchanged": 1, "done": 1, "removed": []}

    away = folder.pipeline("plan", spring, database_url="postgresql://nobody@127.0.0.1:9/none")
    assert (away.status, "Postgres cannot be reached" in away.err) == (3, True)


def test_a_plan_does_not_touch_tables_of_another_version(folder: Folder, host: Host) -> None:
    folder.settings |= host()
    plan = folder.pipeline("plan", folder.manifest("spring.csv", "fox,a fox", columns="key,prompt"))
    assert (plan.status, "not those of this version" in plan.err) == (0, True)
    assert "Every row is new." in plan.out
