"""Bring a finished picture home: fetch it, verify its bytes, name the file, record what it is.

Knows neither the database nor the queue: a `Delivery` goes in, files and a `Delivered` or `NotDelivered` come out.
"""

from __future__ import annotations

from pathlib import Path

import httpx

from pipeline.action import Action
from pipeline.deliver.delivery import (
    LIMITS,
    Cause,
    Delivered,
    Delivery,
    Facts,
    Limits,
    NotDelivered,
)
from pipeline.deliver.fetch import fetch_link, thread_client
from pipeline.deliver.files import LocalFolder, disk_sentence, part_for, remove_stale_parts
from pipeline.deliver.film import verify_film
from pipeline.deliver.folder import Folder
from pipeline.deliver.found import refuse_unknown_pictures
from pipeline.deliver.keeping import keep_picture, not_kept, refusal_of_stem
from pipeline.deliver.picture import verify
from pipeline.deliver.remote import RemoteFolder
from pipeline.deliver.sidecar import prompt_parameters, sidecar
from pipeline.deliver.texts import write_text

__all__ = [
    "LIMITS",
    "Cause",
    "Delivered",
    "Delivery",
    "Facts",
    "Folder",
    "Limits",
    "LocalFolder",
    "NotDelivered",
    "disk_sentence",
    "download",
    "fetch_link",
    "folder_at",
    "prompt_parameters",
    "refuse_unknown_pictures",
    "remove_stale_parts",
    "thread_client",
    "write_text",
]


def folder_at(address: str) -> Folder:
    """The folder of this machine of that path, or the one elsewhere at an address such as `s3://bucket/pictures`.

    Raises `UsageError` for an address that nothing can be written to, `ServiceError` for a store that is away.
    """
    scheme, separator, path = address.partition("://")
    if separator and scheme not in ("file", "local"):
        return RemoteFolder.at(address)
    return LocalFolder(Path(path if separator else address))


def download(client: httpx.Client, delivery: Delivery, limits: Limits = LIMITS) -> Delivered | NotDelivered:
    """Bring one picture, or film, to `<folder>/<stem>.<format>` with its record beside it in `<stem>.json`.

    Both files appear whole or not at all, and doing it twice leaves what doing it once leaves. Expected failures
    (link, network, bytes, disk) come back as a value; nothing half-written stays behind.
    """
    refused = refusal_of_stem(delivery)
    if refused:
        return refused
    try:
        with part_for(delivery.folder, delivery.stem) as part:
            fetched = fetch_link(client, delivery.url, part.file, limits)
            if isinstance(fetched, NotDelivered):
                return fetched
            film = delivery.facts.action is Action.VIDEO
            picture = verify_film(part.path, fetched) if film else verify(part.path, fetched, limits)
            if isinstance(picture, NotDelivered):
                return picture
            return keep_picture(delivery, part, picture, sidecar(delivery, fetched, picture))
    except OSError as error:
        return not_kept(delivery, error)
