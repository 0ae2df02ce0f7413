"""Plans for lives of any source, and how a life is lived to its end."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from tests.pipeline.life import Life, Step

_DAY = 86_400
Begin = Callable[[Path | None, Path, Any], AbstractContextManager[Life]]
Steps = st.SearchStrategy[Step]

picks, numbers = st.integers(0, 4), st.integers(1, 9)


def does(name: str, *more: st.SearchStrategy[Any]) -> Steps:
    """A step of this name, with what it takes."""
    return st.tuples(st.just(name), *more)


clocks = does("step", st.sampled_from([1, 59, 299, 301, 3600, _DAY])) | does(
    "our_clock", st.sampled_from([-90, -1, 60])
)


def syncs(acts: Steps, *more: Steps) -> Steps:
    """Every way a sync goes. acts: what may happen while one reads; more: a source's own ways."""
    return st.one_of(
        does("sync", st.just("plain")),
        does("sync", st.just("plain")),
        does("sync", st.just("swept")),
        does("sync", st.just("full")),
        does("sync", st.just("killed"), st.integers(0, 4), st.integers(0, 6)),
        does("sync", st.just("while"), st.integers(1, 9), st.lists(acts, min_size=1, max_size=3)),
        *more,
    )


def plans(moments: Steps, least: int, most: int) -> st.SearchStrategy[list[Step]]:
    """So many steps."""
    return st.lists(moments, min_size=least, max_size=most)


def live(begin: Begin, home: Path, plan: Sequence[Step], how: Any, end: Sequence[str]) -> set[str]:
    """Follow the plan, and then these syncs, until everything must be right. how: what `begin` takes beside folders.
    Gives the names of the differences that were excused on the way."""
    with tempfile.TemporaryDirectory() as folder, begin(home, Path(folder), how) as lived:
        lived.learn()
        for step in plan:
            lived.do(step)
        for sync in end:
            lived.do(("sync", sync))
    return {difference.excuse for difference in lived.differences}


few = settings(
    max_examples=3,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),
)
many = settings(
    max_examples=int(os.environ.get("LIVES", "150")),
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
