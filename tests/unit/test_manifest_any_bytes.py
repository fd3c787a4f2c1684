"""Whatever a file contains, reading it ends in rows or in faults that have a place."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import Fault, ManifestError
from pipeline.manifest import Manifest
from pipeline.plan import stem
from pipeline.task import Row

CSV_PARTS = ["key", "prompt", "then", "mode", ",", ";", "\t", '"', '""', "\n", "\r\n", "\r", " ", "fox", "U1-U4", "("]
CSV_PARTS += [
    "a.png",
    " | ",
    "row:fox/U1",
    "https://h/a",
    "zoom-2",
    "describe",
    "imagine-1",
    "--ar 3:2",
    "--no",
    "vary",
]
YAML_PARTS = [
    *("tasks:", "defaults:", "batch: ", "version: 1", "\n", "\n- ", "\n  ", "imagine: ", "then: ", "key: ", "a fox"),
    *("blend: ", "edit: ", "image: ", "images: ", "mask: ", "zoom: 1.5", "pan: left", "{by: 2, then: U1}", "prompt: "),
    *("row:k", "{row: k, picture: U1}", "a.png", "https://h/a", "vary_region: ", "requires: zoom", "account_filter: "),
    *("U1-U4", "[", "]", "{", "}", ", ", "&a ", "*a", "!!str ", "'", '"', "|\n", "#", "---\n", "\t", "<<: ", "? "),
]


def _files(parts: list[str], start: str) -> st.SearchStrategy[bytes]:
    likely = st.lists(st.sampled_from(parts), max_size=40).map(lambda chosen: (start + "".join(chosen)).encode())
    return likely | st.binary(max_size=60)


def _read(data: bytes, file: str) -> None:
    manifest = Manifest.from_bytes(data, file)
    assert manifest.name
    rows, faults = _rows_or_faults(manifest)
    lines = data.replace(b"\r", b"\n").count(b"\n") + 2
    assert all(1 <= fault.line <= lines and fault.column >= 1 and fault.message for fault in faults)
    assert rows or faults
    assert all(row.prompt or row.inputs for row in rows)
    assert len({stem(row.key).casefold() for row in rows}) == len(rows)


def _rows_or_faults(manifest: Manifest) -> tuple[list[Row], tuple[Fault, ...]]:
    try:
        return list(manifest.rows()), ()
    except ManifestError as refused:
        return [], refused.faults


@settings(deadline=None)
@given(_files(CSV_PARTS, "key,prompt,then\n") | _files(CSV_PARTS, "key,prompt,blend,images,source,target,then\n"))
def test_any_csv(data: bytes) -> None:
    _read(data, "m.csv")


@settings(deadline=None)
@given(_files(YAML_PARTS, "tasks:\n- imagine: x\n"))
def test_any_yaml(data: bytes) -> None:
    _read(data, "m.yaml")


@pytest.mark.parametrize("escape", [r"\uD800", r"\0", r"\u2028", r"\x85", r"\uFEFF"])
def test_an_escape_in_yaml_cannot_smuggle_what_no_store_takes(escape: str) -> None:
    data = f'tasks:\n- {{key: "a{escape}b", imagine: "c{escape}d"}}\n'.encode()
    rows, _ = _rows_or_faults(Manifest.from_bytes(data, "m.yaml"))
    assert all("\0" not in text and text.encode() for row in rows for text in (row.key, row.prompt))
