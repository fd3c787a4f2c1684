"""The same promises on every server of the family, seen through the client alone.

What takes `account` is cheap enough to be tried on a real server too: one imagine, one upscale, one describe.
"""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from pipeline.action import Action
from pipeline.api.client import Api
from pipeline.errors import ServiceError
from pipeline.inputs import Role
from pipeline.outcome import Accepted, Blame, InDoubt, Refused, Report, TryAgain, Window
from pipeline.settings import Dialect
from pipeline.task import Mode, State
from tests.acceptance.outside import Server
from tests.contract.playing import UNFINISHED, Account, attached, mask

FACES = (attached("pink", role=Role.SOURCE), attached("brown", role=Role.TARGET))


def content(report: Report) -> tuple[str, int]:
    """Media type and length of what was made."""
    assert report.image_url is not None
    reply = httpx.get(report.image_url, follow_redirects=True, timeout=60)
    assert reply.status_code == 200
    return reply.headers["content-type"], len(reply.content)


# On every server, real ones too.


def test_the_key_is_taken_and_the_dialect_is_told(account: Account) -> None:
    account.api.check()
    spoken, evidence = account.api.probe()
    assert spoken is account.api.dialect, evidence


def test_a_task_that_nobody_has_is_unknown(account: Account) -> None:
    assert account.api.fetch("1320098173412546") is None
    assert account.api.list(["1320098173412546"]) == []


def test_an_imagine_is_a_picture_with_ways_to_go_on(account: Account) -> None:
    grid = account.grid()
    assert content(grid)[0].startswith("image/")
    assert bool(grid.buttons) is account.api.traits.press_buttons
    (listed,) = account.api.list([grid.remote_id])
    assert (listed.state, listed.remote_id) == (State.SUCCEEDED, grid.remote_id)


def test_an_upscale_is_one_picture(account: Account) -> None:
    single = account.single()
    assert single.remote_id != account.grid().remote_id
    assert content(single)[0].startswith("image/")


def test_a_picture_is_described_in_prompts(account: Account) -> None:
    report = account.make(account.row(Action.DESCRIBE, "", attached=(attached("orange"),)))
    assert report.state is State.SUCCEEDED
    assert report.result is not None
    assert len(report.result["prompts"]) == 4
    assert all(prompt and prompt in " ".join(report.result["text"].split()) for prompt in report.result["prompts"])


# On the sandbox in each dialect.


def test_a_server_that_speaks_another_dialect_is_told_all_the_same(emulated: Account) -> None:
    for configured in Dialect:
        with Api(emulated.api.base_url, "sk-very-secret-123", configured) as other:
            assert other.probe()[0] is emulated.api.dialect


def test_a_wrong_key_is_blamed_on_the_key(emulated: Account) -> None:
    with Api(emulated.api.base_url, "sk-somebody-else", emulated.api.dialect) as stranger:
        with pytest.raises(ServiceError, match="refuses the key"):
            stranger.check()
        outcome = stranger.submit(emulated.row())
        assert isinstance(outcome, TryAgain)
        assert outcome.blame is Blame.KEY
        assert stranger.probe()[0] is None


def test_a_variation_and_a_reroll_are_four_pictures_again(emulated: Account) -> None:
    for word in ("V1", "R"):
        grid = emulated.follow(emulated.grid(), word)
        assert content(emulated.follow(grid, "U4"))[0] == "image/png"


def test_tasks_without_a_word_are_followed_by_their_index(emulated: Account) -> None:
    grid = emulated.grid()
    of: dict[str, Any] = {"parent_remote_id": grid.remote_id, "parent_buttons": grid.buttons}
    assert emulated.make(emulated.row(Action.UPSCALE, index=3, **of)).state is State.SUCCEEDED


def test_a_prompt_of_a_describe_is_imagined(emulated: Account) -> None:
    described = emulated.make(emulated.row(Action.DESCRIBE, "", attached=(attached("green"),)))
    assert described.result is not None
    grid = emulated.follow(described, "imagine-2", prompt=described.result["prompts"][1])
    assert content(emulated.follow(grid, "U1"))[0] == "image/png"


def test_a_picture_that_was_made_is_described(emulated: Account) -> None:
    report = emulated.follow(emulated.grid(), "describe", attached=(attached(),))
    assert report.result is not None
    assert len(report.result["prompts"]) == 4


