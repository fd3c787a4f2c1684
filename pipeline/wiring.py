"""Settings -> Runtime: the one place that builds things. Stages and steps get what they need handed in."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

from pipeline.api.client import Api
from pipeline.deliver import Folder, folder_at
from pipeline.errors import UsageError
from pipeline.settings import Settings, load
from pipeline.store import accounts
from pipeline.store.engine import Store
from pipeline.store.presence import Presence

CONCURRENT_REQUESTS = 32
CONCURRENT_UPLOADS = 4
CONCURRENT_QUESTIONS = 8
CONCURRENT_DOWNLOADS = 16
"""Threads of one worker process, each with its own client. Apart, so that slow pictures hold up no POST and no poll.

Few for uploads, since each holds up to five pictures of 10 MB in memory, three times over.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """What a worker process works with."""

    store: Store
    presence: Presence
    api: Api
    account: str
    account_id: int
    home: Folder
    """Where pictures are brought; each batch has a folder in it."""
    max_attempts: int
    horizon: float
    """Seconds, see `doubt.resolution`."""
    pool: ThreadPoolExecutor
    """POSTs without pictures."""
    uploads: ThreadPoolExecutor
    """POSTs with pictures."""
    questions: ThreadPoolExecutor
    downloads: ThreadPoolExecutor
    rng: random.Random


def open_store(settings: Settings) -> Store:
    if settings.database_url is None:
        raise UsageError("PIPELINE_DATABASE_URL is not set (`pipeline run` brings up a database of its own)")
    return Store(settings.database_url.get_secret_value())


def open_api(settings: Settings) -> Api:
    if settings.api_base_url is None:
        raise UsageError("PIPELINE_API_BASE_URL is not set (`pipeline run` brings up the sandbox)")
    return Api(
        settings.api_base_url, settings.api_key.get_secret_value(), settings.api_dialect, hook_url=settings.hook_url
    )


def open_home(settings: Settings) -> Folder:
    return folder_at(settings.output_dir)


def register_account(store: Store, settings: Settings) -> int:
    """The id of the settings' account."""
    with store.begin() as tx:
        return accounts.register(
            tx,
            name=settings.account_name,
            base_url=settings.api_base_url or "",
            max_running=settings.max_running,
            max_queued=settings.max_queued,
        )


@cache
def runtime() -> Runtime:
    """This process's runtime, from the environment. Built by the entry point, before threads can race for it."""
    settings = load()
    store = open_store(settings)
    return Runtime(
        store=store,
        presence=Presence(store.engine),
        api=open_api(settings),
        account=settings.account_name,
        account_id=register_account(store, settings),
        home=open_home(settings),
        max_attempts=settings.max_attempts,
        horizon=settings.horizon,
        pool=ThreadPoolExecutor(CONCURRENT_REQUESTS, thread_name_prefix="http"),
        uploads=ThreadPoolExecutor(CONCURRENT_UPLOADS, thread_name_prefix="upload"),
        questions=ThreadPoolExecutor(CONCURRENT_QUESTIONS, thread_name_prefix="question"),
        downloads=ThreadPoolExecutor(CONCURRENT_DOWNLOADS, thread_name_prefix="download"),
        rng=random.SystemRandom(),
    )
