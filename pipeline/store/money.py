"""What POSTs cost, kept with the rows of their tasks, so that no crash can lose count.

A claim reserves the price of its POST in the very transaction that commits the intent. Whatever moves the task later
moves that amount in the same statement: to spent, when it was made; to released, when it surely was not. What is in
doubt stays reserved. The three together are always the price of all POSTs.
"""

from __future__ import annotations

_HELD = "least(t.price, t.reserved)"
"""What is still reserved of the last POST's price: none of it, if it was released before."""


def moved_money(*, spent: str = "false", released: str = "false", regained: str = "false") -> str:
    """SQL that sets the money columns of `tasks t`, by conditions that exclude each other.

    `spent`: it was made. `released`: it surely costs nothing. `regained`: it was accepted after all, and may have been
    released before. A success may come so late that it is paid out of what was released.
    """
    return f"""
    reserved = t.reserved - CASE WHEN {spent} OR {released} THEN {_HELD}
        WHEN {regained} THEN {_HELD} - t.price ELSE 0 END,
    released = t.released + CASE WHEN {released} THEN {_HELD}
        WHEN {spent} OR {regained} THEN {_HELD} - t.price ELSE 0 END,
    spent = t.spent + CASE WHEN {spent} THEN t.price ELSE 0 END
    """
