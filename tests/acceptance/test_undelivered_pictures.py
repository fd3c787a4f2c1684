"""Pictures that were made and cannot be brought home: a dead link, a web page in their place, a full disk.

A delivery is tried for a good while, so both runs start with the first test of the folder and are waited for here.
"""

from __future__ import annotations

from tests.acceptance.conftest import Started
from tests.acceptance.outside import until


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
