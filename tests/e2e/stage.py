"""Where the kill sweep plays: a company, a home that is killed, one that never is, and a reader that never rests."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import Sandbox
from tests.e2e.killing import ROOT, Home, Kill, Life, Nursery
from tests.e2e.survivors import (
    assert_converged,
    assert_exports_are_true,
    assert_sound,
    assert_tidy,
    built_rows,
)


class Stage:
    """One company, two homes, one nursery."""

    def __init__(self, folder: Path, *, deals: int, seed: int) -> None:
        self.sandbox = Sandbox(seed=seed, size=deals)
        self.nursery = Nursery()
        self.home, self.control = Home(folder / "home", self.sandbox), Home(folder / "control", self.sandbox)
        self._exports = folder / "exports"
        self._day = 0
        self._built: dict[str, dict[str, int]] = {}  # built_from → rows that a version of it must show

    def close(self) -> None:
        """End every process."""
        self.nursery.close()
        self.sandbox.close()

    def new_day(self) -> None:
        """A day passes: edits, deletions, one export file (every tenth day all); the control home takes it in."""
        if self._day:
            self.sandbox.advance(1)
        files = self.sandbox.exports(self._exports, format="csv")
        whole = self._day % 10 == 0
        for home in (self.home, self.control):
            home.drop_files(files if whole else [files[self._day % len(files)]])
        self._day += 1
        self.nursery.works(self.control, "sync")

    def kills(self, kill: Kill) -> Life:
        """Let a child be killed in the home; what must hold after any kill, holds."""
        life = self.nursery.raises(self.home, kill)
        self.survived()
        return life

    def survived(self) -> None:
        """What must hold after any kill, holds."""
        assert_sound(self.home)
        self._note_build()

    def converges(self, *actions: str) -> None:
        """The next run puts everything right."""
        for action in actions:
            self.nursery.works(self.home, action)
            self._note_build()
        assert_sound(self.home)
        assert_tidy(self.home)
        if {"sync", "run"} & set(actions):
            assert_converged(self.home, self.control)
            if self._day % 10 == 1:
                assert_exports_are_true(self.home)

    def refuses_to_publish(self) -> None:
        """After a build that did not end there is nothing to publish."""
        life = self.nursery.raises(self.home, Kill("publish"))
        (sentence,) = json.loads((self.home.folder / "sentences.json").read_text())
        assert life.code == 1 and "no complete build" in sentence

    def _note_build(self) -> None:
        if built := built_rows(self.home):
            before = self._built.setdefault(*built)
            assert before == built[1], f"two builds of {built[0]} differ"

    @contextmanager
    def watched(self) -> Iterator[None]:
        """A reader polls what is published meanwhile; it never has reason to complain."""
        out = self.home.folder / "watched.json"
        command = [sys.executable, "-m", "tests.e2e.watcher", str(self.home.settings.published), str(out)]
        watcher = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert watcher.stdout is not None
        assert watcher.stdout.readline() == "watching\n"
        try:
            yield
        finally:
            watcher.communicate()
        seen = json.loads(out.read_text())
        assert seen["complaints"] == [], seen["complaints"][:3]
        for version in seen["versions"].values():
            assert version["rows"] == self._built[version["built_from"]], f"half a version: {version}"
        self.looks, self.versions = seen["looks"], len(seen["versions"])
