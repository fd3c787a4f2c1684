"""Whatever a person writes, linting it ends, and linting the result again changes nothing."""

from __future__ import annotations

from collections import Counter

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.prompt import Linted, aspect, lint, parameters, tidied
from pipeline.prompt.values import FULL_WIDTH

PARTS = [
    *(
        "a fox",
        "in the snow",
        "snow",
        "cats",
        "3",
        "3:2",
        "16x9",
        "16",
        ":",
        "9",
        "4o8v2xz",
        "random",
        "::",
        "::2",
        ",",
    ),
    *("--ar", "--AR", "--v", "--niji", "--no", "--tile", "--sref", "--cref", "--p", "--style", "--chaos", "--repeat"),
    *(
        "--foo",
        "--v6",
        "--ar=3:2",
        "--tile,",
        "-ar",
        "-v",
        "-no",
        "-tile",
        "—ar",
        "–no",
        "−−ar",
        "——",
        "—s",
        "true",
        "７",
        "---",
        "--",
    ),
    *(
        "-",
        "—",
        "ar",
        "v",
        "no",
        "6",
        "-1",
        "{",
        "}",
        "{a,",
        "b}",
        "\\",
        "https://s.mj.run/x--no.png",
        "fox--ar",
        "x--no-b",
    ),
]
PROMPTS = st.one_of(
    st.lists(st.sampled_from(PARTS), max_size=12).map(" ".join),
    st.lists(st.sampled_from([*PARTS, " ", "\u2003", "\n"]), max_size=16).map("".join),
    st.text(max_size=60),
)

FLAGS = ["--ar 3:2", "--v 6.1", "--q 2", "--c 3:2", "--seed 7", "--tile", "--raw", "--niji 6", "--p ab", "--no 3", "9"]
NEARLY_TIDY = st.tuples(
    st.lists(st.sampled_from(["a blue-green fox", "x-", "-x", "snow,", "3-2", "--tile", "\u2003", "\n"]), max_size=3),
    st.lists(st.sampled_from(FLAGS), max_size=4),
).map(lambda parts: " ".join([*parts[0], *parts[1]]))


@settings(deadline=None, max_examples=1000)
@given(st.one_of(NEARLY_TIDY, PROMPTS))
@example("a fox --ar 3:2 --niji 3:2 --v 6")
@example("a fox --c 50 --c 3:2")
@example("a fox-- tile --raw")
@example("a fox --ar 3:2\n")
def test_the_short_way_leads_to_the_same_prompt(text: str) -> None:
    assert tidied(text) == lint(text).prompt


@settings(deadline=None, max_examples=1000)
@given(PROMPTS)
@example("— --tile ar 3:2")
@example("-ar --tile 3:2")
@example("--no c} --tile {a, b")
@example("-no — ar 3:2")
def test_a_linted_prompt_stays_as_it_is(text: str) -> None:
    once = lint(text)
    again = lint(once.prompt)
    assert again.prompt == once.prompt
    assert messages(again) <= messages(once)


@settings(deadline=None, max_examples=500)
@given(PROMPTS)
def test_linting_moves_words_and_loses_none(text: str) -> None:
    given_words, kept_words = Counter(bare(text)), Counter(bare(lint(text).prompt))
    assert kept_words == given_words


@settings(deadline=None, max_examples=500)
@given(PROMPTS)
def test_problems_stand_within_the_text_and_in_its_order(text: str) -> None:
    problems = lint(text).problems
    assert [problem.at for problem in problems] == sorted(problem.at for problem in problems)
    assert all(0 <= problem.at < len(text) and not text[problem.at].isspace() for problem in problems)
    assert all(problem.message.isprintable() for problem in problems)


@settings(deadline=None)
@given(PROMPTS)
def test_flags_can_be_read_from_anything(text: str) -> None:
    assert all(value is True or value for value in parameters(text).values())
    assert min(aspect(text)) > 0


def test_a_huge_prompt_is_linted_like_any_other() -> None:
    """A pattern that tries every way to match would never come to an end here."""
    for part in PARTS:
        assert lint(part * 2000).prompt or not part.strip()
        assert lint(f"{part} " * 2000).prompt or not part.strip()


def messages(linted: Linted) -> Counter[str]:
    return Counter(problem.message for problem in linted.problems)


def bare(text: str) -> str:
    """Letters, digits and signs that linting may move but never change."""
    return "".join(
        sorted(
            character
            for character in text.translate(FULL_WIDTH).lower()
            if not character.isspace() and character not in "-—–−"
        )
    )
