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

import os
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.pipeline.zoho_life import KINDS_OF_FIELDS, MODULES, Step, life

NEW_YORK, SHANGHAI = "America/New_York", "Asia/Shanghai"
_DAY = 86_400

picks, numbers = st.integers(0, 4), st.integers(1, 9)
entities = st.sampled_from(sorted(MODULES))


def does(name: str, *more: st.SearchStrategy) -> st.SearchStrategy[Step]:
    return st.tuples(st.just(name), *more)


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
clocks = does("step", st.sampled_from([1, 59, 299, 301, 3600, _DAY])) | does(
    "our_clock", st.sampled_from([-90, -1, 60])
)
syncs = st.one_of(
    does("sync", st.just("plain")),
    does("sync", st.just("plain")),
    does("sync", st.just("swept")),
    does("sync", st.just("full")),
    does("sync", st.just("interrupted"), st.integers(0, 2), st.integers(0, 3), st.integers(0, 3)),
    does("sync", st.just("killed"), st.integers(0, 4), st.integers(0, 6)),
    does("sync", st.just("while"), st.integers(1, 9), st.lists(acts, min_size=1, max_size=3)),
)
moments = st.one_of(acts, acts, acts, fields, clocks, syncs)


def plans(least: int, most: int) -> st.SearchStrategy[list[Step]]:
    return st.lists(moments, min_size=least, max_size=most)


@pytest.fixture(scope="module")
def first_home(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A home that has synced the company once, made once for each zone."""

    @cache
    def made(zone: str) -> Path:
        folder = tmp_path_factory.mktemp("first")
        with life(None, folder, zone) as begun:
            begun.do(("sync", "full"))
        shutil.rmtree(folder / "home" / "cache")  # its token is of another company
        return folder / "home"

    return made


def live(home: Path, plan: list[Step], zone: str, end: tuple[str, ...]) -> None:
    """Follow the plan, and then these syncs, until everything must be right."""
    with tempfile.TemporaryDirectory() as folder, life(home, Path(folder), zone) as lived:
        lived.learn()
        for step in plan:
            lived.do(step)
        for how in end:
            lived.do(("sync", how))


quick = settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),
)


@quick
@given(plan=plans(4, 9))
def test_a_few_lives(first_home: Callable[[str], Path], plan: list[Step]) -> None:
    live(first_home(NEW_YORK), plan, NEW_YORK, ("plain", "whole"))


@pytest.mark.slow
@pytest.mark.timeout(0)
@settings(
    max_examples=int(os.environ.get("LIVES", "150")),
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
@given(plan=plans(8, 40), zone=st.sampled_from([NEW_YORK, SHANGHAI]))
def test_many_lives(first_home: Callable[[str], Path], plan: list[Step], zone: str) -> None:
    live(first_home(zone), plan, zone, ("plain", "swept", "full"))
