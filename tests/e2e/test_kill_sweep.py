"""SIGKILL anywhere: the warehouse opens, nothing is lost or doubled, no cursor is ahead of its data, readers never
meet half a version, and the next run puts everything right.

`python -m pytest -m slow tests/e2e/test_kill_sweep.py -rP` runs the whole sweep (200 kills at seeded random
points, and one on every line of the log) and prints where they hit. Three kills of a sync and three of build and
publish are a smaller proof, slow too.
"""

from __future__ import annotations

import os
import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from pipelines.build import BuildStamp, stamp_build, target_path
from tests.e2e.killing import ROOT, Kill, Life, command_line
from tests.e2e.stage import Stage

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(3600)]

SEED = 20261122
BY_FORK, BY_COMMAND = 45, 20  # per phase, and through the command line: 4 * 45 + 20 = 200
DEALS = 100


@dataclass(frozen=True)
class Phase:
    """A part of a run: what begins it (`step` of `action`), what ends it, what a day needs done before it can be
    killed, and how the home converges afterwards."""

    name: str
    action: str
    step: str
    until: str
    first: tuple[str, ...]
    then: tuple[str, ...]

    def reach(self, life: Life) -> float:
        """The longest it took, in seconds, in a life that was not cut short."""
        begun = [at for at, step in life.steps if step == self.step]
        ended = [at for at, step in life.steps if step == self.until]
        return max(next((e for e in ended if e > b), b) - b for b in begun)

    def draw(self, chance: random.Random, life: Life) -> Kill:
        """A random point of it."""
        times = sum(step == self.step for _, step in life.steps)
        return Kill(
            self.action, self.step, chance.randint(1, times), max(1e-4, chance.uniform(0, self.reach(life)))
        )


PHASES = (
    Phase("landing", "sync", "package begun", "package checked", (), ("sync",)),
    Phase("loading", "sync", "package loading", "receipt written", (), ("sync",)),
    Phase("building", "build", "build begun", "health written", ("sync",), ("build", "publish")),
    Phase("publishing", "publish", "publish begun", "health written", ("sync", "build"), ("publish",)),
)
# Every line of the log and what makes it, killed on it: the first, and a later one where there are several.
ROOMS = (
    "sync.py",
    "check.py",
    "flow.py",
    "fold.py",
    "landing/land.py",
    "warehouse/load.py",
    "warehouse/publish.py",
    "warehouse/compact.py",
)
LINES = (
    *(
        (line, "sync", nth)
        for line in (
            "package begun",
            "package landed",
            "package split",
            "package checked",
            "package loading",
            "package folded",
            "package loaded",
            "receipt written",
        )
        for nth in (1, 3)
    ),
    ("health written", "sync", 1),
    ("build begun", "build", 1),
    ("models built", "build", 1),
    ("health written", "build", 1),
    *(
        (line, "publish", 1)
        for line in (
            "publish begun",
            "version written",
            "version published",
            "old versions removed",
            "health written",
        )
    ),
    ("package folded", "rebuild", 1),
    ("package folded", "rebuild", 9),
    ("warehouse rebuilt", "rebuild", 1),
    ("compaction begun", "compact", 1),
    ("copy written", "compact", 1),
    ("warehouse compacted", "compact", 1),
)


def test_every_line_of_a_run_is_killed_on() -> None:
    """A new `step(...)` in a room that a run passes through belongs into LINES."""
    said = re.compile(r'\bstep\(\s*"([^"]+)"')
    lines = {line for path in ROOMS for line in said.findall((ROOT / "pipelines" / path).read_text("utf-8"))}
    assert lines == {line for line, *_ in LINES}


@pytest.mark.slow
def test_three_kills_of_a_sync(tmp_path_factory: pytest.TempPathFactory) -> None:
    stage = Stage(tmp_path_factory.mktemp("three"), deals=50, seed=11)
    try:
        with stage.watched():
            stage.new_day()
            assert stage.kills(Kill("sync", "package begun", 2, 0.05)).killed
            stage.converges("sync")
            stage.new_day()
            for line in ("package folded", "package loaded"):
                assert stage.kills(Kill("sync", line, 1)).killed
            stage.converges("sync")
    finally:
        stage.close()


