"""Text results: a file to read, and the record beside it."""

from __future__ import annotations

import hashlib
from typing import Any

from pipeline.deliver.delivery import Delivered, Delivery, Fetched, NotDelivered, Picture
from pipeline.deliver.files import part_for
from pipeline.deliver.keeping import keep_picture, not_kept, refusal_of_stem
from pipeline.deliver.sidecar import sidecar

TEXT = Picture(format="TEXT", extension=".txt", media_type="text/plain")


def write_text(delivery: Delivery, result: dict[str, Any]) -> Delivered | NotDelivered:
    """Writes `<stem>.txt`, and in `<stem>.json` the record with what was made of the text: prompts, tokens, a seed."""
    refused = refusal_of_stem(delivery)
    if refused:
        return refused
    content = (_readable(result).rstrip() + "\n").encode(errors="replace")
    fetched = Fetched(bytes=len(content), sha256=hashlib.sha256(content).hexdigest(), content_type=TEXT.media_type)
    record = sidecar(delivery, fetched, TEXT)
    record |= {"seed": result.get("seed") or record["seed"], "result": result}
    try:
        with part_for(delivery.folder, delivery.stem) as part:
            part.file.write(content)
            return keep_picture(delivery, part, TEXT, record)
    except OSError as error:
        return not_kept(delivery, error)


def _readable(result: dict[str, Any]) -> str:
    """The text as it came: a person reads it as the API wrote it. Where there is none, what was made of it."""
    listed = result.get("prompts") or result.get("urls") or (result.get("seed") or "",)
    return str(result.get("text") or "\n\n".join(str(one) for one in listed))
