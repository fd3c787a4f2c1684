"""What surrounds a delivery: the flags in its record, and the leftovers of killed processes."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path
from tempfile import gettempdir

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from pipeline.deliver import LocalFolder, RemoteFolder, disk_sentence, prompt_parameters, remove_stale_parts


def test_what_killed_processes_left_is_swept_and_the_rest_stays(tmp_path: Path) -> None:
    old, new = tmp_path / ".fox.1-0123abcd.part", tmp_path / ".fox.2-4567cdef.part"
    other = tmp_path / ".of-somebody-else.part"
    long_ago = time.time() - 7200
    for path in (old, new, other, tmp_path / "fox.png"):
        path.write_bytes(b"x")
        os.utime(path, (long_ago, long_ago))
    os.utime(new)
    assert remove_stale_parts(LocalFolder(tmp_path)) == 1
    assert sorted(tmp_path.iterdir()) == sorted((new, other, tmp_path / "fox.png"))


def test_what_was_left_in_the_folder_of_a_batch_is_swept_when_a_worker_starts(tmp_path: Path) -> None:
    old = tmp_path / "spring" / ".fox.1-0123abcd.part"
    old.parent.mkdir()
    old.write_bytes(b"x")
    os.utime(old, (time.time() - 7200,) * 2)
    assert remove_stale_parts(LocalFolder(tmp_path)) == 1
    assert not old.exists()


def test_two_that_ask_at_once_whether_a_store_can_be_written_to_do_not_disturb_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = MemoryFileSystem()
    put = store.put_file

    def put_while_another_asks(*args: object, **options: object) -> None:
        put(*args, **options)
        monkeypatch.setattr(store, "put_file", put)
        RemoteFolder(store, "/asked", "memory://asked").check()

    monkeypatch.setattr(store, "put_file", put_while_another_asks)
    RemoteFolder(store, "/asked", "memory://asked").check()
    assert RemoteFolder(store, "/asked", "memory://asked").files("*") == []


def test_a_disk_that_is_full_before_a_picture_gets_to_a_bucket_is_not_told_as_a_full_bucket() -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    said = disk_sentence(full, RemoteFolder(MemoryFileSystem(), "/full", "memory://full"))
    assert said.startswith(f"the disk is full: {gettempdir()}; free some space, or set TMPDIR")
    assert "memory://" not in said


def test_flags_are_read_as_they_are_written() -> None:
    assert prompt_parameters("a fox -- in snow --ar 3:2 --no cats, dogs --tile --v 6.1") == {
        "ar": "3:2",
        "no": "cats, dogs",
        "tile": True,
        "v": "6.1",
    }
    assert prompt_parameters("plain --- dashes") == {}
    assert prompt_parameters("x --sref a --sref b") == {"sref": "a b"}
