"""The gallery as a reader of its HTML finds it, and the summary at the end of a run."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from PIL import Image
from rich.console import Console

from pipeline.deliver import LocalFolder
from pipeline.errors import PipelineError
from pipeline.report import (
    Failure,
    GalleryBatch,
    GalleryRow,
    GalleryTask,
    RunSummary,
    print_summary,
    write_gallery,
)
from pipeline.store.spending import Spending
from pipeline.task import State

NASTY = "<script>alert('x')</script> \"q\" & <b>b</b> 🦊 ثعلب --ar 3:2 --no a, b"
STARTED = datetime(2025, 7, 14, 16, 3, tzinfo=UTC)


class Elements(HTMLParser):
    """All start tags with their attributes, and the text of each class."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.said = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.said += data

    def values(self, name: str) -> list[str]:
        return [attributes[name] for _, attributes in self.tags if name in attributes]


def draw(folder: Path, name: str, color: str = "teal") -> Path:
    folder.mkdir(exist_ok=True)
    Image.new("RGB", (900, 600), color).save(folder / name)
    return Path(name)


def made(path: Path | None, word: str = "", children: tuple[GalleryTask, ...] = ()) -> GalleryTask:
    return GalleryTask(
        word=word, state=State.DELIVERED, path=path, width=900, height=600, remote_id="13200", children=children
    )


def row(task: GalleryTask, key: str = "fox", prompt: str = "a red fox") -> GalleryRow:
    return GalleryRow(key=key, prompt=prompt, task=task)


def batch(*rows: GalleryRow, name: str = "spring") -> GalleryBatch:
    return GalleryBatch(name=name, rows=rows, created_at=STARTED)


def written(folder: Path, batch: GalleryBatch) -> Path:
    return Path(write_gallery(LocalFolder(folder), batch))


def read(path: Path) -> Elements:
    return Elements(path.read_text(encoding="utf-8"))


def test_every_link_of_the_page_is_relative_and_leads_to_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "spring"
    tree = made(
        draw(folder, "a #1%20?.png"),
        children=(
            made(draw(folder, "fox-U1.png"), "U1"),
            made(draw(folder, "fox-V2.png"), "V2", (made(draw(folder, "x:y.png"), "U4"),)),
        ),
    )
    written(folder, batch(row(tree)))
    (tmp_path / "elsewhere").mkdir()
    moved = folder.rename(tmp_path / "elsewhere/moved")
    page = read(moved / "index.html")
    links = [link for link in page.values("href") + page.values("src") if not link.startswith("#")]
    assert len(links) == 8
    assert all(link.startswith("./") and (moved / unquote(link)).is_file() for link in links)


def test_words_from_outside_are_text_and_never_markup(tmp_path: Path) -> None:
    failed = GalleryTask(state=State.FAILED, reason="<img src=x onerror=alert(1)>")
    page = read(written(tmp_path, batch(row(failed, key="<i>'\"", prompt=NASTY), name="<b>&")))
    assert NASTY in page.said
    assert "<img src=x onerror=alert(1)>" in page.said
    assert [tag for tag, _ in page.tags if tag in ("img", "i", "b")] == ["b", "b"]
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert page.values("onerror") == []


def test_the_policy_of_the_page_forbids_the_network(tmp_path: Path) -> None:
    page = read(written(tmp_path, batch(row(made(draw(tmp_path, "fox.png"))))))
    policy = page.values("content")[0]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert not re.search(r"https?://", page.said)


def test_pictures_have_their_size_so_that_nothing_jumps_and_load_when_seen(tmp_path: Path) -> None:
    unknown = GalleryTask(state=State.DELIVERED, path=draw(tmp_path, "fox.png"))
    page = read(written(tmp_path, batch(row(unknown))))
    (image,) = [attributes for tag, attributes in page.tags if tag == "img"]
    assert (image["width"], image["height"], image["loading"]) == ("900", "600", "lazy")
    assert image["src"] == "./thumbnails/fox.jpg"
    with Image.open(tmp_path / "thumbnails/fox.jpg") as small:
        assert small.size == (800, 533)


def test_a_thumbnail_is_made_again_only_when_its_picture_is_newer(tmp_path: Path) -> None:
    shown = batch(row(made(draw(tmp_path, "fox.png"))))
    written(tmp_path, shown)
    small = tmp_path / "thumbnails/fox.jpg"
    first = small.stat().st_mtime_ns
    written(tmp_path, shown)
    assert small.stat().st_mtime_ns == first
    draw(tmp_path, "fox.png", "red")
    later = first + 10**9
    os.utime(tmp_path / "fox.png", ns=(later, later))
    written(tmp_path, shown)
    with Image.open(small) as image:
        red, green, _ = image.convert("RGB").getpixel((5, 5))  # type: ignore[misc]
    assert red > 200 > green


def test_failures_stand_at_the_top_and_link_to_their_place(tmp_path: Path) -> None:
    children = (
        GalleryTask(word="U2", state=State.FAILED, reason="the API said: 任务超时"),
        GalleryTask(word="U4", state=State.IN_DOUBT, reason="the reply was lost"),
    )
    page = read(written(tmp_path, batch(row(made(draw(tmp_path, "fox.png"), children=children)))))
    assert "1 failed, 1 in doubt" in page.said
    assert page.said.count("the API said: 任务超时") == 2
    goals = [link.partition("#")[2] for link in page.values("href") if "#" in link]
    assert goals == ["r1-U2-p", "r1-U4-p"]
    assert set(goals) <= set(page.values("id"))


