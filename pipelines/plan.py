"""What a build need not make again: every model, seed and test remembers what it was made from.

A node's digest covers the project's code, and what it reads: of raw tables the place in the fold of the last package
that changed them, of all other tables their rows. Whose digest is the remembered one, and whose table is there, is
left alone; its warning stands. A model that many read may be told by its rows instead (`meta: {digest: rows}`; it must
read nothing but sources and views): who reads it need not follow when they stay as they are. The tables of
opportunities go further: they are made anew for changed opportunities only (`ops.model_builds`, see
dbt_project/macros/incremental.sql).

Nothing here is believed without the table it speaks of: it lies in the same file, so a warehouse that is made anew
or restored knows what it holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb

from pipelines.sql import quote

_RAW, _HISTORY = "raw_", "__history"
_KEPT = ("success", "pass", "warn")
# Of a package, what changed a table.
_CHANGES = ("inserted", "updated", "restamped", "stale", "deleted", "restored")


@dataclass(frozen=True, slots=True)
class Kept:
    """A node that is as it was: its unique id, and what dbt said of it."""

    node: str
    status: str
    message: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a build is to make. code: digest of models, rules and variables. made_from: unique id → digest, of every
    node. names: of the nodes to make, by their dbt names; whole: no table may be taken as it is. load_order: of the
    last package that is in the warehouse."""

    code: str
    made_from: Mapping[str, str]
    names: Sequence[str]
    kept: Sequence[Kept]
    whole: bool
    load_order: int

    def arguments(self) -> list[str]:
        """What dbt is told beside its command."""
        return [*self.refresh(), *(["--select", *self.names] if self.kept else [])]

    def refresh(self) -> list[str]:
        """Where no table may be taken as it is, dbt is told so."""
        return ["--full-refresh"] if self.whole else []


def plan(con: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any], code: str, compiled: Path) -> Plan:
    """What has changed since the nodes were made. compiled: where dbt leaves the models' SQL as it runs them."""
    nodes = {
        name: node
        for name, node in manifest["nodes"].items()
        if node["resource_type"] in ("model", "seed", "test") and node["config"].get("enabled", True)
    }
    if _code(con) != code:
        con.execute("DELETE FROM ops.model_builds")
        con.execute("DELETE FROM ops.built_nodes")
    known = {
        Kept(*row[:3]): row[3]
        for row in con.execute("SELECT node, status, message, made_from FROM ops.built_nodes").fetchall()
    }
    before = {one.node: digest for one, digest in known.items()}
    made_from = _digests(con, nodes, manifest["sources"], code, compiled, before)
    there = {
        tuple(row)
        for row in con.execute("SELECT table_schema, table_name FROM information_schema.tables").fetchall()
    }
    kept = [
        one
        for one, digest in known.items()
        if made_from.get(one.node) == digest and _is_there(nodes[one.node], there)
    ]
    left = {one.node for one in kept}
    return Plan(
        code=code,
        made_from=made_from,
        names=[node["name"] for name, node in nodes.items() if name not in left and _is_made(node)],
        kept=kept,
        whole=_code(con) is None,
        load_order=_last(con),
    )


def remember(
    con: duckdb.DuckDBPyConnection, done: Plan, results: Iterable[Mapping[str, Any]], as_of_date: str | None
) -> None:
    """Note what was made; as_of_date of a complete build, None of one that failed in part."""
    made = [
        (r["unique_id"], done.made_from[r["unique_id"]], str(r["status"]), str(r["message"] or ""))
        for r in results
        if r["unique_id"] in done.made_from and str(r["status"]) in _KEPT
    ]
    con.begin()
    try:
        left = sorted({one.node for one in done.kept} - {node for node, *_ in made})
        con.execute(
            "DELETE FROM ops.built_nodes WHERE node NOT IN (SELECT unnest($left::VARCHAR[]))", {"left": left}
        )
        if made:
            con.executemany("INSERT INTO ops.built_nodes VALUES (?, ?, ?, ?)", made)
        if as_of_date is not None:
            con.execute("DELETE FROM ops.model_builds")
            con.execute(
                "INSERT INTO ops.model_builds VALUES (?, ?, ?)",
                [done.code, done.load_order, as_of_date or None],
            )
        con.commit()
    except BaseException:
        con.rollback()
        raise


