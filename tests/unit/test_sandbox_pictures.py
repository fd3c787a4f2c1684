"""The drawings: real PNGs, the same for the same words, an upscale true to its quarter."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageStat

from pipeline.sandbox.figures import FIGURES, named
from pipeline.sandbox.pictures import Drawing, drawing_of, png
from pipeline.sandbox.scenery import SCENES
from pipeline.sandbox.tasks import Action, Order, Task, Upload

SIDE = 128


def imagine(prompt: str) -> Order:
    return Order(action=Action.IMAGINE, prompt=prompt)


def follow_up(of: Order, action: Action, index: int | None = None, **fields: Any) -> Order:
    parent = Task(id="1700000000000001", order=of, submitted=1)
    return Order(action=action, parent=parent, index=index, **{"prompt": of.prompt, **fields})


def upload(of: Image.Image) -> Upload:
    file = BytesIO()
    of.save(file, "PNG")
    return Upload(sha256(file.getvalue()).hexdigest(), file.getvalue())


def drawn(order: Order) -> Image.Image:
    picture = Image.open(BytesIO(png(drawing_of(order, SIDE))))
    assert picture.format == "PNG"
    return picture.convert("RGB")


def quarter(grid: Image.Image, n: int) -> Image.Image:
    w, h = grid.width // 2, grid.height // 2
    x, y = (n - 1) % 2 * w, (n - 1) // 2 * h
    return grid.crop((x, y, x + w, y + h))


LEFT = Image.new("L", (64, 64))
LEFT.paste(255, (0, 0, 32, 64))
MASK = upload(LEFT)
FOX = imagine("a red fox in the snow --ar 3:2")
SINGLE = follow_up(FOX, Action.UPSCALE, 2)
GRIDS = {
    "imagine": imagine("a red fox in the snow"),
    "wide": imagine("an owl --ar 3:2"),
    "tall, seeded": imagine("a tower --ar 9:16 --seed 4"),
    "with a reference": replace(imagine("an owl"), images=(MASK,)),
    "variation": follow_up(FOX, Action.VARIATION, 3),
    "reroll": follow_up(FOX, Action.REROLL),
    "blend": Order(action=Action.BLEND, prompt="", images=(MASK, upload(LEFT.rotate(90))), variant="PORTRAIT"),
    "subtle": follow_up(SINGLE, Action.VARIATION, variant="subtle"),
    "strong": follow_up(SINGLE, Action.VARIATION, variant="strong"),
    "region": follow_up(SINGLE, Action.VARIATION, variant="region", mask=MASK, prompt="a whale"),
    "zoom 2": follow_up(SINGLE, Action.ZOOM, variant="2"),
    "zoom 1.5": follow_up(SINGLE, Action.ZOOM, variant="1.5"),
    "square": follow_up(SINGLE, Action.ZOOM, variant="square"),
    **{f"pan {side}": follow_up(SINGLE, Action.PAN, variant=side) for side in ("left", "right", "up", "down")},
    "edit": Order(action=Action.EDIT, prompt="a cat", images=(MASK,)),
}
"""Every kind of grid."""


@pytest.mark.parametrize("order", GRIDS.values(), ids=GRIDS)
def test_an_upscale_is_exactly_the_quarter_that_was_asked_for_but_larger(order: Order) -> None:
    grid = drawn(order)
    for n in range(1, 5):
        upscale = drawn(follow_up(order, Action.UPSCALE, n))
        asked = quarter(grid, n)
        assert upscale.size == (asked.width * 2, asked.height * 2)
        assert upscale.resize(asked.size, Image.Resampling.BOX).tobytes() == asked.tobytes()


@pytest.mark.parametrize("order", GRIDS.values(), ids=GRIDS)
def test_the_four_of_every_grid_differ_and_are_the_same_each_time(order: Order) -> None:
    png.cache_clear()
    first = drawn(order)
    png.cache_clear()
    assert first.tobytes() == drawn(order).tobytes()
    assert len({quarter(first, n).tobytes() for n in range(1, 5)}) == 4


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


def each(order: Order) -> list[Image.Image]:
    """The four pictures of a grid at full size."""
    return [drawn(follow_up(order, Action.UPSCALE, n)) for n in range(1, 5)]


@pytest.mark.parametrize(
    ("side", "corner"), [("left", (0.5, 0)), ("right", (0, 0)), ("up", (0, 0.5)), ("down", (0, 0))]
)
def test_a_pan_is_longer_by_half_and_keeps_the_picture_as_it_was(side: str, corner: tuple[float, float]) -> None:
    before = drawn(SINGLE)
    x, y = (round(share * length / 2) * 2 for share, length in zip(corner, before.size, strict=True))
    for one in each(follow_up(SINGLE, Action.PAN, variant=side)):
        assert one.width * one.height == pytest.approx(before.width * before.height * 1.5, rel=0.02)
        assert one.crop((x, y, x + before.width, y + before.height)).tobytes() == before.tobytes()


def test_a_square_holds_the_whole_picture_in_its_middle() -> None:
    before = drawn(SINGLE)
    for one in each(follow_up(SINGLE, Action.ZOOM, variant="square")):
        assert one.width == one.height == before.width
        top = (one.height - before.height) // 2
        assert one.crop((0, top, one.width, top + before.height)).tobytes() == before.tobytes()


@pytest.mark.parametrize("factor", ["1.5", "2", "1", "nan", "much"])
def test_a_zoom_shows_the_picture_smaller_in_the_middle_of_more(factor: str) -> None:
    before, shrunk = drawn(SINGLE), {"1.5": 1.5, "1": 1, "nan": 1}.get(factor, 2)
    for one in each(follow_up(SINGLE, Action.ZOOM, variant=factor)):
        assert one.size == before.size
        w, h = round(before.width / shrunk), round(before.height / shrunk)
        x, y = (one.width - w) // 2, (one.height - h) // 2
        inside = one.crop((x, y, x + w, y + h))
        assert inside.tobytes() == before.resize((w, h), Image.Resampling.BICUBIC).tobytes()


def test_a_region_is_painted_anew_only_where_the_mask_is_white() -> None:
    before = drawn(SINGLE)
    for one in each(GRIDS["region"]):
        right = (before.width // 2 + 2, 0, before.width, before.height)
        assert one.crop(right).tobytes() == before.crop(right).tobytes()
        change = ImageChops.difference(one, before).crop((0, 0, before.width // 2, before.height))
        assert sum(ImageStat.Stat(change).mean) > 10


def test_a_subtle_variation_stays_nearer_than_a_strong_one() -> None:
    before = drawn(SINGLE).convert("L").resize((24, 16))
    away = {
        how: sum(
            ImageStat.Stat(ImageChops.difference(one.convert("L").resize((24, 16)), before)).mean[0]
            for one in each(GRIDS[how])
        )
        for how in ("subtle", "strong")
    }
    assert 0 < away["subtle"] < away["strong"]


@pytest.mark.parametrize(("variant", "times"), [("subtle", 2), ("creative", 2), ("2x", 2), ("4x", 4)])
def test_a_second_upscale_is_the_same_picture_with_more_pixels(variant: str, times: int) -> None:
    before, after = drawn(SINGLE), drawn(follow_up(SINGLE, Action.UPSCALE, 1, variant=variant))
    assert after.size == (before.width * times, before.height * times)
    change = ImageChops.difference(after.resize(before.size, Image.Resampling.BOX), before)
    assert max(ImageStat.Stat(change).mean) < 8
    assert (variant == "creative") == (after != drawn(follow_up(SINGLE, Action.UPSCALE, 1, variant=f"{times}x")))


def test_no_upscale_is_larger_than_the_largest() -> None:
    assert drawing_of(follow_up(SINGLE, Action.UPSCALE, variant="4x"), 2048).size[0] == 4096


def test_panning_on_and_on_stays_within_twice_the_pixels() -> None:
    order = SINGLE
    for _ in range(5):
        order = follow_up(follow_up(order, Action.PAN, variant="left"), Action.UPSCALE, 1)
    last = drawing_of(order, SIDE)
    assert last.width / last.height > 8
    assert last.width * last.height <= 2.1 * SIDE * SIDE
    assert drawn(order).size == (last.width, last.height)


def test_a_prompt_from_describe_or_shorten_is_imagined_for_itself() -> None:
    described = Order(action=Action.DESCRIBE, prompt="", images=(MASK,))
    for parent in (described, Order(action=Action.SHORTEN, prompt="a long story of a whale")):
        assert png(drawing_of(follow_up(parent, Action.IMAGINE, 2, prompt=FOX.prompt), SIDE)) == png(
            drawing_of(FOX, SIDE)
        )


def test_other_words_given_to_a_follow_up_are_drawn() -> None:
    anew = follow_up(FOX, Action.VARIATION, 2, prompt="a whale --ar 3:2")
    assert named(drawing_of(anew, SIDE).words) == "whale"
    assert drawn(anew).tobytes() != drawn(follow_up(FOX, Action.VARIATION, 2)).tobytes()


def test_a_long_line_of_follow_ups_is_drawn() -> None:
    order = FOX
    for _ in range(1500):
        order = follow_up(order, Action.REROLL)
    assert drawn(order).size == drawn(FOX).size
