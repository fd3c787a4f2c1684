"""How long a delivery is a worker's own."""

from __future__ import annotations

from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from pipeline.deliver import LIMITS, Delivered, RemoteFolder, download
from pipeline.deliver.remote import SECONDS
from pipeline.worker.delivering import LEASE
from tests.unit.test_deliver import answering, delivery, picture


def test_the_lease_outlasts_a_delivery_whose_every_request_takes_as_long_as_it_may(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store, asked = MemoryFileSystem(), list[str]()
    asks = RemoteFolder._asked

    def counted(folder: RemoteFolder, call: Any, *args: Any, **options: Any) -> Any:
        asked.append(call.__name__)
        return asks(folder, call, *args, **options)

    home = RemoteFolder(store, "/leased", "memory://leased")
    assert isinstance(download(answering(picture("WEBP")), delivery(home)), Delivered)
    monkeypatch.setattr(RemoteFolder, "_asked", counted)
    assert isinstance(download(answering(picture("PNG")), delivery(home)), Delivered)
    assert asked == ["cat_file", "put_file", "info", "put_file", "info", "rm_file"]
    assert 2 * LIMITS.seconds + len(asked) * SECONDS <= LEASE / 2
