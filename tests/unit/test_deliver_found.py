from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.deliver import LocalFolder, refuse_unknown_pictures
from pipeline.errors import UsageError


def sidecar(folder: Path, name: str, account: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps({"account": account}))


def test_pictures_that_another_database_knows_are_not_bought_again(tmp_path: Path) -> None:
    sidecar(tmp_path / "spring", "fox.json", "api.example.com")
    sidecar(tmp_path / "spring", "owl.json", "api.example.com")
    with pytest.raises(UsageError, match=r"holds 2 pictures of account api\.example\.com.*nothing was sent"):
        refuse_unknown_pictures(LocalFolder(tmp_path), "spring", "api.example.com")


def test_other_files_other_accounts_and_other_batches_are_nobodys_business(tmp_path: Path) -> None:
    sidecar(tmp_path / "spring", "fox.json", "sandbox")
    (tmp_path / "spring" / "notes.json").write_text("[1]")
    (tmp_path / "spring" / "torn.json").write_text("{")
    refuse_unknown_pictures(LocalFolder(tmp_path), "spring", "api.example.com")
    refuse_unknown_pictures(LocalFolder(tmp_path), "summer", "sandbox")
