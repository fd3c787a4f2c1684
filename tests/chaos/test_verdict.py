"""The audit itself: whatever should not be is found."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.chaos.evidence import Evidence, Known, Made, tracebacks
from tests.chaos.verdict import Verdict, judge

FOX = Known(
    id=1,
    name="spring/fox",
    parent_id=None,
    state="delivered",
    reason=None,
    waits=False,
    remote_id="r1",
    path="spring/fox.png",
    sha256="aa",
    attempts=1,
    was_in_doubt=False,
    sent_again=0,
    began=10.0,
    home=20.0,
)
FOLLOW_UPS = tuple(
    replace(FOX, id=n, name=f"spring/fox-U{n - 1}", parent_id=1, remote_id=f"r{n}", path=f"spring/fox-U{n - 1}.png")
    for n in range(2, 6)
)
WHOLE = Evidence(
    made=tuple(Made(id=f"r{n}", token=f"t{n}", finished=True) for n in range(1, 6)),
    known=(FOX, *FOLLOW_UPS),
    tokens={f"t{n}": n for n in range(1, 6)},
    works={f"work {n}": 1 for n in range(1, 6)},
    asked_for=5,
    files={one.path: "aa" for one in (FOX, *FOLLOW_UPS) if one.path},
    records={one.path: one.remote_id for one in (FOX, *FOLLOW_UPS) if one.path and one.remote_id},
    tracebacks=(),
    deaths=(),
    faults=(),
    misbehaved=0,
)


def audit(evidence: Evidence, **words: bool) -> Verdict:
    return judge(evidence, hurts=frozenset(), **words)


def with_fox(**values: object) -> Evidence:
    return replace(WHOLE, known=(replace(FOX, **values), *FOLLOW_UPS))  # type: ignore[arg-type]


def paid_twice(**values: object) -> Evidence:
    again = Made(id="r6", token="t6", finished=True)
    tokens, works = WHOLE.tokens | {"t6": 1}, WHOLE.works | {"work 1": 2}
    return replace(with_fox(**values), made=(*WHOLE.made, again), tokens=tokens, works=works)


def test_what_is_whole_passes() -> None:
    found = audit(WHOLE)
    assert (found.accepted, found.duplicates, found.lost, found.violations) == (5, 0, 0, ())


def test_a_task_that_was_accepted_twice_is_a_duplicate() -> None:
    found = audit(paid_twice())
    assert (found.duplicates, found.resubmits) == (1, 0)
    assert found.violations == ("paid twice: spring/fox was accepted 2 times (delivered)",)


def test_a_resubmit_is_counted_apart_only_where_the_policy_allows_it_and_the_records_tell_of_it() -> None:
    told = paid_twice(sent_again=1)
    assert (audit(told).duplicates, audit(told).resubmits) == (1, 0)
    assert (audit(told, may_resubmit=True).duplicates, audit(told, may_resubmit=True).resubmits) == (0, 1)
    assert audit(paid_twice(), may_resubmit=True).duplicates == 1


def test_what_the_server_counts_and_the_records_do_not_is_a_duplicate() -> None:
    assert audit(replace(WHOLE, works=WHOLE.works | {"work 1": 2})).duplicates == 1


def test_what_was_paid_and_carries_no_token_of_ours_is_found() -> None:
    stranger = Made(id="r9", token="t9", finished=True)
    assert audit(replace(WHOLE, made=(*WHOLE.made, stranger))).duplicates == 1


@pytest.mark.parametrize(
    "evidence",
    [
        with_fox(state="failed", reason="the API said no", path=None),
        replace(WHOLE, files=WHOLE.files | {"spring/fox.png": ""}),
        replace(WHOLE, files=WHOLE.files | {"spring/fox.png": "bb"}),
        replace(WHOLE, records=WHOLE.records | {"spring/fox.png": "r2"}),
        replace(WHOLE, known=WHOLE.known[:-1], made=WHOLE.made[:-1], works={}),
        replace(WHOLE, asked_for=10),
    ],
    ids=["given-up", "no-file", "another-file", "another-record", "no-follow-up", "no-row"],
)
def test_a_picture_that_was_made_and_is_not_at_home_is_lost(evidence: Evidence) -> None:
    found = audit(evidence)
    assert found.lost == 1
    assert any(violation.startswith("lost: ") for violation in found.violations)


def test_doubt_is_allowed_with_its_reason_unless_the_server_could_have_been_asked() -> None:
    doubted = with_fox(state="in_doubt", reason="the reply was lost", path=None)
    assert audit(doubted, can_look=False).violations == ()
    assert audit(doubted).lost == 1
    assert audit(with_fox(state="in_doubt", path=None), can_look=False).violations != ()


@pytest.mark.parametrize("state", ["planned", "submitting", "submitted", "running", "succeeded"])
def test_what_is_not_over_is_found(state: str) -> None:
    assert any(one.startswith("not settled: ") for one in audit(with_fox(state=state)).violations)


def test_what_met_a_fault_and_came_home_has_recovered() -> None:
    assert audit(replace(WHOLE, faults=(15.0,), misbehaved=2)).faults == 3
    assert audit(replace(WHOLE, faults=(15.0,))).recovered == 5
    assert audit(replace(WHOLE, faults=(5.0, 25.0))).recovered == 0
    assert audit(with_fox(attempts=2)).recovered == 1


def test_a_traceback_is_excused_only_where_its_service_was_hurt() -> None:
    away = replace(WHOLE, tracebacks=(("flow-1", "sqlalchemy.exc.OperationalError: connection refused"),))
    assert judge(away, hurts=frozenset({"postgres"})).violations == ()
    assert len(judge(away, hurts=frozenset({"redis"})).violations) == 1


def test_tracebacks_are_found_in_lines_of_json_and_outside_of_them(tmp_path: Path) -> None:
    raised = "Traceback (most recent call last):\n  File ...\n"
    chained = f"{raised}KeyError: 1\n\nThe above exception was the direct cause ...\n\n{raised}OSError: no\n  more"
    lines = (
        json.dumps({"event": "fine"}),
        json.dumps({"event": "read_crashed", "exception": chained}),
        '{"event": "killed while it wro',
        f"{raised}ValueError: raw",
        json.dumps({"event": "moved", "why": raised}),
    )
    (tmp_path / "flow-1.log").write_text("\n".join(lines))
    assert list(tracebacks(tmp_path)) == [("flow-1", "OSError: no"), ("flow-1", "ValueError: raw")]


def test_a_process_that_ended_by_itself_is_found() -> None:
    assert audit(replace(WHOLE, deaths=("flow-1 (1)",))).violations == ("flow-1 (1) ended by itself",)
