"""What is wrong with a prompt is told where it stands, with what to write instead."""

from __future__ import annotations

import pytest

from pipeline.prompt import lint


@pytest.mark.parametrize(
    ("text", "wrong", "says"),
    [
        ("a fox --arr 3:2", "--arr", "unknown flag `--arr`: did you mean `--ar`?"),
        ("a fox --negative dogs", "--negative", "did you mean `--no`?"),
        ("a fox --foobar", "--foobar", "unknown flag `--foobar`: remove it"),
        ("a fox --v6", "--v6", "write `--v 6`"),
        ("a fox --ar=16:9", "--ar=", "write `--ar 16:9`"),
        ("a fox --ar16x9", "--ar16", "write `--ar 16:9`"),
        ("a fox --tile, red", "--tile,", "write `--tile`"),
        ("a fox --no-people", "--no-people", "write `--no people`"),
        ("a fox --ar", "--ar", "`--ar` has no value: it takes width and height"),
        ("a fox --seed --tile", "--seed", "`--seed` has no value: it takes a whole number from 0 to 4294967295"),
        ("a fox --ar 16 : 9", "16 : 9", "not `16 : 9`: write `--ar 16:9`"),
        ("a fox --ar 16x9 red", "16x9", "write `--ar 16:9`"),
        ("a fox --ar 16/9", "16/9", "write `--ar 16:9`"),
        ("a fox --ar 3:2, red", "3:2,", "write `--ar 3:2`"),
        ("a fox --ar 1.85:1", "1.85:1", "write `--ar 37:20`"),
        ("a fox --ar 0:1", "0:1", "not `0:1`"),
        (
            "a fox --aspect wide",
            "wide",
            "`--aspect` takes width and height in whole numbers, such as `3:2`, not `wide`",
        ),
        ("a fox   --chaos   101", "101", "`--chaos` takes a whole number from 0 to 100, not `101`"),
        ("a fox --c lots", "lots", "`--c` takes a whole number from 0 to 100, not `lots`"),
        ("a fox --seed -1", "-1", "not `-1`"),
        ("a fox --s 1,000", "1,000", "write `--s 1000`"),
        ("a fox --iw 1,5", "1,5", "write `--iw 1.5`"),
        ("a fox --q 3", "3", "`--q` takes `.25`, `.5`, `1`, `2` or `4`, not `3`"),
        ("a fox --v 61", "61", "such as `7` or `6.1`, not `61`"),
        ("a fox --niji 3", "3", "`--niji` takes the number of a model"),
        ("a fox --cref art/fox.png", "art/fox.png", "`--cref` takes links to pictures, not `art/fox.png`"),
        ("a fox --sref nice", "nice", "`--sref` takes links to pictures, codes of styles or `random`, not `nice`"),
        ("a fox --ar 3:2 --ar 1:1", "--ar 1:1", "`--ar` is there twice: keep one of them"),
        ("a fox --ar 3:2 --aspect 1:1", "--aspect", "`--aspect` and `--ar` are the same flag: keep one of them"),
        ("a fox --no a --no b", "--no b", "put all its values after one `--no`"),
        ("a fox --niji --v 6", "--v 6", "`--v` and `--niji` both choose the model: keep one of them"),
        ("a fox--ar 3:2", "--ar", "`--ar` sticks to the word before it: put a space between them"),
        ("a fox --ar 3:2--v 6", "--v", "`--v` sticks to the word before it"),
        ("a fox -ar 3:2", "-ar", "`-ar` is no flag to Midjourney: write `--ar 3:2`"),
        ("a fox -ar 16x9", "-ar", "write `--ar 16:9`"),
        ("a fox - ar 3:2", "- ar", "write `--ar 3:2`"),
        ("a fox -v 6", "-v", "write `--v 6`"),
        ("a fox -- v 6", "-- v", "write `--v 6`"),
        ("a fox — v 7", "— v", "`— v 7` looks like `--v 7`: write `--v 7`, or a comma for a mere dash"),
        ("a fox - v 7", "- v", "`- v 7` looks like `--v 7`"),
        ("a car — version 2", "— version", "looks like `--version 2`"),
        ("a fox -- in the snow", "-- in", "`--` without a flag: remove it"),
        ("a fox --tile true", "true", "`--tile` takes no value: remove `true`"),
        ("a fox --tile false --v 7", "false", "`--tile` takes no value: remove `--tile false`"),
        ("a fox --sref 12345 ::2 678", "12345", "write `--sref 12345::2 678`"),
        ("/imagine prompt: a fox --foo", "/imagine", "leave `/imagine prompt:` out"),
        ("  /imagine a fox", "/imagine", "leave `/imagine` out"),
        ("a fox --fast", "--fast", "write `fast` as its `mode`"),
        ("a fox --repeat 4", "--repeat", "one row makes one grid"),
        ("a fox --h 576", "--h", "write `--ar 3:2`"),
        ("  --ar 3:2", "--ar", "the prompt is only flags: say what to imagine before `--ar`"),
        ("a {red, blue} fox --ar {3:2, 1:1}", "{red", "write a row for each"),
        ("a {very {red}, blue} fox", "{very", "write a row for each"),
    ],
)
def test_one_fault_is_one_problem_at_its_place(text: str, wrong: str, says: str) -> None:
    (problem,) = lint(text).problems
    assert text[problem.at :].startswith(wrong)
    assert says in problem.message


def test_every_problem_is_told_at_once_in_the_order_of_the_text() -> None:
    text = "a fox --ar 16x9 —chaos 200 red--no text --v6 --tile --tile"
    told = [text[problem.at :].split(maxsplit=1)[0] for problem in lint(text).problems]
    assert told == ["16x9", "200", "--no", "--v6", "--tile"]


def test_a_long_or_unprintable_word_is_told_short_and_plain() -> None:
    (problem,) = lint(f"a fox --chaos {'9' * 5000}").problems
    assert len(problem.message) < 120
    (problem,) = lint("a fox --chaos \x1b[31m").problems
    assert problem.message.isprintable()


@pytest.mark.parametrize("value", ["--v 8", "--v 9.2", "--niji 8", "--sv 7", "--style brandnew", "--sref 8a1b"])
def test_what_midjourney_may_know_tomorrow_is_no_problem(value: str) -> None:
    assert not lint(f"a fox {value}").problems
