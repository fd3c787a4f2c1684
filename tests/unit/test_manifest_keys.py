"""Keys that people write, and keys that are made for rows without one."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ManifestError
from pipeline.manifest import Manifest
from pipeline.manifest.names import batch_name, is_batch_name


def keys(*lines: str, header: str = "key,prompt,mode,then", lint: bool = True) -> list[str]:
    data = "\n".join([header, *lines]).encode()
    return [row.key for row in Manifest.from_bytes(data, "m.csv", lint=lint).rows()]


def test_a_key_is_kept_as_written() -> None:
    assert keys("007,a,,", "\u6d6e\u4e16\u7d75 \u2116 1/2,b,,") == ["007", "\u6d6e\u4e16\u7d75 \u2116 1/2"]


def test_a_made_key_starts_with_the_prompts_words() -> None:
    (key,) = keys(",A red fox - in the very deepest of all snow this winter --ar 3:2,,")
    assert key.startswith("a-red-fox-")
    (long,) = keys(",an exceedingly long prompt that goes on and on about a fox,,")
    assert long.startswith("an-exceedingly-long-prompt-that-goes-on-")
    assert len(long) <= 49


def test_a_prompt_without_letters_gets_a_key_too() -> None:
    (key,) = keys(",!!!,,")
    assert key.startswith("row-")


def test_a_made_key_does_not_depend_on_the_rows_order() -> None:
    lines = [f",fox number {n},," for n in range(50)]
    shuffled = random.Random(7).sample(lines, len(lines))
    assert set(keys(*lines)) == set(keys(*shuffled))


def test_a_made_key_depends_on_what_is_sent_and_not_on_what_follows() -> None:
    plain, upscaled = keys(",fox,,")[0], keys(",fox,,U1")[0]
    assert plain == upscaled != keys(",fox,fast,")[0]


KEYS_THAT_ARE_PAID_FOR = {
    "a red fox,": "a-red-fox-26b6c906",
    '"  a   red  fox in\tsnow ",': "a-red-fox-in-snow-9bf3a910",
    "an owl \u2014ar 3:2,": "an-owl-ar-3-2-64ff5770",
    "--ar 3:2 a cat,fast": "ar-3-2-a-cat-02a14027",
    '"a bee --v 6 --ar 3:2  , gold",': "a-bee-8a076e87",
    '"a  wolf,howling --stylize 100",relax': "a-wolf-howling-45d9313e",
    "\u6d6e\u4e16\u7d75 \u2116 1/2,": "\u6d6e\u4e16\u7d75-1-2-6d526575",
    "!!!,": "row-ba5fc5c1",
}
"""By what was written, as every version has made them. A row whose key changed would be made, and paid, again."""


@pytest.mark.parametrize("lint", [True, False])
def test_made_keys_never_change_however_prompts_are_tidied(lint: bool) -> None:
    assert keys(*KEYS_THAT_ARE_PAID_FOR, header="prompt,mode", lint=lint) == [*KEYS_THAT_ARE_PAID_FOR.values()]


@pytest.mark.parametrize("word", ["shorten", "edit", "video"])
def test_made_keys_of_other_texts_do_not_depend_on_tidying_either(word: str) -> None:
    row, header = "a fox \u2014  at  dawn,https://x.test/1.png", f"{word},image"
    if word == "shorten":
        row, header = "a fox \u2014  at  dawn", word
    assert keys(row, header=header) == keys(row, header=header, lint=False)


def test_equal_rows_without_keys_are_numbered() -> None:
    first, second, third, other = keys(",fox,,", ",fox,,", ",fox,,", ",owl,,")
    assert (second, third) == (f"{first}-2", f"{first}-3")
    assert other.startswith("owl-")


def test_keys_that_some_disk_would_take_for_one_are_refused() -> None:
    for one, two in [("fox", "FOX"), ("caf\u00e9", "cafe\u0301"), ("stra\u00dfe", "STRASSE")]:
        with pytest.raises(ManifestError, match="is taken by line 2"):
            keys(f"{one},a,,", f"{two},b,,")


@settings(deadline=None)
@given(st.text(max_size=120))
def test_any_text_gives_a_fit_batch_name(text: str) -> None:
    assert is_batch_name(batch_name(text)), batch_name(text)


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", "a b", ".hidden", "-x", "con", "NUL.txt", "a" * 81, "a~b"])
def test_a_batch_name_that_is_no_folder_name_is_refused(name: str) -> None:
    assert not is_batch_name(name)
