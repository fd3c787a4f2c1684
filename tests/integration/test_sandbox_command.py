"""`pipeline sandbox` as a person starts it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from pipeline.cli.sandbox import sandbox
from pipeline.errors import ServiceError, UsageError


def test_a_port_that_is_taken_is_said_in_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServiceError, match=rf"127.0.0.1:{port}: Address already in use\. Choose another --port"):
            sandbox(port=port)


def test_a_journal_that_cannot_be_written_is_said_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match=rf"{tmp_path}: Is a directory"):
        sandbox(port=0, journal=tmp_path)


def test_a_script_that_is_not_there_is_said_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "faults.yaml"
    with pytest.raises(ServiceError, match=rf"{path}: No such file or directory\. Choose another --script"):
        sandbox(port=0, script=path)


def test_a_script_and_a_share_that_cannot_be_understood_are_wrong_usage(tmp_path: Path) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text("- {at: 1, fault: 418}")
    with pytest.raises(UsageError, match="rule 1: fault 418 is not one of"):
        sandbox(port=0, script=path)
    with pytest.raises(UsageError, match="--refuse 418=1: write a status of 401"):
        sandbox(port=0, refuse=["418=1"])
