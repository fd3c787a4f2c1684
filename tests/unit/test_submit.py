from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from pipeline.action import Action
from pipeline.api.client import LONGEST_REPLY, Api
from pipeline.dispatch import Handful, now
from pipeline.outcome import Accepted, Blame, InDoubt, Outcome, Refused, TryAgain, Window
from pipeline.settings import Dialect
from pipeline.submit import (
    HANDED_BACK,
    LONGEST_PAUSE,
    account_pause,
    account_refusal,
    blame_the_task,
    is_of_the_key,
    send,
    settlement,
)
from pipeline.task import ClaimedTask, Mode, State

RNG = random.Random(1)


def task(number: int = 1, tries: int = 0, mode: Mode | None = None) -> ClaimedTask:
    return ClaimedTask(
        id=number,
        attempt=2,
        token=f"token-{number}",
        action=Action.IMAGINE,
        prompt="a fox",
        index=None,
        mode=mode,
        tries=tries,
        seconds_failing=0,
    )


@pytest.mark.parametrize(
    ("outcome", "state", "waits", "counts"),
    [
        (Accepted(remote_id="7", code=1, detail=""), State.SUBMITTED, False, 0),
        (Window(remote_id="7", code=21, reason="a window"), State.PLANNED, True, 0),
        (Refused(reason="no"), State.FAILED, False, 0),
        (InDoubt(reason="lost"), State.IN_DOUBT, True, 0),
        (TryAgain(reason="later"), State.PLANNED, True, 1),
        (TryAgain(reason="full", blame=Blame.ACCOUNT), State.PLANNED, True, 0),
        (TryAgain(reason="away", blame=Blame.SERVER), State.PLANNED, True, 0),
        (TryAgain(reason="401", blame=Blame.KEY), State.PLANNED, True, 0),
        (TryAgain(reason="late", blame=Blame.NOBODY), State.PLANNED, True, 0),
    ],
)
def test_each_outcome_has_its_move(outcome: Outcome, state: State, waits: bool, counts: int) -> None:
    end = settlement(task(), outcome, 8, RNG)
    assert (end.state, end.wait is not None, end.counts) == (state, waits, counts)
    assert (end.id, end.attempt) == (1, 2)


def test_a_task_whose_tries_are_spent_fails_and_says_why() -> None:
    end = settlement(task(tries=7), TryAgain(reason="no account (code 3)"), 8, RNG)
    assert end.state is State.FAILED
    assert end.reason == "given up after 8 tries: no account (code 3)"


def test_the_longest_wait_that_the_account_is_asked_for_counts() -> None:
    short = TryAgain(reason="full", blame=Blame.ACCOUNT)
    long = TryAgain(reason="slow down", blame=Blame.ACCOUNT, after=9)
    assert account_refusal([InDoubt(reason=""), short, long, TryAgain(reason="task")]) is long
    assert account_refusal([TryAgain(reason="task")]) is None
    assert 9 <= account_pause(long, 0, RNG) <= 10
    assert account_pause(TryAgain(reason="", after=1e12), 0, RNG) <= 1.1 * LONGEST_PAUSE


def test_a_refusal_of_the_key_while_it_took_others_is_the_tasks_own() -> None:
    refusal = TryAgain(reason="HTTP 403: no turbo", blame=Blame.KEY)
    assert is_of_the_key(refusal)
    assert settlement(task(), blame_the_task(refusal), 8, RNG).counts == 1


def api(answer: httpx.MockTransport) -> Api:
    return Api("http://api.test", "k", Dialect.PLUS, transport=answer)


def outcomes(tasks: list[ClaimedTask], transport: httpx.MockTransport, send_before: float) -> dict[int, Outcome]:
    with ThreadPoolExecutor(4) as pool:
        batches = list(send(Handful(tasks, False, send_before), api(transport).submit, lambda _: pool, lambda: False))
    return {sent.id: outcome for ended in batches for sent, outcome in ended}


def test_every_task_is_sent_once_with_its_key_mode_and_token() -> None:
    seen: list[tuple[str, str, bytes]] = []

    def server(request: httpx.Request) -> httpx.Response:
        seen.append((request.url.path, request.headers["mj-api-secret"], request.content))
        return httpx.Response(200, json={"code": 1, "description": "ok", "result": "9"})

    ended = outcomes([task(1), task(2, mode=Mode.FAST)], httpx.MockTransport(server), now() + 60)
    assert all(isinstance(outcome, Accepted) for outcome in ended.values())
    assert sorted(seen) == [
        ("/mj-fast/mj/submit/imagine", "k", b'{"prompt":"a fox","state":"token-2"}'),
        ("/mj/submit/imagine", "k", b'{"prompt":"a fox","state":"token-1"}'),
    ]


