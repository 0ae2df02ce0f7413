"""A home whose streams are all compared with the totals of a served company."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from connectors import discover
from connectors.core.contract import Source, Stream
from pipelines import flow
from pipelines import sync as sync_room
from pipelines.landing.zone import StreamZone, Zone
from pipelines.outcome import StreamOutcome, SyncReport
from pipelines.quality.model import Rule
from pipelines.quality.rules import load_rules
from pipelines.reconcile import BUDGET, Reconciled, reconcile
from pipelines.settings import EXPECTATIONS, Settings, load_settings, selected
from tests.conftest import Sandbox

MONEY = {
    "zoho.deals": "Amount", "fxiaoke.new_opportunity_obj": "amount", "fxiaoke_export.new_opportunity_obj": "amount",
}  # fmt: skip
NAME = "totals_agree"


def ruled(folder: Path) -> Path:
    """A copy of the rules in which every stream is compared."""
    root = folder / "expectations"
    shutil.copytree(EXPECTATIONS, root)
    for path in root.glob("*/*.yml"):
        content = yaml.safe_load(path.read_text("utf-8"))
        stream = f"{path.parent.name}.{path.stem}"
        others = [rule for rule in content["rules"] if "totals" not in rule]
        totals = {"rows": True, "sums": [MONEY[stream]] if stream in MONEY else []}
        reason = "What the CRM counts and we do not hold is lost."
        content["rules"] = [
            *others, {"name": NAME, "scope": "cross", "severity": "warn", "totals": totals, "reason": reason},
        ]  # fmt: skip
        path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), "utf-8")
    return root


class Compared:
    """A home that follows a served company by one source. rules: where its rules are."""

    def __init__(self, sandbox: Sandbox, settings: Settings, name: str, rules: Path) -> None:
        self.sandbox, self.settings, self.name, self.rules = sandbox, settings, name, rules

    def sync(self, **options: Any) -> SyncReport:
        with flow.lock(self.settings, "test"):
            return flow.sync(self.settings, selected(self.settings, [self.name]), **options)

    def put_back(self) -> Iterator[None]:
        """Around a test: the warehouse is afterwards as it was."""
        kept = self.settings.warehouse.with_suffix(".kept")
        shutil.copyfile(self.settings.warehouse, kept)
        yield
        kept.replace(self.settings.warehouse)

    def outcomes(self, report: SyncReport) -> Mapping[str, StreamOutcome]:
        return {outcome.stream: outcome for outcome in report.outcomes}

    def rule(self, stream: str) -> Rule:
        return next(
            rule for rule in load_rules(self.rules, self.name, stream, needed=False).rules if rule.totals
        )

    def zone(self, stream: str) -> StreamZone:
        return Zone(self.settings.landing).stream(self.name, "default", stream)

    @contextmanager
    def opened(self) -> Iterator[Source]:
        spec = discover()[self.name]
        with spec.open(self.settings.context(spec, "default")) as source:
            yield source

    def compare(self, stream: str, *, source: Source | None = None, budget: int = BUDGET) -> Reconciled:
        """Now, apart from any sync."""
        if source is None:
            with self.opened() as own:
                return self.compare(stream, source=own, budget=budget)
        found: Stream = next(s for s in source.streams() if s.name == stream)
        source.shape(found, source.kinds(found)[0])  # a sync has asked for the metadata before
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as con:
            return reconcile(
                con, source, found, self.rule(stream), self.zone(stream), org="default", budget=budget,
                overlap=self.settings.overlap,
            )  # fmt: skip

    def plant(self, sql: str, values: Sequence[object] = ()) -> None:
        """Change the warehouse behind everybody's back."""
        with duckdb.connect(str(self.settings.warehouse)) as con:
            con.execute("SET TimeZone = 'UTC'")
            con.execute(sql, list(values))

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as con:
            con.execute("SET TimeZone = 'UTC'")
            return con.execute(sql).fetchall()


def start(
    sandbox: Sandbox, name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, **settings: str
) -> Compared:
    """A home of the test's own."""
    rules = ruled(folder)
    monkeypatch.setattr(sync_room, "EXPECTATIONS", rules)
    own = {**sandbox.settings, **sandbox.fxiaoke, **settings, "CRM_WAREHOUSE_HOME": str(folder / "home")}
    for key, value in own.items():
        monkeypatch.setenv(key, value)
    monkeypatch.chdir(folder)
    return Compared(sandbox, load_settings(), name, rules)


def told(found: Reconciled) -> list[tuple[Any, ...]]:
    """Every item as (measure, record, what, because, ours, theirs)."""
    return [
        (m.measure, i.record, str(i.what), str(i.because), i.ours, i.theirs)
        for m in found.measures
        for i in m.items
    ]


def verdicts(found: Reconciled) -> dict[str, str]:
    return {m.measure: str(m.verdict) for m in found.measures}
