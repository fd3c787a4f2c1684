"""What the documents name is there: commands, settings and files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.cli.commands import PANELS
from pipeline.settings import Settings

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMANDS = {name for commands in PANELS.values() for name in commands}
SETTINGS = {f"PIPELINE_{name.upper()}" for name in Settings.model_fields}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_what_a_document_names_is_there(document: Path) -> None:
    text = document.read_text()
    assert set(re.findall(r"`(?:\.venv/bin/)?pipeline ([a-z]+)", text)) <= COMMANDS
    assert set(re.findall(r"PIPELINE_[A-Z_]+[A-Z]", text)) <= SETTINGS
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    assert [link for link in links if not (document.parent / link).exists()] == []
