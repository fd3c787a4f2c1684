"""Prompts are made tidy, and what is wrong with them is told at its column, before money is spent."""

from __future__ import annotations

import pytest

from pipeline.errors import Fault, ManifestError
from pipeline.manifest import Manifest
from pipeline.task import Row


def read(text: str, file: str, *, lint: bool = True) -> list[Row]:
    return list(Manifest.from_bytes(text.encode(), file, lint=lint).rows())


def faults(text: str, file: str) -> tuple[Fault, ...]:
    with pytest.raises(ManifestError) as caught:
        read(text, file)
    return caught.value.faults


def test_spaces_dashes_and_flags_are_put_right() -> None:
    (row,) = read('prompt\n"  a   fox \u2014ar 3:2 in the snow "\n', "m.csv")
    assert row.prompt == "a fox in the snow --ar 3:2"


def test_without_lint_a_prompt_is_sent_as_written() -> None:
    (row,) = read('prompt\n"a   fox \u2014ar 3:2 in --wrong snow"\n', "m.csv", lint=False)
    assert row.prompt == "a   fox \u2014ar 3:2 in --wrong snow"


@pytest.mark.parametrize(
    "line",
    [
        "fox,a fox --arr 3:2",
        "fox,  a fox --arr 3:2",
        'fox,"a fox, red --arr 3:2"',
        'fox, "a fox --arr 3:2" ',
        'fox,"a ""red"" fox"" --arr 3:2"',
        '"f""o""x",a fox --arr 3:2',
    ],
)
def test_a_wrong_flag_in_a_csv_is_told_at_its_column(line: str) -> None:
    (fault,) = faults(f"key,prompt\n{line}\n", "m.csv")
    assert (fault.line, fault.column) == (2, line.index("--arr") + 1)
    assert fault.message == "unknown flag `--arr`: did you mean `--ar`?"


def test_a_wrong_flag_in_a_cell_of_several_lines_is_told_at_its_line() -> None:
    (fault,) = faults('key,prompt\nfox,"a fox\nin the snow\nat dawn --arr 3:2"\n', "m.csv")
    assert (fault.line, fault.column) == (4, 9)


@pytest.mark.parametrize(
    "line",
    [
        "- imagine: a fox --arr 3:2",
        "- imagine:   a fox --arr 3:2   # wrong",
        '- imagine: "a fox --arr 3:2"',
        "- {key: x, imagine: 'a fox --arr 3:2'}",
        "- {imagine: x, then: {V1: {prompt: a fox --arr 3:2}}}",
        "- {imagine: x, then: {U1: {zoom: {by: 2, prompt: 'a fox --arr 3:2'}}}}",
    ],
)
def test_a_wrong_flag_in_yaml_is_told_at_its_column(line: str) -> None:
    (fault,) = faults(f"tasks:\n{line}\n", "m.yaml")
    assert (fault.line, fault.column) == (2, line.index("--arr") + 1)


@pytest.mark.parametrize("text", ["'it''s a fox --arr 3:2'", '"a \\u0066ox --arr 3:2"', ">\n    a fox --arr 3:2"])
def test_in_a_text_that_is_written_otherwise_than_it_reads_its_start_is_told(text: str) -> None:
    (fault,) = faults(f"tasks:\n- imagine: {text}\n", "m.yaml")
    assert (fault.line, fault.column) == (2, 12)


def test_a_shorten_may_contain_what_looks_like_flags() -> None:
    (row,) = read("shorten\na fox  --wrong --ar 3\n", "m.csv")
    assert row.prompt == "a fox --wrong --ar 3"


def test_prompts_of_defaults_are_checked_too() -> None:
    (fault,) = faults("defaults: {then: {V1: {prompt: x --chaos 900}}}\ntasks:\n- imagine: y\n", "m.yaml")
    assert fault.path == "defaults.then.V1.prompt"


def test_a_picture_among_the_words_of_an_imagine_is_told() -> None:
    for picture in ("row:fox/U1", "art/cat.png", "../cat.JPG", "cat.webp"):
        (fault,) = faults(f"prompt\n{picture} in snow --ar 3:2\n", "m.csv")
        assert (fault.column, f"`{picture}` is a picture" in fault.message) == (1, True)
    addresses = "https://a.b/cat.png s.mj.run/cat.png the front row: cats"
    assert read(f"prompt\n{addresses} --sref a.b/cat.png\n", "m.csv")


def test_a_character_without_width_is_told_at_its_own_place() -> None:
    (fault,) = faults("prompt\na fox\u200b --ar 3:2\n", "m.csv")
    assert (fault.column, fault.message) == (
        6,
        "the prompt contains the invisible character U+200B (zero width space): remove it",
    )
    assert read("prompt\na \U0001f469\u200d\U0001f680 and \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645\n", "m.csv")


@pytest.mark.parametrize(
    "line",
    [
        "- imagine: a cat #1 --ar 3:2",
        "- {key: x, then: U1, imagine: a cat #1 --ar 3:2",
        "- imagine: x\n  then: {V1: {prompt: a cat #1 --ar 3:2",
    ],
)
def test_a_prompt_that_a_comment_cuts_short_is_told(line: str) -> None:
    closing = "\n  " + "}" * line.count("{")
    (fault,) = faults(f"tasks:\n{line}{closing}\n", "m.yaml")
    assert fault.message.startswith("the rest of the line, `#1 --ar 3:2`, is a comment: put the whole text in quotes")
    last = line.splitlines()[-1]
    assert (fault.line, fault.column) == (2 + line.count("\n"), last.index("#1") + 1)


@pytest.mark.parametrize("text", ["a cat # one", "'a cat #1'", "a cat#1", ">\n    a cat #1", "a cat ## one"])
def test_other_signs_of_a_comment_are_left_alone(text: str) -> None:
    assert read(f"tasks:\n- imagine: {text}\n", "m.yaml")


def test_a_line_of_a_csv_that_is_meant_as_a_comment_is_told() -> None:
    (fault,) = faults("key,prompt\n# the foxes\nfox,a fox\n", "m.csv")
    assert (fault.line, fault.message[:22]) == (2, "a CSV has no comments:")
    (fault,) = faults("# my batch\nkey,prompt\nfox,a fox\n", "m.csv")
    assert fault.message[:22] == "a CSV has no comments:"
    (row,) = read('prompt\n"#1 fox"\n', "m.csv")
    assert row.prompt == "#1 fox"