def test_pictures_are_blended(emulated: Account) -> None:
    pictures = (attached("red"), attached("blue"))
    options = {"dimensions": "PORTRAIT", "bot": "NIJI_JOURNEY"}
    grid = emulated.make(emulated.row(Action.BLEND, "", attached=pictures, options=options))
    assert grid.state is State.SUCCEEDED
    assert content(emulated.follow(grid, "U1"))[0] == "image/png"


def test_an_imagine_takes_references(emulated: Account) -> None:
    assert emulated.make(emulated.row(attached=(attached("red"), attached("blue")))).state is State.SUCCEEDED


@pytest.mark.needs("mode")
def test_a_speed_is_asked_for_in_the_path(emulated: Account) -> None:
    assert emulated.make(emulated.row(mode=Mode.FAST)).state is State.SUCCEEDED


@pytest.mark.needs("shorten")
def test_a_prompt_is_shortened(emulated: Account) -> None:
    report = emulated.make(emulated.row(Action.SHORTEN, "please draw a very beautiful fox in the snow"))
    assert report.result is not None
    assert len(report.result["prompts"]) == 5
    assert {token["weight"] for token in report.result["tokens"]} <= {"strong", "normal", "weak"}
    assert "fox" in [token["token"] for token in report.result["tokens"]]
    grid = emulated.follow(report, "imagine-5", prompt=report.result["prompts"][4])
    assert content(grid)[0] == "image/png"


@pytest.mark.needs("swap_face")
def test_a_face_is_swapped(emulated: Account) -> None:
    assert content(emulated.make(emulated.row(Action.SWAP_FACE, "", attached=FACES)))[0] == "image/png"


@pytest.mark.needs("edit")
def test_a_picture_is_edited(emulated: Account) -> None:
    report = emulated.make(emulated.row(Action.EDIT, "with a hat", attached=(attached(),)))
    assert content(report)[0] == "image/png"


@pytest.mark.needs("video")
def test_a_film_is_made(emulated: Account) -> None:
    options = {"motion": "high", "loop": True}
    report = emulated.make(emulated.row(Action.VIDEO, "it moves", attached=(attached(),), options=options))
    assert content(report)[0].startswith("video/")


@pytest.mark.needs("upload")
def test_an_upload_gives_links_at_once(emulated: Account) -> None:
    task = emulated.row(Action.UPLOAD, "", attached=(attached("red"), attached("blue")))
    outcome = emulated.api.submit(task)
    assert isinstance(outcome, Accepted)
    assert outcome.remote_id == task.token
    assert outcome.report is not None
    assert outcome.report.result is not None
    assert [httpx.get(url).status_code for url in outcome.report.result["urls"]] == [200, 200]


SINGLE = (
    "upscale-subtle",
    "upscale-creative",
    "vary-subtle",
    "vary-strong",
    "zoom-1.5",
    "zoom-2",
    "pan-left",
    "pan-up",
)


@pytest.mark.parametrize("word", SINGLE)
@pytest.mark.needs("upscale", "vary", "zoom", "pan")
def test_a_single_picture_goes_on_by_its_buttons(emulated: Account, word: str) -> None:
    assert content(emulated.follow(emulated.single(), word))[0] == "image/png"


@pytest.mark.needs("square")
def test_a_wide_picture_is_made_square(emulated: Account) -> None:
    wide = emulated.make(emulated.row(prompt="a wide fox --ar 3:2"))
    assert content(emulated.follow(emulated.follow(wide, "U1"), "square"))[0] == "image/png"


@pytest.mark.needs("zoom")
def test_a_zoom_of_any_factor_goes_through_its_window(emulated: Account) -> None:
    task = emulated.follow_up(emulated.single(), "zoom-1.7", prompt="a fox in a wood")
    assert isinstance(emulated.api.submit(task), Window)
    assert emulated.make(task).state is State.SUCCEEDED


@pytest.mark.needs("vary_region")
def test_a_region_is_painted_anew_through_its_window(emulated: Account) -> None:
    task = emulated.follow_up(emulated.single(), "vary_region", prompt="a hat", own_prompt=True, attached=(mask(),))
    assert isinstance(emulated.api.submit(task), Window)
    assert emulated.make(task).state is State.SUCCEEDED


