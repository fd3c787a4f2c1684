"""A folder elsewhere, at any address that fsspec knows, such as `s3://bucket/pictures`.

A file is written and verified on this machine, then put: object stores show it whole or not at all. Credentials are
found as each store's own library finds them: in the environment, in files, from the machine's role.
"""

from __future__ import annotations

import errno
import mimetypes
import re
import secrets
import tempfile
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from fnmatch import fnmatchcase
from hashlib import file_digest, md5
from io import BytesIO
from pathlib import Path, PurePath
from typing import Any, BinaryIO

from pipeline.deliver.delivery import Cause
from pipeline.deliver.files import ELSEWHERE, write_whole
from pipeline.deliver.folder import Name, Part
from pipeline.errors import ServiceError, UsageError

SECONDS = 180.0
"""What one request may take: the largest picture at 3 Mbit/s."""
PIECE = 8 * 1024 * 1024
"""Bytes of one part of an upload, which is what is in memory at once of a file that is larger than two."""
S3 = ("s3", "s3a")
S3_OPTIONS = {
    "use_listings_cache": False,
    "max_concurrency": 1,  # deliveries are many at once already
    "config_kwargs": {"max_pool_connections": 32, "read_timeout": 60, "retries": {"total_max_attempts": 2}},
}
CHECK = "pipeline-check-{}.txt"
"""The file that shows whether any can be written; with a token, since several may ask at once. Where nothing may be
removed it stays."""
UNFIT = {"http", "https", "data", "github", "git", "memory"}
"""What fsspec can read and nobody can write, and what ends with its process."""
WORDS_SHOWN = 200
_SECRET_PARTS = re.compile(r"(?<=//)[^/@\s]*@|\?\S*")
_MOMENTS = ("LastModified", "mtime", "updated", "last_modified", "created")
"""Under which names the implementations of fsspec tell when a file was written."""


class FarError(ServiceError, OSError):
    """A store elsewhere says no, or nothing. Takes the place of what a disk would say, hence an OSError too."""

    def __init__(self, sentence: str, cause: Cause) -> None:
        super().__init__(errno.EREMOTEIO, sentence)
        self.cause = cause

    def __str__(self) -> str:
        return self.strerror or ""


