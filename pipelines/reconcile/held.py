"""What we hold of a stream, as a table that a search can cut into ranges of ids.

`held` begins as the living rows of the raw table with what is set aside or waits laid over them, which is what the CRM
should have, and becomes what the CRM was found to have: each range that was listed replaces ours. What differs in the
end from the raw table is the itemised difference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import duckdb

from connectors.core.contract import Listed
from pipelines.sql import columns_of, literal, quote

MONEY = "DECIMAL(38,9)"


@dataclass(frozen=True, slots=True)
class Held:
    """Counts and sums of a range. sums: in the order of the fields."""

    rows: int
    sums: tuple[Decimal, ...]


@dataclass(frozen=True, slots=True)
class Odd:
    """A record that the CRM has in another way than the raw table, None where one of them lacks it.

    ours, theirs: (stamp, values). because: of the waiting row that is laid over, "" where there is none or where a
    listing has taken its place.
    """

    id: str
    ours: tuple[datetime | None, tuple[Decimal | None, ...]] | None
    theirs: tuple[datetime | None, tuple[Decimal | None, ...]] | None


def money_columns(
    con: duckdb.DuckDBPyConnection, table: str, fields: Sequence[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Field → SQL of its exact value, and field → why it has none."""
    kinds = {name: kind for name, kind, *_ in con.execute(f"DESCRIBE {table}").fetchall()}
    exact, wrong = {}, {}
    for field in fields:
        column = field if field in kinds else columns_of([field])[field]
        kind = kinds.get(column, "")
        places = int(kind.rstrip(")").split(",")[1]) if kind.startswith("DECIMAL(") else 0
        if not kind:
            wrong[field] = f"the table has no column {field}"
        elif places > 9 or not kind.startswith(("DECIMAL(", "BIGINT", "INTEGER", "HUGEINT")):
            wrong[field] = f"the column {field} is {kind} here, which cannot be summed exactly"
        else:
            exact[field] = f"CAST({quote(column)} AS {MONEY})"
    return exact, wrong


