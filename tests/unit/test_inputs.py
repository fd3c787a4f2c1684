from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from pipeline.inputs import Input, Role, inputs_from_json, inputs_to_json

texts = st.text(min_size=1, max_size=5)
roles = st.sampled_from(Role)
inputs = st.one_of(
    st.builds(Input, role=roles, sha256=texts),
    st.builds(Input, role=roles, url=texts),
    st.builds(Input, role=roles, stems=st.lists(texts, min_size=1, max_size=3).map(tuple)),
)


@given(st.lists(inputs, max_size=4).map(tuple))
def test_inputs_survive_json_and_are_equal_to_what_a_database_gives_back(given: tuple[Input, ...]) -> None:
    listed = inputs_to_json(given)
    assert json.loads(json.dumps(listed)) == listed
    assert inputs_from_json(listed) == given
