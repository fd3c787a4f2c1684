"""What surrounds a delivery: the flags in its record, and the leftovers of killed processes."""

from __future__ import annotations

import os
import time
from pathlib import Path

from pipeline.deliver import prompt_parameters, remove_stale_parts


def test_what_killed_processes_left_is_swept_and_the_rest_stays(tmp_path: Path) -> None:
    old, new = tmp_path / ".fox.1-aa.part", tmp_path / ".fox.2-bb.part"
    for path in (old, new, tmp_path / "fox.png"):
        path.write_bytes(b"x")
    long_ago = time.time() - 7200
    os.utime(old, (long_ago, long_ago))
    assert remove_stale_parts(tmp_path) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [".fox.2-bb.part", "fox.png"]


def test_flags_are_read_as_they_are_written() -> None:
    assert prompt_parameters("a fox -- in snow --ar 3:2 --no cats, dogs --tile --v 6.1") == {
        "ar": "3:2",
        "no": "cats, dogs",
        "tile": True,
        "v": "6.1",
    }
    assert prompt_parameters("plain --- dashes") == {}
    assert prompt_parameters("x --sref a --sref b") == {"sref": "a b"}
