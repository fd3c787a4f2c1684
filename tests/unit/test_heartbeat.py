"""The file that health checks look at."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.worker import heartbeat
from pipeline.worker.heartbeat import Heartbeat


def test_a_file_that_cannot_be_written_ends_nothing_and_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(heartbeat, "TOUCH_EVERY", 0.0)
    file = tmp_path / "gone" / "alive"
    beats = Heartbeat(file)
    beats()
    beats()
    assert [str(record.msg) for record in caplog.records if record.name == "pipeline.heartbeat"] == [
        f'heartbeat_file_cannot_be_written file={file} why="No such file or directory"'
    ]
    file.parent.mkdir()
    beats()
    assert file.exists()
