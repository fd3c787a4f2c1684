"""Downloads from a real HTTP server on loopback that behaves as badly as the world does."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from PIL import Image

from pipeline.action import Action
from pipeline.deliver import Cause, Delivered, Delivery, Facts, Limits, LocalFolder, NotDelivered, download
from pipeline.deliver.fetch import picture_client

FACTS = Facts(key="fox", batch="spring", action=Action.IMAGINE, prompt="a fox")


def _noise() -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((256, 256), 80).save(buffer, "PNG")
    return buffer.getvalue()


PICTURE = _noise()


class World(BaseHTTPRequestHandler):
    """Each path is one behaviour."""

    def do_GET(self) -> None:
        getattr(self, "get_" + self.path.strip("/"))()

    def get_good(self) -> None:
        self._answer(200, "image/png", PICTURE)

    def get_mislabelled(self) -> None:
        self._answer(200, "text/html", PICTURE)

    def get_missing(self) -> None:
        self._answer(404, "text/plain", b"This content is no longer available.")

    def get_page(self) -> None:
        self._answer(200, "text/html", b"<html><body>Sign in</body></html>")

    def get_broken_off(self) -> None:
        self._answer(200, "image/png", PICTURE[:9000], length=len(PICTURE))

    def get_cut_short(self) -> None:
        self._answer(200, "image/png", PICTURE[:9000])

    def get_moved(self) -> None:
        self.send_response(302)
        self.send_header("location", "/good")
        self.send_header("content-length", "0")
        self.end_headers()

    def get_away(self) -> None:
        self.send_response(302)
        self.send_header("location", "file:///etc/passwd")
        self.send_header("content-length", "0")
        self.end_headers()

    def get_loop(self) -> None:
        self.send_response(302)
        self.send_header("location", "/loop")
        self.send_header("content-length", "0")
        self.end_headers()

    def get_huge(self) -> None:
        self._answer(200, "image/png", PICTURE, length=10**12)

    def get_endless(self) -> None:
        self._trickle(bytes(65536), pause=0.0)

    def get_slow(self) -> None:
        self._trickle(b"x", pause=0.02)

    def _answer(self, status: int, content_type: str, body: bytes, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def _trickle(self, piece: bytes, pause: float) -> None:
        self.send_response(200)
        self.send_header("content-type", "image/png")
        self.end_headers()
        try:
            while True:
                self.wfile.write(piece)
                time.sleep(pause)
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


class QuietServer(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is part of these tests."""


@pytest.fixture(scope="module")
def world() -> Iterator[str]:
    with QuietServer(("127.0.0.1", 0), World) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def bring(url: str, folder: Path, limits: Limits | None = None) -> Delivered | NotDelivered:
    asked = Delivery(task_id=1, folder=LocalFolder(folder / "spring"), stem="fox", url=url, facts=FACTS)
    with picture_client() as client:
        return download(client, asked, limits or Limits())


@pytest.mark.parametrize("path", ["good", "mislabelled", "moved"])
def test_a_picture_comes_home_from_a_real_server(world: str, tmp_path: Path, path: str) -> None:
    outcome = bring(f"{world}/{path}", tmp_path)
    assert isinstance(outcome, Delivered)
    assert (tmp_path / outcome.path).read_bytes() == PICTURE


@pytest.mark.parametrize(
    ("path", "cause", "words"),
    [
        ("missing", Cause.DEAD_LINK, "127.0.0.1 answered 404 Not Found"),
        ("page", Cause.NO_PICTURE, "a web page (text/html) instead of a picture"),
        ("cut_short", Cause.NO_PICTURE, "cut short or damaged (9,000 bytes came)"),
        ("broken_off", Cause.NETWORK, "could not be fetched from 127.0.0.1"),
        ("away", Cause.REFUSED, "neither http nor https"),
        ("loop", Cause.NETWORK, "redirects"),
        ("huge", Cause.REFUSED, "more than 64 MiB"),
    ],
)
def test_what_a_server_does_wrong_is_told_and_leaves_nothing(
    world: str, tmp_path: Path, path: str, cause: Cause, words: str
) -> None:
    outcome = bring(f"{world}/{path}", tmp_path)
    assert isinstance(outcome, NotDelivered)
    assert (outcome.cause, words in outcome.reason) == (cause, True), outcome.reason
    assert list((tmp_path / "spring").iterdir()) == []


def test_a_body_without_end_is_cut_at_the_limit(world: str, tmp_path: Path) -> None:
    outcome = bring(f"{world}/endless", tmp_path, Limits(bytes=1_000_000))
    assert isinstance(outcome, NotDelivered)
    assert outcome.cause is Cause.REFUSED


def test_a_trickle_is_given_up_in_time(world: str, tmp_path: Path) -> None:
    outcome = bring(f"{world}/slow", tmp_path, Limits(seconds=0.3))
    assert isinstance(outcome, NotDelivered)
    assert (outcome.cause, outcome.retryable) == (Cause.NETWORK, True)
    assert list((tmp_path / "spring").iterdir()) == []


def test_a_host_that_is_not_there_is_named(tmp_path: Path) -> None:
    outcome = bring("http://127.0.0.1:9/fox.png", tmp_path)
    assert isinstance(outcome, NotDelivered)
    assert "could not be fetched from 127.0.0.1" in outcome.reason


def test_many_at_once_of_the_same_stem_end_with_one_whole_picture(world: str, tmp_path: Path) -> None:
    outcomes: list[Delivered | NotDelivered] = []
    threads = [threading.Thread(target=lambda: outcomes.append(bring(f"{world}/good", tmp_path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(outcomes)) == 1
    assert sorted(path.name for path in (tmp_path / "spring").iterdir()) == ["fox.json", "fox.png"]
