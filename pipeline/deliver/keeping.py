"""A picture that is verified, kept under its name with its record beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipeline.deliver.delivery import Cause, Delivered, Delivery, NotDelivered, Picture
from pipeline.deliver.files import disk_sentence, write_whole
from pipeline.deliver.folder import Folder, Part
from pipeline.deliver.remote import FarError


def refusal_of_stem(delivery: Delivery) -> NotDelivered | None:
    """Why nothing is written under this stem, or None. The plan makes safe stems; this is the second lock."""
    stem = delivery.stem
    if stem not in ("", ".", "..") and not any(sign in stem for sign in "/\\\0"):
        return None
    reason = f"the file name {stem!r} would leave the folder {delivery.folder}; nothing was written"
    return NotDelivered(reason=reason, cause=Cause.REFUSED)


def keep_picture(delivery: Delivery, part: Part, picture: Picture, record: dict[str, Any]) -> Delivered:
    """Give the picture its name, then write its record: for a moment a whole picture may be without one."""
    folder, name = delivery.folder, delivery.stem + picture.extension
    before = _recorded_file(folder, f"{delivery.stem}.json")
    folder.keep(part, name)
    write_whole(folder, f"{delivery.stem}.json", json.dumps(record, ensure_ascii=False, indent=2) + "\n")
    if before and before != name and Path(before).stem == delivery.stem:
        folder.remove(before)
    folder.settle()
    return Delivered(
        task_id=delivery.task_id,
        path=Path(folder.name) / name,
        bytes=record["bytes"],
        sha256=record["sha256"],
        width=picture.width,
        height=picture.height,
        media_type=picture.media_type,
    )


def not_kept(delivery: Delivery, error: OSError) -> NotDelivered:
    """What the folder refused. One that is only away is waited for, like a picture host that is."""
    cause = error.cause if isinstance(error, FarError) else Cause.DISK
    return NotDelivered(reason=disk_sentence(error, delivery.folder), cause=cause)


def _recorded_file(folder: Folder, sidecar: str) -> str | None:
    """The file that an earlier delivery of the same stem recorded: replaced even if its format was another."""
    try:
        with folder.open(sidecar) as record:
            file = json.load(record)["file"]
    except FarError:
        raise
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return file if isinstance(file, str) and Path(file).name == file else None
