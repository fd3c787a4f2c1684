"""From a link to bytes in a file, bounded in size and in time. Sends no key: a picture host is a stranger."""

from __future__ import annotations

import hashlib
import threading
import time
from http import HTTPStatus
from typing import BinaryIO

import httpx

from pipeline.deliver.delivery import Cause, Fetched, Limits, NotDelivered

CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 30.0
DEAD_STATUSES = frozenset({403, 404, 410})
KEY_HEADERS = ("authorization", "mj-api-secret", "cookie")


def picture_client() -> httpx.Client:
    """A client for picture hosts: no key, no cookies, follows redirects. One for each thread."""
    return httpx.Client(follow_redirects=True, limits=httpx.Limits(max_connections=8))


_local = threading.local()


def thread_client() -> httpx.Client:
    """This thread's picture client: one for each thread costs less than one for all."""
    client: httpx.Client | None = getattr(_local, "client", None)
    if client is None:
        client = _local.client = picture_client()
    return client


def fetch_link(client: httpx.Client, url: str, into: BinaryIO, limits: Limits) -> Fetched | NotDelivered:
    """Stream a link that somebody gave into an open file, if it is one that we follow. Raises OSError only for it."""
    return refusal_of_link(url) or fetch(client, url, into, limits)


def refusal_of_link(url: str) -> NotDelivered | None:
    """Why this link is not followed at all, or None."""
    try:
        link = httpx.URL(url)
    except (httpx.InvalidURL, TypeError, UnicodeError):
        return _refused("the picture link is not a web address")
    if link.scheme not in ("http", "https"):
        return _refused(
            f"the picture link starts with {link.scheme[:20] or 'no scheme'}:, and only http and https are fetched"
        )
    return None if link.host else _refused("the picture link names no host")


def fetch(client: httpx.Client, url: str, into: BinaryIO, limits: Limits) -> Fetched | NotDelivered:
    """Stream the link into an open file. Raises OSError only for the file."""
    host, give_up_at = httpx.URL(url).host, time.monotonic() + limits.seconds
    response: httpx.Response | None = None
    try:
        response = client.send(_request(client, url, limits), stream=True, follow_redirects=True)
        host = response.url.host
        return _refused_answer(response, limits) or _drain(response, into, limits, give_up_at)
    except httpx.TimeoutException:
        return _network(f"{host} was silent for too long while the picture was fetched")
    except httpx.UnsupportedProtocol:
        return _refused(f"{host} redirects to something that is neither http nor https")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return _network(f"the picture could not be fetched from {host}: {str(error) or type(error).__name__}")
    finally:
        if response is not None:
            response.close()


def _request(client: httpx.Client, url: str, limits: Limits) -> httpx.Request:
    silence = min(SILENCE_SECONDS, limits.seconds)
    request = client.build_request(
        "GET",
        url,
        # Without identity a few bytes could unpack to gigabytes before the size is known.
        headers={"accept": "image/*, video/mp4", "accept-encoding": "identity"},
        timeout=httpx.Timeout(silence, connect=min(CONNECT_SECONDS, limits.seconds)),
    )
    for name in KEY_HEADERS:
        request.headers.pop(name, None)
    return request


def _refused_answer(response: httpx.Response, limits: Limits) -> NotDelivered | None:
    status, host = response.status_code, response.url.host
    if status in DEAD_STATUSES:
        reason = f"the picture link is dead: {host} answered {_status(status)}"
        return NotDelivered(reason=reason, cause=Cause.DEAD_LINK)
    if status != 200:
        return _network(f"{host} answered {_status(status)} instead of a picture")
    announced = response.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limits.bytes:
        return _too_big(host, limits)
    return None


def _drain(response: httpx.Response, into: BinaryIO, limits: Limits, give_up_at: float) -> Fetched | NotDelivered:
    size, digest, host = 0, hashlib.sha256(), response.url.host
    for chunk in response.iter_bytes():
        size += len(chunk)
        if size > limits.bytes:
            return _too_big(host, limits)
        if time.monotonic() > give_up_at:
            return _network(f"{host} sent only {size:,} bytes of the picture in {limits.seconds:g} s")
        digest.update(chunk)
        into.write(chunk)
    into.flush()
    content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return Fetched(bytes=size, sha256=digest.hexdigest(), content_type=content_type)


def _status(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _too_big(host: str, limits: Limits) -> NotDelivered:
    return _refused(f"{host} sends more than {limits.bytes / 2**20:g} MiB, which is no picture of ours")


def _network(reason: str) -> NotDelivered:
    return NotDelivered(reason=reason, cause=Cause.NETWORK)


def _refused(reason: str) -> NotDelivered:
    return NotDelivered(reason=reason, cause=Cause.REFUSED)
