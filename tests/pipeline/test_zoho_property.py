"""Whatever happens in Zoho, to its fields, to the clocks and to our syncs, in whatever order: the warehouse says what
the sandbox's truth says.

- After every sync without a sweep: what the CRM stamps or lists as deleted is right; where the warehouse differs, the
  difference has a name in `zoho_life` (it is neither stamped nor listed). A sweep in every sync would hide faults of
  the increment.
- After every sync, also one that failed: history holds exactly what polling could observe (`observer`).
- After a sweep every restore is right; after a full read, which refreshes what is not stamped, everything is.

Many more plans than in the fast suite: `make test-slow`, or as many as you like with
`LIVES=500 python -m pytest -m slow tests/pipeline/test_zoho_property.py`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pipeline.life import RECOMPUTED, REMOVED, RESTORED, Step
from tests.pipeline.observer import Sight, Version, What, explained
from tests.pipeline.plans import clocks, does, few, live, many, numbers, picks, plans, syncs
from tests.pipeline.zoho_life import EMPTIED, KINDS_OF_FIELDS, MERGED, MODULES, life

NEW_YORK, SHANGHAI = "America/New_York", "Asia/Shanghai"

entities = st.sampled_from(sorted(MODULES))
acts = st.one_of(
    does("edit", entities, picks, numbers),
    does("edit", st.just("deals"), picks, numbers),
    does("create", entities, numbers),
    does("delete", entities, picks, st.booleans()),
    does("restore", entities, picks, st.booleans()),
    does("recreate", st.sampled_from(["deals", "contacts"]), picks),
    does("merge", st.sampled_from(["accounts", "contacts", "deals"]), picks, picks, st.booleans()),
    does("convert", picks, st.none() | numbers),
    does("recompute", picks, numbers),
)
fields = st.one_of(
    does("add_field", entities, st.sampled_from(KINDS_OF_FIELDS)),
    does("rename_field", entities, picks, numbers),
    does("turn_field", entities, picks, st.sampled_from(["double", "currency", "text"])),
    does("remove_field", entities, picks),
)
interrupted = does(
    "sync",
    st.sampled_from(["interrupted", "stopped"]),
    st.integers(0, 2),
    st.integers(0, 3),
    st.integers(0, 3),
)
moments = st.one_of(acts, acts, acts, fields, clocks, syncs(acts, interrupted))


@pytest.fixture(scope="module")
def first_home(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A home that has synced the company once, made once for each zone."""

    @cache
    def made(zone: str) -> Path:
        folder = tmp_path_factory.mktemp("first")
        with life(None, folder, zone) as lived:
            lived.do(("sync", "full"))
        shutil.rmtree(folder / "home" / "cache")  # its token is of another company
        return folder / "home"

    return made


EVENTFUL: list[Step] = [
    ("edit", "deals", 4, 1),
    ("step", 59),
    ("edit", "deals", 3, 1),
    ("delete", "contacts", 3, False),
    ("sync", "plain"),
    ("edit", "deals", 3, 2),  # in the second in which it was read
    ("recompute", 4, 4),  # without a stamp, but the next poll reads what lies so little back
    ("our_clock", -90),
    ("delete", "contacts", 0, False),
    ("delete", "deals", 2, False),
    ("sync", "interrupted", 1, 2, 0),  # no word of what was deleted
    ("merge", "accounts", 0, 1, False),
    ("convert", 0, 3),
    ("add_field", "deals", "integer"),
    ("edit", "deals", 4, 5),
    ("sync", "while", 2, [("edit", "accounts", 0, 7), ("delete", "deals", 2, True)]),
    ("step", 3600),  # New York puts its clocks back; what is older lies behind the overlap
    ("edit", "leads", 0, 6),
    ("edit", "contacts", 2, 6),
    ("edit", "accounts", 2, 6),
    ("edit", "deals", 1, 6),
    ("sync", "plain"),
    ("step", 301),
    ("restore", "deals", 0, False),
    ("restore", "contacts", 0, True),
    ("turn_field", "deals", 0, "text"),
    ("edit", "deals", 1, 7),
    ("recompute", 4, 8),
    ("sync", "killed", 3, 1),
    ("sync", "swept"),
    ("restore", "contacts", 0, False),
    ("remove_field", "deals", 0),
]


A, B, TORN = {"Amount": 1}, {"Amount": 2}, {"Amount": 3}
READ_B, MAYBE_B = Sight(What.READ, True, B), Sight(What.READ, False, B)


@pytest.mark.parametrize(
    ("rows", "sights", "right"),
    [
        ([Version(B, True)], [READ_B], True),
        ([], [READ_B], False),  # missed
        ([Version(B, True), Version(B, True)], [READ_B], False),  # doubled
        ([Version(TORN, True)], [READ_B], False),  # never was
        ([Version(A, True)], [Sight(What.READ, True, A)], False),  # nothing new
        ([], [MAYBE_B, Sight(What.READ, True, A)], True),  # what a failed sync read may be lost
        ([Version(B, True), Version(A, True)], [MAYBE_B, Sight(What.READ, True, A)], True),  # or come later
        ([Version(A, True)], [MAYBE_B], False),
        ([Version(A, False)], [Sight(What.GONE, True)], True),
        ([Version(B, True), Version(B, False)], [MAYBE_B, Sight(What.GONE, True)], True),
        ([Version(B, False)], [Sight(What.GONE, True)], False),  # a burial changes no content
        ([], [Sight(What.GONE, True)], False),
        ([], [Sight(What.LISTED, True)], True),  # it was alive
        (
            [Version(A, True)],
            [Sight(What.READ, True, A, {"N": "double"})],
            True,
        ),  # the same value, another type
        ([], [Sight(What.READ, True, A, {"N": "double"})], True),
    ],
)
def test_the_observer_explains_what_was_seen_and_nothing_else(
    rows: list[Version], sights: list[Sight], right: bool
) -> None:
    assert explained(Version(A, True), rows, sights) is right


@pytest.mark.slow
def test_an_eventful_life(first_home: Callable[[str], Path]) -> None:
    """Everything that can happen, once."""
    excused = live(life, first_home(NEW_YORK), EVENTFUL, NEW_YORK, ("plain", "full"))
    assert excused == {RESTORED, EMPTIED, MERGED, RECOMPUTED, REMOVED}, (
        "a plan in which nothing goes unseen proves less"
    )


@few
@given(plan=plans(moments, 4, 9))
def test_a_few_lives(first_home: Callable[[str], Path], plan: list[Step]) -> None:
    live(life, first_home(NEW_YORK), plan, NEW_YORK, ("plain", "whole"))


@pytest.mark.slow
@pytest.mark.timeout(0)
@many
@given(plan=plans(moments, 8, 40), zone=st.sampled_from([NEW_YORK, SHANGHAI]))
def test_many_lives(first_home: Callable[[str], Path], plan: list[Step], zone: str) -> None:
    live(life, first_home(zone), plan, zone, ("plain", "swept", "full"))