def test_the_head_counts_what_the_rows_are_and_how_long_they_took(tmp_path: Path) -> None:
    times = {"submitted_at": STARTED, "finished_at": STARTED + timedelta(seconds=125)}
    tree = GalleryTask(
        state=State.DELIVERED, **times, children=(GalleryTask(word="U1", state=State.FAILED, reason="refused"),)
    )
    over = read(written(tmp_path, batch(row(tree), row(GalleryTask(state=State.PLANNED))))).said
    assert "1 delivered1 failed1 waiting" in over
    assert "14 July 2025, 16:03 UTC · took 2 min 5 s" in over
    assert "not finished yet" not in over
    unfinished = GalleryBatch(name="spring", rows=(), over=False)
    assert "not finished yet" in read(written(tmp_path, unfinished)).said


def test_a_picture_whose_file_is_gone_or_outside_is_said_to_be_missing(tmp_path: Path) -> None:
    draw(tmp_path, "secret.png")
    folder = tmp_path / "spring"
    page = read(written(folder, batch(row(made(Path("gone.png"))), row(made(Path("../secret.png"))))))
    assert page.said.count("file is missing") == 2
    assert [tag for tag, _ in page.tags].count("img") == 0


def test_a_damaged_file_is_shown_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "fox.png").write_bytes(b"torn")
    page = read(written(tmp_path, batch(row(made(Path("fox.png"))))))
    assert "./fox.png" in page.values("src")


def test_a_large_batch_is_read_once_and_spread_over_linked_pages(tmp_path: Path) -> None:
    def rows() -> Iterator[GalleryRow]:
        for number in range(450):
            state = State.FAILED if number == 449 else State.RUNNING
            yield row(GalleryTask(state=state, reason="refused"), key=f"k{number}")

    (tmp_path / "page-9.html").write_text("of an earlier, longer batch")
    written(tmp_path, GalleryBatch(name="spring", rows=rows()))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index.html", "page-2.html", "page-3.html"]
    first, last = read(tmp_path / "index.html"), read(tmp_path / "page-3.html")
    assert first.values("href").count("page-3.html#r450-p") == 1
    assert "r450-p" in last.values("id")
    assert "and 349 more" in first.said
    assert "page-2.html" in last.values("href")


def test_an_empty_batch_has_a_page_too(tmp_path: Path) -> None:
    assert "has no rows yet" in read(written(tmp_path, batch())).said


def test_a_long_prompt_is_folded_and_still_whole(tmp_path: Path) -> None:
    prompt = "an archipelago, " * 190
    page = read(written(tmp_path, batch(row(GalleryTask(state=State.PLANNED), prompt=prompt))))
    assert "prompt copied folded" in page.values("class")
    assert prompt in page.said


def test_a_gallery_that_cannot_be_written_says_where(tmp_path: Path) -> None:
    (tmp_path / "spring").write_text("a file")
    with pytest.raises(PipelineError, match="a file is in the place of a folder"):
        written(tmp_path / "spring", batch())


def summary(width: int = 80, **changed: object) -> str:
    values: dict[str, object] = {"batch": "7", "tasks": 60, "delivered": 60, "sent": 60, "seconds": 41.2}
    console = Console(file=io.StringIO(), width=width)
    print_summary(console, RunSummary(**(values | changed)))  # type: ignore[arg-type]
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_good_run_ends_in_two_plain_lines() -> None:
    said = summary(
        gallery=Path("/a/very/long/path/that/must/not/be/broken/over/two/lines/because/it/is/clicked/index.html")
    )
    assert said.splitlines() == [
        "60 of 60 pictures delivered, in 41 s; 60 sent",
        "",
        "Gallery: /a/very/long/path/that/must/not/be/broken/over/two/lines/because/it/is/clicked/index.html",
    ]


def test_what_it_cost_may_have_cost_and_was_spared_is_said_where_there_are_prices() -> None:
    doubt = Failure(name="fox", state=State.IN_DOUBT, reason="the reply was lost", perhaps_spent=Decimal("0.04"))
    spending = Spending(
        budget=Decimal("2.50"),
        spent=Decimal("1.20"),
        reserved=Decimal("0.12"),
        in_doubt=Decimal("0.04"),
        avoided=Decimal("0.08"),
    )
    said = summary(delivered=59, in_doubt=1, failures=[doubt], spending=spending)
    assert "fox  in doubt, perhaps 0.04 spent: the reply was lost" in said
    assert " ".join(said.split()).count(
        "Money: 1.20 spent, 0.08 reserved for what is being made, 0.04 perhaps spent, in doubt, 0.08 not paid twice; "
        "the budget is 2.50"
    )
    free = Spending(budget=None, spent=Decimal(), reserved=Decimal(), in_doubt=Decimal(), avoided=Decimal())
    assert "Money" not in summary(delivered=60, spending=free)


def test_failures_are_named_with_their_reasons_and_the_rest_is_counted() -> None:
    failures = [
        Failure(name=f"fox-{n}", state=State.FAILED, reason="banned\n[red]\x1b[31mprompt " + "x" * 90)
        for n in range(12)
    ]
    said = summary(delivered=46, failed=12, in_doubt=1, undelivered=1, failures=failures)
    assert "46 of 60 pictures delivered, 12 failed, 1 in doubt, 1 made but not here yet" in said
    assert "fox-9  failed: banned [red] [31mprompt" in said
    assert "fox-10" not in said
    assert "and 4 more: pipeline status 7" in said
    assert "pipeline resolve 7/KEY --found ID | --resend | --give-up" in said
    assert "\x1b" not in said
    assert max(map(len, said.splitlines())) <= 80