@pytest.mark.slow
def test_three_kills_of_build_and_publish(tmp_path_factory: pytest.TempPathFactory) -> None:
    stage = Stage(tmp_path_factory.mktemp("three"), deals=50, seed=11)
    try:
        with stage.watched():
            stage.new_day()
            stage.converges("sync")
            target_path(stage.home.settings).mkdir(parents=True)
            stamp_build(stage.home.settings, BuildStamp(built_from="an earlier build", as_of_date=""))
            assert stage.kills(Kill("build", "build begun", 1, 2.0)).killed
            stage.refuses_to_publish()
            stage.converges("build", "publish")
            for line in ("version written", "version published"):
                assert stage.kills(Kill("publish", line, 1)).killed
            stage.converges("publish")
    finally:
        stage.close()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A home with a published version."""
    made = Stage(tmp_path_factory.mktemp("sweep"), deals=DEALS, seed=11)
    try:
        made.new_day()
        made.converges("sync", "build", "publish")
        yield made
    finally:
        made.close()


@pytest.mark.slow
@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.name)
def test_killed_at_random_points(stage: Stage, phase: Phase) -> None:
    chance = random.Random(f"{SEED} {phase.name}")
    where: Counter[str] = Counter()
    stage.new_day()
    stage.converges("sync", "build", "publish")
    stage.new_day()
    stage.converges(*phase.first)
    measured = stage.nursery.works(stage.home, phase.action)
    with stage.watched():
        while where.total() < BY_FORK:
            if phase.action == "sync" or where.total() % 5 == 0:
                stage.new_day()
                stage.converges(*phase.first)
            life = stage.kills(phase.draw(chance, measured))
            if life.killed:
                where[life.last] += 1
            if life.last == "build begun":
                stage.refuses_to_publish()
            stage.converges(*phase.then)
    print(f"{phase.name}: {dict(where)}; {stage.looks} looks, {stage.versions} versions")


@pytest.mark.slow
def test_killed_on_the_command_line(stage: Stage) -> None:
    chance = random.Random(f"{SEED} command line")
    stage.new_day()
    code, whole = command_line(stage.home, None)
    assert code == 0, (stage.home.folder / "command.log").read_text()
    stage.survived()
    killed = 0
    with stage.watched():
        while killed < BY_COMMAND:
            stage.new_day()
            code, _ = command_line(stage.home, chance.uniform(0.1, 1.0) * whole)
            killed += code == -9
            stage.survived()
            stage.converges("run")
    print(f"command line: {killed} of {whole:.1f} s each; {stage.looks} looks, {stage.versions} versions")


@pytest.mark.slow
@pytest.mark.parametrize(("line", "action", "nth"), LINES)
def test_killed_on_a_line_of_the_log(stage: Stage, line: str, action: str, nth: int) -> None:
    stage.new_day()
    with stage.watched():
        if action == "publish":
            stage.converges("sync", "build")
        if action == "build":
            stage.converges("sync")
        for _ in range(5):  # a quiet day may not reach the line so often
            life = stage.kills(Kill(action, line, nth))
            if life.killed:
                break
            stage.new_day()
        assert life.killed and life.last == line
        stage.converges(*({"publish": ("publish",)}.get(action) or ("run",)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("action", "line"),
    [("publish", "version written"), ("publish", "old versions removed"), ("build", "models built")],
)
def test_killed_again_and_again(stage: Stage, action: str, line: str) -> None:
    """Six times on one line: versions that health never came to name do not push out the one it names."""
    stage.new_day()
    stage.converges("sync", "build", "publish")
    with stage.watched():
        for _ in range(6):
            assert stage.kills(Kill(action, line, 1)).killed
            time.sleep(0.3)  # for the reader to look
        stage.converges("build", "publish")


@pytest.mark.slow
def test_what_dbt_left_half_written_is_written_anew(stage: Stage) -> None:
    stage.new_day()
    stage.converges("sync", "build")
    for name in ("manifest.json", "partial_parse.msgpack", "run_results.json"):
        path = target_path(stage.home.settings) / name
        os.truncate(path, path.stat().st_size // 2)
    stage.converges("publish")
    stage.converges("build", "publish")
