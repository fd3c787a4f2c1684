"""Bring a finished picture home: fetch it, verify its bytes, name the file, record what it is.

Knows neither the database nor the queue: a `Delivery` goes in, files and a `Delivered` or `NotDelivered` come out.
"""

from __future__ import annotations

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
from pipeline.deliver.files import (
    disk_sentence,
    keep_picture,
    part_file,
    refusal_of_place,
    remove_stale_parts,
)
from pipeline.deliver.film import verify_film
from pipeline.deliver.found import refuse_unknown_pictures
from pipeline.deliver.picture import verify
from pipeline.deliver.sidecar import prompt_parameters, sidecar
from pipeline.deliver.texts import write_text

__all__ = [
    "LIMITS",
    "Cause",
    "Delivered",
    "Delivery",
    "Facts",
    "Limits",
    "NotDelivered",
    "disk_sentence",
    "download",
    "fetch_link",
    "prompt_parameters",
    "refuse_unknown_pictures",
    "remove_stale_parts",
    "thread_client",
    "write_text",
]


def download(client: httpx.Client, delivery: Delivery, limits: Limits = LIMITS) -> Delivered | NotDelivered:
    """Bring one picture, or film, to `<folder>/<stem>.<format>` with its record beside it in `<stem>.json`.

    Both files appear whole or not at all, and doing it twice leaves what doing it once leaves. Expected failures
    (link, network, bytes, disk) come back as a value; nothing half-written stays behind.
    """
    refused = refusal_of_place(delivery)
    if refused:
        return refused
    try:
        with part_file(delivery) as part:
            fetched = fetch_link(client, delivery.url, part.file, limits)
            if isinstance(fetched, NotDelivered):
                return fetched
            film = delivery.facts.action is Action.VIDEO
            picture = verify_film(part.path, fetched) if film else verify(part.path, fetched, limits)
            if isinstance(picture, NotDelivered):
                return picture
            return keep_picture(delivery, part, picture, sidecar(delivery, fetched, picture))
    except OSError as error:
        return NotDelivered(reason=disk_sentence(error, delivery.folder), cause=Cause.DISK)
