"""Whatever happens in Fxiaoke, to its fields, to the API user's rights, to the clocks and to our syncs, in whatever
order: the warehouse says what the sandbox's truth says.

- After every sync that ends well: what Fxiaoke stamps or lists as void is right; where the warehouse differs, the
  difference has a name in `fxiaoke_life` (it is neither stamped nor listed). A sweep in every sync would hide faults of
  the increment.
- After every sync, also one that failed: history holds exactly what polling could observe (`observer`).
- After a sweep every record is there or gone as in Fxiaoke; after a full read everything is right.

`LIVES=500 python -m pytest -m slow tests/pipeline/test_fxiaoke_property.py` lives as many lives as you like.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pipeline.fxiaoke_life import (
    COUNTED,
    ENTITIES,
    HIDDEN,
    KINDS_OF_FIELDS,
    LOST,
    PATHS,
    QUERY,
    SHOWN,
    VOIDED,
    life,
)
from tests.pipeline.life import RECOMPUTED, REMOVED, RESTORED, Step
from tests.pipeline.plans import clocks, does, few, live, many, numbers, picks, plans, syncs

entities = st.sampled_from(sorted(ENTITIES.values()))
acts = st.one_of(
    does("edit", entities, picks, numbers),
    does("edit", st.just("deals"), picks, numbers),
    does("create", entities, numbers),
    does("delete", entities, picks, st.booleans()),
    does("restore", entities, picks, st.booleans()),
    does("recreate", st.sampled_from(["deals", "contacts"]), picks),
    does("recompute", picks, numbers),
)
fields = st.one_of(
    does("add_field", entities, st.sampled_from(KINDS_OF_FIELDS)),
    does("rename_field", entities, picks, numbers),
    does("remove_field", entities, picks),
)
rights = does(
    "rights", st.sampled_from(["denied", "unshared", "unseen", "unseen", "back", "back"]), entities, numbers
)
paths = st.sampled_from(sorted(set(PATHS)))
calls = st.integers(0, 15)
interrupted = does("sync", st.sampled_from(["interrupted", "stopped"]), st.integers(0, 4), calls)
faulty = does(
    "sync",
    st.just("faulty"),
    st.sampled_from(["html", "truncated", "truncated_json", "token_revoked", "duplicate_row", "disorder"]),
    paths,
    calls,
) | does(
    "sync", st.just("faulty"), st.just("error_code"), paths, calls, st.sampled_from([-1, 50009, 30004, 20016])
)
moments = st.one_of(acts, acts, acts, fields, rights, clocks, syncs(acts, interrupted, faulty))


@pytest.fixture(scope="module")
def first_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that has synced the company once."""
    folder = tmp_path_factory.mktemp("first")
    with life(None, folder, True) as lived:
        lived.do(("sync", "full"))
    shutil.rmtree(folder / "home" / "cache")  # its token is of another company
    return folder / "home"


EVENTFUL: list[Step] = [
    ("edit", "deals", 4, 1),
    ("step", 59),
    ("edit", "deals", 3, 1),
    ("delete", "contacts", 3, False),
    ("sync", "plain"),
    ("edit", "deals", 3, 2),  # in the second in which it was read
    ("our_clock", -90),
    ("add_field", "deals", "integer"),
    ("edit", "deals", 4, 5),
    ("delete", "accounts", 0, False),
    ("sync", "interrupted", 1, 5),
    ("sync", "faulty", "truncated_json", QUERY, 3),
    (
        "sync",
        "while",
        2,
        [("edit", "accounts", 0, 7), ("delete", "deals", 2, False), ("create", "contacts", 3)],
    ),
    ("step", 3600),  # what is older lies behind the overlap
    ("delete", "contacts", 0, False),
    ("delete", "visit_reports", 1, True),  # for good: nobody tells
    ("sync", "plain"),
    ("step", 3600),
    ("edit", "contacts", 1, 2),
    ("edit", "deals", 1, 3),
    ("sync", "plain"),
    ("step", 301),
    ("restore", "contacts", 0, False),
    ("sync", "stopped", 1, 3),
    ("edit", "deals", 0, 4),  # behind the page at which the full read was stopped
    ("sync", "plain"),
    ("recompute", 1, 8),
    ("edit", "accounts", 1, 4),
    ("sync", "killed", 3, 1),
    ("rights", "unseen", "deals", 2),  # few enough to be taken for deleted
    ("rights", "unshared", "visit_reports", 1),  # all at once is stopped
    ("rights", "denied", "accounts", 1),
    ("sync", "swept"),
    ("edit", "deals", 4, 8),  # out of sight
    ("edit", "visit_reports", 0, 8),
    ("step", 3600),
    ("edit", "deals", 0, 6),
    ("sync", "plain"),
    ("rights", "back", "deals", 1),
    ("remove_field", "deals", 0),
    ("sync", "interrupted", 1, 4),
    ("sync", "plain"),
]


@pytest.mark.slow
@pytest.mark.parametrize("stamps", [True, False], ids=["stamped", "unstamped"])
def test_an_eventful_life(first_home: Path, stamps: bool) -> None:
    """Everything that can happen, once."""
    excused = live(life, first_home, EVENTFUL, stamps, ("swept", "full"))
    unseen = {RESTORED, RECOMPUTED, REMOVED, COUNTED, LOST, HIDDEN, SHOWN} | (set() if stamps else {VOIDED})
    assert excused == unseen, "a plan in which nothing goes unseen proves less"


@settings(few, max_examples=2)
@given(plan=plans(moments, 4, 9), stamps=st.booleans())
def test_a_few_lives(first_home: Path, plan: list[Step], stamps: bool) -> None:
    live(life, first_home, [*plan, ("rights", "back", "deals", 1)], stamps, ("plain", "whole"))


@pytest.mark.slow
@pytest.mark.timeout(0)
@many
@given(plan=plans(moments, 8, 40), stamps=st.booleans())
def test_many_lives(first_home: Path, plan: list[Step], stamps: bool) -> None:
    live(life, first_home, [*plan, ("rights", "back", "deals", 1)], stamps, ("plain", "swept", "full"))
