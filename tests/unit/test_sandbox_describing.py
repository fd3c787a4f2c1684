"""Describe looks at its picture; shorten works with the words that it was given."""

from __future__ import annotations

import re
from hashlib import sha256
from io import BytesIO
from time import process_time

import pytest
from PIL import Image

from pipeline.sandbox.describing import describe, shorten, shortened
from pipeline.sandbox.looking import COLOURS, look, name_of
from pipeline.sandbox.tasks import Upload


def upload(picture: Image.Image) -> Upload:
    file = BytesIO()
    picture.save(file, "PNG")
    return Upload(sha256(file.getvalue()).hexdigest(), file.getvalue())


def plain(colour: tuple[int, int, int], size: tuple[int, int] = (300, 200)) -> Upload:
    return upload(Image.new("RGB", size, colour))


@pytest.mark.parametrize("name", COLOURS)
def test_each_of_four_prompts_names_the_colour_that_fills_the_picture(name: str) -> None:
    prompts = describe(plain(COLOURS[name]))
    assert len(set(prompts)) == 4
    assert all(name in prompt for prompt in prompts)


@pytest.mark.parametrize(
    ("size", "ratio"),
    [((300, 200), "3:2"), ((1000, 999), "1:1"), ((1456, 816), "16:9"), ((1, 1), "1:1"), ((9000, 10), "4:1")],
)
def test_each_prompt_ends_with_the_shape_of_the_picture(size: tuple[int, int], ratio: str) -> None:
    prompts = describe(plain((200, 30, 30), size))
    assert all(prompt.endswith(f" --ar {ratio}") for prompt in prompts)
    assert f"{size[0]} by {size[1]} pixels" in prompts[3]


def test_a_picture_of_two_colours_is_described_as_it_is_laid_out() -> None:
    flag = Image.new("RGB", (200, 200), COLOURS["sky blue"])
    flag.paste(COLOURS["forest green"], (0, 120, 200, 200))
    assert "sky blue above forest green" in describe(upload(flag))[1]
    assert look(upload(flag)).colours == ("sky blue", "forest green")


def test_light_contrast_and_texture_are_measured() -> None:
    noise = Image.effect_noise((200, 200), 120).convert("RGB")
    assert "fine texture" in describe(upload(noise))[0]
    assert "smooth flat surfaces" in describe(plain((250, 250, 250)))[0]
    assert "bright" in describe(plain((250, 250, 250)))[0]
    assert "deep shadow" in describe(plain((5, 5, 5)))[0]
    assert look(upload(noise)).contrast > look(plain((5, 5, 5))).contrast


def test_a_spot_of_colour_is_an_accent_and_grey_never_is() -> None:
    dotted = Image.new("RGB", (100, 100), COLOURS["charcoal"])
    dotted.paste(COLOURS["orange"], (40, 40, 60, 60))
    assert "orange accents" in describe(upload(dotted))[1]
    assert "accents" not in " ".join(describe(upload(Image.radial_gradient("L"))))


def test_the_same_picture_is_described_the_same() -> None:
    assert describe(plain((10, 90, 160))) == describe(plain((10, 90, 160)))


def test_a_large_picture_is_looked_at_quickly() -> None:
    large = upload(Image.linear_gradient("L").resize((3000, 2000)).convert("RGB"))
    before = process_time()
    describe(large)
    assert process_time() - before < 1


def test_a_grey_is_never_called_a_colour() -> None:
    assert {name_of((n, n, n)) for n in range(256)} == {"black", "charcoal", "grey", "silver", "white"}


LONG = (
    "please create a very detailed picture of a red fox in the snow, cinematic lighting, by the sea --ar 3:2 --seed 4"
)


def test_strong_words_are_bold_and_weak_ones_struck_through() -> None:
    tokens = shorten(LONG).split("\n")[1]
    assert shorten(LONG).startswith("## Important tokens\n")
    assert "**fox**" in tokens
    assert "~~please~~ ~~create~~ ~~a~~ ~~very~~" in tokens
    assert re.sub(r"\*\*|~~", "", tokens) == LONG.partition(" --")[0]


def test_five_shorter_prompts_follow_with_the_flags_of_the_prompt() -> None:
    below = shorten(LONG).split("## Shortened prompts\n")[1].split("\n\n")
    assert [line.split(" ")[0] for line in below] == ["1️⃣", "2️⃣", "3️⃣", "4️⃣", "5️⃣"]
    assert [line.split(" ", 1)[1] for line in below] == list(shortened(LONG))
    lengths = [len(text.split()) for text in shortened(LONG)]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] < len(LONG.split())
    assert all(text.endswith("--ar 3:2 --seed 4") and "fox" in text for text in shortened(LONG))


@pytest.mark.parametrize(
    "prompt",
    ["fox", "the the the", "", "--ar 3:2", "一只狐狸 在雪中", "**bold** ~~struck~~ # head", "a\n\nb", "," * 50],
)
def test_any_prompt_can_be_shortened(prompt: str) -> None:
    assert len(shorten(prompt).split("\n\n")) == 6
    assert all(shortened(prompt))


def test_shorter_prompts_are_made_of_the_words_of_the_prompt() -> None:
    said = set(re.findall(r"[\w-]+", LONG))
    assert all(set(re.findall(r"[\w-]+", text)) <= said for text in shortened(LONG))
