"""The command line. Human text on stdout, progress and errors on stderr.

Exit status: 0 all delivered; 1 some tasks failed or wait for a person; 2 the manifest or the usage is wrong (nothing
was sent); 3 a service cannot be reached; 130 interrupted (the batch can be continued).
"""

from __future__ import annotations

import os
import sys

from pipeline.cli.commands import app_for
from pipeline.cli.interruption import listen
from pipeline.errors import PipelineError

INTERRUPTED = 130
UNREACHABLE = 3


def main() -> None:
    """The entry point: every expected failure is a sentence on stderr and an exit status."""
    listen()
    try:
        code = app_for(sys.argv[1:])(standalone_mode=True)
    except PipelineError as failure:
        print(failure, file=sys.stderr)
        code = failure.exit_status
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as failure:
        if (words := _of_postgres(failure)) is None:
            raise
        print(f"Postgres went away: {words}. The batch goes on when it is back", file=sys.stderr)
        code = UNREACHABLE
    sys.exit(code)


def _of_postgres(failure: Exception) -> str | None:
    """What the database said; None for a failure that is not its own."""
    from sqlalchemy.exc import OperationalError  # noqa: PLC0415 - slow to import, and not every command needs it

    return " ".join(str(failure.orig).split()) if isinstance(failure, OperationalError) else None
