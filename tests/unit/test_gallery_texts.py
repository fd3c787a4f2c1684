"""Texts, films, pictures that went in, and long trees, as a reader of the gallery finds them."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pipeline.action import Action
from pipeline.report import GalleryBatch, GalleryInput, GalleryRow, GalleryTask
from pipeline.report.labels import deed, label
from pipeline.report.told import Token, Told, told_of
from pipeline.task import State
from tests.unit.test_gallery import NASTY, Elements, draw, written

FOUR = tuple(f"a cat, way {n} --ar 3:2" for n in range(1, 5))


def task(word: str = "", **fields: Any) -> GalleryTask:
    return GalleryTask(**{"word": word, "state": State.DELIVERED} | fields)


def page_of(folder: Path, first: GalleryTask, prompt: str = "", **fields: Any) -> tuple[Elements, str]:
    row = GalleryRow(key="cat", prompt=prompt, task=first)
    html = written(folder, GalleryBatch(name="spring", rows=(row,), **fields)).read_text()
    return Elements(html), html.partition('<main class="wall">')[2].partition("</main>")[0]


def plain(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_the_four_prompts_are_a_numbered_list_each_with_a_button_and_the_grid_that_was_made_of_it(
    tmp_path: Path,
) -> None:
    grid = task("imagine-2", path=draw(tmp_path, "grid.png"), children=(task("U1", path=draw(tmp_path, "u1.png")),))
    described = task(action=Action.DESCRIBE, told=Told(prompts=FOUR), children=(grid,))
    page, html = page_of(tmp_path, described)
    items = re.findall(r'<li class="one">.*?</li>', html)
    assert [plain(item).split(" Copy")[0] for item in items] == list(FOUR)
    assert ["<img" in item for item in items] == [False, True, False, False]
    assert [attributes["aria-label"] for tag, attributes in page.tags if tag == "button"] == [
        f"Copy prompt {n}" for n in range(1, 5)
    ]
    assert {"r1-p", "r1-imagine-2-p", "r1-imagine-2-U1-p"} <= set(page.values("id"))


def test_a_row_of_text_has_no_lead_picture_and_says_what_it_does(tmp_path: Path) -> None:
    page, html = page_of(tmp_path, task(action=Action.DESCRIBE, told=Told(prompts=FOUR)))
    assert "lead" not in page.values("class")
    assert plain(html).startswith("cat Describe")
    assert "Copy prompt " not in plain(html)


def test_a_grid_of_a_prompt_that_the_text_does_not_have_is_shown_after_the_list(tmp_path: Path) -> None:
    lost = task("imagine-4", state=State.FAILED, reason="there is no fourth prompt")
    page, _ = page_of(tmp_path, task(action=Action.DESCRIBE, told=Told(prompts=FOUR[:2]), children=(lost,)))
    assert "r1-imagine-4-p" in page.values("id")


def test_a_text_that_could_not_be_split_is_shown_as_it_came(tmp_path: Path) -> None:
    page, _ = page_of(tmp_path, task(action=Action.DESCRIBE, told=Told(text=NASTY)))
    assert NASTY in page.said


def test_the_words_of_a_shortened_prompt_show_their_weights(tmp_path: Path) -> None:
    tokens = (
        Token(token="fox", weight="strong"),
        Token(token="very", weight="weak"),
        Token(token="snow", weight="0.4"),
    )
    _, html = page_of(
        tmp_path, task(action=Action.SHORTEN, told=Told(tokens=tokens, prompts=("a fox",))), prompt="a very red fox"
    )
    found = re.findall(r'<li class="(\w+)"><span dir="auto">(\w+)</span> <small>([\w.]+)</small>', html)
    assert found == [("strong", "fox", "strong"), ("weak", "very", "weak"), ("normal", "snow", "0.4")]


def test_a_text_that_is_not_there_says_why(tmp_path: Path) -> None:
    failed = task(action=Action.DESCRIBE, state=State.FAILED, reason="the picture is too large")
    page, html = page_of(tmp_path, failed)
    assert "failed the picture is too large" in plain(html)
    assert "./cat.txt" not in page.values("href")


def test_a_seed_is_a_badge_on_its_picture_and_no_follower_of_it(tmp_path: Path) -> None:
    seeds = (
        task("seed", action=Action.SEED, told=Told(seed="636646138")),
        task("seed~2", action=Action.SEED, state=State.FAILED, reason="not found"),
    )
    single = task("U1", path=draw(tmp_path, "u1.png"), children=seeds)
    page, html = page_of(tmp_path, task(path=draw(tmp_path, "grid.png"), children=(single,)))
    figure = html.partition('id="r1-U1-p"')[2].partition("</figure>")[0]
    assert plain(figure).endswith("U1 seed 636646138 seed: failed")
    assert "branch" not in page.values("class")
    assert "r1-U1-seed~2-p" in page.values("id")


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//evil.test"])
def test_only_links_to_the_web_can_be_followed(tmp_path: Path, url: str) -> None:
    good = "https://cdn.test/a.png?x=1&y=2"
    page, _ = page_of(tmp_path, task(action=Action.UPLOAD, told=Told(urls=(url, good))))
    assert [one for one in page.values("href") if not one.startswith("#")] == [good]
    assert url in page.said


def test_a_film_has_its_controls_and_the_picture_that_went_in_as_its_poster(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"a film")
    film = task(
        action=Action.VIDEO,
        path=Path("clip.mp4"),
        inputs=(GalleryInput(path=draw(tmp_path, "fox.png"), of_row=True),),
    )
    page, _ = page_of(tmp_path, film)
    (video,) = [attributes for tag, attributes in page.tags if tag == "video"]
    assert (video["src"], video["poster"], video["preload"]) == ("./clip.mp4", "./thumbnails/fox.jpg", "metadata")
    assert "controls" in video
    assert "media-src 'self' file:" in page.values("content")[0]


def test_pictures_that_went_in_are_shown_small_and_fetched_once(tmp_path: Path) -> None:
    buffer, asked = io.BytesIO(), []
    Image.new("RGB", (900, 600), "teal").save(buffer, "PNG")

    def picture(sha256: str) -> bytes:
        asked.append(sha256)
        return buffer.getvalue()

    digest = "ab" * 32
    went_in = (GalleryInput(sha256=digest), GalleryInput(sha256=digest), GalleryInput(url="https://cdn.test/a/b.png"))
    mash = task(action=Action.BLEND, path=draw(tmp_path, "mash.png"), inputs=went_in)
    for _ in range(2):
        page, html = page_of(tmp_path, mash, picture=picture)
        assert page.values("src").count(f"./thumbnails/inputs/{digest}.jpg") == 2
        assert "cat Blend of 3 pictures cdn.test" in plain(html)
    assert asked == [digest]


def test_what_follows_a_single_picture_stands_beneath_it_under_its_words(tmp_path: Path) -> None:
    words = ("zoom-1.5", "pan-left", "vary_region")
    zooms = tuple(task(word, path=draw(tmp_path, f"{word}.png")) for word in words)
    single = task("U1", path=draw(tmp_path, "u1.png"), children=zooms)
    _, html = page_of(tmp_path, task(path=draw(tmp_path, "grid.png"), children=(single,)))
    branch = html.partition('<section class="branch">')[2]
    assert re.findall(r"<figcaption[^>]*>([^<]+)", branch) == ["U1", "Zoom 1.5", "Pan left", "Vary (region)"]


def test_a_follow_up_with_a_prompt_of_its_own_says_it(tmp_path: Path) -> None:
    hat = task("vary_region", path=draw(tmp_path, "hat.png"), prompt=f"a hat {NASTY}")
    single = task("U1", prompt="a cat", children=(hat,), path=draw(tmp_path, "u1.png"))
    page, _ = page_of(tmp_path, task(prompt="a cat", children=(single,)), prompt="a cat")
    assert f"a hat {NASTY}" in page.said
    assert page.values("data-said") == [f"a hat {NASTY}"]


def test_a_large_family_takes_the_width_of_the_page(tmp_path: Path) -> None:
    def classes(count: int) -> list[str]:
        waiting = tuple(task(f"V{n}", state=State.PLANNED) for n in range(count))
        return page_of(tmp_path, task(children=waiting))[0].values("class")

    assert "row wide" not in classes(8)
    assert "row wide" in classes(16)


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("U1", "U1"),
        ("R", "R"),
        ("zoom-1.5", "Zoom 1.5"),
        ("pan-left", "Pan left"),
        ("vary_region", "Vary (region)"),
        ("vary-strong", "Vary (strong)"),
        ("upscale-2x", "Upscale (2x)"),
        ("square", "Make square"),
        ("imagine-2", "Imagine 2"),
        ("zoom-2~2", "Zoom 2 (2)"),
        ("something-new", "something-new"),
    ],
)
def test_words_are_said_as_people_say_them(word: str, text: str) -> None:
    assert label(word) == text


def test_actions_are_said_as_people_say_them() -> None:
    assert [deed(Action.SWAP_FACE, 2), deed(Action.UPLOAD, 1), deed(Action.VIDEO)] == [
        "Face swap",
        "Upload of 1 picture",
        "Film",
    ]


@pytest.mark.parametrize("result", [None, {}, {"prompts": None, "tokens": "x", "seed": 7, "urls": [None, 3]}])
def test_a_result_is_read_whatever_is_in_it(result: dict[str, Any] | None) -> None:
    told = told_of(result)
    assert (told.prompts, told.tokens) == ((), ())
    assert told.seed in ("", "7")
