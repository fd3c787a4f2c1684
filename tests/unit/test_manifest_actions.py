"""What a row can do: every action with its words, in YAML and in CSV."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.action import Action
from pipeline.errors import ManifestError
from pipeline.inputs import Input, Picture, Role
from pipeline.manifest import KnownPictures, Manifest
from pipeline.task import Row

NAMES = ("a.png", "b.png", "c.png", "d.png", "e.png", "f.png")
PICTURES = KnownPictures(
    {name: Picture(sha256=name[0] * 64, media_type="image/png", width=300, height=200) for name in NAMES}
)


def read(text: str, file: str = "m.yaml") -> list[Row]:
    return list(Manifest.from_bytes(text.encode(), file, pictures=PICTURES).rows())


def row(words: str) -> Row:
    return read(f"tasks:\n- {words}\n")[-1]


def fault(words: str) -> str:
    with pytest.raises(ManifestError) as caught:
        row(words)
    (told,) = str(caught.value).splitlines()
    return told


def of(role: Role, *names: str) -> list[Input]:
    return [Input(role=role, sha256=name * 64) for name in names]


def images(*names: str) -> list[Input]:
    return of(Role.IMAGE, *names)


ROWS: list[tuple[str, Action, str, list[Input], dict[str, Any]]] = [
    ("{imagine: a fox}", Action.IMAGINE, "a fox", [], {}),
    ("{prompt: a fox, images: a.png}", Action.IMAGINE, "a fox", images("a"), {}),
    ("{imagine: a fox, images: [a.png, b.png]}", Action.IMAGINE, "a fox", images("a", "b"), {}),
    ("{blend: [a.png, b.png]}", Action.BLEND, "", images("a", "b"), {}),
    ("{blend: a.png | b.png|c.png, dimensions: 2:3}", Action.BLEND, "", images(*"abc"), {"dimensions": "PORTRAIT"}),
    ("{blend: [a.png, b.png], dimensions: Square}", Action.BLEND, "", images("a", "b"), {"dimensions": "SQUARE"}),
    ("{describe: a.png}", Action.DESCRIBE, "", images("a"), {}),
    ("{describe: [a.png]}", Action.DESCRIBE, "", images("a"), {}),
    ("{shorten: a  --very long -- prompt}", Action.SHORTEN, "a --very long -- prompt", [], {}),
    (
        "{swap_face: {target: b.png, source: a.png}}",
        Action.SWAP_FACE,
        "",
        of(Role.SOURCE, "a") + of(Role.TARGET, "b"),
        {},
    ),
    ("{swap-face: [a.png, b.png]}", Action.SWAP_FACE, "", of(Role.SOURCE, "a") + of(Role.TARGET, "b"), {}),
    ("{target: b.png, source: a.png}", Action.SWAP_FACE, "", of(Role.SOURCE, "a") + of(Role.TARGET, "b"), {}),
    ("{edit: a hat, image: a.png}", Action.EDIT, "a hat", images("a"), {}),
    (
        "{video: it runs, image: a.png, end: b.png, motion: High, loop: yes}",
        Action.VIDEO,
        "it runs",
        images("a") + of(Role.END, "b"),
        {"motion": "high", "loop": True},
    ),
    ("{video: it runs, image: a.png, loop: no}", Action.VIDEO, "it runs", images("a"), {"loop": False}),
    ("{upload: [a.png, b.png]}", Action.UPLOAD, "", images("a", "b"), {}),
    ("{imagine: a fox, bot: niji, state: mine}", Action.IMAGINE, "a fox", [], {"bot": "NIJI_JOURNEY", "state": "mine"}),
    ("{imagine: a fox, bot: MID_JOURNEY}", Action.IMAGINE, "a fox", [], {"bot": "MID_JOURNEY"}),
    (
        '{imagine: a fox, account_filter: {instanceId: "12", modes: [FAST], remix: true, n: 3, remark: ~}}',
        Action.IMAGINE,
        "a fox",
        [],
        {"account_filter": {"instanceId": "12", "modes": ["FAST"], "remix": True, "n": 3, "remark": None}},
    ),
]


@pytest.mark.parametrize(("words", "action", "prompt", "inputs", "options"), ROWS)
def test_a_row_does_what_it_says(
    words: str, action: Action, prompt: str, inputs: list[Input], options: dict[str, Any]
) -> None:
    made = row(words)
    assert (made.action, made.prompt, list(made.inputs), dict(made.options)) == (action, prompt, inputs, options)


def test_a_csv_has_a_column_for_each_word() -> None:
    text = (
        "prompt,blend,describe,source,target,edit,image,images,account_filter,bot,requires\n"
        'a fox,,,,,,,a.png | b.png,"{""modes"": [""FAST""]}",niji,"zoom, pan mode"\n'
        ",a.png|b.png,,,,,,,,,\n"
        ",,a.png,,,,,,,,\n"
        ",,,a.png,b.png,,,,,,swap_face\n"
        ",,,,,a hat,a.png,,,,\n"
    )
    made = read(text, "m.csv")
    assert [one.action.value for one in made] == ["imagine", "blend", "describe", "swap_face", "edit"]
    assert [len(one.inputs) for one in made] == [2, 2, 1, 2, 1]
    assert made[0].options == {"account_filter": {"modes": ["FAST"]}, "bot": "NIJI_JOURNEY"}
    assert (made[0].requires, made[3].requires) == (("zoom", "pan", "mode"), ("swap_face",))


@pytest.mark.parametrize("written", ["zoom, pan", "[zoom, pan]", "[zoom, Pan, zoom]"])
def test_what_is_required_is_a_list_or_a_text(written: str) -> None:
    assert row(f"{{imagine: x, requires: {written if written[0] == '[' else repr(written)}}}").requires == (
        "zoom",
        "pan",
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("{imagine: x, blend: [a.png, b.png]}", "2:23: tasks[0].blend: `imagine` and `blend` are different things"),
        ("{prompt: x, edit: a.png, image: b.png}", "write the text under `edit` and the picture under `image`"),
        ("{blend: [a.png]}", "2:11: tasks[0].blend: a blend mixes 2 to 5 pictures, and this one has 1"),
        (f"{{blend: [{', '.join(NAMES)}]}}", "a blend mixes 2 to 5 pictures, and this one has 6"),
        ("{blend: [a.png, [b.png]]}", "tasks[0].blend[1]: a list inside a list: name one picture here"),
        ("{blend: }", "tasks[0].blend: `blend` is empty: name a picture"),
        ("{shorten: }", "the prompt is empty: write the one that is too long"),
        ("{key: x}", "2:3: tasks[0]: this row says nothing to make"),
        ("{describe: [a.png, b.png]}", "a describe looks at one picture, and this one has 2: write a row for each"),
        ("{swap_face: [a.png]}", "a face swap needs two pictures: `source` has the face, `target` receives it"),
        ("{swap_face: {source: a.png}}", "a face swap needs two pictures"),
        ("{swap_face: [a.png, b.png], source: c.png}", "under `swap_face`, or under `source` and `target`, not both"),
        ("{swap_face: [a.png, a.png]}", "the face and the picture that receives it are the same"),
        ("{source: a.png}", "2:12: tasks[0].source: a face swap needs two pictures"),
        ("{edit: x}", "an edit starts from one picture, and this one has 0: name it under `image`"),
        ("{video: x, image: [a.png, b.png]}", "a video starts from one picture, and this one has 2"),
        ("{video: x, image: a.png, end: [a.png, b.png]}", "a video ends in one picture, and this one has 2"),
        ("{video: x, image: a.png, motion: hihg}", "unknown motion `hihg`: did you mean `high`?"),
        ("{imagine: x, dimensions: square}", "`dimensions` belongs to blend, and this is an imagine: remove it"),
        ("{imagine: x, image: a.png}", "`image` belongs to edit and video, and this is an imagine: did you mean"),
        ("{edit: x, image: a.png, bot: mj}", "`bot` belongs to imagine and blend and describe and shorten"),
        ("{blend: [a.png, b.png], dimensions: tall}", "unknown dimensions `tall`: choose from `portrait`, `square`"),
        ("{imagine: x, bot: nigi}", "2:21: tasks[0].bot: unknown bot `nigi`: did you mean `niji`?"),
        ('{imagine: x, state: "\u00e9"}', "a state is ASCII"),
        (f"{{imagine: x, state: {'s' * 256}}}", "the state has 256 characters, at most 255 are taken"),
        ("{imagine: x, account_filter: [FAST]}", "an account filter is an object, such as {"),
        ('{imagine: x, account_filter: "{"}', "an account filter is an object"),
        ('{imagine: x, account_filter: {a: "\\0"}}', "an account filter is an object"),
        (f"{{imagine: x, account_filter: '{'[' * 30_000}'}}", "an account filter is an object"),
        ("{imagine: x, requires: zom}", "`zom` is nothing that a server can lack: did you mean `zoom`?"),
        ("{imagine: x, requires: {zoom: 1}}", "`requires` is a list of words, such as `zoom, pan`"),
        ("{imagine: x, seed: 5}", "unknown key `seed`: write it in the prompt, as `--seed`"),
        ("{faceswap: [a.png, b.png]}", "unknown key `faceswap`: did you mean `swap_face`?"),
        ("{imagine: a fox, in snow}", "unknown key `in snow`: if it belongs to the text before it, put all of that in"),
        ("{imagine: x, mode: [fast]}", "`mode` must be a text: write it on one line"),
        ("{describe: g.png}", "2:14: tasks[0].describe: the picture `g.png` was not handed over"),
        ("{describe: 'ftp://x/a.png'}", "an address of a picture starts with http:// or https://"),
        ("{describe: 'https:///a.png'}", "an address of a picture starts with http:// or https://"),
        ("{describe: 'https://x/a b.png'}", "this address has characters that none has"),
        ("{describe: {url: a.png}}", "a picture is a path, an address, or a row such as `{row: fox, picture: U2}`"),
    ],
)
def test_a_wrong_row_is_one_fault_with_a_remedy(words: str, message: str) -> None:
    assert message in fault(words)


def test_every_wrong_picture_of_a_cell_is_told_at_its_column() -> None:
    with pytest.raises(ManifestError) as caught:
        read("key,blend\nx,a.png | z.png | y.png\n", "m.csv")
    assert [(one.line, one.column) for one in caught.value.faults] == [(2, 11), (2, 19)]


def test_an_address_is_a_picture() -> None:
    made = row("{imagine: x, images: ['https://cdn.example/fox.png?ex=1', http://h/b]}")
    assert [one.url for one in made.inputs] == ["https://cdn.example/fox.png?ex=1", "http://h/b"]


def test_keys_are_made_of_the_action_and_its_pictures() -> None:
    assert row("{blend: [a.png, b.png]}").key.startswith("blend-a-b-")
    assert row("{describe: 'https://cdn.example/x/fox.png?ex=1'}").key.startswith("describe-fox-")
    assert row("{swap_face: [a.png, b.png]}").key.startswith("swap-face-a-b-")
    assert row("{edit: a red hat, image: a.png}").key.startswith("a-red-hat-")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{imagine: x}", "{imagine: x, images: a.png}"),
        ("{imagine: x}", "{imagine: x, bot: niji}"),
        ("{imagine: x}", "{shorten: x}"),
        ("{edit: x, image: a.png}", "{edit: x, image: b.png}"),
        ("{edit: x, image: a.png}", "{video: x, image: a.png}"),
        ("{blend: [a.png, b.png]}", "{blend: [a.png, b.png], dimensions: square}"),
    ],
)
def test_a_made_key_depends_on_everything_that_is_sent(one: str, other: str) -> None:
    assert row(one).key != row(other).key


def test_the_key_of_a_plain_imagine_is_what_it_always_was() -> None:
    assert row("{imagine: a fox}").key == "a-fox-c4480e40"
    assert row("{imagine: a fox, mode: fast}").key == "a-fox-fa149834"
