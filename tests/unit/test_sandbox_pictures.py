"""The drawings: real PNGs, the same for the same words, an upscale true to its quarter."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image, ImageChops, ImageStat

from pipeline.sandbox.figures import FIGURES, named
from pipeline.sandbox.pictures import Drawing, drawing_of, png
from pipeline.sandbox.scenery import SCENES
from pipeline.sandbox.tasks import Action, Order, Task

SIDE = 128


def imagine(prompt: str) -> Order:
    return Order(action=Action.IMAGINE, prompt=prompt)


def follow_up(of: Order, action: Action, index: int | None = None) -> Order:
    parent = Task(id="1700000000000001", order=of, submitted=1)
    return Order(action=action, prompt=of.prompt, parent=parent, index=index)


def drawn(order: Order) -> Image.Image:
    picture = Image.open(BytesIO(png(drawing_of(order, SIDE))))
    assert picture.format == "PNG"
    return picture.convert("RGB")


def quarter(grid: Image.Image, n: int) -> Image.Image:
    w, h = grid.width // 2, grid.height // 2
    x, y = (n - 1) % 2 * w, (n - 1) // 2 * h
    return grid.crop((x, y, x + w, y + h))


@pytest.mark.parametrize("prompt", ["a red fox in the snow", "an owl --ar 3:2", "a tower --ar 9:16 --seed 4"])
def test_an_upscale_is_exactly_the_quarter_that_was_asked_for_but_larger(prompt: str) -> None:
    grid = drawn(imagine(prompt))
    for n in range(1, 5):
        upscale = drawn(follow_up(imagine(prompt), Action.UPSCALE, n))
        asked = quarter(grid, n)
        assert upscale.size == (asked.width * 2, asked.height * 2)
        assert upscale.resize(asked.size, Image.Resampling.BOX).tobytes() == asked.tobytes()


def test_the_same_prompt_and_seed_draw_the_same_and_another_seed_another() -> None:
    png.cache_clear()
    first = drawn(imagine("a fox --seed 1"))
    png.cache_clear()
    assert first.tobytes() == drawn(imagine("a fox --seed 1")).tobytes()
    assert first.tobytes() != drawn(imagine("a fox --seed 2")).tobytes()


def test_the_four_pictures_of_a_grid_are_visibly_different() -> None:
    grid = drawn(imagine("a lighthouse at dusk"))
    parts = [quarter(grid, n) for n in range(1, 5)]
    for n, one in enumerate(parts):
        for other in parts[n + 1 :]:
            assert max(ImageStat.Stat(ImageChops.difference(one, other)).mean) > 10


def test_a_variation_keeps_the_scene_and_a_reroll_draws_anew() -> None:
    parent = imagine("a lighthouse at dusk")
    before = drawing_of(parent, SIDE)
    varied = drawing_of(follow_up(parent, Action.VARIATION, 3), SIDE)
    rerolled = drawing_of(follow_up(parent, Action.REROLL), SIDE)
    assert set(varied.ways) == {before.ways[2]}
    assert len({drawn(parent).tobytes(), png(varied), png(rerolled)}) == 3


@pytest.mark.parametrize(
    ("flag", "ratio"), [("", 1), ("--ar 3:2", 1.5), ("--ar 9:16", 9 / 16), ("--ar 0:1", 1), ("--ar 100:1", 4)]
)
def test_the_shape_follows_the_prompt(flag: str, ratio: float) -> None:
    picture = drawn(imagine(f"a fox {flag}"))
    assert picture.width / picture.height == pytest.approx(ratio, rel=0.04)
    assert picture.width * picture.height == pytest.approx(SIDE * SIDE, rel=0.04)


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("size", [(16, 64), (64, 16)])
def test_every_scene_can_be_painted_in_every_shape(scene: str, size: tuple[int, int]) -> None:
    drawing = Drawing(words="fog", seed="1", width=size[0], height=size[1], ways=(scene,) * 4)
    assert Image.open(BytesIO(png(drawing))).size == size


@pytest.mark.parametrize(
    ("words", "figure"),
    [("a red fox", "fox"), ("Owls of Kyoto", "owl"), ("a small cabin", "house"), ("a catalogue", None)],
)
def test_a_figure_is_drawn_when_the_prompt_names_it(words: str, figure: str | None) -> None:
    assert named(words) == figure


@pytest.mark.parametrize("figure", FIGURES)
def test_every_figure_can_be_cut(figure: str) -> None:
    assert drawn(imagine(f"a {figure} by the sea")).tobytes() != drawn(imagine("something by the sea")).tobytes()
