"""YAML manifests: line, column and key path of every fault, and nothing hostile gets through."""

from __future__ import annotations

import pytest

from pipeline.errors import ManifestError
from pipeline.manifest import Manifest
from pipeline.task import Mode, Row
from pipeline.then import then_to_json

FILE = """\
version: 1
batch: spring-posters
defaults: {mode: fast, then: U1-U4}
tasks:
  - key: 001
    imagine: a red fox in the snow --ar 3:2
  - key: owl
    prompt: >
      an owl,
      ukiyo-e
    mode: relax
    then: []
"""


def rows(text: str) -> list[Row]:
    return list(Manifest.from_bytes(text.encode(), "m.yaml").rows())


def faults(text: str) -> list[str]:
    with pytest.raises(ManifestError) as caught:
        rows(text)
    return str(caught.value).splitlines()


def then(text: str) -> list[object]:
    (row,) = rows(f"tasks:\n- imagine: x\n  then: {text}\n")
    return then_to_json(row.then)


def test_a_rows_own_words_win_over_the_defaults() -> None:
    first, second = rows(FILE)
    assert (first.key, first.mode, len(first.then), first.line) == ("001", Mode.FAST, 4, 5)
    assert (second.prompt, second.mode, second.then) == ("an owl, ukiyo-e", Mode.RELAX, ())


def test_the_batch_names_itself_or_is_named_after_the_file() -> None:
    assert Manifest.from_bytes(FILE.encode(), "m.yaml").name == "spring-posters"
    assert Manifest.from_bytes(b"tasks: [{imagine: x}]", "jobs/m.yml").name == "m"


def test_the_order_of_the_top_words_makes_no_difference() -> None:
    text = "tasks:\n- imagine: x\ndefaults: {then: R}\nbatch: late\n"
    (row,) = rows(text)
    assert then_to_json(row.then) == ["R"]
    assert Manifest.from_bytes(text.encode(), "m.yaml").name == "late"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("U1-U3", ["U1", "U2", "U3"]),
        ("[U1, V2-V3, 'r']", ["U1", "V2", "V3", "R"]),
        ("[U1, {V2: {then: U1-U2}}]", ["U1", {"V2": ["U1", "U2"]}]),
        ("[{V2: U1, V3: [U1, U2]}]", [{"V2": ["U1"]}, {"V3": ["U1", "U2"]}]),
        ("{V1-V2: U1, R: }", [{"V1": ["U1"]}, {"V2": ["U1"]}, "R"]),
        ("[V2(U1)]", [{"V2": ["U1"]}]),
        ("{U1: {zoom: 1.5}}", [{"U1": ["zoom-1.5"]}]),
        (
            "{U1: [zoom: 1.5, pan: left, vary: strong, upscale: creative]}",
            [{"U1": ["zoom-1.5", "pan-left", "vary-strong", "upscale-creative"]}],
        ),
        (
            "{U1: {pan: [left, right], zoom: {by: 2, then: U1}}}",
            [{"U1": ["pan-left", "pan-right", {"zoom-2": ["U1"]}]}],
        ),
        ("{U1: {pan: {to: left, then: U1}, upscale: 2}}", [{"U1": [{"pan-left": ["U1"]}, "upscale-2x"]}]),
        ("{upscale: 2, variation: [1, 3], reroll: }", ["U2", "V1", "V3", "R"]),
        (
            "{U1 U2: vary (strong) pan left(U1)}",
            [{"U1": ["vary-strong", {"pan-left": ["U1"]}]}, {"U2": ["vary-strong", {"pan-left": ["U1"]}]}],
        ),
        ("{seed: true, describe: {then: {imagine: [1, 2]}}}", ["seed", {"describe": ["imagine-1", "imagine-2"]}]),
        ("{describe: {imagine: {number: 2, then: U1}}}", [{"describe": [{"imagine-2": ["U1"]}]}]),
        ("{V1: {prompt: 'a  hat', then: U1}}", [{"word": "V1", "prompt": "a hat", "mask": None, "then": ["U1"]}]),
        (
            "[{V1: {prompt: a hat}}, V1, {V1: {prompt: a cap}}]",
            [
                {"word": "V1", "prompt": "a hat", "mask": None, "then": []},
                "V1~2",
                {"word": "V1~3", "prompt": "a cap", "mask": None, "then": []},
            ],
        ),
        ("", []),
        ("~", []),
    ],
)
def test_then_is_shorthand_a_list_or_a_mapping(written: str, meant: list[object]) -> None:
    assert then(written) == meant


