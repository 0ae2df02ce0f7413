"""What the models need to know of rules and of who owns what: counted once, when a build begins."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb

from connectors import discover
from connectors.core.contract import Stream
from connectors.core.errors import Problem
from pipelines.check import BEFORE_RULES
from pipelines.quality.model import CROSS, Rule
from pipelines.quality.rules import load_rules
from pipelines.settings import EXPECTATIONS
from pipelines.warehouse.hygiene import note_owners, note_rules

_HISTORY = "__history"


def note_hygiene(con: duckdb.DuckDBPyConnection, expectations: Path = EXPECTATIONS) -> None:
    """`ops.rules`, `ops.record_owners` and `ops.warnings` anew. Of a rule file that cannot be used, which its stream
    tells when it is synced, the rules stay as they were."""
    unusable: list[tuple[str, str]] = []
    rules = list(_rules(expectations, unusable))
    note_rules(con, rules, unusable)
    note_owners(con, list(_streams(con)))


def _rules(expectations: Path, unusable: list[tuple[str, str]]) -> Iterator[Mapping[str, str]]:
    """A row for each rule of each file, those that every row meets before the file's included."""
    for path in sorted(expectations.glob("*/[a-z]*.yml")):
        source, stream = path.parent.name, path.stem
        try:
            rules = load_rules(expectations, source, stream)
        except Problem:
            unusable.append((source, stream))
            continue
        of = {"source": source, "stream": stream}
        for name, reason in BEFORE_RULES.items():
            yield of | {
                "rule": name, "scope": "row", "severity": "quarantine", "owner": rules.owner, "reason": reason,
                "expectation": "", "digest": "",
            }  # fmt: skip
        for rule in rules.rules:
            yield of | {
                "rule": rule.name, "scope": rule.scope.value, "severity": rule.severity.value,
                "owner": rule.owner or rules.owner, "reason": rule.reason, "expectation": _expectation(rule),
                "digest": rules.digests[rule.name],
            }  # fmt: skip


def _expectation(rule: Rule) -> str:
    """What judges it; of scope cross, what it asks for."""
    return rule.expect or next((name for name in CROSS if getattr(rule, name) is not None), "")


def _streams(con: duckdb.DuckDBPyConnection) -> Iterator[Stream]:
    """The stream of every raw table; nobody has said who owns records of one that was discovered."""
    declared = {
        (stream.source, stream.name): stream for spec in discover().values() for stream in spec.streams()
    }
    tables = con.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE starts_with(schema_name, 'raw_') "
        "AND estimated_size > 0 ORDER BY ALL"
    ).fetchall()
    for schema, name in tables:
        if not name.endswith(_HISTORY):
            source = schema.removeprefix("raw_")
            bare = Stream(
                source=source, name=name, api_name=name, label="", docs="", fields=(), modelled=False
            )
            yield declared.get((source, name), bare)
