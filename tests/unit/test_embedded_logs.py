"""The logs of the embedded services do not fill the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.sandbox import lair


def test_a_long_log_starts_anew_while_its_child_goes_on_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lair, "LOG_LIMIT", 100)
    folder = lair.open_lair(tmp_path / "lair")
    with lair.open_log(folder, "beat") as log:
        log.write(b"a" * 100)
        assert not lair.cut_log(folder, "beat")
        log.write(b"b")
        assert lair.cut_log(folder, "beat")
        log.write(b"c")
    assert lair.log_path(folder, "beat").read_text() == "c"
    assert (folder / "log" / "beat.log.1").read_text() == "a" * 100 + "b"


def test_a_log_that_is_not_there_yet_is_none_to_cut(tmp_path: Path) -> None:
    assert not lair.cut_log(lair.open_lair(tmp_path / "lair"), "beat")
