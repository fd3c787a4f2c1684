"""GET /metrics: what Prometheus is told, and who may ask."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipeline.hooks.metrics import Access
from pipeline.task import State
from tests.integration.conftest import World
from tests.integration.hooks import UNKNOWN, Hooks, body, served
from tests.integration.posts import accept, claim, settle

DASHBOARD = Path(__file__).parents[2] / "deploy/grafana.json"


@pytest.fixture
def hooks(world: World) -> Iterator[Hooks]:
    with served(world.store) as running:
        yield running


def asked(hooks: Hooks) -> dict[tuple[str, ...], float]:
    """Every sample: its name and the values of its labels."""
    answer = hooks.client.get(f"{hooks.url}/metrics")
    answer.raise_for_status()
    families = text_string_to_metric_families(answer.text)
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}


def test_tasks_posts_room_and_money_are_counted(world: World, hooks: Hooks) -> None:
    world.change("""UPDATE batches SET prices = '{"imagine": 0.04}', budget = 1""")
    world.plan("fox", "owl", "cat")
    one, other, third = claim(world)
    accept(world, one)
    settle(world, other, State.PLANNED, "try_again")
    settle(world, third, State.IN_DOUBT, "in_doubt")
    world.change("UPDATE accounts SET blocked_until = now() + interval '1 minute'")
    seen = asked(hooks)
    assert {
        ("pipeline_tasks", "acme", "imagine", "submitted"): 1,
        ("pipeline_tasks", "acme", "imagine", "planned"): 1,
        ("pipeline_tasks", "acme", "imagine", "in_doubt"): 1,
        ("pipeline_attempts_total", "acme", "accepted"): 1,
        ("pipeline_attempts_total", "acme", "try_again"): 1,
        ("pipeline_open_attempts", "acme", "in_doubt"): 1,
        ("pipeline_in_flight", "acme"): 2,
        ("pipeline_in_flight_limit", "acme"): 13,
        ("pipeline_closed", "acme"): 1,
        ("pipeline_budget", "acme"): 1,
        ("pipeline_reserved", "acme"): 0.08,
        ("pipeline_spent_total", "acme", "imagine"): 0,
    }.items() <= seen.items()


def test_the_way_home_is_sorted_into_classes(world: World, hooks: Hooks) -> None:
    world.plan("fox", "owl")
    world.change("UPDATE tasks SET finished_at = now() - interval '3 seconds' WHERE key = 'fox'")
    world.change("UPDATE tasks SET finished_at = now() - interval '2 minutes' WHERE key = 'owl'")
    world.change(
        "INSERT INTO artifacts (task_id, path, bytes, sha256, media_type) SELECT id, key, 1, '', 'image/png' FROM tasks"
    )
    seen = asked(hooks)
    name = "pipeline_delivery_seconds"
    assert [seen[f"{name}_bucket", bound] for bound in ("2.0", "5.0", "60.0", "300.0", "+Inf")] == [0, 1, 1, 2, 2]
    assert (seen[f"{name}_count",], round(seen[f"{name}_sum",])) == (2, 123)


def test_callbacks_are_counted_by_their_answer(world: World, hooks: Hooks) -> None:
    world.plan("fox")
    (task,) = claim(world)
    accept(world, task)
    assert hooks.post(task.token, body("77", "IN_PROGRESS")) == 200
    assert hooks.post(UNKNOWN, body("77", "IN_PROGRESS")) == 404
    assert hooks.post(task.token, [1]) == 400
    seen = asked(hooks)
    counts = {outcome: seen["pipeline_callbacks_total", outcome] for outcome in ("taken", "unknown", "no_task", "away")}
    assert counts == {"taken": 1, "unknown": 1, "no_task": 1, "away": 0}


def test_a_receiver_that_the_internet_reaches_shows_nothing_without_a_token(world: World) -> None:
    with served(world.store, Access()) as hooks:
        assert httpx.get(f"{hooks.url}/metrics").status_code == 404


def test_with_a_token_only_who_shows_it_is_answered(world: World) -> None:
    with served(world.store, Access(token="s3cret")) as hooks:
        for shown in ({}, {"authorization": "Bearer s3cre"}, {"authorization": "s3cret"}):
            assert httpx.get(f"{hooks.url}/metrics", headers=shown).status_code == 404
        right = {"authorization": "Bearer s3cret"}
        assert httpx.get(f"{hooks.url}/metrics", headers=right).status_code == 200


def test_the_dashboard_plots_what_there_is(world: World, hooks: Hooks) -> None:
    world.plan("fox")
    accept(world, claim(world)[0])
    names = {name for name, *_ in asked(hooks)}
    plotted = re.findall(r"pipeline_\w+", json.dumps(json.loads(DASHBOARD.read_text())))
    assert len(set(plotted)) >= 8
    assert set(plotted) <= names


def test_what_is_spent_never_shrinks_when_a_task_only_moves_on(world: World, hooks: Hooks) -> None:
    world.plan("fox", "owl", "cat")
    counted = ("pipeline_spent_total", "acme", "imagine")
    world.change("UPDATE tasks SET state = 'delivered', remote_id = 'r', spent = 0.1 * id")
    together = asked(hooks)[counted]
    world.change("UPDATE tasks SET state = CASE id WHEN 1 THEN 'failed' WHEN 2 THEN 'in_doubt' ELSE 'delivered' END")
    world.change("INSERT INTO task_events (task_id, from_state, to_state, cause) VALUES (1, '', '', 'test')")
    assert (together, asked(hooks)[counted]) == (0.6, 0.6)


def test_the_seconds_of_the_way_home_do_not_shrink_when_they_are_counted_anew(world: World, hooks: Hooks) -> None:
    world.plan("fox", "owl", "cat")
    world.change("UPDATE tasks SET finished_at = '2026-01-01 00:00:00Z'")
    world.change(
        "INSERT INTO artifacts (task_id, path, bytes, sha256, media_type, created_at) "
        "SELECT id, key, 1, '', 'image/png', t.finished_at + id * interval '0.1 seconds' FROM tasks t"
    )
    assert [asked(hooks)["pipeline_delivery_seconds_sum",] for _ in range(3)] == [0.6] * 3
