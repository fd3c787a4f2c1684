"""Pictures that callers send: how they are read out of a request, and where they are kept.

A picture that cannot be opened is accepted all the same, as the real servers do; its task fails later.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import warnings
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from shutil import rmtree
from typing import Any

import httpx
from PIL import Image

from pipeline.sandbox.submission import Pictures
from pipeline.sandbox.tasks import Upload

FIELDS = (
    "base64",
    "link",
    "image",
    "endImage",
    "sourceBase64",
    "targetBase64",
    "sourceUrl",
    "targetUrl",
    "maskBase64",
)
_NAMES = frozenset({*FIELDS, "base64Array"})
LARGEST_DOWNLOAD = 32 * 1024 * 1024
UNREADABLE = "[Invalid file] The file could not be read as a picture"


class Uploads:
    """What was sent, by digest. With a folder it survives a restart. Raises OSError where that cannot be written."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._known: dict[str, Upload] = {}

    def keep(self, upload: Upload) -> None:
        if upload.sha256 in self._known:
            return
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            path = self._folder / upload.sha256
            torn = path.with_suffix(".part")
            torn.write_bytes(upload.content)
            torn.replace(path)
        self._known[upload.sha256] = upload

    def find(self, digest: str) -> Upload | None:
        if digest in self._known or self._folder is None or not digest.isalnum():
            return self._known.get(digest)
        path = self._folder / digest
        if not path.is_file():
            return None
        self._known[digest] = upload_of(path.read_bytes())
        return self._known[digest]

    def clear(self) -> None:
        self._known.clear()
        if self._folder is not None:
            rmtree(self._folder, ignore_errors=True)


def upload_of(content: bytes) -> Upload:
    return Upload(sha256(content).hexdigest(), content, _flaw(content))


def _flaw(content: bytes) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(BytesIO(content)) as picture:
                picture.load()
    except Exception:  # noqa: BLE001 - a decoder may raise anything on such bytes
        return UNREADABLE
    return ""


def wanted(body: dict[str, Any], own: str) -> list[str]:
    """The texts of a request that stand for pictures. In a prompt those are addresses that begin with `own`: what was
    uploaded or made here shows in what is made of it."""
    values: list[Any] = []
    if not _NAMES.isdisjoint(body):
        many = body.get("base64Array")
        values = [*(many if isinstance(many, list) else ()), *(body[name] for name in FIELDS if name in body)]
    prompt = body.get("prompt")
    if isinstance(prompt, str) and own in prompt:
        values += [word for word in prompt.split() if word.startswith(own)]
    return list(dict.fromkeys(value for value in values if isinstance(value, str) and value)) if values else []


async def received(texts: list[str], own: str, *, loose: bool) -> Pictures:
    """The pictures, opened off the event loop. `loose` takes bare base64 and any http address too."""
    found: dict[str, Upload | None] = {}
    links = [text for text in texts if text.startswith(("http://", "https://") if loose else own)]
    for text in texts:
        if text not in links:
            found[text] = await asyncio.to_thread(decoded, text, loose=loose)
    if links:
        async with httpx.AsyncClient(timeout=10, follow_redirects=True, trust_env=False) as client:
            for link in links:
                found[link] = await _downloaded(client, link)
    return found


def decoded(text: str, *, loose: bool = False) -> Upload | None:
    """A data URL (`data:image/png;base64,...`); with `loose`, bare base64 too. None where it is neither."""
    head, comma, payload = text.partition(",")
    if not comma and loose:
        payload = head
    elif not (comma and head.startswith("data:") and head.endswith(";base64")):
        return None
    try:
        content = base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError):
        return None
    return upload_of(content) if content else None


async def _downloaded(client: httpx.AsyncClient, link: str) -> Upload:
    """What an address holds. What cannot be fetched is an upload that cannot be read."""
    content = b""
    try:
        async with client.stream("GET", link) as response:
            async for part in response.aiter_bytes():
                content += part
                if not response.is_success or len(content) > LARGEST_DOWNLOAD:
                    content = b""
                    break
    except (httpx.HTTPError, httpx.InvalidURL):
        content = b""
    return upload_of(content) if content else Upload(sha256(link.encode()).hexdigest(), b"", UNREADABLE)
