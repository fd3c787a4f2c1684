"""The follow-ups of a row: its own or the file's, with masks that have the shape of what they cover."""

from __future__ import annotations

from collections.abc import Callable

from pipeline.action import Action
from pipeline.inputs import Input, Role
from pipeline.manifest.entry import Entry
from pipeline.manifest.following import Parent, fitting
from pipeline.manifest.place import Faults
from pipeline.manifest.prompts import Prompts
from pipeline.manifest.shapes import Shape, depend_on_shape, fits, shaped
from pipeline.manifest.sources import Sources
from pipeline.manifest.then_tree import Ground
from pipeline.manifest.then_words import Then
from pipeline.then import FollowUp

_LOST = Input(role=Role.MASK, sha256="0" * 64)
"""Stands for a mask that was told to be wrong, so that nobody asks for one."""


class RowThen:
    """Reads what follows each row of one manifest."""

    def __init__(self, default: Then, sources: Sources, prompts: Prompts, faults: Faults) -> None:
        self._default = default
        self._sources = sources
        self._prompts = prompts
        self._faults = faults
        self._fitting: dict[Action | None, tuple[FollowUp, ...]] = {}

    def follow_ups(self, entry: Entry, action: Action | None, shape: Callable[[], Shape]) -> tuple[FollowUp, ...]:
        """What follows a row of this action, whose picture has this shape as far as that is known."""
        before = self._faults.count
        mask = self._mask(entry) if entry.says("mask") else None
        then = entry.then(self._ground(action, mask)) if entry.then else self._inherited(action)
        if action and depend_on_shape(then.follow_ups):
            self._check_shapes(entry, then, shape())
        elif mask and self._faults.count == before:
            message = "no `vary_region` in this row's `then` uses this mask: add one, as in `U1(vary_region)`"
            self._faults.add(entry.place("mask").fault(message))
        return then.follow_ups

    def _ground(self, action: Action | None, mask: Input | None) -> Ground:
        return Ground(action=action, mask=mask, faults=self._faults, prompts=self._prompts, mask_of=self._sources.mask)

    def _inherited(self, action: Action | None) -> Then:
        """Those of the defaults that can follow such a row: one file may have rows of many kinds."""
        if action not in self._fitting:
            self._fitting[action] = fitting(self._default.follow_ups, Parent.row(action))
        return Then(follow_ups=self._fitting[action], mask_places=self._default.mask_places)

    def _mask(self, entry: Entry) -> Input | None:
        named = self._sources.named(entry, "mask")
        if len(named) != 1:
            self._faults.add(entry.place("mask").fault("`mask` is one picture"))
            return _LOST
        found = self._sources.find(named[0], Role.MASK)
        return found.input if found else _LOST

    def _check_shapes(self, entry: Entry, then: Then, shape: Shape) -> None:
        for one, covered in shaped(then.follow_ups, shape):
            if one.family == "square" and covered and covered[0] == covered[1]:
                message = "square cannot make this picture square: it is so already, unless its prompt says `--ar`"
                self._faults.add(entry.place("then").fault(message))
            elif one.mask and (problem := self._misfit(one, one.mask, covered)):
                place = then.mask_places.get(one.mask) or entry.place("mask")
                self._faults.add(place.fault(problem))

    def _misfit(self, one: FollowUp, mask: Input, shape: Shape) -> str | None:
        picture = self._sources.masks.get(mask.sha256 or "")
        if picture is None or shape is None or fits(picture.width, picture.height, shape):
            return None
        wide, high = shape
        return (
            f"the mask is {picture.width} x {picture.height}, but {one.word} works on a picture of {wide}:{high}: "
            f"give the mask that shape, such as {picture.width} x {round(picture.width * high / wide)}"
        )
