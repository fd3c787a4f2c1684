"""What a row says beside its prompt and its pictures: `bot`, `dimensions`, `account_filter`, `requires` and so on."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from pipeline.manifest.entry import Entry
from pipeline.manifest.nodes import Items, Node, Pairs, Scalar
from pipeline.manifest.place import Faults, Place
from pipeline.manifest.text import CONTROL
from pipeline.manifest.vocabulary import DOING, listed, nearest, plain
from pipeline.task import Mode

MAX_STATE = 255
"""Characters, of ASCII: what servers keep."""

_CHOICES: Mapping[str, Mapping[str, Any]] = {
    "dimensions": {"portrait": "PORTRAIT", "square": "SQUARE", "landscape": "LANDSCAPE"},
    "bot": {"mj": "MID_JOURNEY", "niji": "NIJI_JOURNEY"},
    "motion": {"low": "low", "high": "high"},
    "loop": {"true": True, "false": False},
}
_ALSO = {
    "2:3": "portrait",
    "1:1": "square",
    "3:2": "landscape",
    "mid_journey": "mj",
    "midjourney": "mj",
    "niji_journey": "niji",
    "nijijourney": "niji",
    "yes": "true",
    "on": "true",
    "no": "false",
    "off": "false",
}
_WHOLE_NUMBER = re.compile(r"-?(0|[1-9]\d{0,17})")


def options(entry: Entry, faults: Faults) -> dict[str, Any]:
    """Everything that goes into `Row.options`."""
    said: dict[str, Any] = {}
    for word in _CHOICES:
        if word in entry.words and entry.says(word):
            said[word] = _chosen(entry, word, faults)
    if entry.says("account_filter"):
        said["account_filter"] = _account_filter(entry, faults)
    if entry.says("state"):
        said["state"] = _state(entry, faults)
    return said


def mode(entry: Entry, faults: Faults) -> Mode | None:
    return mode_in(entry.text("mode"), entry.place("mode"), faults)


def mode_in(text: str, place: Place, faults: Faults) -> Mode | None:
    """The mode that a text names."""
    word = text.strip().casefold()
    if word in tuple(Mode):
        return Mode(word)
    faults.add(place.fault(_no_choice("mode", text.strip(), tuple(Mode))))
    return None


def required(entry: Entry, faults: Faults) -> tuple[str, ...]:
    """The abilities that the row requires of a server."""
    node = entry.node("requires")
    place = entry.place("requires")
    if isinstance(node, Pairs):
        faults.add(place.fault("`requires` is a list of words, such as `zoom, pan`"))
        return ()
    nodes = node.nodes if isinstance(node, Items) else [node]
    words = [word for one in nodes if isinstance(one, Scalar) for word in re.split(r"[,;\s]+", one.text) if word]
    for word in words:
        if plain(word) not in DOING:
            near = nearest(plain(word), DOING)
            hint = f"did you mean `{near}`?" if near else f"known are {listed(DOING)}"
            faults.add(place.fault(f"`{word}` is nothing that a server can lack: {hint}"))
    return tuple(dict.fromkeys(plain(word) for word in words))


def _chosen(entry: Entry, word: str, faults: Faults) -> Any:
    text = entry.text(word)
    choices = _CHOICES[word]
    low = plain(text)
    if (low := _ALSO.get(low, low)) in choices:
        return choices[low]
    faults.add(entry.place(word).fault(_no_choice(word, text, choices)))
    return None


def _no_choice(word: str, text: str, choices: Mapping[str, Any] | tuple[str, ...]) -> str:
    near = nearest(text.casefold(), choices)
    return f"unknown {word} `{text}`: " + (f"did you mean `{near}`?" if near else f"choose from {listed(choices)}")


def _state(entry: Entry, faults: Faults) -> str:
    text = entry.text("state")
    if not (text.isascii() and text.isprintable()):
        faults.add(entry.place("state").fault("a state is ASCII: write it without accents, emoji and line ends"))
    elif len(text) > MAX_STATE:
        message = f"the state has {len(text)} characters, at most {MAX_STATE} are taken: shorten it"
        faults.add(entry.place("state").fault(message))
    return text


def _account_filter(entry: Entry, faults: Faults) -> Any:
    node = entry.node("account_filter")
    value = _from_json(node.text) if isinstance(node, Scalar) else _from_yaml(node)
    if not isinstance(value, dict) or CONTROL.search(_all_text(value)):
        message = 'an account filter is an object, such as {"instanceId": "1118138338562560102"}'
        faults.add(entry.place("account_filter").fault(message))
        return {}
    return value


def _from_json(text: str) -> Any:
    try:
        value = json.loads(text, parse_constant=_refuse)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return value


def _refuse(_: str) -> None:
    raise ValueError("no JSON")


def _from_yaml(node: Node) -> Any:
    if isinstance(node, Items):
        return [_from_yaml(one) for one in node.nodes]
    if isinstance(node, Pairs):
        return {key.text: _from_yaml(value) for key, value in node.pairs}
    if node.quoted:
        return node.text
    if node.is_nothing:
        return None
    if node.text.casefold() in {"true", "false"}:
        return node.text.casefold() == "true"
    return int(node.text) if _WHOLE_NUMBER.fullmatch(node.text) else node.text


def _all_text(value: Any) -> str:
    """Every text in it, to be looked through at once."""
    if isinstance(value, dict):
        return "".join(str(key) + _all_text(one) for key, one in value.items())
    return "".join(map(_all_text, value)) if isinstance(value, list) else str(value)
