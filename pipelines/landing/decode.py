"""From a landed package to typed rows, one per record.

Leaves in the connection: `winners` (the newest version of each record, and every row without a key), `losers`
(_position, fate: repeated or superseded) and `misfits` (_position, field, text, strict: cells that their
field's type cannot hold exactly; a strict one sets its row aside, the others go to `_extra`). Rows stream
through a file: held in memory, 200,000 of them would take hundreds of megabytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import duckdb

from connectors.core.contract import RECORD_ID, CursorKind, Field, FieldType, Shape, Source, Stream
from pipelines.landing.archives import cells_from_archives, is_archived
from pipelines.landing.cells import CARRIED, cells_from_file, cells_from_pages, unreadable
from pipelines.landing.intact import require_intact
from pipelines.landing.own_totals import OwnTotals
from pipelines.landing.types import row_hash, typed
from pipelines.landing.zone import Package
from pipelines.sql import PARQUET, columns_of, literal, quote, renamed

_UNTYPED = (FieldType.TEXT, FieldType.JSON, FieldType.LOOKUP)


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a package's bytes hold.

    skipped: rows that are no records, by reason. misfits: cells by field. columns: column → field, of fields
    that could not have a column of their own name. rows: the file of all rows as accepted rows look; None where
    one of them has something odd about it. sheet, headers: of a file, see `Table`. absent: declared fields that the
    file has no column for. own: what a file's cells add up to. no_records: positions of the rows that were skipped.
    """

    fields: tuple[Field, ...]
    received: int
    skipped: dict[str, int]
    misfits: dict[str, int]
    columns: dict[str, str]
    rows: Path | None
    sheet: str
    headers: dict[str, str]
    absent: tuple[str, ...]
    own: OwnTotals | None = None
    no_records: frozenset[int] = frozenset()


def decode(
    package: Package,
    source: Source | None,
    stream: Stream,
    con: duckdb.DuckDBPyConnection,
    scratch: Path,
    sums: Sequence[str] = (),
) -> Decoded:
    """Fill `winners`, `losers` and `misfits`. `scratch` is an empty folder, `con` an empty database; source: opened,
    for packages that are files. sums: fields of which a file's own cells are added up."""
    landed = package.landed
    require_intact(package, landed)
    skipped: dict[str, int] = {}
    no_records: frozenset[int] = frozenset()
    sheet, headers, absent = "", dict[str, str](), tuple[str, ...]()
    records: Path | None = None
    own: OwnTotals | None = None
    if package.kind == CursorKind.FILE:
        assert source is not None
        con.execute(f"SET TimeZone = {literal('UTC')}")
        shape, table = source.tabulate(package.folder / landed.files[0].name, stream)
        shape, columns = _named(shape, stream)
        own = cells_from_file(shape, table, source.parse, columns, con, scratch, sums)
        skipped = dict(Counter(reason for _, reason in table.skipped))
        no_records = frozenset(position for position, _ in table.skipped)
        sheet, headers = table.sheet, dict(table.headers)
        given = {name.removesuffix(".id").removesuffix(".name") for name in table.columns}
        absent = tuple(field.name for field in stream.fields if field.name not in given)
    elif is_archived(landed):
        shape, columns = _named(package.shape, stream)
        cells_from_archives(package, shape, columns, con, scratch)
    else:
        shape, columns = _named(package.shape, stream)
        records = cells_from_pages(package, shape, columns, con, scratch)
    con.execute(f"SET TimeZone = {literal(shape.timezone)}")  # texts without an offset were written there
    rows = scratch / "rows.parquet"
    odd = _type_rows(con, rows, shape, columns, landed.file_stamp, is_file=package.kind == CursorKind.FILE)
    con.execute("SET TimeZone = 'UTC'")
    count = _count(con, "SELECT count(*) FROM rows")
    if records is not None and count < landed.received:
        present = {p for (p,) in con.execute("SELECT _position FROM rows").fetchall()}
        con.execute("INSERT INTO unread SELECT unnest(?::BIGINT[])", [unreadable(records, present)])
        odd = True
        count = _count(con, "SELECT count(*) FROM rows")
    _split_by_key(con)
    misfits = dict(
        con.execute("SELECT field, count(*) FROM misfits GROUP BY field ORDER BY field").fetchall()
    )
    received, whole = count + sum(skipped.values()), None if odd else rows
    return Decoded(
        shape.fields,
        received,
        skipped,
        misfits,
        renamed(columns),
        whole,
        sheet,
        headers,
        absent,
        own,
        no_records,
    )


def _named(shape: Shape, stream: Stream) -> tuple[Shape, dict[str, str]]:
    """The shape with each field once, and field → column."""
    fields = {field.name: field for field in reversed(shape.fields)}
    columns = columns_of((field.name for field in shape.fields), {field.name for field in stream.fields})
    return replace(shape, fields=tuple(fields[name] for name in columns)), columns


