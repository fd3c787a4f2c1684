"""Which of the parent's buttons a follow-up presses, by its customId: labels are emoji, translated or empty.

Grammar: `MJ::JOB::<operation>::<n>::<hash>[::SOLO]` or `MJ::<Family>::...`; some servers write `Job`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pipeline.then import family_and_value

_SIGNS = {
    "U": "MJ::JOB::upsample::{value}",
    "V": "MJ::JOB::variation::{value}",
    "R": "MJ::JOB::reroll::0",
    "vary": "MJ::JOB::{value}_variation",
    "vary_region": "MJ::Inpaint",
    "square": "MJ::Outpaint::100",
    "pan": "MJ::JOB::pan_{value}",
    "bookmark": "MJ::BOOKMARK",
}
_VARY = {"subtle": "low", "strong": "high"}
_OUTPAINT = {2.0: "50", 1.5: "75"}
"""The percentage to which the picture shrinks, by the factor of the zoom."""
_CUSTOM_ZOOM = "MJ::CustomZoom"


def signs(word: str, *, own_prompt: bool = False) -> Iterator[str]:
    """How the customIds begin that do what the word says, the best first; `*` stands for anything but `::`."""
    family, value = family_and_value(word)
    match family:
        case "zoom":
            percentage = None if own_prompt else _OUTPAINT.get(float(value))
            if percentage:
                yield f"MJ::Outpaint::{percentage}"
            yield _CUSTOM_ZOOM
        case "upscale":
            # The version of the model stands before the size: v5, v6, v6r1, v7.
            yield f"MJ::JOB::upsample_*_{value}"
        case "vary":
            yield _SIGNS[family].format(value=_VARY[value])
        case _ if family in _SIGNS:
            yield _SIGNS[family].format(value=value)


def button_for(wanted: Iterable[str], offered: Iterable[str]) -> str | None:
    """The first of the offered customIds that begins as the best of the wanted signs says."""
    customs = tuple(offered)
    for sign in wanted:
        begins = re.compile(re.escape(sign).replace(r"\*", "[^:]*") + r"(?:::|$)", re.IGNORECASE)
        found = next((custom for custom in customs if begins.match(custom)), None)
        if found:
            return found
    return None
