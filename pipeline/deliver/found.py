"""Pictures that lie where a new batch would put its own, and were paid for on the same account."""

from __future__ import annotations

import json
from pathlib import Path

from pipeline.errors import UsageError


def refuse_unknown_pictures(output_dir: Path, batch: str, account: str) -> None:
    """Raises `UsageError` when the batch's folder holds pictures of this account, and the database knows no such batch.

    Then this is most likely another database than the one they were paid for in, and all would be paid for again.
    """
    folder = output_dir / batch
    found = sum(_is_of(account, sidecar) for sidecar in folder.glob("*.json")) if folder.is_dir() else 0
    if found:
        raise UsageError(
            f"{folder} holds {found} pictures of account {account}, and this database does not know them: nothing was "
            "sent. Run from the folder where they were made (its `.pipeline` remembers what is paid), or set "
            "PIPELINE_DATA_DIR or PIPELINE_DATABASE_URL. `--fresh` makes, and pays for, all of them again, in another "
            "folder"
        )


def _is_of(account: str, sidecar: Path) -> bool:
    try:
        record = json.loads(sidecar.read_text())
    except (OSError, ValueError):
        return False
    return isinstance(record, dict) and record.get("account") == account