class Holding:
    """Temp tables of one reconciliation. exact: field → SQL. The temp table `waits` (id, stamp, v0 …, because) must be
    there."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        table: str | None,
        org: str,
        exact: Mapping[str, str],
        *,
        numeric: bool,
    ) -> None:
        self._con, self._fields = con, list(exact)
        self._order = "TRY_CAST(id AS HUGEINT)" if numeric else "id"
        values = "".join(f", {sql} AS {self._value(place)}" for place, sql in enumerate(exact.values()))
        nothing = "".join(f", NULL::{MONEY} AS {self._value(place)}" for place in range(len(exact)))
        self._living = (
            f"SELECT _record_id AS id, _modified_at AS stamp{values} FROM {table} WHERE _org = {literal(org)} "
            "AND _deleted_at IS NULL"
            if table
            else f"SELECT NULL::VARCHAR AS id, NULL::TIMESTAMPTZ AS stamp{nothing} WHERE false"
        )
        self._sorted = False

    def ours(self) -> Held:
        """Of the raw table alone."""
        return self._totals(f"({self._living})")

    def waiting(self) -> int:
        """Records laid over, or beside, those of the raw table."""
        row = self._con.execute("SELECT count(*) FROM waits").fetchone()
        return int(row[0]) if row else 0

    def expected(self) -> Held:
        """What the CRM should say."""
        return self._totals(f"({self._laid_over()})") if self.waiting() else self.ours()

    def order(self) -> int:
        """Number the records in the order of ids, for ranges; returns how many there are. One whose key can
        be no id of this CRM is none of its records."""
        if not self._sorted:
            self._con.execute(f"CREATE OR REPLACE TEMP TABLE held AS {self._laid_over()}")
            self._con.execute(f"DELETE FROM held WHERE {self._order} IS NULL")
            self._sorted = True
        self._con.execute(
            f"CREATE OR REPLACE TEMP TABLE places AS SELECT *, row_number() OVER (ORDER BY {self._order}, id) AS place "
            "FROM held"
        )
        row = self._con.execute("SELECT count(*) FROM places").fetchone()
        return int(row[0]) if row else 0

    def between(self, low: int, high: int) -> Held:
        """Of the records behind place `low`, up to and with place `high`."""
        return self._totals(f"(SELECT * FROM places WHERE place > {low} AND place <= {high})")

    def id_at(self, place: int) -> str:
        """The id at a place."""
        row = self._con.execute("SELECT id FROM places WHERE place = ?", [place]).fetchone()
        assert row is not None
        return str(row[0])

    def place_of(self, id: str) -> int:
        """The place of the last record up to and with this id."""
        wanted = "TRY_CAST($id AS HUGEINT)" if self._order != "id" else "$id"
        row = self._con.execute(
            f"SELECT count(*) FROM places WHERE {self._order} <= {wanted}", {"id": id}
        ).fetchone()
        return int(row[0]) if row else 0

    def replace(self, low: int, high: int, listed: Sequence[Listed]) -> bool:
        """Let a range be what the CRM listed; returns whether anything of it was otherwise."""
        self._con.execute("CREATE OR REPLACE TEMP TABLE found AS SELECT * FROM held WHERE false")
        for start in range(0, len(listed), 1_000):
            some = listed[start : start + 1_000]
            columns: list[list[object]] = [[one.id for one in some], [one.stamp for one in some]]
            columns += [[_text(one.values.get(field)) for one in some] for field in self._fields]
            cells = "unnest(?::VARCHAR[]), unnest(?::TIMESTAMPTZ[])"
            cells += f", TRY_CAST(unnest(?::VARCHAR[]) AS {MONEY})" * len(self._fields)
            self._con.execute(f"INSERT INTO found SELECT {cells}", columns)
        inside = f"id IN (SELECT id FROM places WHERE place > {low} AND place <= {high})"
        same = f"(SELECT id{self._values()} FROM held WHERE {inside})"
        new = f"(SELECT id{self._values()} FROM found)"
        row = self._con.execute(
            f"SELECT (SELECT count(*) FROM ({same} EXCEPT {new})) + (SELECT count(*) FROM ({new} EXCEPT {same}))"
        ).fetchone()
        self._con.execute(f"DELETE FROM held WHERE {inside} OR id IN (SELECT id FROM found)")
        self._con.execute("INSERT INTO held SELECT * FROM found")
        return bool(row and row[0])

    def holds(self, ids: Sequence[str]) -> set[str]:
        """Those of the ids that the CRM was found to have."""
        theirs = "held" if self._sorted else f"({self._laid_over()})"
        return {
            id
            for (id,) in self._con.execute(
                f"SELECT id FROM {theirs} WHERE list_contains(?, id)", [list(ids)]
            ).fetchall()
        }

    def now(self) -> Held:
        """Of all that the CRM was found to have, and what is taken for right."""
        return self._totals("held") if self._sorted else self.expected()

    def odd(self) -> list[Odd]:
        """Where that is not what the raw table holds, in the order of ids."""
        theirs = "held" if self._sorted else f"({self._laid_over()})"
        ours, theirs = (
            f"(SELECT *, row_number() OVER (PARTITION BY id ORDER BY stamp) AS nth FROM {rows})"
            for rows in (f"({self._living})", theirs)
        )  # a record that the table holds twice is one too many
        differing = " OR ".join(
            f"a.{v} IS DISTINCT FROM b.{v}" for v in map(self._value, range(len(self._fields)))
        )
        order = self._order.replace("id", "coalesce(a.id, b.id)")
        sides = ", ".join(
            f"{side}.id IS NOT NULL, {side}.stamp"
            + "".join(f", {side}.{self._value(p)}" for p in range(len(self._fields)))
            for side in "ab"
        )
        rows = self._con.execute(
            f"SELECT coalesce(a.id, b.id), {sides} FROM {ours} a FULL JOIN {theirs} b ON a.id = b.id "
            f"AND a.nth = b.nth WHERE a.id IS NULL OR b.id IS NULL {'OR ' + differing if differing else ''} "
            f"ORDER BY {order}, 1"
        ).fetchall()
        width = 2 + len(self._fields)
        return [Odd(row[0], _side(row[1 : 1 + width]), _side(row[1 + width :])) for row in rows]

    def drop(self) -> None:
        """Remove the temp tables."""
        for table in ("held", "places", "found", "waits"):
            self._con.execute(f"DROP TABLE IF EXISTS temp.{table}")

    def _laid_over(self) -> str:
        own = ", ".join(
            f"CASE WHEN w.id IS NULL THEN c.{v} ELSE w.{v} END AS {v}"
            for v in map(self._value, range(len(self._fields)))
        )
        return (
            "SELECT coalesce(c.id, w.id) AS id, CASE WHEN w.id IS NULL THEN c.stamp ELSE w.stamp END AS stamp"
            f"{', ' + own if own else ''} FROM ({self._living}) c FULL JOIN waits w ON w.id = c.id"
        )

    def _totals(self, relation: str) -> Held:
        sums = "".join(f", coalesce(sum({self._value(p)}), 0)" for p in range(len(self._fields)))
        row = self._con.execute(f"SELECT count(*){sums} FROM {relation}").fetchone()
        assert row is not None
        return Held(int(row[0]), tuple(Decimal(value) for value in row[1:]))

    def _values(self) -> str:
        return "".join(f", {self._value(place)}" for place in range(len(self._fields)))

    @staticmethod
    def _value(place: int) -> str:
        return f"v{place}"


def _text(value: Decimal | None) -> str | None:
    if (
        value is None or value.adjusted() > 38
    ):  # no money column has room for it, and written out it may be endless
        return None
    return f"{value:f}"


def _side(cells: tuple[object, ...]) -> tuple[datetime | None, tuple[Decimal | None, ...]] | None:
    there, stamp, *values = cells
    return (stamp, tuple(values)) if there else None  # type: ignore[arg-type, return-value]
