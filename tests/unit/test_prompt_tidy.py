"""A prompt as it should be sent: white space, dashes, the order of flags, and what the flags say."""

from __future__ import annotations

import pytest

from pipeline.prompt import Linted, aspect, lint, parameters


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("  a \t fox\u00a0in\n\nthe snow ", "a fox in the snow"),
        ("a fox —ar 3:2", "a fox --ar 3:2"),
        ("a fox –ar 3:2", "a fox --ar 3:2"),
        ("a fox ―ar 3:2", "a fox --ar 3:2"),
        ("a fox −−ar 3:2", "a fox --ar 3:2"),
        ("a fox — ar 3:2", "a fox --ar 3:2"),
        ("a fox -- ar 3:2", "a fox --ar 3:2"),
        ("a fox — ar 3:2 — v 7", "a fox --ar 3:2 --v 7"),
        ("a fox – ar 3:2 – s 100 – no dogs", "a fox --ar 3:2 --s 100 --no dogs"),
        ("a fox — v 7 — tile — ar 3:2", "a fox --v 7 --tile --ar 3:2"),
        ("a fox --ar 3:2 — v 7 — style raw", "a fox --ar 3:2 --v 7 --style raw"),
        ("a fox — no dogs — ar 3:2", "a fox --no dogs --ar 3:2"),
        ("a fox — stylize 100", "a fox --stylize 100"),
        ("a fox --ar ３：２ --niji ６", "a fox --ar 3:2 --niji 6"),
        ("a fox —no people —s 250", "a fox --no people --s 250"),
        ("a fox --AR 3:2 --V 6", "a fox --ar 3:2 --v 6"),
        ("a fox --ar 3:2 in the snow", "a fox in the snow --ar 3:2"),
        ("--v 7 a fox --tile in the --c 5 snow", "a fox in the snow --v 7 --tile --c 5"),
        ("a fox --niji in the snow", "a fox in the snow --niji"),
        ("a fox --niji 6 in the snow", "a fox in the snow --niji 6"),
        ("a fox --no cats, big dogs --tile snow", "a fox snow --no cats, big dogs --tile"),
        ("--sref https://a.b/c.png 123::2 random a fox", "a fox --sref https://a.b/c.png 123::2 random"),
        ("--cref https://a.b/c.png https://a.b/d.png 3 foxes", "3 foxes --cref https://a.b/c.png https://a.b/d.png"),
        ("--p 4o8v2xz a fox", "a fox --p 4o8v2xz"),
        ("--p a fox", "a fox --p"),
        ("a fox --p mycodes --v 7", "a fox --p mycodes --v 7"),
    ],
)
def test_a_prompt_is_made_tidy(written: str, sent: str) -> None:
    assert lint(written) == Linted(prompt=sent, problems=())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a fox — an owl",
        "a fox – no, an owl - in well-known snow, 1990-2000",
        "I love you——she said",
        "a fox—an owl",
        "plain --- dashes",
        "“smart” ‘quotes’ --no “text”",
        "https://s.mj.run/a--no-b.png https://s.mj.run/c a fox",
        "cat:: dog::2 hat::-0.5 --v 6.1",
        r"a \{rare, old\} {fox} --ar 3:2",
        "a fox {, in the snow",
        "a fox --ar 3:2 --chaos 5 --s 0 --w 3000 --iw .5 --q .25 --stop 80 --seed 4294967295 --tile --no text",
        "a fox --niji 7 --style expressive --sw 0 --sv 6 --exp 100 --raw --draft --hd --stealth",
        "a fox --oref https://a.b/c.png --ow 1000 --cw 0 --profile m7290 --sref random --v 8.1",
        "a fox --video --motion low --bs 4 --loop --end https://a.b/c.png",
        "a fox --style 4a --uplight --test --creative --sameseed 5 --zoom 1.5 --sandbox lost",
    ],
)
def test_what_is_right_is_left_alone(text: str) -> None:
    assert lint(text) == Linted(prompt=text, problems=())


def test_words_that_would_read_as_a_flag_together_stay_apart() -> None:
    assert lint("a fox — --tile ar 3:2").prompt == "a fox — --tile ar 3:2"


def test_flags_are_read_by_their_long_names_as_they_are_written() -> None:
    assert parameters("a fox —ar 3:2 in snow --no cats, dogs --tile --V 6.1 --s 50 --new 1 2 --niji") == {
        "aspect": "3:2",
        "no": "cats, dogs",
        "tile": True,
        "version": "6.1",
        "stylize": "50",
        "new": "1 2",
        "niji": True,
    }
    assert parameters("a fox -ar 3:2 --- in snow") == {}
    assert parameters("a fox --sref a --sref b") == {"sref": "a b"}


@pytest.mark.parametrize(
    ("prompt", "shape"),
    [
        ("a fox", (1, 1)),
        ("a fox --ar 16:9 --tile", (16, 9)),
        ("a fox --aspect 6:4 in snow", (6, 4)),
        ("a fox --ar 16x9", (1, 1)),
        ("a fox --ar 0:1", (1, 1)),
        ("a fox --ar", (1, 1)),
    ],
)
def test_the_shape_of_the_picture_is_told(prompt: str, shape: tuple[int, int]) -> None:
    assert aspect(prompt) == shape