def test_nothing_is_sent_once_the_lease_could_end_during_the_post() -> None:
    def server(request: httpx.Request) -> httpx.Response:
        raise AssertionError("sent")

    (outcome,) = outcomes([task()], httpx.MockTransport(server), now() - 1).values()
    assert isinstance(outcome, TryAgain)


def test_what_waits_when_this_process_is_told_to_stop_is_handed_back_while_the_rest_goes_on() -> None:
    begun, finish = threading.Event(), threading.Event()

    def server(_: httpx.Request) -> httpx.Response:
        begun.set()
        finish.wait(10)
        return httpx.Response(200, json={"code": 1, "result": "9"})

    with ThreadPoolExecutor(1) as pool:
        handful = Handful([task(1), task(2), task(3)], False, now() + 60)
        ending = send(handful, api(httpx.MockTransport(server)).submit, lambda _: pool, begun.is_set)
        handed_back = {sent.id: outcome for sent, outcome in next(ending)}
        assert handed_back == {2: HANDED_BACK, 3: HANDED_BACK}
        finish.set()
        ((sent, outcome),) = next(ending)
    assert (sent.id, type(outcome)) == (1, Accepted)
    end = settlement(task(), HANDED_BACK, 8, RNG)
    assert (end.state, end.wait, end.counts) == (State.PLANNED, 0.0, 0)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx.ConnectError, TryAgain),
        (httpx.ConnectTimeout, TryAgain),
        (httpx.PoolTimeout, TryAgain),
        (httpx.ReadTimeout, InDoubt),
        (httpx.ReadError, InDoubt),
        (httpx.WriteError, InDoubt),
        (httpx.WriteTimeout, InDoubt),
        (httpx.RemoteProtocolError, InDoubt),
        (httpx.ProxyError, InDoubt),
        (httpx.DecodingError, InDoubt),
        (httpx.TooManyRedirects, InDoubt),
    ],
)
def test_only_a_connection_that_was_never_made_is_tried_again(error: type[httpx.RequestError], kind: type) -> None:
    def server(request: httpx.Request) -> httpx.Response:
        raise error("broken", request=request)

    (outcome,) = outcomes([task()], httpx.MockTransport(server), now() + 60).values()
    assert isinstance(outcome, kind)


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        (None, "check PIPELINE_API_BASE_URL"),
        (Mode.TURBO, "no /mj-turbo/mj/submit/imagine: if it stays so, leave `mode` out"),
    ],
)
def test_one_404_does_not_end_imagining(mode: Mode | None, words: str) -> None:
    answers = [httpx.Response(404, text="nginx"), httpx.Response(200, json={"code": 1, "result": "9"})]
    remote = api(httpx.MockTransport(lambda _: answers.pop(0)))
    outcome = remote.submit(task(mode=mode))
    assert isinstance(outcome, TryAgain)
    assert words in outcome.reason
    assert isinstance(remote.submit(task(mode=mode)), Accepted)


def test_a_reply_that_does_not_end_is_a_reply_that_was_lost() -> None:
    endless = httpx.MockTransport(lambda _: httpx.Response(200, content=b"x" * (LONGEST_REPLY + 1)))
    (outcome,) = outcomes([task()], endless, now() + 60).values()
    assert isinstance(outcome, InDoubt)


def test_an_endpoint_that_is_missing_is_not_asked_again() -> None:
    paths: list[str] = []

    def server(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.path)
        if request.url.path.endswith("simple-change"):
            return httpx.Response(200, json={"code": 1, "result": "9"})
        return httpx.Response(404, json={"status": 404, "error": "Not Found"})

    remote = api(httpx.MockTransport(server))
    upscale = ClaimedTask(
        id=1,
        attempt=1,
        token="t",
        action=Action.UPSCALE,
        prompt="",
        index=2,
        mode=None,
        tries=0,
        seconds_failing=0,
        parent_remote_id="77",
    )
    assert isinstance(remote.submit(upscale), TryAgain)
    assert isinstance(remote.submit(upscale), Accepted)
    assert isinstance(remote.submit(upscale), Accepted)
    assert paths == ["/mj/submit/change", "/mj/submit/simple-change", "/mj/submit/simple-change"]
