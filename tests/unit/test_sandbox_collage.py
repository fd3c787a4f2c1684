"""Pictures that callers send: blends, swaps and references show them, and none is too odd to be drawn."""

from __future__ import annotations

from hashlib import sha256
from io import BytesIO

import pytest
from PIL import Image

from pipeline.sandbox import photos
from pipeline.sandbox.drawings import Drawing
from pipeline.sandbox.pictures import drawing_of, picture, png
from pipeline.sandbox.tasks import Action, Order, Upload

SIDE = 128
RED, GREEN, BLUE, YELLOW, WHITE = (220, 30, 30), (30, 160, 60), (30, 60, 200), (240, 220, 40), (255, 255, 255)
GREY = Image.radial_gradient("L")
GREY_RGBA = Image.merge("RGBA", (GREY, GREY, GREY, GREY))


def upload(of: Image.Image, kind: str = "PNG", **how: object) -> Upload:
    file = BytesIO()
    of.save(file, kind, **how)
    return Upload(sha256(file.getvalue()).hexdigest(), file.getvalue())


def plain(colour: tuple[int, int, int], size: tuple[int, int] = (60, 60)) -> Upload:
    return upload(Image.new("RGB", size, colour))


def order(action: Action, *images: Upload, prompt: str = "", variant: str | None = None) -> Order:
    return Order(action=action, prompt=prompt, images=images, variant=variant)


def share_of(colour: tuple[int, int, int], shown: Image.Image) -> float:
    """How much of a picture is about of that colour."""
    near = sum(all(abs(a - b) < 24 for a, b in zip(pixel, colour, strict=True)) for pixel in _pixels(shown))
    return near / (shown.width * shown.height)


def _pixels(shown: Image.Image) -> list[tuple[int, int, int]]:
    data = shown.convert("RGB").tobytes()
    return [(data[n], data[n + 1], data[n + 2]) for n in range(0, len(data), 3)]


def four(drawing: Drawing) -> list[Image.Image]:
    grid, half = picture(drawing), (drawing.width // 2, drawing.height // 2)
    corners = [(n % 2 * half[0], n // 2 * half[1]) for n in range(4)]
    return [grid.crop((x, y, x + half[0], y + half[1])) for x, y in corners]


@pytest.mark.parametrize("colours", [(RED, BLUE), (RED, GREEN, BLUE), (RED, GREEN, BLUE, YELLOW, WHITE)])
@pytest.mark.parametrize("shape", [None, "PORTRAIT", "LANDSCAPE"])
def test_each_picture_of_a_blend_shows_all_that_are_blended(
    colours: tuple[tuple[int, int, int], ...], shape: str | None
) -> None:
    blend = drawing_of(order(Action.BLEND, *map(plain, colours), variant=shape), SIDE)
    for one in four(blend):
        assert all(share_of(colour, one) > 0.03 for colour in colours)
    assert len({one.tobytes() for one in four(blend)}) == 4


@pytest.mark.parametrize(
    ("shape", "ratio"), [("PORTRAIT", 2 / 3), ("SQUARE", 1), ("LANDSCAPE", 3 / 2), (None, 1), ("portrait", 2 / 3)]
)
def test_a_blend_has_the_shape_that_was_asked_for(shape: str | None, ratio: float) -> None:
    blend = drawing_of(order(Action.BLEND, plain(RED), plain(BLUE), variant=shape), SIDE)
    assert blend.width / blend.height == pytest.approx(ratio, rel=0.03)


def test_a_swap_is_one_picture_of_the_targets_shape_with_the_face_in_its_middle() -> None:
    swap = drawing_of(order(Action.SWAP_FACE, plain(RED), plain(BLUE, (90, 60))), SIDE)
    shown = picture(swap)
    assert swap.quarter is not None
    assert shown.width / shown.height == pytest.approx(3 / 2, rel=0.03)
    assert share_of(BLUE, shown) > 0.5
    assert share_of(RED, shown) > 0.08
    assert shown.getpixel((shown.width // 2, round(shown.height * 0.4))) == RED
    assert shown.getpixel((0, 0)) == BLUE


def test_each_picture_of_an_imagine_shows_its_reference_pictures() -> None:
    with_two = drawing_of(order(Action.IMAGINE, plain(RED), plain(GREEN), prompt="fog"), SIDE)
    for one in four(with_two):
        assert share_of(RED, one) > 0.03
        assert share_of(GREEN, one) > 0.03


def test_links_of_reference_pictures_are_no_words_of_the_prompt() -> None:
    linked = Order(action=Action.IMAGINE, prompt="https://cdn.example/whale.png a fox --ar 3:2")
    assert png(drawing_of(linked, 64)) == png(drawing_of(Order(action=Action.IMAGINE, prompt="a fox --ar 3:2"), 64))


def test_an_edit_changes_the_given_picture_in_four_ways_and_only_where_the_mask_is_white() -> None:
    half = Image.new("L", (60, 60))
    half.paste(255, (0, 0, 30, 60))
    given = plain((120, 120, 130))
    edit = Order(action=Action.EDIT, prompt="an owl at sunset", images=(given,), mask=upload(half))
    shown = four(drawing_of(edit, SIDE))
    assert len({one.tobytes() for one in shown}) == 4
    for one in shown:
        right = one.crop((one.width // 2 + 1, 0, one.width, one.height))
        assert share_of((120, 120, 130), right) == 1
        assert share_of((120, 120, 130), one) < 0.9


ODD = {
    "see-through": upload(GREY_RGBA),
    "palette": upload(GREY.quantize(16)),
    "palette with a see-through colour": upload(GREY.quantize(8), transparency=0),
    "grey": upload(GREY),
    "grey and see-through": upload(Image.merge("LA", (GREY, GREY))),
    "black and white": upload(GREY.convert("1")),
    "16 bits": upload(GREY.convert("I;16")),
    "floating point": upload(GREY.convert("F"), "TIFF"),
    "CMYK": upload(Image.merge("CMYK", (GREY,) * 4), "JPEG"),
    "animated GIF": upload(GREY, "GIF", save_all=True, append_images=[GREY.rotate(90)]),
    "animated WebP": upload(GREY_RGBA, "WEBP", save_all=True, append_images=[GREY_RGBA.rotate(90)]),
    "one pixel": plain(RED, (1, 1)),
    "a line": plain(RED, (2000, 1)),
    "a column": plain(RED, (1, 2000)),
    "cut off": Upload("cut", upload(GREY).content[:200]),
    "no picture": Upload("text", b"hello"),
    "nothing": Upload("nothing", b""),
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
@pytest.mark.parametrize("action", [Action.IMAGINE, Action.BLEND, Action.SWAP_FACE, Action.EDIT, Action.DESCRIBE])
def test_no_picture_is_too_odd_to_be_drawn(action: Action, odd: Upload) -> None:
    mixed = Order(action=action, prompt="a fox", images=(odd, plain(BLUE)), mask=odd)
    assert Image.open(BytesIO(png(drawing_of(mixed, 24)))).mode == "RGB"


def test_a_photograph_that_lies_on_its_side_is_turned_upright() -> None:
    turn = Image.Exif()
    turn[0x0112] = 6
    lying = upload(Image.new("RGB", (300, 100)), "JPEG", exif=turn)
    assert photos.opened(lying).size == photos.shape(lying) == (100, 300)


def test_what_is_see_through_is_paper() -> None:
    assert photos.opened(upload(Image.new("RGBA", (4, 4), (0, 0, 0, 0)))).getpixel((2, 2)) == photos.PAPER
