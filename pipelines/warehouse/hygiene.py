"""Which rows break a rule, and which were set aside: what `ops` says of single rows, and of who owns them.

`ops.findings` and `ops.set_aside` are written in the transaction of the package they are about, so that a rebuild
gives the same; who owns what, and who has warnings now, is counted when the models are built.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from connectors.core.contract import Stream
from pipelines.manifest import DROP, LAPSED, MENDED, RELEASE, Landed
from pipelines.sql import is_reference, literal, quote
from pipelines.warehouse.schema import history_table, raw_table, table_columns

# What becomes of rows set aside, in a word: columns of `ops.quarantine`.
FATES = RELEASED, DROPPED, SETTLED, IDLE = "released", "dropped", "mended", "lapsed"
_MASK = "***"


@dataclass(frozen=True, slots=True)
class Notes:
    """What a package says of its rows. findings, aside: its files, None where it has none. personal: fields whose
    values nobody is shown. erased: keys of records of which nothing may be told."""

    findings: Path | None = None
    aside: Path | None = None
    personal: Collection[str] = ()
    erased: Collection[str] = ()


NOTHING = Notes()


def note_findings(con: duckdb.DuckDBPyConnection, landed: Landed, findings: Path) -> None:
    """The broken rules of rows that this package has just put into the tables. Those of rows that changed nothing, or
    were older than what is known, cannot be current. Call behind `merge`, whose `plan` and `incoming` it reads."""
    con.execute(
        "INSERT INTO ops.findings BY NAME SELECT $package AS package_id, f._position AS position, f.rule, f.severity, "
        "f.digest "
        f"FROM read_parquet({literal(str(findings))}) f JOIN incoming i USING (_position) JOIN plan p "
        "ON p._record_id = i._record_id WHERE p.fate IN ('inserted', 'updated')",
        {"package": landed.package},
    )


def note_set_aside(con: duckdb.DuckDBPyConnection, stream: Stream, landed: Landed, notes: Notes) -> None:
    """The rows that this package set aside, a line for each of their faults."""
    if notes.aside is None:
        return
    rows = f"read_parquet({literal(str(notes.aside))})"
    owner_id, owner_name = _owner(stream, table_columns(con, rows))
    con.execute("SET VARIABLE personal = ?::VARCHAR[]", [sorted(notes.personal)])
    con.execute(
        "INSERT INTO ops.set_aside BY NAME SELECT $package AS package_id, _position AS position, "
        "_record_id AS record_id, "
        f"{owner_id} AS owner_id, {owner_name} AS owner_name, f.rule, f.field AS column_name, "
        f"CASE WHEN {_tells('f.field')} AND f.value IS NOT NULL THEN '{_MASK}' ELSE f.value END AS value, "
        "f.reason, $landed_at::TIMESTAMPTZ AS landed_at, '' AS decision "
        f"FROM (SELECT *, unnest(_faults) AS f FROM {rows}) "
        "WHERE NOT coalesce(list_contains($erased::VARCHAR[], _record_id), false) ORDER BY position, f.rule, f.field",
        {"package": landed.package, "landed_at": landed.landed_at, "erased": sorted(notes.erased)},
    )


def note_decision(con: duckdb.DuckDBPyConnection, landed: Landed) -> None:
    """What was decided about rows set aside."""
    if landed.kind not in (RELEASE, DROP) or not landed.positions:
        return
    con.execute(
        "UPDATE ops.set_aside SET decision = $decision WHERE package_id = $origin "
        "AND position IN (SELECT unnest($positions::BIGINT[]))",
        {"decision": decision_of(landed), "origin": landed.origin, "positions": landed.positions},
    )


def decision_of(landed: Landed) -> str:
    """What a decision package does with rows, in a word."""
    if landed.kind == RELEASE:
        return RELEASED
    if landed.decided_by in LAPSED:
        return IDLE
    return SETTLED if landed.decided_by == MENDED else DROPPED


def note_rules(
    con: duckdb.DuckDBPyConnection, rules: Sequence[Mapping[str, Any]], kept: Sequence[tuple[str, str]] = ()
) -> None:
    """`ops.rules` anew: a rule that is no longer in the files is no rule. kept: (source, stream) that stay as they
    were."""
    con.execute(
        "DELETE FROM ops.rules WHERE NOT list_contains($kept::VARCHAR[], source || '/' || stream)",
        {"kept": ["/".join(one) for one in kept]},
    )
    names = ("source", "stream", "rule", "scope", "severity", "owner", "reason", "expectation", "digest")
    if rules:
        marks = ", ".join(f"unnest(${place}::VARCHAR[])" for place in range(1, len(names) + 1))
        con.execute(
            f"INSERT INTO ops.rules ({', '.join(names)}) SELECT {marks}",
            [[rule[name] for rule in rules] for name in names],
        )


def note_owners(con: duckdb.DuckDBPyConnection, streams: Sequence[Stream]) -> None:
    """`ops.record_owners` and `ops.warnings` anew: what every person owns now, and which rules it breaks now.

    A warning is current exactly while the content of the record's current row stems from the package and position of
    the finding, and its rule is in the files as it was then. A sweep that restores a record brings no content: it is
    that of before.
    """
    con.execute("DELETE FROM ops.record_owners")
    con.execute("DELETE FROM ops.warnings")
    con.execute(
        "CREATE OR REPLACE TEMP TABLE current_findings AS SELECT f.*, p.source, p.org, p.stream, p.landed_at "
        "FROM ops.findings f JOIN ops.packages p USING (package_id) "
        "SEMI JOIN (SELECT source, stream, rule, digest FROM ops.rules) r "
        "ON r.source = p.source AND r.stream = p.stream AND r.rule = f.rule AND r.digest = f.digest "
        "WHERE f.severity = 'warn'"
    )
    found = {
        (s, t) for s, t in con.execute("SELECT DISTINCT source, stream FROM current_findings").fetchall()
    }
    for stream in streams:
        table = raw_table(stream.source, stream.name)
        owner_id, owner_name = _owner(stream, table_columns(con, table))
        of = {"source": stream.source, "stream": stream.name}
        con.execute(
            "INSERT INTO ops.record_owners BY NAME SELECT $source AS source, _org AS org, $stream AS stream, "
            f"{owner_id} AS owner_id, {owner_name} AS owner_name, count(*) AS records FROM {table} "
            "WHERE _deleted_at IS NULL GROUP BY ALL",
            of,
        )
        if (stream.source, stream.name) in found:
            con.execute(
                "INSERT INTO ops.warnings BY NAME SELECT $source AS source, c._org AS org, $stream AS stream, f.rule, "
                f"{owner_id} AS owner_id, {owner_name} AS owner_name, count(*) AS records, min(f.landed_at) AS since "
                f"FROM {table} c LEFT JOIN {_restored(stream)} r ON r._org = c._org AND r._record_id = c._record_id "
                "JOIN current_findings f ON f.source = $source AND f.stream = $stream AND f.position = c._position "
                "AND f.package_id = coalesce(r.brought_by, c._package_id) "
                "WHERE c._deleted_at IS NULL GROUP BY ALL",
                of,
            )
    con.execute("DROP TABLE current_findings")


def _restored(stream: Stream) -> str:
    """SQL of the living records whose row a sweep wrote: (_org, _record_id, brought_by), the package of the content."""
    current, history = raw_table(stream.source, stream.name), history_table(stream.source, stream.name)
    return (
        "(SELECT c._org, c._record_id, max_by(h._package_id, p.load_order) AS brought_by "
        f"FROM {current} c JOIN ops.packages s ON s.package_id = c._package_id AND s.kind = 'sweep' "
        f"JOIN {history} h ON h._org = c._org AND h._record_id = c._record_id AND h._row_hash = c._row_hash "
        "AND h._position = c._position "
        "JOIN ops.packages p ON p.package_id = h._package_id AND p.kind NOT IN ('sweep', 'deleted') "
        "WHERE c._deleted_at IS NULL GROUP BY ALL)"
    )


def _owner(stream: Stream, columns: Mapping[str, str]) -> tuple[str, str]:
    """SQL of the id and the name of who owns a record; NULL where the stream does not say. A drifted column is text."""
    kind = columns.get(stream.owner or "")
    if kind is None:
        return "NULL::VARCHAR", "NULL::VARCHAR"
    column = quote(stream.owner or "")
    if is_reference(kind):
        return f"nullif(trim({column}.id), '')", f"nullif(trim({column}.name), '')"
    return "NULL::VARCHAR", f"nullif(trim(CAST({column} AS VARCHAR)), '')"


def _tells(field: str) -> str:
    """SQL: one of the columns that a fault names (`A, B.id`) is personal."""
    names = f"string_split(coalesce({field}, ''), ', ')"
    personal = "getvariable('personal')"
    return (
        f"len(list_filter({names}, lambda n: list_contains({personal}, n) "
        f"OR list_contains({personal}, regexp_replace(n, '[.][a-z]+$', '')))) > 0"
    )


@dataclass(frozen=True, slots=True)
class Waits:
    """Rows of a stream that nobody has decided about, when the oldest was landed, and by rule the same."""

    rows: int
    since: datetime
    rules: Mapping[str, tuple[int, datetime]]


def waiting_rows(con: duckdb.DuckDBPyConnection, source: str, org: str) -> dict[str, Waits]:
    """What waits, by stream. A row that breaks two rules waits once, and counts for both."""
    waits = (
        "FROM ops.set_aside s JOIN ops.packages p USING (package_id) "
        "WHERE s.decision = '' AND p.source = $source AND p.org = $org"
    )
    of = {"source": source, "org": org}
    rules: dict[str, dict[str, tuple[int, datetime]]] = {}
    for stream, rule, rows, since in con.execute(
        f"SELECT p.stream, s.rule, count(DISTINCT (s.package_id, s.position)), min(s.landed_at) {waits} GROUP BY ALL "
        "ORDER BY ALL",
        of,
    ).fetchall():
        rules.setdefault(stream, {})[rule] = (rows, since)
    found = con.execute(
        f"SELECT p.stream, count(DISTINCT (s.package_id, s.position)), min(s.landed_at) {waits} GROUP BY p.stream",
        of,
    ).fetchall()
    return {stream: Waits(rows, since, rules[stream]) for stream, rows, since in found}


def living_warnings(
    con: duckdb.DuckDBPyConnection, stream: Stream, org: str, digests: Mapping[str, str]
) -> dict[str, tuple[int, datetime]]:
    """Loaded records that break a rule of severity warn now, by rule, and when the oldest of them was landed as it is.
    digests: of the rules as they are written."""
    found = con.execute(
        "SELECT f.rule, count(*), min(f.landed_at) FROM (SELECT f.*, p.landed_at FROM ops.findings f "
        "JOIN ops.packages p USING (package_id) WHERE p.source = $source AND p.stream = $stream AND p.org = $org "
        "AND f.severity = 'warn' AND list_contains($known::VARCHAR[], f.rule || '/' || f.digest)) f "
        f"JOIN {raw_table(stream.source, stream.name)} c ON c._position = f.position "
        f"LEFT JOIN {_restored(stream)} r ON r._org = c._org AND r._record_id = c._record_id "
        "WHERE coalesce(r.brought_by, c._package_id) = f.package_id AND c._org = $org "
        "AND c._deleted_at IS NULL GROUP BY f.rule",
        {
            "source": stream.source, "stream": stream.name, "org": org,
            "known": [f"{rule}/{digest}" for rule, digest in digests.items()],
        },
    ).fetchall()  # fmt: skip
    return {rule: (rows, since) for rule, rows, since in found}


def load_orders(con: duckdb.DuckDBPyConnection, source: str, org: str) -> dict[str, int]:
    """How far each stream was loaded: the order of its newest package."""
    return dict(
        con.execute(
            "SELECT stream, max(load_order) FROM ops.packages WHERE source = $source AND org = $org GROUP BY stream",
            {"source": source, "org": org},
        ).fetchall()
    )
