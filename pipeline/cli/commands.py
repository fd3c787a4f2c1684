"""The commands by name. One that is called for is imported alone: a service starts without what only others need."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import typer

PANELS = {
    "Make pictures": {
        "run": "run",
        "plan": "plan",
        "submit": "run",
        "status": "look",
        "watch": "look",
        "show": "show",
        "report": "look",
        "export": "export",
        "retry": "retry",
        "resolve": "steer",
        "pause": "steer",
        "resume": "steer",
        "cancel": "steer",
        "priority": "steer",
        "schedule": "schedule",
    },
    "Services": {
        "up": "up",
        "check": "serve",
        "migrate": "serve",
        "worker": "serve",
        "beat": "serve",
        "hooks": "hooks",
        "flower": "flower",
        "sandbox": "sandbox",
    },
}
"""Of each panel of `pipeline --help`: the commands, and the module of this package that has the function so named; of a
group of commands, their application."""


def app_for(words: Sequence[str]) -> typer.Typer:
    """The application that these words of a command line need: the command that they begin with, else all of them."""
    app = typer.Typer(
        help="From a manifest to pictures on disk: each paid for once, none lost.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
    )
    app.callback()(_group)
    known = [(panel, *command) for panel, commands in PANELS.items() for command in commands.items()]
    called = [command for command in known if command[1] in words[:1]]
    for panel, name, module in called or known:
        _add(app, name, panel, getattr(import_module(f"pipeline.cli.{module}"), name))
    return app


def _add(app: typer.Typer, name: str, panel: str, command: Any) -> None:
    if isinstance(command, typer.Typer):
        app.add_typer(command, name=name, rich_help_panel=panel)
    else:
        app.command(name, rich_help_panel=panel)(command)


def _group() -> None:
    """Without it Typer would take a single command for the whole application."""
