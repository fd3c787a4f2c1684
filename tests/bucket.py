"""A real server that speaks S3, in a process of its own: moto's, which holds buckets in memory."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.config import Config

SECRET = "sk-of-the-bucket-456"
BUCKET = "studio"


class S3Server:
    """Has the bucket `studio`."""

    def __init__(self, log: Path, host: str = "127.0.0.1", port: int = 0) -> None:
        port = port or free_port(host)
        self.url = f"http://{host}:{port}"
        words = [sys.executable, "-m", "moto.server", "-H", host, "-p", str(port)]
        with log.open("wb") as file:
            self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
        self.client = self._client()
        gives_up = time.monotonic() + 30
        while not self._listens(host, port):
            assert time.monotonic() < gives_up, log.read_text()
            assert self._process.poll() is None, log.read_text()
            time.sleep(0.02)
        self.client.create_bucket(Bucket=BUCKET)

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process needs to find it."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "studio-key",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def _client(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="studio-key",
            aws_secret_access_key=SECRET,
            config=Config(retries={"total_max_attempts": 1}),
        )

    @staticmethod
    def _listens(host: str, port: int) -> bool:
        try:
            socket.create_connection((host, port), timeout=1).close()
        except OSError:
            return False
        return True

    def names(self, prefix: str = "") -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", ())]

    def content(self, name: str) -> bytes:
        found: bytes = self.client.get_object(Bucket=BUCKET, Key=name)["Body"].read()
        return found

    def head(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client.head_object(Bucket=BUCKET, Key=name)
        return found

    def deny(self, *actions: str) -> None:
        """Has it refuse such requests for any object; none of them any more without `actions`."""
        if not actions:
            self.client.delete_bucket_policy(Bucket=BUCKET)
            return
        statement = {"Effect": "Deny", "Principal": "*", "Action": actions, "Resource": f"arn:aws:s3:::{BUCKET}/*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.client.put_bucket_policy(Bucket=BUCKET, Policy=policy)

    def freeze(self) -> None:
        """Takes what comes, and answers nothing."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self._process.kill()
        self._process.wait()


def free_port(host: str = "127.0.0.1") -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
