"""What looks like an answer and is none: a server without memory, a gateway's word, another POST's report."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pipeline.outcome import Sightings
from pipeline.settings import Dialect
from pipeline.store import retrying
from pipeline.store.looks import witnesses
from pipeline.task import Policy
from pipeline.terms import Terms
from tests.integration.conftest import World
from tests.integration.office import open_office, servers
from tests.integration.test_doubts import PRICES, Open, amounts, plan

__all__ = ["open_office", "servers"]


def test_what_was_accepted_beside_it_shows_that_the_server_has_lost_its_memory(world: World, open_office: Open) -> None:
    office = open_office()
    plan(world, owl="an owl", fox="a fox --sandbox 500")
    office.send()
    world.change("UPDATE tasks SET doubted_at = clock_timestamp() WHERE key = 'fox'")
    office.server.reset()
    office.look()
    row = office.row()
    assert (row["state"], row["next_attempt_at"]) == ("in_doubt", None)
    assert "has forgotten what it took before" in row["reason"]


def test_each_is_judged_by_what_was_taken_before_it(world: World, open_office: Open) -> None:
    office = open_office()
    plan(world, fox="a fox --sandbox 500")
    office.send()
    plan(world, fox="a fox --sandbox 500", owl="an owl")
    office.send()
    plan(world, fox="a fox --sandbox 500", owl="an owl", hen="a hen --sandbox 500")
    office.send()
    office.server.reset()
    office.look()
    assert [office.row(key)["state"] for key in ("fox", "hen")] == ["planned", "in_doubt"]


def test_what_the_api_has_no_task_of_is_no_witness(world: World) -> None:
    world.plan("fox", "link", "owl")
    world.change("UPDATE tasks SET submitted_at = now() - id * interval '1 s', remote_id = key WHERE key <> 'fox'")
    world.change("UPDATE tasks SET action = 'upload' WHERE key = 'link'")
    world.change("UPDATE tasks SET doubted_at = now() WHERE key = 'fox'")
    with world.store.look() as tx:
        assert witnesses(tx, [1]) == {1: "owl"}


def test_one_answer_that_tells_nothing_decides_nothing(
    world: World, open_office: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = open_office(horizon=60)
    office.agree(Terms(prices=PRICES, in_doubt=Policy.RESUBMIT))
    plan(world, fox="a fox --sandbox lost")
    office.send()
    world.change("UPDATE tasks SET doubted_at = now() - interval '1 hour'")
    with monkeypatch.context() as gateway:
        gateway.setattr(type(office.at.api), "find", lambda *_: Sightings(why="404 page not found"))
        office.look()
        assert (office.row()["state"], office.row()["next_attempt_at"] is None) == ("in_doubt", False)
    office.look()
    assert office.row()["state"] == "submitted"
    assert office.server.accepted() == 1


def test_what_nobody_asks_for_any_more_is_not_sent_again_by_policy(world: World, open_office: Open) -> None:
    office = open_office(Dialect.RELAY)
    office.agree(Terms(prices=PRICES, in_doubt=Policy.RESUBMIT))
    plan(world, fox="a fox --sandbox lost")
    office.send()
    plan(world)
    office.look()
    row = office.row()
    assert (row["state"], row["next_attempt_at"] is None) == ("failed", False)
    assert "the manifest no longer asks for it" in row["reason"]
    assert amounts(office) == (0, Decimal("0.04"), 0)


def test_a_task_at_which_the_server_fails_again_and_again_fails_in_the_end(world: World, open_office: Open) -> None:
    office = open_office()
    office.agree(Terms(prices=PRICES))
    plan(world, fox="a fox --sandbox 500")
    for _ in range(3):
        office.send()
        office.look()
    row = office.row()
    assert (row["state"], row["attempt"]) == ("failed", 3)
    assert "so it went 3 times. The last time: the reply does not say" in row["reason"]
    assert amounts(office) == (0, 0, Decimal("0.12"))


def test_a_retry_leaves_alone_what_is_in_doubt_under_the_name_of_another_post(world: World) -> None:
    world.plan("fox")
    world.change("UPDATE tasks SET state = 'failed', attempt = 2, remote_id = '77'")
    world.change(
        "INSERT INTO attempts (task_id, number, outcome, ended_at, remote_id) VALUES (1, 1, 'accepted', now(), '77')"
    )
    world.change("INSERT INTO attempts (task_id, number, outcome, ended_at) VALUES (1, 2, 'in_doubt', now())")
    with world.store.begin() as tx:
        assert retrying.retry(tx, world.batch_id) == retrying.Retried(again=0, doubtful=1)
