"""The command line. Human text on stdout, progress and errors on stderr.

Exit status: 0 all delivered; 1 some tasks failed or wait for a person; 2 the manifest or the usage is wrong (nothing
was sent); 3 a service cannot be reached; 130 interrupted (the batch can be continued).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import typer
from sqlalchemy.exc import OperationalError

from pipeline.cli.export import export
from pipeline.cli.hooks import hooks
from pipeline.cli.interruption import listen
from pipeline.cli.look import report, status, watch
from pipeline.cli.plan import plan
from pipeline.cli.retry import retry
from pipeline.cli.run import run, submit
from pipeline.cli.sandbox import sandbox
from pipeline.cli.serve import beat, check, migrate, worker
from pipeline.cli.steer import resolve
from pipeline.errors import PipelineError

INTERRUPTED = 130
UNREACHABLE = 3

app = typer.Typer(
    help="From a manifest to pictures on disk: each paid for once, none lost.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
PANELS: dict[str, tuple[Callable[..., None], ...]] = {
    "Make pictures": (run, plan, submit, status, watch, report, export, retry, resolve),
    "Each service alone": (check, migrate, worker, beat, hooks, sandbox),
}
for panel, commands in PANELS.items():
    for command in commands:
        app.command(rich_help_panel=panel)(command)


def main() -> None:
    """The entry point: every expected failure is a sentence on stderr and an exit status."""
    listen()
    try:
        code = app(standalone_mode=True)
    except PipelineError as failure:
        print(failure, file=sys.stderr)
        code = failure.exit_status
    except OperationalError as failure:
        words = " ".join(str(failure.orig).split())
        print(f"Postgres went away: {words}. The batch goes on when it is back", file=sys.stderr)
        code = UNREACHABLE
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code)
