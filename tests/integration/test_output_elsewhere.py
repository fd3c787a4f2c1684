"""Pictures that go to a bucket: a real server that speaks S3 takes them, refuses them, is away and comes back."""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from s3fs import S3FileSystem

from pipeline.action import Action
from pipeline.deliver import (
    Cause,
    Delivered,
    Folder,
    LocalFolder,
    NotDelivered,
    RemoteFolder,
    download,
    folder_at,
    refuse_unknown_pictures,
    write_text,
)
from pipeline.deliver.files import part_for, write_whole
from pipeline.deliver.remote import PIECE, FarError
from pipeline.errors import ServiceError, UsageError
from pipeline.inputs import Input, Role
from pipeline.outcome import Accepted
from pipeline.report import GalleryBatch, GalleryRow, GalleryTask, write_gallery
from pipeline.task import State
from tests.bucket import BUCKET, SECRET, S3Server, free_port
from tests.integration.conftest import World
from tests.integration.test_gathering import Remote, describe, png, sent
from tests.integration.test_needs_and_turns import end, imagine, send, write
from tests.unit.test_deliver import answering, delivery, picture


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with S3Server(tmp_path_factory.mktemp("s3") / "log") as server:
        yield server


@pytest.fixture
def s3(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    aim_at(server.environment, monkeypatch)
    return server


def aim_at(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    S3FileSystem.clear_instance_cache()
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def home(s3: S3Server, request: pytest.FixtureRequest) -> Folder:
    """A folder of the bucket for this test alone."""
    return folder_at(f"s3://{BUCKET}/{sha256(request.node.name.encode()).hexdigest()[:8]}")


@pytest.fixture(params=["local", "memory", "s3"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Folder:
    if request.param == "local":
        return LocalFolder(tmp_path / "spring")
    if request.param == "memory":
        return RemoteFolder(MemoryFileSystem(), f"{tmp_path}/spring", "memory://spring")
    home: Folder = request.getfixturevalue("home")
    return home.inside("spring")


def read(folder: Folder, name: str) -> bytes:
    with folder.open(name) as file:
        return file.read()


def test_a_folder_is_the_same_wherever_it_is(folder: Folder) -> None:
    assert (folder.name, folder.exists(), folder.inside("x").modified("a")) == ("spring", False, None)
    write_whole(folder, "fox.json", "old")
    write_whole(folder, "fox.json", "new")
    write_whole(folder, "owl.json", "ö")
    with part_for(folder, "small") as part:
        part.file.write(b"small")
        folder.keep(part, Path("thumbnails/small.jpg"), surely=False)
    folder.settle()
    assert (read(folder, "fox.json"), read(folder, "owl.json")) == (b"new", "ö".encode())
    found = again(folder)
    assert found.exists()
    assert (sorted(found.files("*.json")), found.files("*.jpg")) == (["fox.json", "owl.json"], [])
    assert found.modified(Path("thumbnails/small.jpg")) >= found.modified("fox.json") > 1.7e9  # type: ignore[operator]
    found.remove("fox.json")
    found.remove("fox.json")
    with pytest.raises(FileNotFoundError):
        read(found, "fox.json")
    found.check()
    assert again(found).files("*.*") == ["owl.json"]


def again(folder: Folder) -> Folder:
    """The same, as somebody finds it who has not looked before."""
    if isinstance(folder, RemoteFolder):
        return RemoteFolder(folder._store, folder._path, str(folder))
    return folder


def test_a_picture_comes_to_the_bucket_with_its_record_and_can_be_shown_by_a_browser(
    s3: S3Server, home: Folder
) -> None:
    body = picture()
    outcome = download(answering(body), delivery(home))
    assert isinstance(outcome, Delivered)
    assert (outcome.path, outcome.sha256) == (Path("spring/fox-U1.png"), sha256(body).hexdigest())
    assert s3.content(f"{home.name}/spring/fox-U1.png") == body
    assert json.loads(s3.content(f"{home.name}/spring/fox-U1.json"))["sha256"] == outcome.sha256
    assert s3.head(f"{home.name}/spring/fox-U1.png")["ContentType"] == "image/png"


def test_twice_and_in_another_format_leaves_one_picture(s3: S3Server, home: Folder) -> None:
    for kind in ("WEBP", "PNG", "PNG"):
        assert isinstance(download(answering(picture(kind)), delivery(home)), Delivered)
    assert s3.names(f"{home.name}/") == [f"{home.name}/spring/fox-U1.json", f"{home.name}/spring/fox-U1.png"]


def test_a_text_comes_to_the_bucket(s3: S3Server, home: Folder) -> None:
    told = delivery(home, stem="cat")
    assert isinstance(
        write_text(replace(told, facts=replace(told.facts, action=Action.DESCRIBE)), {"text": "a cat"}), Delivered
    )
    assert s3.content(f"{home.name}/spring/cat.txt") == b"a cat\n"


def test_many_at_once_share_the_connection(s3: S3Server, home: Folder) -> None:
    colours = [f"#{number:06x}" for number in range(32)]

    def bring(number: int) -> Delivered | NotDelivered:
        asked = delivery(home, stem=f"row{number}")
        return download(answering(picture(color=colours[number])), asked)

    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(bring, range(32)))
    assert all(isinstance(outcome, Delivered) for outcome in outcomes)
    for number, outcome in enumerate(outcomes):
        assert isinstance(outcome, Delivered)
        assert sha256(s3.content(f"{home.name}/spring/row{number}.png")).hexdigest() == outcome.sha256
    assert len(s3.names(f"{home.name}/")) == 64


def test_a_large_file_goes_in_pieces_so_that_it_is_never_in_memory_whole(s3: S3Server, home: Folder) -> None:
    with part_for(home, "film") as part:
        part.file.write(bytes(2 * PIECE))
        home.keep(part, "film.mp4")
    head = s3.head(f"{home.name}/film.mp4")
    assert (head["ContentLength"], head["ContentType"]) == (2 * PIECE, "video/mp4")
    assert head["ETag"].strip('"').endswith("-2")


def refused(home: Folder) -> NotDelivered:
    outcome = download(answering(picture()), delivery(home))
    assert isinstance(outcome, NotDelivered)
    assert SECRET not in outcome.reason
    return outcome


def test_a_bucket_that_is_missing_is_named(s3: S3Server) -> None:
    outcome = refused(folder_at("s3://nobodys/pictures"))
    assert outcome.cause is Cause.DISK
    assert outcome.reason.startswith("s3://nobodys/pictures/spring is not there (The specified bucket does not exist)")
    assert "make the bucket, or set PIPELINE_OUTPUT_DIR" in outcome.reason
    with pytest.raises(ServiceError, match="s3://nobodys/pictures is not there"):
        folder_at("s3://nobodys/pictures").check()


def test_a_bucket_that_refuses_is_named_and_takes_pictures_once_it_no_longer_does(s3: S3Server, home: Folder) -> None:
    s3.deny("s3:PutObject")
    try:
        outcome = refused(home)
    finally:
        s3.deny()
    assert (outcome.cause, outcome.retryable) == (Cause.DISK, True)
    assert f"{home}/spring refuses access (Forbidden): see that the credentials of the workers" in outcome.reason
    assert isinstance(download(answering(picture()), delivery(home)), Delivered)


def test_without_credentials_it_says_which(server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aim_at({"AWS_ENDPOINT_URL": server.url, "AWS_DEFAULT_REGION": "us-east-1"}, monkeypatch)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    outcome = refused(folder_at(f"s3://{BUCKET}/pictures"))
    assert outcome.cause is Cause.DISK
    assert "needs credentials (Unable to locate credentials): set AWS_ACCESS_KEY_ID" in outcome.reason


def test_what_is_away_is_tried_again_until_it_is_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    away = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": SECRET}
    aim_at(away | {"AWS_DEFAULT_REGION": "us-east-1"}, monkeypatch)
    home = folder_at(f"s3://{BUCKET}/pictures")
    outcome = refused(home)
    assert outcome.cause is Cause.NETWORK, "so that it is waited for like a picture host that is away"
    assert f"s3://{BUCKET}/pictures/spring cannot be reached (Could not connect" in outcome.reason
    with pytest.raises(ServiceError):
        refuse_unknown_pictures(home, "spring", "main")
    with S3Server(tmp_path / "log", port=port):
        asked = delivery(home)
        assert isinstance(download(answering(picture()), asked), Delivered)


def test_what_arrived_shorter_than_it_was_sent_is_not_delivered(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryFileSystem()
    monkeypatch.setattr(store, "info", lambda _: {"size": 7})
    outcome = download(answering(picture()), delivery(RemoteFolder(store, "/short", "memory://short")))
    assert isinstance(outcome, NotDelivered)
    assert outcome.cause is Cause.NETWORK
    assert "memory://short/spring/fox-U1.png has 7 bytes after" in outcome.reason


def test_words_of_a_store_show_no_signature_and_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryFileSystem()

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no answer from https://me:hush@store.test/a?X-Signature=hush\nat all")

    monkeypatch.setattr(store, "cat_file", fail)
    with pytest.raises(FarError, match=r"\(no answer from https://store\.test/a at all\)"):
        read(RemoteFolder(store, "/a", "memory://a"), "b")


def test_pictures_that_another_database_knows_are_seen_in_the_bucket(home: Folder) -> None:
    assert isinstance(download(answering(picture()), delivery(home)), Delivered)
    with pytest.raises(UsageError, match=r"spring holds 1 pictures of account main.*nothing was sent"):
        refuse_unknown_pictures(again(home), "spring", "main")
    refuse_unknown_pictures(again(home), "spring", "another")
    assert again(home).inside("spring").exists()
    assert not again(home).inside("spring-2").exists()


def test_a_picture_in_the_bucket_goes_into_another_row(world: World, s3: S3Server, home: Folder) -> None:
    write(world, imagine("fox"))
    send(world)
    end(world, "fox", State.SUCCEEDED)
    s3.client.put_object(Bucket=BUCKET, Key=f"{home.name}/spring/fox.png", Body=png("blue"))
    world.change(
        "INSERT INTO artifacts (task_id, path, bytes, sha256, media_type) "
        "VALUES (1, 'spring/fox.png', 1, 'x', 'image/png')"
    )
    remote = Remote(world, home, "nobody.test")
    assert isinstance(remote.post(describe(world, Input(role=Role.IMAGE, stems=("fox",)))), Accepted)
    assert sent(remote) == f"data:image/png;base64,{b64encode(png('blue')).decode()}"
    remote.at.api.close()


def test_the_gallery_goes_there_with_thumbnails_that_are_made_once(s3: S3Server, home: Folder) -> None:
    assert isinstance(download(answering(picture()), delivery(home)), Delivered)
    task = GalleryTask(state=State.DELIVERED, path=Path("fox-U1.png"), width=64, height=48)

    def write() -> str:
        return write_gallery(
            home.inside("spring"), GalleryBatch(name="spring", rows=(GalleryRow(key="fox", prompt="a fox", task=task),))
        )

    assert write() == f"s3://{BUCKET}/{home.name}/spring/index.html"
    page = f"{home.name}/spring/index.html"
    assert s3.head(page)["ContentType"] == "text/html"
    assert b'href="./fox-U1.png"' in s3.content(page)
    assert b'src="./thumbnails/fox-U1.jpg"' in s3.content(page)
    s3.client.put_object(Bucket=BUCKET, Key=f"{home.name}/spring/thumbnails/fox-U1.jpg", Body=b"made before")
    write_whole(home.inside("spring"), "page-7.html", "of a longer batch")
    write()
    assert s3.content(f"{home.name}/spring/thumbnails/fox-U1.jpg") == b"made before"
    assert f"{home.name}/spring/page-7.html" not in s3.names(f"{home.name}/")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("https://example.com/pictures", "cannot be put at https://"),
        ("memory://pictures", "cannot be put at memory://"),
        ("s4://bucket/pictures", "cannot be put at s4://"),
        ("gs://bucket/pictures", "the library for gs:// is not installed"),
    ],
)
def test_an_address_that_cannot_be_written_to_is_refused_at_once(address: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        folder_at(address)


def test_a_library_that_is_missing_is_named_with_what_installs_it() -> None:
    script = "import sys; sys.modules['s3fs'] = None; import pipeline.deliver as d; d.folder_at('s3://studio/pictures')"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "the library for s3:// is not installed: pip install 'mj-pipeline[s3]'" in ended.stderr.splitlines()[-1]


def test_an_address_of_this_machine_is_a_folder(tmp_path: Path) -> None:
    assert folder_at(f"file://{tmp_path}") == LocalFolder(tmp_path)
