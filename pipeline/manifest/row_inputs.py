"""Which pictures each action takes, and under which words a row names them."""

from __future__ import annotations

from pipeline.action import Action
from pipeline.inputs import Role
from pipeline.manifest.entry import Entry
from pipeline.manifest.nodes import Pairs
from pipeline.manifest.place import Faults, Place
from pipeline.manifest.sources import Found, Source, Sources
from pipeline.manifest.vocabulary import plain

MOST_BLENDED = 5

Named = list[tuple[Role, Source]]


def inputs(entry: Entry, action: Action, word: str, sources: Sources, faults: Faults) -> list[Found]:
    """The pictures of a row, in the order in which they are sent. `word` is what the row calls its action."""
    before = faults.count
    named, problem = _named(entry, action, word, sources)
    if problem and faults.count == before:
        faults.add(entry.place(word).fault(problem))
    found = [one for role, source in named if (one := sources.find(source, role))]
    if action is Action.SWAP_FACE and len(found) == 2 and found[0].name == found[1].name:
        faults.add(entry.place(word).fault("the face and the picture that receives it are the same: name two"))
    return found


def _named(entry: Entry, action: Action, word: str, sources: Sources) -> tuple[Named, str | None]:
    """The pictures that are named, and what is wrong with their number."""
    if action is Action.SWAP_FACE:
        return _faces(entry, word, sources)
    if action in {Action.EDIT, Action.VIDEO}:
        return _start_and_end(entry, action, sources)
    if action is Action.SHORTEN:
        return [], None
    listed = sources.named(entry, "images" if action is Action.IMAGINE else word)
    problem = None
    if action is Action.BLEND and not 2 <= len(listed) <= MOST_BLENDED:
        problem = f"a blend mixes 2 to {MOST_BLENDED} pictures, and this one has {len(listed)}"
        if len(listed) == 1 and word not in entry.nodes:
            problem += ": write ` | ` between them"
    if action is Action.DESCRIBE and len(listed) != 1:
        problem = f"a describe looks at one picture, and this one has {len(listed)}: write a row for each"
    if action is Action.UPLOAD and not listed:
        problem = "an upload needs at least one picture"
    return [(Role.IMAGE, one) for one in listed], problem


def _start_and_end(entry: Entry, action: Action, sources: Sources) -> tuple[Named, str | None]:
    starts, ends = sources.named(entry, "image"), sources.named(entry, "end")
    called = "an edit" if action is Action.EDIT else "a video"
    problem = None
    if len(starts) != 1:
        problem = f"{called} starts from one picture, and this one has {len(starts)}: name it under `image`"
    elif len(ends) > 1:
        problem = f"a video ends in one picture, and this one has {len(ends)}"
    return [(Role.IMAGE, one) for one in starts] + [(Role.END, one) for one in ends], problem


def _faces(entry: Entry, word: str, sources: Sources) -> tuple[Named, str | None]:
    node = entry.nodes.get(word)
    if isinstance(node, Pairs):
        by_role = _faces_in(node, entry.place(word), sources)
    elif entry.says("source") or entry.says("target"):
        by_role = {role: sources.named(entry, role) for role in ("source", "target")}
        if word == "swap_face" and entry.says(word):
            return [], "name the pictures under `swap_face`, or under `source` and `target`, not both"
    else:
        listed = sources.named(entry, word)
        by_role = {"source": listed[:1], "target": listed[1:]}
    named = [(Role(role), one) for role in ("source", "target") for one in by_role.get(role, [])]
    if [role for role, _ in named] != [Role.SOURCE, Role.TARGET]:
        return named, "a face swap needs two pictures: `source` has the face, `target` receives it"
    return named, None


def _faces_in(node: Pairs, place: Place, sources: Sources) -> dict[str, list[Source]]:
    by_role: dict[str, list[Source]] = {}
    for key, value in node.pairs:
        at = Place(file=place.file, line=value.line, column=value.column, path=f"{place.path}.{key.text}")
        by_role.setdefault(plain(key.text), []).extend(sources.in_node(value, at))
    return by_role