def _type_rows(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    shape: Shape,
    columns: Mapping[str, str],
    file_stamp: datetime | None,
    *,
    is_file: bool,
) -> bool:
    """The view `rows` over what is typed into the file `path`, and over the tables `unread` (positions of rows
    that no reader understood) and `misfits`. Returns whether anything about a row is odd.

    What is odd stands in the file's `_extra`: `?` for cells that do not fit, `!` and the row's own misfit.
    """
    fields = shape.fields
    texts = {f.name: quote(columns[f.name]) for f in fields}
    values = {f.name: typed(f, texts[f.name], from_json=not is_file) for f in fields}
    odd = {
        f.name: f"nullif({texts[f.name]}, '') IS NOT NULL AND ({values[f.name]}) IS NULL"
        for f in fields
        if f.type not in _UNTYPED
    }
    carried = [
        "_position",
        "nullif(_record_id, '') AS _record_id",
        *(_carried(con) if is_file else ()),
    ]
    cells = [f"{values[f.name]} AS {texts[f.name]}" for f in fields]
    stamp = texts[shape.stamp] if shape.stamp else "NULL"
    con.execute(
        f"COPY (WITH typed AS (SELECT {', '.join(carried + cells)}, "
        f"CASE WHEN {' OR '.join(f'({o})' for o in odd.values()) or 'false'} THEN '?' ELSE '' END AS _odd, "
        "'!' || _misfit AS _misfit FROM cells) "
        f"SELECT * EXCLUDE (_odd, _misfit), coalesce({stamp}, {_moment(file_stamp)}) AS _modified_at, "
        f"{row_hash(fields, columns)} AS _row_hash, nullif(concat(_odd, _misfit), '') AS _extra FROM typed) "
        f"TO {literal(str(path))} ({PARQUET})"
    )
    typed_rows = f"read_parquet({literal(str(path))})"
    con.execute("CREATE TABLE misfits (_position BIGINT, field VARCHAR, text VARCHAR, strict BOOLEAN)")
    con.execute("CREATE TABLE unread (_position BIGINT)")
    con.execute("CREATE TABLE extras (_position BIGINT, _extra VARCHAR)")
    any_odd = _count(con, f"SELECT count(_extra) FROM {typed_rows}") > 0
    if any_odd:
        for field in (f for f in fields if f.name in odd):
            # Money, stamps, and whatever a person typed into a file are never dropped from a kept row.
            strict = is_file or field.type is FieldType.DECIMAL or field.name == shape.stamp
            con.execute(
                f"INSERT INTO misfits SELECT _position, $field, {texts[field.name]}, $strict FROM cells "
                f"WHERE {odd[field.name]}",
                {"field": field.name, "strict": strict},
            )
        con.execute(
            "INSERT INTO extras SELECT _position, CAST(json_group_object(field, text) AS VARCHAR) FROM misfits "
            "WHERE NOT strict GROUP BY _position"
        )
    misfit = (
        "CASE WHEN contains(t._extra, '!') THEN substr(t._extra, strpos(t._extra, '!') + 1) END AS _misfit"
    )
    flagged = (
        f"SELECT t.* EXCLUDE (_extra), e._extra, {misfit} FROM {typed_rows} t "
        "LEFT JOIN extras e USING (_position)"
    )
    plain = f"SELECT *, NULL::VARCHAR AS _misfit FROM {typed_rows}"
    con.execute(
        f"CREATE VIEW rows AS {flagged if any_odd else plain} UNION ALL BY NAME "
        "SELECT _position, 'not valid JSON text' AS _misfit FROM unread"
    )
    return any_odd


def _moment(moment: datetime | None) -> str:
    return f"TIMESTAMPTZ {literal(moment.isoformat())}" if moment else "NULL::TIMESTAMPTZ"


def _split_by_key(con: duckdb.DuckDBPyConnection) -> None:
    """The newest version of a record wins: by stamp, then by position."""
    con.execute(
        "CREATE TABLE losers AS SELECT _position, "
        "CASE WHEN _row_hash = winner THEN 'repeated' ELSE 'superseded' END AS fate FROM ("
        "SELECT _position, _row_hash, first_value(_row_hash) OVER w AS winner, row_number() OVER w AS place "
        "FROM rows WHERE _record_id IS NOT NULL AND _misfit IS NULL "
        "WINDOW w AS (PARTITION BY _record_id ORDER BY _modified_at DESC NULLS LAST, _position DESC)"
        ") WHERE place > 1"
    )
    con.execute("CREATE VIEW winners AS SELECT r.* FROM rows r ANTI JOIN losers USING (_position)")


def _carried(con: duckdb.DuckDBPyConnection) -> list[str]:
    """What `cells` holds beside the key and the fields."""
    present = {name for (name, *_) in con.execute("DESCRIBE cells").fetchall()}
    return [name for name in CARRIED if name in present and name != RECORD_ID]


def _count(con: duckdb.DuckDBPyConnection, query: str) -> int:
    row = con.execute(query).fetchone()
    assert row is not None
    return int(row[0])
