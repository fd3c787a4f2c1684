"""When this process is told to stop. Once: what has begun goes on to its end, and nothing else begins. Twice, or when
that takes too long: it stops at once, and rescue puts right what is left."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time

from pipeline.log import Log

log = Log("worker")

STOP_WITHIN = 150.0
"""Seconds that a worker may take to end: what a POST without pictures takes at most, once it is on its way."""
ONE_WORD = 1.0
"""Seconds within which a second signal is the first one again: a terminal and a supervisor may both have sent it."""
SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT}
CUT_OFF = 1
"""The exit status of a process that did not stop by itself."""

_told = threading.Event()


def told() -> bool:
    """Whether this process has been told to stop, so that nothing may begin any more."""
    return _told.is_set()


def listen(within: float) -> None:
    """Hears the signals besides whoever handles them, even while the main thread is stuck. Called once, by it."""
    ear, bell = socket.socketpair()
    bell.setblocking(False)
    signal.set_wakeup_fd(bell.detach(), warn_on_full_buffer=False)
    threading.Thread(target=_obey, args=(ear, within), name="stopping", daemon=True).start()


def _obey(ear: socket.socket, within: float) -> None:
    _hears(ear, None)
    _told.set()
    log.info("stopping", within=round(within), note="what has begun goes on, what waits is handed back")
    now = time.monotonic()
    second_counts, ends = now + ONE_WORD, now + within
    while (again := _hears(ear, ends)) and time.monotonic() < second_counts:
        pass
    why = "told twice" if again else f"not at an end after {within:.0f} seconds"
    log.warning("stopped_at_once", why=why, note="what was in flight is in doubt, and nothing is lost")
    os._exit(CUT_OFF)


def _hears(ear: socket.socket, until: float | None) -> bool:
    """Waits for one of the signals; whether one came in time."""
    while True:
        ear.settimeout(None if until is None else max(0.001, until - time.monotonic()))
        try:
            if ear.recv(1)[0] in SIGNALS:
                return True
        except TimeoutError:
            return False