class RemoteFolder:
    """A `Folder` at an address. Safe to share between threads."""

    def __init__(self, store: Any, path: str, address: str) -> None:
        self._store = store
        self._path = path
        self._address = address
        self._is_s3 = "s3" in store.protocol
        self._seconds = {"timeout": SECONDS} if store.async_impl else {}
        self._turn = threading.Lock()
        self._known: dict[str, float] | None = None

    @classmethod
    def at(cls, address: str) -> RemoteFolder:
        """Raises `UsageError` for an address that cannot be written to, `ServiceError` for a store that is away."""
        import fsspec  # noqa: PLC0415 - slow to import, and of no use to those who have a disk

        scheme = address.partition("://")[0]
        if scheme in UNFIT or scheme not in fsspec.available_protocols():
            raise UsageError(
                f"PIPELINE_OUTPUT_DIR: pictures cannot be put at {scheme}://; name a folder, or an address such as "
                "s3://bucket/pictures"
            )
        try:
            store, path = fsspec.url_to_fs(address, **(S3_OPTIONS if scheme in S3 else {}))
        except ImportError as missing:
            remedy = "pip install 'mj-pipeline[s3]'" if scheme in S3 else str(missing)
            raise UsageError(f"PIPELINE_OUTPUT_DIR: the library for {scheme}:// is not installed: {remedy}") from None
        except Exception as failure:  # noqa: BLE001 - each implementation has kinds of its own
            raise _far(failure, address) from None
        return cls(store, path, address)

    def __str__(self) -> str:
        return self._address

    @property
    def name(self) -> str:
        return PurePath(self._path).name

    @property
    def drafts(self) -> Path:
        return Path(tempfile.gettempdir())

    def inside(self, name: str) -> RemoteFolder:
        return RemoteFolder(self._store, f"{self._path}/{name}", f"{self._address}/{name}")

    def exists(self) -> bool:
        return bool(self._listed())

    def keep(self, part: Part, name: Name, *, surely: bool = True) -> None:
        """Puts the file; `surely` asks afterwards whether it is there, and as long as it should be."""
        part.file.flush()
        size, path = part.path.stat().st_size, self._at(name)
        self._asked(self._store.put_file, str(part.path), path, **self._headers(part, str(name), size))
        if surely:
            there = self._asked(self._store.info, path)["size"]
            if there != size:
                reason = f"{self}/{name} has {there:,} bytes after {size:,} were put; it is tried again"
                raise FarError(reason, Cause.NETWORK)
        if self._known is not None:
            self._known[str(name)] = part.path.stat().st_mtime

    def _headers(self, part: Part, name: str, size: int) -> dict[str, Any]:
        """S3 refuses a body that is not what Content-MD5 says; parts of large files go with a checksum of their own.

        The ETag is not compared: of an encrypted object, or one put in parts, it is no MD5.
        """
        if not self._is_s3:
            return {}
        headers = {"chunksize": PIECE, "ContentType": mimetypes.guess_type(name)[0] or "application/octet-stream"}
        if size < 2 * PIECE:
            with part.path.open("rb") as file:
                digest = file_digest(file, lambda: md5(usedforsecurity=False)).digest()
            headers["ContentMD5"] = b64encode(digest).decode()
        return headers

    def settle(self) -> None:
        """What the store has confirmed is safe there."""

    @contextmanager
    def open(self, name: Name) -> Iterator[BinaryIO]:
        yield BytesIO(self._asked(self._store.cat_file, self._at(name), reads=True))

    def modified(self, name: Name) -> float | None:
        return self._listed().get(str(name))

    def files(self, pattern: str) -> list[str]:
        return [name for name in self._listed() if "/" not in name and fnmatchcase(name, pattern)]

    def remove(self, name: Name) -> None:
        try:
            self._asked(self._store.rm_file, self._at(name), reads=True)
        except FileNotFoundError:
            return

    def check(self) -> None:
        """Puts a small file and removes it. Credentials that may not remove anything are enough."""
        name = CHECK.format(secrets.token_hex(4))
        write_whole(self, name, "`pipeline check` was here\n")
        try:
            self.remove(name)
        except FarError as refused:
            if refused.cause is Cause.NETWORK:
                raise

    def _at(self, name: Name) -> str:
        return f"{self._path}/{PurePath(name).as_posix()}"

    def _listed(self) -> dict[str, float]:
        """When each file beneath was written."""
        with self._turn:
            if self._known is None:
                self._store.invalidate_cache()
                try:
                    found = self._asked(self._store.find, self._path, detail=True, reads=True)
                except FileNotFoundError:
                    found = {}
                start = len(self._path) + 1
                self._known = {path[start:]: _moment(entry) for path, entry in found.items()}
            return self._known

    def _asked(self, call: Callable[..., Any], *args: Any, reads: bool = False, **options: Any) -> Any:
        """What the store answers. Raises `FarError`, and FileNotFoundError to one who `reads`."""
        try:
            return call(*args, **options, **self._seconds)
        except FileNotFoundError as absent:
            if reads:
                raise
            raise _far(absent, self._address) from None
        except Exception as failure:  # noqa: BLE001 - each implementation has kinds of its own
            raise _far(failure, self._address) from None


def _moment(entry: dict[str, Any]) -> float:
    """Unknown is long ago: what is made from it is then made again."""
    moment = next((entry[name] for name in _MOMENTS if entry.get(name)), 0.0)
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return moment.timestamp() if isinstance(moment, datetime) else float(moment)


def _far(failure: Exception, address: str) -> FarError:
    """What a store said, as a sentence with what to do. Its own words may hold an address with a signature in it."""
    said = _SECRET_PARTS.sub("", " ".join(str(failure).split()))[:WORDS_SHOWN] or type(failure).__name__
    if isinstance(failure, FileNotFoundError):
        return FarError(f"{address} is not there ({said}): make the bucket, {ELSEWHERE}", Cause.DISK)
    if isinstance(failure, PermissionError):
        remedy = f"see that the credentials of the workers may read and write there, {ELSEWHERE}"
        return FarError(f"{address} refuses access ({said}): {remedy}", Cause.DISK)
    if "Credentials" in type(failure).__name__:
        remedy = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or what its library reads, where the workers run"
        return FarError(f"{address} needs credentials ({said}): {remedy}", Cause.DISK)
    return FarError(f"{address} cannot be reached ({said}); it is tried again", Cause.NETWORK)
