"""Pictures that were made and cannot be brought home: a dead link, a web page in their place, a full disk.

A delivery is tried for half a minute, so the two runs go on at once.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.conftest import Host
from tests.acceptance.outside import Folder, Server, Started, until


@pytest.fixture(scope="module")
def dead_links(tmp_path_factory: pytest.TempPathFactory, host: Host) -> Iterator[Started]:
    """A run that finds a dead link and a web page where two of its three pictures should be."""
    home = tmp_path_factory.mktemp("links")
    with Server(home) as server:
        folder = Folder(home / "project", **server.settings, **host())
        rows = ("good,a fox", "gone,a fox --sandbox missing", "page,an owl --sandbox html")
        yield folder, server, folder.start("run", folder.manifest("links.csv", *rows, columns="key,prompt"))
        folder.leave()


@pytest.fixture(scope="module")
def full_disk(tmp_path_factory: pytest.TempPathFactory, host: Host) -> Iterator[Started]:
    """A run whose output folder has no room for a picture."""
    home = tmp_path_factory.mktemp("disk")
    with Server(home, picture_size=512) as server:
        folder = Folder(home / "project", **server.settings, **host())
        (folder.path / "pictures").mkdir()
        manifest = folder.manifest("disk.csv", "fox,a fox", "owl,an owl", columns="key,prompt")
        yield folder, server, folder.start("run", manifest, before=without_room(home))
        folder.leave()


def without_room(place: Path) -> tuple[str, ...]:
    """What to put before a command: a tiny disk that only it sees, else (where nobody may mount) tiny files."""
    tiny = "mount -t tmpfs -o size=8k tmpfs"
    for unshare in (("unshare", "--mount"), ("unshare", "--mount", "--user", "--map-root-user")):
        attempt = [*unshare, *tiny.split(), str(place)]
        if shutil.which("unshare") and subprocess.run(attempt, capture_output=True, check=False).returncode == 0:
            return (*unshare, "sh", "-c", f'{tiny} pictures && exec "$@"', "sh")
    return ("sh", "-c", 'ulimit -f 16; exec "$@"', "sh")


@pytest.fixture(scope="module", autouse=True)
def _both_at_once(dead_links: Started, full_disk: Started) -> None:
    """The second run starts before the first one is waited for."""


def test_a_picture_behind_a_dead_link_or_a_web_page_is_kept_in_view_and_never_made_again(dead_links: Started) -> None:
    folder, server, run = dead_links
    ended = run.wait(90)
    assert ended.status == 1, ended.err
    assert "1 of 3 pictures delivered, 2 made but not here yet" in ended.out
    told = " ".join(ended.out.split())
    assert "the picture link is dead: 127.0.0.1 answered 404 Not Found" in told
    assert "web page" in told
    assert "The same run again tries to bring it home" in told
    page = (folder.path / "pictures/links/index.html").read_text()
    assert "answered 404 Not Found" in page
    assert [picture.stem for picture in folder.pictures("links")] == ["good"]

    again = folder.start("run", "links.csv")
    requests = server.audit()["polls"]
    until(lambda: server.audit()["polls"] > requests or not again.is_running(), "it does not ask for a fresh link")
    again.interrupt()
    assert again.wait().status == 130
    assert (server.accepted(), server.audit()["duplicates"]) == (3, [])


def test_a_full_disk_is_said_and_with_room_again_the_same_run_brings_everything_home(full_disk: Started) -> None:
    folder, server, run = full_disk
    ended = run.wait(90)
    assert (ended.status, "Traceback" in ended.err) == (1, False), ended.err
    said = " ".join((ended.out + ended.err).split())
    assert "the disk is full" in said or "the largest allowed file size is too small" in said
    assert "PIPELINE_OUTPUT_DIR" in said
    assert folder.pictures("disk") == []

    again = folder.pipeline("run", "disk.csv", "--json")
    assert again.status == 0, again.err
    assert {"tasks": 2, "sent": 0, "delivered": 2}.items() <= again.json.items()
    assert server.accepted() == 2
    assert folder.files("pictures/disk/.*.part") == []
