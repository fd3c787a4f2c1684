"""Pictures that are results of rows above, and masks, which have the shape of what they cover."""

from __future__ import annotations

import pytest

from pipeline.errors import ManifestError
from pipeline.inputs import Picture
from pipeline.manifest import KnownPictures, Manifest
from pipeline.task import Row

PICTURES = KnownPictures(
    {
        "wide.png": Picture(sha256="a" * 64, media_type="image/png", width=300, height=200),
        "nearly.png": Picture(sha256="b" * 64, media_type="image/png", width=303, height=200),
        "square.png": Picture(sha256="c" * 64, media_type="image/png", width=100, height=100),
        "wide.jpg": Picture(sha256="d" * 64, media_type="image/jpeg", width=300, height=200),
    }
)

ABOVE = """\
tasks:
- {key: fox, imagine: x, then: "U1(upscale-2x) V2(U1-U2) R U2(describe(imagine-2))"}
- {key: a/b, imagine: x, then: [{V1: {prompt: y}}, V1]}
- {key: cat, describe: wide.png, then: "imagine-1(U1)"}
- {key: film, video: x, image: wide.png}
- {key: face, swap_face: [wide.png, square.png]}
- {key: red-square, imagine: x}
- {key: fox-U1, imagine: x}
"""


def read(text: str) -> list[Row]:
    return list(Manifest.from_bytes(text.encode(), "m.yaml", pictures=PICTURES).rows())


def faults(text: str) -> list[str]:
    with pytest.raises(ManifestError) as caught:
        read(text)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("source", "stems"),
    [
        ("row:fox", ("fox",)),
        ("Row: fox", ("fox",)),
        ("row:fox/U1", ("fox", "fox-U1")),
        ("row:fox/u1/upscale:2", ("fox", "fox-U1", "fox-U1-upscale-2x")),
        ("row:fox/V2/U1", ("fox", "fox-V2", "fox-V2-U1")),
        ("row:fox/reroll", ("fox", "fox-R")),
        ("row:fox/U2/describe/imagine-2", ("fox", "fox-U2", "fox-U2-describe", "fox-U2-describe-imagine-2")),
        ("row:a/b", None),
        ("row:a/b/V1~2", None),
        ("row:cat/imagine-1/U1", ("cat", "cat-imagine-1", "cat-imagine-1-U1")),
        ("row:face", ("face",)),
        ("row:red-square", ("red-square",)),
        ("{row: fox, picture: U1}", ("fox", "fox-U1")),
        ("{row: fox, picture: V2/U1}", ("fox", "fox-V2", "fox-V2-U1")),
        ("{row: fox}", ("fox",)),
    ],
)
def test_another_rows_result_is_named_by_its_key_and_the_words_that_lead_to_it(
    source: str, stems: tuple[str, ...] | None
) -> None:
    written = source if source.startswith("{") else f"'{source}'"
    (found,) = read(f"{ABOVE}- {{describe: {written}}}\n")[-1].inputs
    assert stems is None or found.stems == stems


def test_the_stems_are_those_of_the_files() -> None:
    (found,) = read(f"{ABOVE}- describe: row:fox-U1\n")[-1].inputs
    assert found.stems[0].startswith("fox-U1~")
    (found,) = read(f"{ABOVE}- describe: row:a/b/V1~2\n")[-1].inputs
    assert found.stems[0].startswith("a-b~")
    assert found.stems[1] == f"{found.stems[0]}-V1~2"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("row:fix", "9:15: tasks[7].describe: no row above has the key `fix`: did you mean `fox`?"),
        ("row:zzz", "no row above has the key `zzz`: a row can use what stands above it"),
        ("row:FOX/U1", "the key on line 2 is written with other capitals than `FOX`"),
        ("row:fox/U4", "`fox` has no follow-up U4: add it to the `then` of that row"),
        ("row:fox/V2/U3", "`fox/V2` has no follow-up U3"),
        ("row:fox/head", "`fox` has no follow-up head"),
        ("row:cat", "`cat` makes no picture: it makes prompts"),
        ("row:fox/U2/describe", "`fox/U2/describe` makes no picture: it makes prompts"),
        ("row:film", "`film` makes no picture: it makes a film"),
        ("row:self", "no row above has the key `self`"),
        ("row:", "no row above has the key ``"),
    ],
)
def test_a_result_that_is_not_there_is_told(source: str, message: str) -> None:
    (told,) = faults(f"{ABOVE}- {{describe: '{source}', key: self}}\n")
    assert message in told