@pytest.mark.parametrize("word", ["V1", "R"])
def test_a_prompt_of_its_own_goes_through_a_window_even_where_it_is_hidden(emulated: Account, word: str) -> None:
    """A relay says 1 instead of 21, so its window is found by looking."""
    task = emulated.follow_up(emulated.grid(), word, prompt="a blue fox", own_prompt=True)
    if not emulated.api.traits.press_buttons:
        assert isinstance(emulated.api.submit(task), Refused)
        return
    report = emulated.make(task)
    assert report.state is State.SUCCEEDED
    assert (report.properties or {}).get("finalPrompt", "a blue fox") == "a blue fox"


@pytest.mark.needs("seed")
def test_a_seed_is_told_at_once(emulated: Account) -> None:
    outcome = emulated.api.submit(emulated.follow_up(emulated.grid(), "seed"))
    assert isinstance(outcome, Accepted)
    assert outcome.report is not None
    assert outcome.report.result is not None
    assert outcome.report.result["seed"].isdigit()


@pytest.mark.needs("bookmark")
def test_a_bookmark_is_set_at_once(emulated: Account) -> None:
    outcome = emulated.api.submit(emulated.follow_up(emulated.single(), "bookmark"))
    assert isinstance(outcome, Accepted)
    assert outcome.report is not None


def test_a_follow_up_that_is_not_offered_is_refused_before_it_is_sent(emulated: Account) -> None:
    outcome = emulated.api.submit(emulated.follow_up(emulated.grid(), "pan-left"))
    assert isinstance(outcome, Refused)
    assert "no button for pan-left" in outcome.reason


def test_a_parent_that_is_not_known_may_be_known_in_a_moment(emulated: Account) -> None:
    stranger = Report(remote_id="1320098173412546", state=State.SUCCEEDED, buttons=emulated.grid().buttons)
    outcome = emulated.api.submit(emulated.follow_up(stranger, "U1"))
    assert isinstance(outcome, TryAgain)
    assert outcome.blame is Blame.TASK


def test_a_banned_word_is_refused_at_once_or_fails_later(emulated: Account) -> None:
    outcome = emulated.api.submit(emulated.row(prompt="a nude statue"))
    if isinstance(outcome, Accepted):
        report = emulated.ended(outcome.remote_id)
        assert report.state is State.FAILED
        assert "敏感词" in (report.reason or "")
    else:
        assert isinstance(outcome, Refused)
        assert outcome.code == 24


def test_a_failure_says_why_and_shows_no_progress(emulated: Account) -> None:
    report = emulated.make(emulated.row(prompt="a fox --sandbox fail"))
    assert report.state is State.FAILED
    assert report.reason
    assert report.progress is None


def test_a_lost_reply_is_in_doubt_and_its_task_is_found_where_that_can_be(emulated: Account) -> None:
    task = emulated.row(prompt="a fox --sandbox lost")
    began = datetime.now(UTC)
    assert isinstance(emulated.api.submit(task), InDoubt)
    nobodys = uuid.uuid4().hex
    seen = emulated.api.find([task.token, nobodys], began)
    if emulated.api.traits.look_ups:
        assert list(seen.found) == [task.token]
        assert seen.complete
        assert emulated.ended(seen.found[task.token].remote_id).state is State.SUCCEEDED
    else:
        assert "no way to look" in seen.why


@pytest.mark.parametrize("dialect", Dialect)
def test_a_full_queue_is_the_accounts_matter_and_some_servers_cancel(dialect: Dialect, tmp_path: Path) -> None:
    with (
        Server(tmp_path, dialect=dialect, slots=1, queue=1, imagine_seconds=60) as server,
        Api(server.url, server.key, dialect) as api,
    ):
        busy = Account(api, 1.0)
        outcomes: list[Any] = [busy.api.submit(busy.row()) for _ in range(4)]
        taken = [one for one in outcomes if isinstance(one, Accepted)]
        full = [one for one in outcomes if isinstance(one, TryAgain)]
        assert {one.blame for one in full} == {Blame.ACCOUNT}
        assert len(taken) + len(full) == 4
        if dialect is Dialect.PLUS:
            assert busy.api.cancel(taken[-1].remote_id) is None
            assert busy.ended(taken[-1].remote_id).state is State.CANCELLED
        else:
            assert re.search("cannot stop tasks|禁止操作", busy.api.cancel(taken[-1].remote_id) or "")
        running = busy.api.fetch(taken[0].remote_id)
        assert running is not None
        assert running.state in UNFINISHED
