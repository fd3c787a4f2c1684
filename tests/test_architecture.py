"""The house rules as tests: which way imports run, how long things are, and that there is one word for each idea."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "pipeline"
FILES = sorted(PACKAGE.rglob("*.py"))

WORDS = {
    "action",
    "inputs",
    "then",
    "task",
    "fingerprint",
    "backoff",
    "outcome",
    "prompt",
    "errors",
    "log",
    "settings",
    "terms",
    "schedule",
}
STAGES = {
    "manifest",
    "plan",
    "dispatch",
    "submit",
    "doubt",
    "cancel",
    "track",
    "follow_up",
    "deliver",
    "report",
    "fire",
}
MAY_IMPORT = {
    **dict.fromkeys(WORDS, WORDS),
    "api": WORDS,
    "store": WORDS,
    **dict.fromkeys(STAGES, WORDS | STAGES | {"api", "store"}),
    "wiring": WORDS | STAGES | {"api", "store"},
    "worker": WORDS | STAGES | {"api", "store", "wiring"},
    "hooks": WORDS | STAGES | {"api", "store", "wiring", "worker"},
    "sandbox": set(),
    "cli": WORDS | STAGES | {"api", "store", "wiring", "worker", "hooks", "sandbox"},
    "__main__": {"cli"},
    "__init__": set(),
}
PURE = ("manifest", "plan", "follow_up", *(WORDS - {"settings"}))
OUTSIDE = {"httpx", "sqlalchemy", "psycopg", "celery", "kombu", "redis", "starlette", "uvicorn"}

LONGEST_FILE, LONGEST_FUNCTION, MOST_FUNCTIONS_BELOW = 250, 60, 25


def place(file: Path) -> str:
    """The part of the package that a file belongs to."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def functions(file: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            yield f"{file.name}:{node.name}", node.end_lineno - node.lineno + 1


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_run_one_way(file: Path) -> None:
    ours = {name.split(".")[1] for name in imported(file) if name.startswith("pipeline.")}
    here = place(file)
    assert ours - MAY_IMPORT[here] - {here} == set()


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_only_the_edges_know_the_outside(file: Path) -> None:
    outside = {name.split(".")[0] for name in imported(file)} & OUTSIDE
    here = place(file)
    if here in PURE:
        assert outside == set()
    if here == "api":
        assert outside <= {"httpx"}
    if here == "store":
        assert outside <= {"sqlalchemy", "psycopg"}
    if "celery" in outside:
        assert here == "worker"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_files_and_functions_stay_short(file: Path) -> None:
    assert len(file.read_text().splitlines()) <= LONGEST_FILE
    assert [name for name, lines in functions(file) if lines > LONGEST_FUNCTION] == []


def test_most_functions_fit_a_glance() -> None:
    lengths = sorted(lines for file in FILES for _, lines in functions(file))
    assert lengths[len(lengths) * 9 // 10] <= MOST_FUNCTIONS_BELOW


@pytest.mark.parametrize("word", ["utils", "util", "common", "helpers", "helper", "manager", "misc"])
def test_names_explain_themselves(word: str) -> None:
    assert [file for file in FILES if file.stem == word or word in file.relative_to(PACKAGE).parts] == []


def test_every_part_has_its_docstring() -> None:
    assert [file for file in FILES if not ast.get_docstring(ast.parse(file.read_text()))] == []
