"""`pipeline sandbox` as a person starts it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from pipeline.cli.sandbox import sandbox
from pipeline.errors import ServiceError


def test_a_port_that_is_taken_is_said_in_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServiceError, match=rf"127.0.0.1:{port}: Address already in use\. Choose another --port"):
            sandbox(port=port)


def test_a_journal_that_cannot_be_written_is_said_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match=rf"{tmp_path}: Is a directory"):
        sandbox(port=0, journal=tmp_path)
