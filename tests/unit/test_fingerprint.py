"""What a row is known by beside its key."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.action import Action
from pipeline.fingerprint import Fingerprints
from pipeline.inputs import Input, Role
from pipeline.task import Mode, NewTask
from pipeline.then import FollowUp

FOX = NewTask(key="fox", stem="fox", action=Action.IMAGINE, prompt="a fox", then=(FollowUp("V2", (), "a hat"),))
OWL = NewTask(key="owl", stem="owl", action=Action.IMAGINE, prompt="an owl")


def of(*tasks: NewTask) -> dict[str, str]:
    fingerprints = Fingerprints()
    return {task.key: fingerprints.of(task) for task in tasks}


def blend(key: str, *stems: str) -> NewTask:
    inputs = (Input(role=Role.IMAGE, stems=stems), Input(role=Role.IMAGE, url="http://x.test/1.png"))
    return NewTask(key=key, stem=key, action=Action.BLEND, prompt="", inputs=inputs)


@pytest.mark.parametrize(
    "other",
    [
        replace(FOX, prompt="a red fox"),
        replace(FOX, mode=Mode.FAST),
        replace(FOX, action=Action.SHORTEN),
        replace(FOX, options={"bot": "NIJI_JOURNEY"}),
        replace(FOX, inputs=(Input(role=Role.IMAGE, sha256="ab"),)),
    ],
)
def test_whatever_is_sent_makes_another_row_and_every_row_that_uses_it_another(other: NewTask) -> None:
    users = (blend("mash", "fox"), blend("film", "mash"))
    before, after = of(FOX, OWL, *users), of(OWL, other, *users)
    assert [key for key in before if before[key] != after[key]] == ["fox", "mash", "film"]


@pytest.mark.parametrize(
    "same", [replace(FOX, prompt="  a  fox "), replace(FOX, options={"state": "for Ann"}), replace(FOX, then=())]
)
def test_spacing_notes_and_follow_ups_make_no_difference(same: NewTask) -> None:
    assert of(same, OWL) == of(OWL, FOX)


def test_a_row_that_uses_a_follow_up_has_changed_with_what_that_says_of_its_own() -> None:
    user = blend("mash", "fox", "fox-V2")
    cap = replace(FOX, then=(FollowUp("U1"), FollowUp("V2", (), "a cap")))
    spaced = replace(FOX, then=(FollowUp("V2", (), "a  hat"), FollowUp("U1")))
    assert of(FOX, user)["mash"] == of(spaced, user)["mash"] != of(cap, user)["mash"]
