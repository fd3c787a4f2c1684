"""Two hosts with one Postgres, Redis, server and bucket share a batch, and one goes on when the other is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from celery import Celery

from tests.acceptance.hosts import Host, Lan, postgres, redis, way
from tests.acceptance.outside import Folder, Server, until
from tests.bucket import BUCKET, SECRET, S3Server

RUNNING, QUEUED = 4, 3


@dataclass(frozen=True, slots=True)
class Site:
    """All of it, with the folder of a person who types commands."""

    lan: Lan
    hosts: tuple[Host, ...]
    desk: Folder
    server: Server
    bucket: S3Server

    def ask(self, sql: str) -> list[Any]:
        with psycopg.connect(self.desk.settings["database_url"]) as connection:
            return connection.execute(sql).fetchall()

    def change(self, sql: str) -> None:
        with psycopg.connect(self.desk.settings["database_url"]) as connection:
            connection.execute(sql)

    def working(self) -> set[Host]:
        """The hosts whose processes were the last to work on some task."""
        owners = self.ask("SELECT DISTINCT host, pid FROM processes WHERE number IN (SELECT owner FROM tasks)")
        return {one for one in self.hosts for host, pid in owners if one.is_home_of(host, pid)}

    def listening(self) -> set[str]:
        """The names of the workers that answer, as Flower shows them."""
        options = {"global_keyprefix": "pipeline:"}
        with Celery(
            broker=self.desk.settings["redis_url"], broker_transport_options=options, set_as_current=False
        ) as app:
            return {name for answer in app.control.ping(timeout=0.3) for name in answer}


@pytest.fixture(scope="module", params=[way()])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("site")
    with ExitStack() as stack:
        lan = stack.enter_context(Lan(request.param))
        bucket = stack.enter_context(S3Server(home / "s3.log", lan.address))
        # It has more room than the account may use, so that only our own limit is kept.
        server = stack.enter_context(Server(home, host=lan.address, slots=16, queue=16, imagine_seconds=0.4))
        settings = server.settings | {
            "database_url": stack.enter_context(postgres(lan, home)),
            "redis_url": stack.enter_context(redis(lan, home)),
            "output_dir": f"s3://{BUCKET}/pictures",
            "max_running": str(RUNNING),
            "max_queued": str(QUEUED),
        }
        desk = Folder(home / "desk", **settings)
        hosts = tuple(stack.enter_context(Host(lan, place, home / f"host-{place}", **settings)) for place in range(2))
        for folder in (desk, *hosts):
            folder.given |= bucket.environment
        assert desk.pipeline("migrate").status == 0
        for host in hosts:
            host.begin("worker", "--name", host.path.name)
            host.begin("beat")
        site = Site(lan, hosts, desk, server, bucket)
        yield site


def submitted(site: Site, manifest: str) -> str:
    ended = site.desk.pipeline("submit", manifest)
    assert ended.status == 0, ended.err
    return ended.out.strip()


def assert_paid_and_delivered_once(site: Site, tasks: int) -> None:
    audit = site.server.audit()
    assert (audit["accepted"], audit["duplicates"], set(audit["by_work"].values())) == (tasks, [], {1})
    assert audit["max_running"] + audit["max_waiting"] <= RUNNING + QUEUED
    assert site.ask("SELECT count(*), count(DISTINCT task_id) FROM task_events WHERE to_state = 'delivered'") == [
        (tasks, tasks)
    ]


def test_a_batch_is_shared_and_everything_is_in_the_bucket_once(site: Site) -> None:
    names = until(lambda: len(names := site.listening()) == 2 and names, "the workers do not start")
    assert len({name.partition("@")[2] for name in names}) == (2 if site.lan.has_cables else 1), names
    batch = submitted(site, site.desk.rows("shared.csv", 20))
    watched = site.desk.pipeline("watch", batch, "--json")
    assert (watched.status, watched.json["delivered"]) == (0, 100), watched.err
    assert_paid_and_delivered_once(site, 100)
    assert site.working() == set(site.hosts)
    kept = site.bucket.names("pictures/shared/")
    assert (len(kept), sum(name.endswith(".png") for name in kept)) == (200, 100)
    page = site.desk.pipeline("report", batch)
    assert (page.status, page.out) == (0, f"s3://{BUCKET}/pictures/shared/index.html\n")
    assert site.bucket.content("pictures/shared/index.html").count(b'src="./thumbnails/') == 100
    assert [folder.holds(SECRET) for folder in (site.desk, *site.hosts)] == [[], [], []]


def test_what_a_lost_host_had_in_hand_is_brought_home_by_the_other(site: Site) -> None:
    site.change("UPDATE accounts SET blocked_until = now() + interval '1 hour'")
    batch = submitted(site, site.desk.rows("lost.csv", 2))
    site.bucket.freeze()
    site.change("UPDATE accounts SET blocked_until = NULL")
    in_hand = (
        "SELECT host, pid FROM processes JOIN tasks ON owner = number "
        f"WHERE batch_id = {batch} AND state = 'succeeded' AND lease_until > now()"
    )
    until(lambda: len(site.ask(in_hand)) == 10, "not everything is made and about to be brought home")
    lost = next(one for one in site.hosts if any(one.is_home_of(*owner) for owner in site.ask(in_hand)))
    lost.lose()
    site.bucket.thaw()
    watched = site.desk.pipeline("watch", batch, "--json")
    assert (watched.status, watched.json["delivered"]) == (0, 10), watched.err
    assert_paid_and_delivered_once(site, 110)
    assert len(site.bucket.names("pictures/lost/")) == 20
