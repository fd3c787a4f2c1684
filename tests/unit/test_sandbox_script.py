"""Scripted faults: which requests a rule strikes, and what is wrong with a rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.sandbox.script import Script, ScriptError, read

IMAGINE, FETCH, PICTURE = "/mj/submit/imagine", "/mj/task/{id}/fetch", "/pictures/{id}.png"


def script(folder: Path, text: str, seed: int = 0) -> Script:
    path = folder / "faults.yaml"
    path.write_text(text)
    return read(path, seed)


def test_a_rule_strikes_the_nth_request_of_all_or_of_a_path(tmp_path: Path) -> None:
    rules = script(tmp_path, f"- {{at: 2, fault: 503}}\n- {{path: {IMAGINE}, nth: 2, fault: lost}}\n")
    assert [rules.strikes(path) for path in (IMAGINE, FETCH, IMAGINE, IMAGINE)] == [None, 503, "lost", None]
    rules.reset()
    assert [rules.strikes(path) for path in (FETCH, FETCH)] == [None, 503]


def test_pictures_are_counted_by_their_path_only(tmp_path: Path) -> None:
    rules = script(tmp_path, f"- {{at: 1, fault: 500}}\n- {{path: '{PICTURE}', nth: 2, fault: 403}}\n")
    assert [rules.strikes(path) for path in (PICTURE, PICTURE, FETCH)] == [None, 403, 500]


def test_a_rate_is_drawn_from_the_seed(tmp_path: Path) -> None:
    text = f"- {{path: '{FETCH}', rate: 0.3, fault: empty}}"
    drawn = [[script(tmp_path, text, seed).strikes(FETCH) for _ in range(1)] for seed in range(40)]
    assert drawn == [[script(tmp_path, text, seed).strikes(FETCH)] for seed in range(40)]
    assert 0 < sum(struck == ["empty"] for struck in drawn) < 40


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fault: 503", "a list of rules is expected"),
        ("- [503]", "rule 1: expected something like"),
        ("- {at: 1, fault: 418}", "rule 1: fault 418 is not one of 401, 403, 429, 500, 503, empty"),
        ("- {at: 1, fault: 503}\n- {when: 1, fault: 503}", "rule 2: unknown key when"),
        ("- {at: 0, fault: 503}", "rule 1: at must be a number from 1"),
        ("- {rate: 2, fault: 503}", "rule 1: rate must be between 0 and 1"),
        ("- {path: mj, fault: 503}", "rule 1: path must begin with /"),
        ("- {at: 1, fault: [503]}", "rule 1: fault"),
        ("- {", "faults.yaml: while parsing"),
    ],
)
def test_a_rule_that_is_wrong_is_said_with_its_number(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ScriptError, match=words):
        script(tmp_path, text)
