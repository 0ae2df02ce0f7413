"""`python -m benchmarks.validation`: what judging a package costs against decoding it, in CPU seconds.

A package of 200,000 made-up deals lies in a landing zone as Zoho's pages of 200 records with 30 fields, one record in
a hundred planted with a fault. Twenty of the shipped rules for deals judge it, then all of them. Decoding is
`landing.decode`, judging `quality.judge`; the import of Great Expectations is paid before. Each pair runs in this one
process, decode first.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from benchmarks.made_pages import MadePages, stream
from connectors.core.contract import CursorKind
from pipelines.check import known_of
from pipelines.landing.decode import decode
from pipelines.landing.land import land
from pipelines.landing.zone import Package, StreamZone
from pipelines.quality import gx
from pipelines.quality.judge import judge
from pipelines.quality.model import RuleSet, Scope, Severity
from pipelines.quality.rules import load_rules
from pipelines.settings import EXPECTATIONS
from pipelines.warehouse.connect import scratch_database

MEMORY = "2GB"
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
    options = parser.parse_args()
    pairs = measure(options.rows, options.pairs)
    print(
        f"{options.rows:,} deals of {len(stream().fields)} fields, CPU seconds, medians of {options.pairs} pairs:"
    )
    print(f"  decoding         {statistics.median(p.decode for p in pairs):6.2f}")
    _print("twenty rules", pairs, [p.twenty for p in pairs])
    _print("all shipped", pairs, [p.shipped for p in pairs])


def _print(what: str, pairs: Sequence[Pair], costs: Sequence[float]) -> None:
    ratios = [cost / pair.decode for cost, pair in zip(costs, pairs, strict=True)]
    single = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    print(
        f"  {what:<16} {statistics.median(costs):6.2f}   {statistics.median(ratios):.2f} of decoding ({single})"
    )


if __name__ == "__main__":
    main()
