"""Settings from the environment and `.env`, read once by the entry points."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from decimal import Decimal
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote, urlsplit

from dotenv import dotenv_values
from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from pipeline.action import Action
from pipeline.errors import UsageError
from pipeline.task import Policy

SECRETS = Path("/run/secrets")
"""Where Docker puts secrets. A setting may be a file there that bears its name; the environment goes before it."""


_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
"""How an address begins; no folder does that anybody means to."""


class Dialect(StrEnum):
    """Which member of the API family is behind the base URL."""

    PLUS = "plus"
    """midjourney-proxy-plus and the sites in front of it, SCVN API and OneChat API among them."""
    NOVICEZK = "novicezk"
    """The open original, novicezk/midjourney-proxy."""
    TRUEAI = "trueai"
    """trueai-org/midjourney-proxy."""
    RELAY = "relay"
    """new-api and its kin, in front of one of the others."""


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ValueError("must look like https://api.example.com")
    if parts.username or parts.password:
        raise ValueError("must not contain a user or password: the key belongs in PIPELINE_API_KEY")
    return value.rstrip("/").removesuffix("/mj")


def _output(value: str) -> str:
    """A folder, or an address. Which addresses can be written to is known where they are opened."""
    if not _SCHEME.match(value):
        return value
    scheme, separator, rest = value.partition("://")
    if not (separator and rest.strip("/")) or "::" in value:
        raise ValueError(f"must be a folder, or an address such as {scheme.partition(':')[0]}://bucket/pictures")
    if "@" in urlsplit(value).netloc and urlsplit(value).password is not None:
        raise ValueError("must not contain a password: it belongs where the store's own library looks for it")
    return value.rstrip("/")


def _is_read_alike(url: str) -> bool:
    """Whether all who read it take the same for its password.

    Where its signs are not escaped, some take a part of it for the host, which errors show; others find no password,
    and the log hides none.
    """
    try:
        authority = urlsplit(url).netloc
    except ValueError:  # whose words may show it
        return False
    return url.count("@") == authority.count("@") <= 1 and "#" not in url


def _psycopg(value: SecretStr) -> SecretStr:
    """Whatever spelling a person uses, SQLAlchemy gets the psycopg 3 driver."""
    scheme, separator, rest = value.get_secret_value().partition("://")
    if scheme.split("+", maxsplit=1)[0] not in {"postgresql", "postgres"} or not separator:
        raise ValueError("must look like postgresql://user:password@host/database")
    if not _is_read_alike(value.get_secret_value()):
        raise ValueError("cannot be read: in a password, @ / # and ? are written %40 %2F %23 and %3F")
    return SecretStr(f"postgresql+psycopg://{rest}")


def _redis(value: SecretStr) -> SecretStr:
    if urlsplit(value.get_secret_value()).scheme not in {"redis", "rediss"}:
        raise ValueError("must look like redis://host:6379/0")
    return value


def _key(value: SecretStr) -> SecretStr:
    key = value.get_secret_value().strip()
    if not (key.isascii() and key.isprintable()):
        raise ValueError("has characters that no key has: was it copied whole, and nothing else?")
    return SecretStr(key)


def _login(value: SecretStr) -> SecretStr:
    user, colon, password = value.get_secret_value().partition(":")
    if not (user and colon and password):
        raise ValueError("must look like user:password")
    return value


class Settings(BaseSettings):
    """Every setting. The README's table is held equal to this class by a test."""

    model_config = SettingsConfigDict(
        env_prefix="PIPELINE_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
    )

    api_base_url: Annotated[str, AfterValidator(_http_url)] | None = Field(
        None, description="Address of the server, such as `https://api.example.com`. Not set: the sandbox"
    )
    api_key: Annotated[SecretStr, AfterValidator(_key)] = Field(
        SecretStr(""), description="Key of the account on that server"
    )
    account: str | None = Field(
        None, description="Name of the account, for a second key on one server. Not set: the server's host"
    )
    api_dialect: Dialect = Field(Dialect.PLUS, description="Which member of the API family the server is")
    database_url: Annotated[SecretStr, AfterValidator(_psycopg)] | None = Field(
        None, description="Postgres, such as `postgresql://user:password@host/database`. Not set: embedded"
    )
    redis_url: Annotated[SecretStr, AfterValidator(_redis)] | None = Field(
        None, description="Redis, such as `redis://host:6379/0`. Not set: embedded"
    )
    hook_url: Annotated[str, AfterValidator(_http_url)] | None = Field(
        None, description="Public address of `pipeline hooks`, where the server reports. Not set: it is only asked"
    )
    output_dir: Annotated[str, AfterValidator(_output)] = Field(
        "pictures",
        description="Where pictures, sidecars and galleries are written: a folder, or an address that fsspec knows, "
        "such as `s3://bucket/pictures`",
    )
    data_dir: Path = Field(Path(".pipeline"), description="Where the embedded services keep their data")
    max_running: int = Field(
        3, ge=1, le=1_000, description="How many tasks the account runs at once (the server's own limit)"
    )
    max_queued: int = Field(10, ge=0, le=1_000, description="How many more the account lets wait in its queue")
    max_attempts: int = Field(8, ge=1, le=100, description="How often a task that the API does not take is tried")
    horizon: float = Field(
        120.0, ge=0, description="Seconds for which a task in doubt is looked for before its absence proves anything"
    )
    in_doubt: Policy = Field(
        Policy.HOLD, description="What becomes of a task in doubt that cannot be settled by looking: `hold` it for you"
    )
    budget: Decimal | None = Field(None, ge=0, description="What a batch may cost at most, by `PIPELINE_PRICES`")
    events: bool = Field(
        True, description="Whether the beat tells Celery's event stream what happens to tasks, which Flower shows"
    )
    flower_login: Annotated[SecretStr, AfterValidator(_login)] | None = Field(
        None, description="`user:password` that Flower asks for; it listens beyond loopback only with one"
    )
    metrics_token: SecretStr | None = Field(
        None,
        description="Bearer token for `/metrics` of the receiver. Not set: only this machine may ask",
    )
    heartbeat_file: Path | None = Field(
        None, description="A file that `worker` and `beat` touch as long as they work, for health checks"
    )
    workers: int = Field(2, ge=1, le=16, description="Worker processes that `pipeline run` starts on this machine")
    prices: dict[Action, Decimal] = Field(
        default_factory=dict, description='Price per action for cost estimates, such as `{"imagine": 0.04}`'
    )

    @property
    def account_name(self) -> str:
        """What is paid is remembered under this name: not made from the key, so that a new key pays nothing twice."""
        if self.account:
            return self.account
        address = urlsplit(self.api_base_url or "")
        port = "" if address.port in {None, {"http": 80, "https": 443}.get(address.scheme)} else f":{address.port}"
        return f"{address.hostname or ''}{port}"

    def secrets(self) -> Iterator[str]:
        """What nobody may read: of an address its password, in both spellings."""
        for value in (value.get_secret_value() for _, value in self if isinstance(value, SecretStr)):
            if "://" in value:
                password = urlsplit(value).password or ""
                yield from (password, unquote(password))
            else:
                yield value
        if self.flower_login:
            yield self.flower_login.get_secret_value().partition(":")[2]


