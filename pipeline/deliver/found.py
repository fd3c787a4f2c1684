"""Pictures that lie where a new batch would put its own, and were paid for on the same account."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from pipeline.deliver.folder import Folder
from pipeline.errors import ServiceError, UsageError

AT_ONCE = 16
"""Sidecars: a folder elsewhere takes its time for each."""


def refuse_unknown_pictures(home: Folder, batch: str, account: str) -> None:
    """Raises `UsageError` when the batch's folder holds pictures of this account, and the database knows no such batch.

    Then this is most likely another database than the one they were paid for in, and all would be paid for again.
    """
    folder = home.inside(batch)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = sum(pool.map(partial(_is_of, account, folder), folder.files("*.json")))
    if found:
        raise UsageError(
            f"{folder} holds {found} pictures of account {account}, and this database does not know them: nothing was "
            "sent. Run from the folder where they were made (its `.pipeline` remembers what is paid), or set "
            "PIPELINE_DATA_DIR or PIPELINE_DATABASE_URL. `--fresh` makes, and pays for, all of them again, in another "
            "folder"
        )


def _is_of(account: str, folder: Folder, sidecar: str) -> bool:
    try:
        with folder.open(sidecar) as file:
            record = json.load(file)
    except ServiceError:  # a store that is away, which may hold anything
        raise
    except (OSError, ValueError):
        return False
    return isinstance(record, dict) and record.get("account") == account
