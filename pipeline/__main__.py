"""The entry point: `pipeline` and `python -m pipeline`. Imports late: Ctrl-C is quiet from the first moment."""

from __future__ import annotations

import sys


def main() -> None:
    try:
        from pipeline.cli import main as run  # noqa: PLC0415

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
