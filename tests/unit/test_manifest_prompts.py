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