def _refuse_typos() -> None:
    """A name that is nearly ours is a slip; other names under the same prefix are somebody else's."""
    ours = [f"PIPELINE_{name.upper()}" for name in Settings.model_fields]
    for name in (*os.environ, *dotenv_values(".env")):
        near = get_close_matches(name, ours, n=1, cutoff=0.9) if name.startswith("PIPELINE_") else []
        if near and near[0] != name:
            raise UsageError(f"{name} is no setting: did you mean {near[0]}?")


def load(**overrides: object) -> Settings:
    """The settings, or a `UsageError` that names each variable that is wrong, never its value."""
    _refuse_typos()
    try:
        return Settings(_secrets_dir=SECRETS if SECRETS.is_dir() else None, **overrides)  # type: ignore[arg-type, call-arg]
    except SettingsError as unreadable:
        name = str(unreadable).partition('"')[2].partition('"')[0].upper()
        raise UsageError(f'PIPELINE_{name}: must be JSON, such as {{"imagine": 0.04, "upscale": 0.01}}') from None
    except ValidationError as invalid:
        faults = [
            f"PIPELINE_{'_'.join(str(part) for part in fault['loc'][:1]).upper()}: "
            f"{fault['msg'].removeprefix('Value error, ')}"
            for fault in invalid.errors(include_input=False)
        ]
        raise UsageError("\n".join(faults)) from None
