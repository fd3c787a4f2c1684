"""The shorthand of `then`."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.action import Action
from pipeline.errors import ManifestError
from pipeline.manifest import Manifest
from pipeline.manifest.follow_up_names import named
from pipeline.manifest.then_tree import from_text
from pipeline.then import (
    FAMILIES,
    FOLLOW_UP_WORDS,
    FollowUp,
    family_and_value,
    then_from_json,
    then_to_json,
)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", []),
        ("U1", ["U1"]),
        ("u2 v1,r", ["U2", "V1", "R"]),
        ("U1-U4", ["U1", "U2", "U3", "U4"]),
        ("U1-4", ["U1", "U2", "U3", "U4"]),
        ("V2 \u2013 V3", ["V2", "V3"]),
        ("U3-U3", ["U3"]),
        ("V2(U1-U2), R (V1(U4))", [{"V2": ["U1", "U2"]}, {"R": [{"V1": ["U4"]}]}]),
        ("V1-V2(U1)", [{"V1": ["U1"]}, {"V2": ["U1"]}]),
        ("reroll variation-2 vary:3 upscale=4", ["R", "V2", "V3", "U4"]),
        ("seed describe", ["seed", "describe"]),
        (
            "describe(imagine-1-2(U1) imagine-4)",
            [{"describe": [{"imagine-1": ["U1"]}, {"imagine-2": ["U1"]}, "imagine-4"]}],
        ),
        ("U1(zoom-1.5 zoom:2 zoom=1.25x zoom_out_1.1x)", [{"U1": ["zoom-1.5", "zoom-2", "zoom-1.25", "zoom-1.1"]}]),
        ("U1(zoom-1.50, ZOOM 2.0, custom-zoom 1x)", [{"U1": ["zoom-1.5", "zoom-2", "zoom-1"]}]),
        ("U1(pan-left pan_right pan:up pan (down))", [{"U1": ["pan-left", "pan-right", "pan-up", "pan-down"]}]),
        ("U1(vary-subtle vary (strong) )", [{"U1": ["vary-subtle", "vary-strong"]}]),
        ("U1(pan left(U1) vary strong)", [{"U1": [{"pan-left": ["U1"]}, "vary-strong"]}]),
        (
            "U1(upscale-subtle upscale_creative upscale:2x upscale 4)",
            [{"U1": ["upscale-subtle", "upscale-creative", "upscale-2x", "upscale-4x"]}],
        ),
        ("U1(make_square seed bookmark)", [{"U1": ["square", "seed", "bookmark"]}]),
    ],
)
def test_shorthand_becomes_a_tree(text: str, tree: list[object]) -> None:
    follow_ups, messages = from_text(text)
    assert (then_to_json(follow_ups), messages) == (tree, ())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("U5", "U5: there are only four pictures: U1 to U4"),
        ("V0", "V0: there are only four pictures: V1 to V4"),
        ("U4-U1", "the range U4-U1 runs backwards: write U1-U4"),
        ("U1-V4", "the range U1-V4 mixes U and V: write two ranges"),
        ("U1-U3 U2", "U2 is named twice: once is enough"),
        ("U2(V1)", "V1 cannot follow U2: it makes one picture, and U, V and R need a grid of four"),
        ("UI", "`UI` needs the number of a picture: U1 to U4, or U1-U4 for all"),
        ("all", "unknown follow-up `all`: follow-ups are U1 to U4, V1 to V4 and R"),
        ("U", "`U` needs the number of a picture: U1 to U4, or U1-U4 for all"),
        ("R1", "unknown follow-up `R1`: did you mean `R`?"),
        ("U" + "9" * 5000, "unknown follow-up `U99"),
        ("V2(U1", "a `(` without its `)`: write nested follow-ups as in `V2(U1-U4)`"),
        ("U1)", "a `)` without its `(`: write nested follow-ups as in `V2(U1-U4)`"),
        ("(U1)", "`(` must come after the word that it belongs to, as in `V2(U1-U4)`"),
        ("V1(V1(V1(V1(V1(U1)))))", "follow-ups are nested more than 5 deep: U1 is too far"),
        ("V1(" * 9000 + ")" * 9000, "follow-ups are nested more than 5 deep: V1 is too far"),
        ("zoom", "zoom cannot follow an imagine: it needs one picture: write U1(zoom-1.5)"),
        ("pan-left", "pan cannot follow an imagine: it needs one picture: write U1(pan-left)"),
        ("upscale", "`upscale` needs a number here: for one picture of the grid write U1 to U4"),
        ("vary", "`vary` needs a number here: to vary the grid write V1 to V4"),
        ("upscale_subtle", "upscale cannot follow an imagine: it needs one picture: write U1(upscale-subtle)"),
        ("U1(zoom)", "`zoom` needs to know how far: write zoom-1.5, zoom-2 or another factor from 1 to 2"),
        ("U1(zoom-3)", "`zoom-3`: a zoom is a factor from 1 to 2, such as zoom-1.5"),
        ("U1(zoom-1.505)", "`zoom-1.505`: a zoom is a factor from 1 to 2"),
        ("U1(pan)", "`pan` needs to know where to: write pan-left, pan-right, pan-up or pan-down"),
        ("U1(pan-lft)", "`pan-lft` is no follow-up: did you mean `pan-left`?"),
        ("U1(upscale-3)", "`upscale-3` is no follow-up: write upscale-subtle, upscale-creative"),
        ("U1(square-2)", "`square-2`: square stands alone, without `2`"),
        ("U1(sqare)", "unknown follow-up `sqare`: did you mean `square`?"),
        ("U1(zoom-2 zoom-2.0)", "zoom-2 is named twice: once is enough"),
        ("U1(animate)", "`animate` follows nothing: make it a row of its own, `video`, with a picture `row:KEY/U1`"),
        ("describe(U1)", "U1 cannot follow describe: it makes four prompts, and U, V and R need a grid of four"),
        ("describe(imagine-5)", "imagine-5 cannot follow describe: it makes four prompts, imagine-1 to imagine-4"),
        (
            "imagine-2",
            "imagine-2 cannot follow an imagine: it needs the prompts of a describe: write describe(imagine-2)",
        ),
        ("U1(vary_region)", "vary_region needs a mask: name one in the row, as `mask: mask.png`"),
    ],
)
def test_what_is_no_follow_up_is_told_with_a_remedy(text: str, message: str) -> None:
    _, messages = from_text(text)
    assert len(messages) == 1
    assert message in messages[0]


@pytest.mark.parametrize(
    ("action", "text", "message"),
    [
        (Action.DESCRIBE, "imagine-1-4(U1)", None),
        (Action.SHORTEN, "imagine-5", None),
        (Action.BLEND, "U1-U4 V1 R", None),
        (Action.EDIT, "U1(zoom-2)", None),
        (Action.SWAP_FACE, "describe", None),
        (
            Action.DESCRIBE,
            "zoom",
            "zoom-1.5 cannot follow a describe: it makes four prompts, and zoom needs one picture",
        ),
        (
            Action.SWAP_FACE,
            "U1",
            "U1 cannot follow a face swap: it makes a picture without buttons, and U, V and R need",
        ),
        (Action.SWAP_FACE, "zoom-2", "zoom-2 cannot follow a face swap: it makes a picture without buttons"),
        (Action.VIDEO, "describe", "describe cannot follow a video: it makes a film, and describe needs a picture"),
        (
            Action.UPLOAD,
            "seed",
            "seed cannot follow an upload: it makes a line of text, and seed needs a grid of four, or",
        ),
        (Action.BLEND, "pan-left", "pan cannot follow a blend: it needs one picture: write U1(pan-left)"),
    ],
)
def test_what_can_follow_depends_on_what_is_made(action: Action, text: str, message: str | None) -> None:
    follow_ups, messages = from_text(text, action)
    assert bool(follow_ups) is (message is None)
    assert all(message is not None and message in told for told in messages)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_read_under_each_of_its_words(family: str) -> None:
    values = FAMILIES[family].values or (("1.5",) if family == "zoom" else ("",))
    for value in values:
        word = f"{family}{'-' if value and len(family) > 1 else ''}{value}"
        assert named(word).words == (word,)
        assert family_and_value(word) == (family, value)


def _shorthand(tree: tuple[FollowUp, ...]) -> str:
    return " ".join(one.word + (f"({_shorthand(one.then)})" if one.then else "") for one in tree)


def _siblings(children: st.SearchStrategy[tuple[FollowUp, ...]]) -> st.SearchStrategy[tuple[FollowUp, ...]]:
    one = st.builds(
        lambda word, then: FollowUp(word, () if word.startswith("U") else then),
        st.sampled_from(FOLLOW_UP_WORDS),
        children,
    )
    return st.lists(one, max_size=3, unique_by=lambda item: item.word).map(tuple)


_LEAVES: st.SearchStrategy[tuple[FollowUp, ...]] = st.just(())
TREES = _siblings(_siblings(_siblings(_LEAVES)))


@settings(deadline=None)
@given(TREES)
def test_every_tree_can_be_written_and_read_again(tree: tuple[FollowUp, ...]) -> None:
    assert from_text(_shorthand(tree)) == (tree, ())
    assert then_from_json(then_to_json(tree)) == tree


@settings(deadline=None)
@given(
    st.text(alphabet="UVR01245-–(), x\n;:", max_size=40)
    | st.lists(st.sampled_from([*FAMILIES, "-", "(", ")", " ", "1", "2", "left", "strong", "U1", "~2"])).map("".join)
)
def test_any_text_is_either_a_tree_or_a_message(text: str) -> None:
    follow_ups, messages = from_text(text)
    assert messages or _shorthand(follow_ups) or not text.strip(" \n,;")


@pytest.mark.parametrize(
    ("label", "word"),
    [
        ("Zoom Out 1.5x", "zoom-1.5"),
        ("\U0001f50d Zoom Out 2x", "zoom-2"),
        ("Vary (Subtle)", "vary-subtle"),
        ("\u2194\ufe0f Make Square", "square"),
        ("\u2b05\ufe0f", "pan-left"),
        ("\u2b07", "pan-down"),
        ("\u2764\ufe0f", "bookmark"),
    ],
)
def test_the_labels_of_midjourneys_buttons_are_understood(label: str, word: str) -> None:
    (row,) = Manifest.from_bytes(f"prompt,then\nx --ar 3:2,U1({label})\n".encode(), "m.csv").rows()
    assert [one.word for one in row.then[0].then] == [word]


@pytest.mark.parametrize(
    ("then", "says"),
    [
        ("U1(Custom Zoom)", "`zoom` needs to know how far"),
        ("U1(Vary (Region))", "vary_region needs a mask"),
        ("U1(Zoom Out 3x)", "a zoom is a factor from 1 to 2"),
    ],
)
def test_a_label_that_does_not_say_enough_is_one_fault(then: str, says: str) -> None:
    with pytest.raises(ManifestError) as caught:
        Manifest.from_bytes(f"prompt,then\nx,{then}\n".encode(), "m.csv").check()
    assert [says in fault.message for fault in caught.value.faults] == [True]


def test_the_number_of_a_prompt_is_told_as_a_word() -> None:
    with pytest.raises(ManifestError, match="`1` is no follow-up: did you mean `imagine-1`"):
        Manifest.from_bytes(b"tasks:\n- {shorten: x, then: [1]}\n", "m.yaml").check()
