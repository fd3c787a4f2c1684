"""The shorthand of `then`."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.manifest.then_tree import from_text
from pipeline.then import FOLLOW_UP_WORDS, FollowUp, then_from_json, then_to_json


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
        ("upscale", "for one picture of the grid write U1 to U4"),
    ],
)
def test_what_is_no_follow_up_is_told_with_a_remedy(text: str, message: str) -> None:
    _, messages = from_text(text)
    assert len(messages) == 1
    assert message in messages[0]


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
@given(st.text(alphabet="UVR01245-–(), x\n;:", max_size=40))
def test_any_text_is_either_a_tree_or_a_message(text: str) -> None:
    follow_ups, messages = from_text(text)
    assert messages or _shorthand(follow_ups) or not text.strip(" \n,;")