def test_an_alias_stands_for_what_it_names() -> None:
    first, second = rows("tasks:\n- imagine: &p x\n  then: &t [U1, V2]\n- {imagine: *p, then: *t}\n")
    assert (first.prompt, first.then) == (second.prompt, second.then)


def test_all_faults_come_at_once_each_with_its_key_path() -> None:
    text = """\
version: 2
batch: ../posters
defaults: {mode: fats, prompt: x}
tasks:
  - imagin: a fox
  - imagine: [a, b]
    then: [U1, V2: {then: U1-U7}, [R]]
  - a fox
  - {imagine: x, imagine: y, <<: {key: z}}
"""
    assert faults(text) == [
        "m.yaml:1:10: version: this release reads `version: 1`, not `2`",
        (
            "m.yaml:2:8: batch: a batch name is letters, digits, `.`, `_` and `-`, because it is also a folder: "
            "`posters` would do"
        ),
        "m.yaml:3:18: defaults.mode: unknown mode `fats`: did you mean `fast`?",
        "m.yaml:3:24: defaults.prompt: `prompt` belongs to a single row, not here: write it in each of `tasks`",
        "m.yaml:5:5: tasks[0].imagin: unknown key `imagin`: did you mean `imagine`?",
        "m.yaml:6:14: tasks[1].imagine: `imagine` must be a text: write it on one line",
        "m.yaml:7:27: tasks[1].then[1].V2.then: U1-U7: there are only four pictures: U1 to U4",
        "m.yaml:7:35: tasks[1].then[2]: a list inside a list: write what follows a word under it, as in `V2: U1-U4`",
        "m.yaml:8:5: tasks[2]: a row must be a mapping such as `- imagine: a red fox`",
        "m.yaml:9:18: tasks[3].imagine: `imagine` is there already, on line 9: keep one of them",
        "m.yaml:9:30: tasks[3].<<: merge keys are not read here: put what rows share under `defaults`",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "1:1: the file is empty: start it with `tasks:`"),
        ("# only a comment\n", "1:1: the file is empty: start it with `tasks:`"),
        ("batch: b\n", "1:1: there are no `tasks`: put the rows under `tasks:`"),
        ("tasks: []\n", "1:1: there are no rows: nothing to make"),
        ("tasks: 3\n", "1:8: tasks: `tasks` must be a list: start each row with `- `"),
        ("- imagine: x\n", "1:1: the file must start with words such as"),
        ("task:\n- imagine: x\n", "1:1: task: unknown key `task`: did you mean `tasks`?"),
        ("tasks:\n- imagine: a: b\n", "2:13: a second `: ` in this line, or a wrong indentation"),
        ("tasks:\n- imagine: x\n\tkey: y\n", "3:1: a tab in the indentation: indent with spaces"),
        ("tasks:\n- imagine: @x\n", "2:12: a text cannot start with this character"),
        ("tasks:\n- imagine: 'x\n", "2:12: this quote is never closed"),
        ("tasks:\n- imagine: x\n  then: [U1\n", "3:9: a `[` is not closed, or a comma is missing"),
        ("tasks:\n- imagine: x\n---\ntasks:\n", "3:1: a second document starts here"),
        ("tasks:\n- imagine: !!python/name:os.x y\n", "2:12: the tag `!!python/name:os.x` is not used"),
        ("tasks:\n- &a {imagine: *a}\n", "2:16: `*a` stands inside itself and would never end"),
        ("tasks:\n- imagine: *a\n", "2:12: `*a` is named nowhere above"),
        ("tasks:\n- " + "[" * 500, "2:26: nested more than 24 deep"),
        ('tasks:\n- imagine: "a\\x07"\n', "2:12: tasks[0].imagine: the prompt contains the control character"),
        ("tasks:\n- imagine: a\x07\n", "2:13: the control character U+0007 cannot stand in YAML"),
        ("tasks:\n- imagine: \n", "2:11: tasks[0].imagine: the prompt is empty"),
        ("tasks:\n- {imagine: x, prompt: y}\n", "2:13: tasks[0].imagine: `prompt`, `imagine` mean the same"),
        ("tasks:\n- {imagine: x, key: a}\n- {imagine: x, key: A}\n", "3:21: tasks[1].key: the key `A` is taken by"),
        (
            "tasks:\n- describe: x\n  then: V1\n",
            "3:9: tasks[0].then: V1 cannot follow a describe: it makes four prompts",
        ),
        ("tasks:\n- imagine: x\n  then: {U1: {zoom: 3}}\n", "3:15: tasks[0].then.U1.zoom: `zoom-3`: a zoom is a"),
        ("tasks:\n- imagine: x\n  then: {U1: {pan: [left, no]}}\n", "3:27: tasks[0].then.U1.pan[1]: `pan-no` is no"),
        ("tasks:\n- imagine: x\n  then: {U1: {zoom: {b: 2, to: 1}}}\n", "3:22: tasks[0].then.U1.zoom.b: unknown key"),
        ("tasks:\n- imagine: x\n  then: {V1: {promt: y}}\n", "3:15: tasks[0].then.V1.promt: unknown key `promt`"),
        ("tasks:\n- imagine: x\n  then: {U1: {prompt: y}}\n", "3:23: tasks[0].then.U1.prompt: U takes no prompt"),
        ("tasks:\n- imagine: x\n  then: {V1: {mask: y}}\n", "3:21: tasks[0].then.V1.mask: V takes no mask"),
        ("tasks:\n- imagine: x\n  then: {V1: {by: 2}}\n", "3:10: tasks[0].then.V1: `V1-2`: V1 takes no value"),
        (
            "tasks:\n- imagine: x\n  then: [zoom: 1.5]\n",
            "3:10: tasks[0].then[0].zoom: zoom cannot follow an imagine: it needs one picture: write U1(zoom-1.5)",
        ),
    ],
)
def test_a_fault_says_where_what_and_what_to_do(text: str, fault: str) -> None:
    assert any(told.startswith(f"m.yaml:{fault}") for told in faults(text)), faults(text)


