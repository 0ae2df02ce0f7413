"""`python -m benchmarks.validation`: what judging a package costs against decoding it, in CPU seconds.

A package of 200,000 made-up deals lies in a landing zone as Zoho's pages of 200 records with 30 fields, one record in
a hundred planted with a fault. Twenty of the shipped rules for deals judge it, then all of them. Decoding is
`landing.decode`, judging `quality.judge`; the import of Great Expectations is paid before. Each pair runs in this one
process, decode first. Then the loaded tables of a million deals are judged by `quality.cross`.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from benchmarks.made_deals import package
from benchmarks.made_pages import MadePages, stream
from connectors.core.contract import CursorKind
from pipelines.check import known_of
from pipelines.landing.decode import decode
from pipelines.landing.land import land
from pipelines.landing.zone import Package, StreamZone
from pipelines.quality import gx
from pipelines.quality.cross import judge_cross
from pipelines.quality.judge import judge
from pipelines.quality.model import RuleSet, Scope, Severity
from pipelines.quality.rules import load_rules
from pipelines.settings import EXPECTATIONS
from pipelines.sql import literal
from pipelines.warehouse.connect import scratch_database

MEMORY, _ORG = "2GB", "default"
_OF_ROWS, _OF_PACKAGES = 15, 5  # of the twenty rules


@dataclass(frozen=True, slots=True)
class Pair:
    """CPU seconds of one decode, of twenty rules on what it gave, and of all shipped ones."""

    decode: float
    twenty: float
    shipped: float


def measure(rows: int, pairs: int) -> list[Pair]:
    """Land `rows` deals once, then decode and judge them `pairs` times."""
    gx.load()
    work = Path(tempfile.mkdtemp(prefix="crm-warehouse-validation-"))
    try:
        source = MadePages(rows)
        zone = StreamZone(work / "landing" / source.name / source.org / stream().name)
        landed = land(source, stream(), CursorKind.INCREMENTAL, zone, overlap=timedelta(minutes=5))
        return [_pair(work, source, landed.packages[0]) for _ in range(pairs)]
    finally:
        shutil.rmtree(work)


def measure_loaded(rows: int) -> dict[str, float]:
    """CPU seconds of judging loaded tables by the shipped rules of scope cross, by stream; totals aside."""
    gx.load()
    work = Path(tempfile.mkdtemp(prefix="crm-warehouse-validation-"))
    try:
        with duckdb.connect(str(work / "warehouse.duckdb"), config={"threads": 2}) as con:
            _load(con, work, rows)
            return {name: _crossed(con, name) for name in ("deals", "deal_history")}
    finally:
        shutil.rmtree(work)


def _crossed(con: duckdb.DuckDBPyConnection, name: str) -> float:
    rules = load_rules(EXPECTATIONS, "zoho", name)
    now = datetime(2026, 1, 2, tzinfo=UTC)
    start = time.process_time()
    verdict = judge_cross(con, rules, org=_ORG, now=now, read_at=now, pii=(), timezone="Asia/Shanghai")
    assert {r.rule for r in verdict.failed} == set() and not any(r.not_applicable for r in verdict.results)
    return time.process_time() - start


def _load(con: duckdb.DuckDBPyConnection, work: Path, rows: int) -> None:
    """Raw tables of deals, of what they refer to, and of one stay in a stage for each: four of every deal in turn."""
    made = package(con, work, "all", f"SELECT range AS k FROM range({rows})", 0)
    ours = f"{literal(_ORG)} AS _org, NULL::TIMESTAMPTZ AS _deleted_at"
    con.execute("CREATE SCHEMA raw_zoho")
    con.execute(
        f"CREATE TABLE raw_zoho.deals AS SELECT {ours}, * FROM read_parquet({literal(str(made.accepted))})"
    )
    for name, lookup in {"accounts": "Account_Name", "contacts": "Contact_Name", "users": "Owner",
                         "products": "Product"}.items():  # fmt: skip
        con.execute(
            f"CREATE TABLE raw_zoho.{name} AS SELECT {ours}, id AS _record_id, id FROM "
            f"(SELECT DISTINCT {lookup}.id AS id FROM raw_zoho.deals WHERE {lookup}.id IS NOT NULL)"
        )
    con.execute(
        f"CREATE TABLE raw_zoho.deal_history AS SELECT {ours}, _record_id, _modified_at, struct_pack(id := "
        "'57257680' || lpad(CAST(_position // 4 AS VARCHAR), 10, '0'), name := Deal_Name) AS Potential_Name, Stage, "
        "TIMESTAMPTZ '2025-01-01' + to_days(CAST(_position % 4 AS INTEGER) * 9) AS Modified_Time, "
        "CASE WHEN _position % 4 < 3 THEN 9 END AS Stage_Duration_Calendar_Days FROM raw_zoho.deals"
    )


def twenty(rules: RuleSet) -> RuleSet:
    """Twenty rules of a file: those that set rows aside, and the last ones, which go by the CRM's own lists too."""
    strict = [rule for rule in rules.of(Scope.ROW) if rule.severity is Severity.QUARANTINE]
    others = [rule for rule in rules.of(Scope.ROW) if rule not in strict]
    chosen = (*strict, *others[len(strict) - _OF_ROWS :], *rules.of(Scope.PACKAGE)[-_OF_PACKAGES:])
    return rules.model_copy(update={"rules": chosen})


def _pair(work: Path, source: MadePages, package: Package) -> Pair:
    shipped = load_rules(EXPECTATIONS, source.name, stream().name)
    scratch = Path(tempfile.mkdtemp(dir=work))
    with scratch_database(scratch, memory_limit=MEMORY) as con:
        start = time.process_time()
        decoded = decode(package, source, stream(), con, scratch)
        decoding = time.process_time() - start
        con.execute("CREATE VIEW fit AS SELECT * FROM winners WHERE _record_id IS NOT NULL")
        costs = []
        for rules in (twenty(shipped), shipped):
            known = known_of(package, stream(), decoded, rules)
            start = time.process_time()
            verdict = judge(con, "fit", rules, package_id=package.id, pii=(), known=known)
            costs.append(time.process_time() - start)
            assert len(verdict.rejections) > 0
    return Pair(decoding, *costs)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--loaded", type=int, default=1_000_000, help="rows of the loaded tables; 0: none")
    options = parser.parse_args()
    pairs = measure(options.rows, options.pairs)
    print(
        f"{options.rows:,} deals of {len(stream().fields)} fields, CPU seconds, medians of {options.pairs} pairs:"
    )
    print(f"  decoding         {statistics.median(p.decode for p in pairs):6.2f}")
    _print("twenty rules", pairs, [p.twenty for p in pairs])
    _print("all shipped", pairs, [p.shipped for p in pairs])
    if options.loaded:
        print(f"{options.loaded:,} loaded deals and as many stays in a stage, shipped rules of scope cross:")
        for name, cost in measure_loaded(options.loaded).items():
            print(f"  {name:<16} {cost:6.2f} CPU s")


def _print(what: str, pairs: Sequence[Pair], costs: Sequence[float]) -> None:
    ratios = [cost / pair.decode for cost, pair in zip(costs, pairs, strict=True)]
    single = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    print(
        f"  {what:<16} {statistics.median(costs):6.2f}   {statistics.median(ratios):.2f} of decoding ({single})"
    )


if __name__ == "__main__":
    main()