def test_a_result_that_defaults_make_can_be_used() -> None:
    text = "defaults: {then: U1}\ntasks:\n- {key: fox, imagine: x}\n- {describe: row:fox/U1}\n"
    assert read(text)[-1].inputs[0].stems == ("fox", "fox-U1")


def test_a_csv_can_use_a_result_too() -> None:
    text = "key,prompt,images,then\nfox,x,,U1\nowl,y,row:fox/U1 | row:fox,\n"
    rows = list(Manifest.from_bytes(text.encode(), "m.csv").rows())
    assert [one.stems[-1] for one in rows[1].inputs] == ["fox-U1", "fox"]


REGION = "U1: {vary_region: {mask: %s, prompt: a hat}}"


@pytest.mark.parametrize(
    "words",
    [
        "{imagine: x --ar 3:2, then: {U1: {vary_region: {mask: wide.png}}}}",
        "{imagine: x --ar 3:2, then: {U1: {vary_region: wide.png}}}",
        "{imagine: x --ar 3:2, then: {U1: {inpaint: {mask: nearly.png, prompt: a hat, then: U1}}}}",
        "{imagine: x --ar 3:2, then: U1(vary_region), mask: wide.png}",
        "{imagine: x, then: U1-U4(vary_region zoom-2(U1(vary_region))), mask: square.png}",
        "{imagine: x --ar 3:2, then: U1(square(U1(vary_region))), mask: square.png}",
        "{imagine: x, then: [{V1: {prompt: y --ar 3:2, then: U1(vary_region)}}], mask: wide.png}",
        "{imagine: x, then: U1(pan-left(U1(vary_region))), mask: wide.png}",
        "{blend: [wide.png, square.png], dimensions: landscape, then: U1(vary_region), mask: wide.png}",
        "{edit: y, image: wide.png, then: U1(vary_region), mask: wide.png}",
    ],
)
def test_a_mask_fits_the_picture_that_it_covers(words: str) -> None:
    assert read(f"tasks:\n- {words}\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            "{imagine: x, then: {U1: {vary_region: {mask: wide.png}}}}",
            (
                "2:48: tasks[0].then.U1.vary_region.mask: the mask is 300 x 200, but vary_region works on a picture of "
                "1:1: give the mask that shape, such as 300 x 300"
            ),
        ),
        (
            "{imagine: x --ar 3:2, then: U1(vary_region), mask: square.png}",
            "2:54: tasks[0].mask: the mask is 100 x 100",
        ),
        ("{imagine: x --ar 3:2, then: U1(square(U1(vary_region))), mask: wide.png}", "works on a picture of 1:1"),
        ("{imagine: x --ar 3:2, then: {U1: {vary_region: wide.jpg}}}", "the mask `wide.jpg` is a JPEG: a mask must be"),
        ("{imagine: x, then: {U1: {vary_region: 'https://x/m.png'}}}", "a mask is a file: its shape is checked before"),
        ("{imagine: x, then: {U1: {vary_region: row:fox}}}", "a mask is a file"),
        ("{imagine: x, then: U1(vary_region)}", "vary_region needs a mask: name one in the row, as `mask: mask.png`"),
        ("{imagine: x, then: {U1: {vary_region: {prompt: a hat}}}}", "vary_region needs a mask"),
        ("{imagine: x, then: U1, mask: square.png}", "no `vary_region` in this row's `then` uses this mask: add one"),
        (
            "{imagine: x, then: {U1: {zoom: {by: 2, mask: square.png}}}}",
            "zoom takes no mask: it belongs to vary_region",
        ),
        ("{imagine: x, then: U1(square)}", "2:22: tasks[0].then: square cannot make this picture square: it is so"),
    ],
)
def test_a_wrong_mask_is_told_before_anything_is_sent(words: str, message: str) -> None:
    (told,) = faults(f"tasks:\n- {words}\n")
    assert message in told


def test_a_row_that_stands_below_is_told_with_its_line() -> None:
    (told,) = faults("tasks:\n- {describe: row:t24}\n- {imagine: y}\n- {key: t24, imagine: x}\n")
    assert told.endswith("the row `t24` stands below, on line 4: move it above this one")
    (told,) = faults("tasks:\n- {key: t23, imagine: x}\n- {describe: row:t24}\n")
    assert told.endswith("no row above has the key `t24`: a row can use what stands above it")
