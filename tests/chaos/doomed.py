"""The ordinary command line, in a process that kills itself at a point of the flow, or whose broker gives messages away
to others after so many seconds: `python -m tests.chaos.doomed --point NAME --nth N --visibility SECONDS -- WORDS`.

It does not outlive the chaos that started it, however that ends.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys

from pipeline.sandbox.processes import die_with
from tests.chaos.points import POINTS


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--point", choices=POINTS)
    parser.add_argument("--nth", type=int, default=1)
    parser.add_argument("--visibility", type=float)
    parser.add_argument("words", nargs="+")
    asked = parser.parse_args()
    die_with(os.getppid(), signal.SIGKILL)
    if asked.visibility:
        _hide_messages_for(asked.visibility)
    if asked.point:
        POINTS[asked.point].arm(asked.nth)
    sys.argv = ["pipeline", *asked.words]
    from pipeline.__main__ import main as run  # noqa: PLC0415 - what it imports is armed by now

    run()


def _hide_messages_for(seconds: float) -> None:
    from pipeline.worker.app import app  # noqa: PLC0415

    app.conf.broker_transport_options["visibility_timeout"] = seconds


if __name__ == "__main__":
    main()