def _code(con: duckdb.DuckDBPyConnection) -> str | None:
    row = con.execute("SELECT code FROM ops.model_builds").fetchone()
    return str(row[0]) if row else None


def _last(con: duckdb.DuckDBPyConnection) -> int:
    row = con.execute("SELECT coalesce(max(load_order), 0) FROM ops.packages").fetchone()
    return int(row[0]) if row else 0


def _is_made(node: Mapping[str, Any]) -> bool:
    """An ephemeral model is part of those that read it, and has neither table nor result."""
    return bool(node["config"]["materialized"] != "ephemeral")


def _is_there(node: Mapping[str, Any], tables: set[tuple[str, ...]]) -> bool:
    return node["resource_type"] == "test" or (node["schema"], node["alias"]) in tables


def _digests(
    con: duckdb.DuckDBPyConnection,
    nodes: Mapping[str, Mapping[str, Any]],
    sources: Mapping[str, Mapping[str, Any]],
    code: str,
    compiled: Path,
    before: Mapping[str, str],
) -> dict[str, str]:
    """Unique id → digest, of every node. before: the remembered ones."""
    raw = _raw_versions(con)
    # A model's SQL may leave out a way in which nothing ever came: the first row there is a change of code.
    told_code = _digest(code, *sorted({f"{source}.{stream}" for source, stream in raw}))
    found: dict[str, str] = {}
    of_sources: dict[str, str] = {}

    def of(name: str) -> str:
        if name in sources:
            if name not in of_sources:
                of_sources[name] = _source_version(con, sources[name], raw)
            return of_sources[name]
        if name not in nodes:
            return ""
        if name not in found:
            node = nodes[name]
            read = _digest(code, name, *sorted(of(parent) for parent in node["depends_on"].get("nodes", ())))
            found[name] = read
            if _is_told_by_rows(node):
                was_read, _, rows = before.get(name, "").partition("/")
                if was_read != read or not rows:
                    rows = _told_rows(con, node, compiled)
                if rows:
                    by_rows[name] = f"{read}/{rows}"
                    found[name] = _digest(told_code, name, rows)
        return found[name]

    by_rows: dict[str, str] = {}
    for name in nodes:
        of(name)
    return found | by_rows


def _is_told_by_rows(node: Mapping[str, Any]) -> bool:
    return bool(node["config"].get("meta", {}).get("digest") == "rows")


def _told_rows(con: duckdb.DuckDBPyConnection, node: Mapping[str, Any], compiled: Path) -> str:
    """Its rows, as its SQL would give them now; "" where it was not built yet."""
    sql = compiled / node["package_name"] / node["original_file_path"]
    if not sql.exists():
        return ""
    try:
        return _rows_version(con, f"({sql.read_text('utf-8')})")
    except duckdb.Error:
        return ""  # what it reads is not there yet


def _raw_versions(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], str]:
    """(source, stream) → the last package that changed its tables, and how often their columns changed."""
    changed = " + ".join(f"coalesce({quote(name)}, 0)" for name in _CHANGES)
    rows = con.execute(
        f"""SELECT source, stream, string_agg(version, ' ' ORDER BY version) FROM (
            SELECT source, stream, 'package ' || max(load_order) AS version FROM ops.packages
            WHERE {changed} > 0 GROUP BY ALL
            UNION ALL
            SELECT source, stream, 'columns ' || count(*) FROM ops.schema_changes GROUP BY ALL
        ) GROUP BY ALL"""
    ).fetchall()
    return {(source, stream): version for source, stream, version in rows}


def _source_version(
    con: duckdb.DuckDBPyConnection, source: Mapping[str, Any], raw: Mapping[tuple[str, str], str]
) -> str:
    schema, table = source["schema"], source["identifier"]
    if schema.startswith(_RAW):
        return raw.get((schema.removeprefix(_RAW), table.removesuffix(_HISTORY)), "empty")
    return _rows_version(con, f"{quote(schema)}.{quote(table)}")


def _rows_version(con: duckdb.DuckDBPyConnection, relation: str) -> str:
    """The same for the same rows in any order."""
    row = con.execute(f"SELECT count(*), sum(hash(t)), bit_xor(hash(t)) FROM {relation} AS t").fetchone()
    return str(row)


def _digest(*parts: str) -> str:
    return sha256("\n".join(parts).encode()).hexdigest()[:32]
