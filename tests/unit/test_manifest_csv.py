"""CSV manifests, as people and spreadsheets write them."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from io import BytesIO, RawIOBase

import pytest

from pipeline.errors import ManifestError, UsageError
from pipeline.manifest import Manifest, open_manifest
from pipeline.task import Mode, Row


def rows(text: str | bytes) -> list[Row]:
    data = text if isinstance(text, bytes) else text.encode()
    return list(Manifest.from_bytes(data, "m.csv").rows())


def faults(text: str | bytes) -> list[str]:
    with pytest.raises(ManifestError) as caught:
        rows(text)
    return str(caught.value).splitlines()


def words(row: Row) -> list[str]:
    return [one.word for one in row.then]


def test_a_plain_file_becomes_rows() -> None:
    fox, owl = rows('key,prompt,then\nfox,a red fox --ar 3:2,U1-U4\nowl,"an owl, ukiyo-e",U2 V1\n')
    assert (fox.key, fox.prompt, words(fox), fox.line) == (
        "fox",
        "a red fox --ar 3:2",
        ["U1", "U2", "U3", "U4"],
        2,
    )
    assert (owl.key, owl.prompt, words(owl), owl.line) == ("owl", "an owl, ukiyo-e", ["U2", "V1"], 3)


@pytest.mark.parametrize(
    "text",
    [
        "key,prompt\nfox,a fox\n",
        "key,prompt\nfox,a fox",
        "\ufeffkey,prompt\r\nfox,a fox\r\n",
        "key;prompt\nfox;a fox\n",
        "key\tprompt\nfox\ta fox\n",
        "key,prompt\rfox,a fox\r",
        " Key , PROMPT \n fox , a fox \n",
        'key,"prompt"\n"fox", "a fox" \n',
        "key,imagine\nfox,a fox\n",
        "\nkey,prompt\n\nfox,a fox\n,\n\n",
        "key,prompt,,\nfox,a fox,,\n",
        "key,prompt\nfox,  a \u00a0  fox \n",
        'key,prompt\nfox,"a\r\nfox"\n',
    ],
)
def test_every_way_to_write_the_same_row_reads_the_same(text: str) -> None:
    assert [(row.key, row.prompt) for row in rows(text)] == [("fox", "a fox")]


def test_quotes_keep_separators_line_ends_and_quotes() -> None:
    first, second = rows('key;prompt\na;"one; ""two""\nthree"\nb;5" tall\n')
    assert (first.prompt, second.prompt, second.line) == ('one; "two" three', '5" tall', 4)


def test_a_mode_is_read_whatever_its_capitals() -> None:
    assert [row.mode for row in rows("prompt,mode\na,Fast\nb,\n")] == [Mode.FAST, None]


def test_all_faults_come_at_once_each_with_line_and_column() -> None:
    assert faults('key,prompt,then\nfox,,U5\n"o\nwl",an owl,U4-U2\nfox,a fox,X\n') == [
        "m.csv:2:5: the prompt is empty: say what to imagine",
        "m.csv:2:6: U5: there are only four pictures: U1 to U4",
        "m.csv:3:1: the key contains the control character U+000A: remove it",
        "m.csv:4:12: the range U4-U2 runs backwards: write U2-U4",
        "m.csv:5:1: the key `fox` is taken by line 2 (capitals make no difference): keys are unique",
        (
            "m.csv:5:11: unknown follow-up `X`: follow-ups are U1 to U4, V1 to V4 and R, and upscale, vary, "
            "vary_region, zoom, square, pan, bookmark, seed, describe, imagine"
        ),
    ]


def test_one_bad_row_among_ten_thousand_is_the_only_fault() -> None:
    lines = [f"row-{n},a fox" for n in range(10_000)]
    lines[6_543] = "row-6543, "
    assert faults("\n".join(["key,prompt", *lines])) == ["m.csv:6545:10: the prompt is empty: say what to imagine"]


def test_no_more_than_a_thousand_faults_are_listed() -> None:
    told = faults("prompt,mode\n" + ",fast\n" * 1_234)
    assert (len(told), told[-1]) == (1_001, "... and 234 more")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("key,promt\n", "1:1: there is no column `prompt`: it says what to imagine"),
        ("prompt,thn\nfox,\n", "1:8: unknown column `thn`: did you mean `then`?"),
        ("prompt,prompt\nfox,\n", "1:8: the column `prompt` is there twice: keep one of them"),
        ("prompt,imagine\nfox,\n", "1:8: `prompt` and `imagine` mean the same: keep one of the columns"),
        ("a fox,U1\n", "1:1: the first line must name the columns, such as `key,prompt,then`"),
        (
            "prompt\na fox, in snow\n",
            "2:8: this row has 2 cells, but the header has 1: put a text that contains a `,` in double quotes",
        ),
        (
            "key;prompt\na fox\n",
            "2:6: this row has 1 cell, but the header has 2: leave a cell empty, but write its `;`",
        ),
        ("prompt,\nfox,x\n", "2:5: this cell stands under no column name: name it or empty it"),
        (
            'prompt\n"a "fox""\n',
            '2:5: text after a closing quote: write a quote inside a quoted text twice (`""`)',
        ),
        (
            'key,prompt\na,"b\nc,d\n',
            '2:3: this quote is never closed: close it, or write a quote inside a text as `""`',
        ),
        ("prompt,mode\na,fats\n", "2:3: unknown mode `fats`: did you mean `fast`?"),
        ("prompt\na\x07b\n", "2:1: the prompt contains the control character U+0007: remove it"),
        (
            "prompt\n" + "x" * 6_001,
            "2:1: the prompt has 6001 characters, at most 6000 are taken: shorten it",
        ),
        (
            "key,prompt\n" + "x" * 201 + ",a",
            "2:1: the key has 201 characters, at most 200 are taken: shorten it",
        ),
        ("", "1:1: the file is empty: start it with the line `key,prompt,then`"),
        ("\r\n \n", "1:1: the file is empty: start it with the line `key,prompt,then`"),
        ("key,prompt\n", "1:1: there are no rows: nothing to make"),
    ],
)
def test_a_fault_says_where_what_and_what_to_do(text: str, fault: str) -> None:
    assert f"m.csv:{fault}" in faults(text)


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ("key,prompt\nfox,a caf\u00e9\n".encode("latin-1"), "m.csv:2:10: the byte 0xe9 is not UTF-8"),
        ("prompt\ncaf\u00e9\n\u00e9".encode() + b"\xff", "m.csv:3:2: the byte 0xff is not UTF-8"),
        ("key\tprompt\nfox\ta fox\n".encode("utf-16"), "m.csv:1:1: this is UTF-16"),
        ("key\tprompt\n".encode("utf-16-le"), "m.csv:1:1: this is UTF-16"),
        (b"key,prompt\nfox,a\0b\n", "m.csv:2:6: a NUL byte"),
        (b"PK\x03\x04....", "m.csv:1:1: this is a spreadsheet or zip file"),
    ],
)
def test_a_wrong_encoding_is_one_fault_at_the_first_wrong_byte(data: bytes, place: str) -> None:
    told = [fault for fault in faults(data) if "UTF-8" in fault]
    assert len(told) == 1
    assert told[0].startswith(place)


def test_other_endings_and_missing_files_are_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("manifests")
    with pytest.raises(UsageError, match=r"a manifest is a \.csv, \.yaml or \.yml file"):
        open_manifest(folder / "rows.xlsx")
    with pytest.raises(UsageError, match="no such file"):
        open_manifest(folder / "rows.csv")
    (folder / "d.csv").mkdir()
    with pytest.raises(UsageError, match="this is a folder"):
        open_manifest(folder / "d.csv")


def test_a_file_is_named_after_its_stem(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("manifests") / "Spring posters (2).CSV"
    path.write_text("prompt\na fox\n")
    manifest = open_manifest(path)
    assert (manifest.name, manifest.check(), manifest.check()) == ("Spring-posters-2", 1, 1)


class _Endless(RawIOBase):
    """A file that is never in memory as a whole."""

    def __init__(self, count: int) -> None:
        self._lines = self._made(count)

    def __iter__(self) -> Iterator[bytes]:  # type: ignore[override]
        return self._lines

    def _made(self, count: int) -> Iterator[bytes]:
        yield b"key,prompt,then\n"
        for n in range(count):
            yield b'row-%d,"a fox, number %d, %s",U1-U4\n' % (n, n, b"x" * 400)


def test_a_long_file_is_read_in_flat_memory() -> None:
    count = 6_000
    manifest = Manifest(file="m.csv", opened=lambda: _Endless(count))  # type: ignore[arg-type, return-value]
    tracemalloc.start()
    try:
        assert manifest.check() == count
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < count * 200, "a row costs a number for its key, not its text"


def test_a_manifest_reads_the_same_from_its_bytes_as_often_as_asked() -> None:
    manifest = Manifest(file="m.csv", opened=lambda: BytesIO(b"prompt\na\na\nb\n"))
    assert list(manifest.rows()) == list(manifest.rows())


def test_the_line_that_tells_a_spreadsheet_its_separator_is_understood() -> None:
    (row,) = rows("sep=;\nkey;prompt\nfox;a fox, red\n")
    assert (row.prompt, row.line) == ("a fox, red", 3)
    assert faults("key|prompt\nfox|a fox\n") == [
        "m.csv:1:1: the cells stand apart by `|`: export the file with `,` or `;` or a tab between them"
    ]
    with pytest.raises(UsageError, match="tabs between cells are understood"):
        Manifest.from_bytes(b"", "m.tsv")


def test_columns_of_other_tools_are_told_where_to_go() -> None:
    assert faults("key,text\nfox,a fox\n") == ["m.csv:1:5: unknown column `text`: did you mean `prompt`?"]
    assert faults("prompt,zoom\na fox,1.5\n") == [
        "m.csv:1:8: unknown column `zoom`: put it in `then`, such as `U1(zoom-1.5)`"
    ]


@pytest.mark.parametrize("cell", ["a.png;b.jpg", '"a.png, b.jpg"', "a.png ; b.jpg"])
def test_pictures_that_stand_apart_by_another_sign_are_told_once(cell: str) -> None:
    (told,) = faults(f"blend,then\n{cell},\n")
    assert told.endswith("between pictures stands a `|`: write `a.png | b.jpg`")


def test_an_address_without_its_start_and_a_lost_mask_are_told_once() -> None:
    (told,) = faults("describe\nwww.a.de/a.png\n")
    assert "write `https://www.a.de/a.png`" in told
    (told,) = faults("prompt,mask,then\nx,m.png,U1(vary_region)\n")
    assert "the picture `m.png`" in told
