"""Words of a `then` grow into a tree of follow-ups: ranges spread out, every word checked where it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from pipeline.action import Action, Makes
from pipeline.errors import Fault
from pipeline.inputs import Input
from pipeline.manifest.follow_up_names import EXAMPLES, Named, Unnamed, named, upscale_meant, value_missing, with_value
from pipeline.manifest.following import PROMPTED, Parent, refusal
from pipeline.manifest.place import Faults, Place, Unreadable
from pipeline.manifest.prompts import Prompts
from pipeline.manifest.then_words import Said, Then, Word, split
from pipeline.then import FAMILIES, FollowUp

MAX_DEPTH = 5
"""Levels of follow-ups: in `V1(U2)` there are two."""

MAX_TASKS = 1000
"""Tasks that one row may become, itself included."""

Siblings = dict[str, FollowUp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What follow-ups grow on: the action before them, and how what they say is checked."""

    action: Action | None
    """None: not known yet, in the defaults of a file."""
    mask: Input | None
    """The row's own, for each `vary_region` that names none."""
    faults: Faults
    prompts: Prompts
    mask_of: Callable[[Said], Input | None]


def grown(words: Sequence[Word], place: Place, ground: Ground) -> Then:
    """The whole `then` of a row, or of the defaults, which stands at `place`."""
    growth = _Growth(ground)
    follow_ups, size = growth.siblings(words, Parent.row(ground.action), 1)
    if size >= MAX_TASKS:
        message = f"this row would become {size + 1} tasks; at most {MAX_TASKS} are allowed: split it"
        ground.faults.add(place.fault(message))
        return Then()
    return Then(follow_ups=follow_ups, mask_places=growth.mask_places)


@lru_cache(maxsize=256)
def from_text(
    text: str, action: Action | None = Action.IMAGINE, mask: Input | None = None
) -> tuple[tuple[FollowUp, ...], tuple[str, ...]]:
    """The follow-ups that a shorthand names, and what is wrong with it. Most rows of a manifest share one."""
    messages = _Messages()
    nowhere = Place(file="", line=0)
    prompts = Prompts(messages, linted=False)
    ground = Ground(action=action, mask=mask, faults=messages, prompts=prompts, mask_of=lambda _: None)
    try:
        return grown(split(text, nowhere), nowhere, ground).follow_ups, tuple(messages.told)
    except Unreadable as stop:
        return (), (*messages.told, stop.fault.message)


class _Messages(Faults):
    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    def add(self, fault: Fault) -> None:
        self.told.append(fault.message)


@dataclass(slots=True)
class _Growth:
    ground: Ground
    mask_places: dict[Input, Place] = field(default_factory=dict)

    def siblings(self, words: Sequence[Word], parent: Parent, depth: int) -> tuple[tuple[FollowUp, ...], int]:
        """The follow-ups of one parent, and how many tasks they become with all below them."""
        if words and depth > MAX_DEPTH:
            self._tell(words[0], f"follow-ups are nested more than {MAX_DEPTH} deep: {words[0].text} is too far")
            return (), 0
        found: Siblings = {}
        total = 0
        for word, names in self._named(words, parent):
            if problem := next(filter(None, (refusal(name, parent) for name in names)), None):
                self._tell(word, problem)
                continue
            family = FollowUp(names[0]).family
            prompt, mask = self._prompt(word, family), self._mask(word, family)
            then, size = self.siblings(word.then, Parent(names[0], FAMILIES[family].makes), depth + 1)
            total += len(names) * (1 + size)
            for name in names:
                unique = self._unique(word, name, found, prompt, mask)
                found[unique] = FollowUp(unique, then, prompt, mask)
        return tuple(found.values()), total

    def _unique(self, word: Word, name: str, found: Siblings, prompt: str | None, mask: Input | None) -> str:
        alike = [one for one in found.values() if one.word.partition("~")[0] == name]
        if any((one.prompt, one.mask) == (prompt, mask) for one in alike):
            self._tell(word, f"{name} is named twice: once is enough")
            return name
        return f"{name}~{len(alike) + 1}" if alike else name

    def _prompt(self, word: Word, family: str) -> str | None:
        if word.prompt is None:
            return None
        if family not in PROMPTED:
            self.ground.faults.add(word.prompt.where().fault(f"{family} takes no prompt of its own: remove it"))
            return None
        if cut := word.prompt.node.cut:
            at = word.prompt.where()
            at = Place(file=at.file, line=cut.line, column=cut.column, path=at.path)
            self.ground.faults.add(at.fault(cut.message))
        return self.ground.prompts.flagged(word.prompt.node.text, word.prompt.where) or None

    def _mask(self, word: Word, family: str) -> Input | None:
        if family != "vary_region":
            if word.mask:
                self.ground.faults.add(word.mask.where().fault(f"{family} takes no mask: it belongs to vary_region"))
            return None
        if word.mask:
            mask = self.ground.mask_of(word.mask)
            if mask:
                self.mask_places.setdefault(mask, word.mask.where())
            return mask
        if self.ground.mask is None:
            self._tell(word, "vary_region needs a mask: name one in the row, as `mask: mask.png`, white where to vary")
        return self.ground.mask

    def _named(self, words: Sequence[Word], parent: Parent) -> Iterator[tuple[Word, tuple[str, ...]]]:
        """Each word with the follow-ups it names. Tells of those that name none."""
        rest = list(reversed(words))
        while rest:
            word = rest.pop()
            try:
                meant = named(word.text) if word.value is None else _valued(word)
                if meant.lacks_value:
                    meant, word = _completed(meant, word, rest)
                if meant.lacks_value:
                    self._tell(word, _incomplete(meant.family, word.text, parent))
                    continue
                if meant.family == "upscale" and meant.values[0].isdigit():
                    meant = upscale_meant(meant, parent.makes)
            except Unnamed as problem:
                self._tell(word, _prompt_meant(word.text, parent) or str(problem))
            else:
                yield word, meant.words

    def _tell(self, word: Word, message: str) -> None:
        self.ground.faults.add(word.place.fault(message))


def _prompt_meant(text: str, parent: Parent) -> str | None:
    """What to say of a mere number where it can only be that of a prompt."""
    if parent.makes not in {Makes.PROMPTS, Makes.SHORTENED} or text not in FAMILIES["imagine"].values:
        return None
    return f"`{text}` is no follow-up: did you mean `imagine-{text}`?"


def _incomplete(family: str, text: str, parent: Parent) -> str:
    example = EXAMPLES.get(family)
    return (refusal(example, parent) if example else None) or value_missing(family, text, parent.makes)


def _valued(word: Word) -> Named:
    """`zoom: 1.5`, and `variation: 2`."""
    family = named(word.text)
    if not family.lacks_value:
        raise Unnamed(f"`{word.whole}`: {family.words[0]} takes no value")
    return with_value(family.family, word.value or "", word.whole)


def _completed(meant: Named, word: Word, rest: list[Word]) -> tuple[Named, Word]:
    """`vary (strong)` and `pan left`: the value stands where a word would, inside or next, and is taken from there."""
    source = word.then if len(word.then) == 1 else rest if not word.then else []
    if source and source[-1].value is None:
        try:
            complete = with_value(meant.family, source[-1].text, word.text)
        except Unnamed:
            return meant, word
        # A word may stand under several others, so it is left as it is.
        value = rest.pop() if source is rest else source[-1]
        return complete, replace(word, then=value.then)
    return meant, word