def test_faults_before_a_syntax_error_are_told_too() -> None:
    assert len(faults("version: 3\ntasks:\n- imagine:\n- imagine: a: b\n")) == 3


def test_of_the_defaults_a_row_gets_what_can_follow_it() -> None:
    text = "defaults: {then: U1 seed imagine-2}\ntasks:\n- describe: https://h/x.png\n- imagine: x\n- shorten: x\n"
    assert [then_to_json(row.then) for row in rows(text)] == [["imagine-2"], ["U1", "seed"], ["imagine-2"]]


def test_aliases_that_multiply_are_cut_short() -> None:
    bomb = "U1"
    levels = []
    for level in range(6):
        levels.append(f"V{level % 4 + 1}: &l{level} {{{', '.join(f'V{n}: {bomb}' for n in range(1, 5))}}}")
        bomb = f"*l{level}"
    text = "tasks:\n" + "".join(f"- imagine: x\n  then: {{{level}}}\n" for level in levels)
    told = faults(text)
    assert any("names more than 1000 follow-ups" in fault or "deep" in fault for fault in told), told


def test_a_row_may_not_become_more_than_a_thousand_tasks() -> None:
    told = faults("tasks:\n- imagine: x\n  then: V1-V4(V1-V4(V1-V4(V1-V4(U1-U4))))\n")
    assert told == ["m.yaml:3:9: tasks[0].then: this row would become 1365 tasks; at most 1000 are allowed: split it"]
