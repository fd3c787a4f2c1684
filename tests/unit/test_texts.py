from __future__ import annotations

import pytest

from pipeline.api.texts import described, shortened

PROMPTS = ["a fox --ar 3:2", "a dog, in snow", "a cat", "an owl"]


@pytest.mark.parametrize(
    "text",
    [
        "1️⃣ a fox --ar 3:2\n\n2️⃣ a dog, in snow\n\n3️⃣ a cat\n\n4️⃣ an owl",
        "1️⃣ a fox --ar 3:2\r\n2️⃣ a dog,\r\nin snow\r\n3️⃣ a cat\r\n4️⃣ an owl\r\n",
        "1\u20e3a fox --ar 3:2 2\u20e3a dog, in snow 3\u20e3 a cat 4\u20e3 an owl",
        "a fox --ar 3:2\r\na dog, in snow\r\n\r\na cat\r\nan owl",
        "1. a fox --ar 3:2\n2. a dog, in snow\n3. a cat\n4. an owl",
    ],
)
def test_a_description_comes_apart_into_its_prompts(text: str) -> None:
    assert described(text) == {"text": text, "prompts": PROMPTS}


def test_a_prompt_may_begin_with_a_number_of_its_own() -> None:
    assert described("1️⃣ 2 foxes\n\n2️⃣ 3 dogs")["prompts"] == ["2 foxes", "3 dogs"]


SHORTENED = """## Important tokens
please a **cute** **ginger fox**, in the ~~style of~~ snow.

## Shortened prompts
1️⃣ a cute fox, snow --ar 3:2

2️⃣ cute fox

3️⃣ fox, snow

4️⃣ fox

5️⃣ snow
"""


@pytest.mark.parametrize("text", [SHORTENED, SHORTENED.replace("\n", "\r\n")])
def test_a_shortened_prompt_comes_apart_into_prompts_and_weights(text: str) -> None:
    made = shortened(text)
    assert made["text"] == text
    assert made["prompts"] == ["a cute fox, snow --ar 3:2", "cute fox", "fox, snow", "fox", "snow"]
    weights = [(token["token"], token["weight"]) for token in made["tokens"]]
    assert weights[:4] == [("please", "normal"), ("a", "normal"), ("cute", "strong"), ("ginger", "strong")]
    assert weights[4:] == [
        ("fox", "strong"),
        ("in", "normal"),
        ("the", "normal"),
        ("style", "weak"),
        ("of", "weak"),
        ("snow", "normal"),
    ]


@pytest.mark.parametrize("text", ["1️⃣ fox\n\n2️⃣ snow", "fox\nsnow"])
def test_prompts_without_headings_are_prompts_all_the_same(text: str) -> None:
    assert shortened(text) == {"text": text, "prompts": ["fox", "snow"], "tokens": []}
