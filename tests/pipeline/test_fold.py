"""The fold: once per package, content by (stamp, read start, position), existence by read start alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.core.contract import CursorKind
from pipelines.landing.types import engine_type
from pipelines.manifest import Checked, Landed
from pipelines.warehouse.load import Parts, load_package
from pipelines.warehouse.ops import ensure_ops, unbalanced
from pipelines.warehouse.schema import widened
from tests.pipeline.scripted import STREAM

DAY = datetime(2026, 3, 1, tzinfo=UTC)
COLUMNS = {f.name: engine_type(f) for f in STREAM.fields}


def day(number: float) -> datetime:
    return DAY + timedelta(days=number)


@dataclass
class Warehouse:
    """A real warehouse in memory, fed with packages that a test writes down."""

    folder: Path
    con: duckdb.DuckDBPyConnection = field(default_factory=duckdb.connect)
    loads: int = 0

    def __post_init__(self) -> None:
        self.con.execute("SET TimeZone = 'UTC'")
        ensure_ops(self.con)

    def load(
        self,
        rows: list[dict[str, Any]],
        *,
        read_at: datetime,
        kind: CursorKind = CursorKind.INCREMENTAL,
        package: str = "",
        more: str = "",
        org: str = "default",
    ) -> dict[str, int]:
        """rows: id, stamp, name [, amount]; more: further typed columns as SQL."""
        self.loads += 1
        package = package or f"p{self.loads:04d}"
        path = self.folder / f"{package}.parquet"
        values = (
            ", ".join(
                f"({i}, '{r['id']}', TIMESTAMPTZ '{r['stamp'].isoformat()}', '{r.get('name', '')}')"
                for i, r in enumerate(rows)
            )
            or "(0, '', now(), '')"
        )
        self.con.execute(
            f"COPY (SELECT p::BIGINT AS _position, id AS _record_id, s AS _modified_at, NULL::VARCHAR AS _extra, "
            f'md5(n || s::VARCHAR) AS _row_hash, id, n AS "Name", s AS "Modified_Time" {more} '
            f"FROM (VALUES {values}) v(p, id, s, n) WHERE {bool(rows)}) TO '{path}' (FORMAT parquet)"
        )
        landed = Landed(
            package=package, source="scripted", org=org, stream="deals", api_name="Deals", kind=kind,
            started_at=read_at, landed_at=read_at, cursor_before=None, cursor_after=None, received=len(rows),
            pages=1, seconds=0.0, files=[], shape_hash="",
        )  # fmt: skip
        checked = Checked(
            checked_at=read_at, rules_hash="", received=len(rows), accepted=len(rows), quarantined=0, repeated=0,
            superseded=0,
        )  # fmt: skip
        swept = (path,) if kind is CursorKind.SWEEP else ()
        parts = Parts(path, swept, read_at if swept else None, agreed=True)
        receipt = load_package(self.con, STREAM, COLUMNS, landed, checked, parts, loaded_at=read_at)
        names = ("inserted", "updated", "unchanged", "stale", "deleted")
        return {n: c for n in names if (c := getattr(receipt, n))}

    def bury(self, *ids: str, read_at: datetime, at: datetime) -> dict[str, int]:
        return self.load([{"id": i, "stamp": at} for i in ids], read_at=read_at, kind=CursorKind.DELETED)

    def current(self) -> dict[str, tuple[str, bool]]:
        """id → (name, alive)."""
        query = 'SELECT _record_id, "Name", _deleted_at IS NULL FROM raw_scripted.deals'
        return {key: (name, alive) for key, name, alive in self.con.execute(query).fetchall()}

    def history(self, key: str) -> list[tuple[str, bool]]:
        table = "raw_scripted.deals__history"
        query = f'SELECT "Name", _deleted_at IS NULL FROM {table} WHERE _record_id = ? ORDER BY _loaded_at'
        return self.con.execute(query, [key]).fetchall()


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path)


def row(key: str, stamp: datetime, name: str) -> dict[str, Any]:
    return {"id": key, "stamp": stamp, "name": name}


def test_new_changed_and_same(warehouse: Warehouse) -> None:
    assert warehouse.load([row("1", day(0), "a"), row("2", day(0), "b")], read_at=day(1)) == {"inserted": 2}
    second = warehouse.load(
        [row("1", day(0), "a"), row("2", day(1), "B"), row("3", day(1), "c")], read_at=day(2)
    )
    assert second == {"inserted": 1, "updated": 1, "unchanged": 1}
    assert warehouse.current() == {"1": ("a", True), "2": ("B", True), "3": ("c", True)}
    assert warehouse.history("1") == [("a", True)], "an unchanged row makes no history"
    assert warehouse.history("2") == [("b", True), ("B", True)]


def test_a_package_counts_once(warehouse: Warehouse) -> None:
    rows = [row("1", day(0), "a")]
    first = warehouse.load(rows, read_at=day(1), package="same")
    assert warehouse.load(rows, read_at=day(1), package="same") == first
    assert len(warehouse.history("1")) == 1
    assert warehouse.con.execute("SELECT count(*) FROM ops.packages").fetchone() == (1,)


def test_an_older_version_that_arrives_late_changes_nothing_but_history(warehouse: Warehouse) -> None:
    warehouse.load([row("1", day(5), "new")], read_at=day(6))
    assert warehouse.load([row("1", day(1), "old")], read_at=day(7)) == {"stale": 1}
    assert warehouse.load([row("1", day(1), "old")], read_at=day(8)) == {"stale": 1}
    assert warehouse.current() == {"1": ("new", True)}
    assert warehouse.history("1") == [("new", True), ("old", True)]


def test_an_older_file_that_arrives_late_does_not_win_over_a_newer_one_that_changed_nothing(
    warehouse: Warehouse,
) -> None:
    """Rows of files without a stamp of their own carry their file's: content hash, file stamp."""
    for stamp, name, expected in (
        (day(10), "won", {"inserted": 1}),
        (day(30), "won", {"unchanged": 1}),
        (day(20), "open", {"stale": 1}),
    ):
        warehouse.loads += 1
        path = warehouse.folder / f"f{warehouse.loads}.parquet"
        warehouse.con.execute(
            "COPY (SELECT 1::BIGINT AS _position, 'A' AS _record_id, "
            f"TIMESTAMPTZ '{stamp.isoformat()}' AS _modified_at, NULL::VARCHAR AS _extra, md5('{name}') AS _row_hash, "
            f"'{name}' AS \"Name\") TO '{path}' (FORMAT parquet)"
        )
        landed = msgspec.structs.replace(_landed(f"f{warehouse.loads}"), kind=CursorKind.FILE)
        receipt = load_package(
            warehouse.con, STREAM, COLUMNS, landed, _checked(), Parts(path), loaded_at=day(40)
        )
        assert {n: getattr(receipt, n) for n in expected} == expected
    assert warehouse.current() == {"A": ("won", True)}
    assert sorted(name for name, _ in warehouse.history("A")) == ["open", "won"]


def test_the_same_stamp_with_other_content_goes_to_the_later_read(warehouse: Warehouse) -> None:
    warehouse.load([row("1", day(1), "seen first")], read_at=day(2))
    # A hash that differs with an equal stamp: a formula field, or two edits within a second.
    warehouse.con.execute("UPDATE raw_scripted.deals SET _row_hash = 'other'")
    assert warehouse.load([row("1", day(1), "seen later")], read_at=day(3)) == {"updated": 1}
    assert warehouse.current() == {"1": ("seen later", True)}


def test_the_deleted_list_makes_a_tombstone_and_history_keeps_the_row(warehouse: Warehouse) -> None:
    warehouse.load([row("1", day(0), "a"), row("2", day(0), "b")], read_at=day(1))
    assert warehouse.bury("1", "unknown", read_at=day(3), at=day(2)) == {"deleted": 1}
    assert warehouse.current() == {"1": ("a", False), "2": ("b", True)}
    assert warehouse.history("1") == [("a", True), ("a", False)]
    facts = warehouse.con.execute(
        "SELECT _deleted_at, _deletion_evidence FROM raw_scripted.deals WHERE _record_id = '1'"
    ).fetchone()
    assert facts == (day(2), "deleted_list")
    assert warehouse.bury("1", read_at=day(4), at=day(2)) == {}, "buried twice"


def test_a_slow_read_that_began_before_the_delete_resurrects_nothing(warehouse: Warehouse) -> None:
    warehouse.load([row("1", day(0), "a")], read_at=day(1))
    warehouse.bury("1", read_at=day(5), at=day(4))
    warehouse.load([row("1", day(3), "edited before the delete")], read_at=day(2))
    assert warehouse.current() == {"1": ("edited before the delete", False)}


def test_a_restore_without_a_new_stamp_comes_back(warehouse: Warehouse) -> None:
    warehouse.load([row("1", day(0), "a")], read_at=day(1))
    warehouse.bury("1", read_at=day(3), at=day(2))
    assert warehouse.load([row("1", day(0), "a")], read_at=day(4)) == {"updated": 1}
    assert warehouse.current() == {"1": ("a", True)}
    assert warehouse.history("1") == [("a", True), ("a", False), ("a", True)]


def test_a_deleted_list_read_before_the_record_was_seen_again_buries_nothing(warehouse: Warehouse) -> None:
    warehouse.load([row("1", day(0), "a")], read_at=day(4))
    assert warehouse.bury("1", read_at=day(3), at=day(2)) == {}
    assert warehouse.current() == {"1": ("a", True)}


def test_a_failed_load_leaves_nothing(warehouse: Warehouse, tmp_path: Path) -> None:
    warehouse.load([row("1", day(0), "a")], read_at=day(1))
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(duckdb.Error):
        load_package(
            warehouse.con,
            STREAM,
            COLUMNS,
            _landed("broken"),
            _checked(),
            Parts(tmp_path / "broken.parquet"),
            loaded_at=day(2),
        )
    assert warehouse.load([row("2", day(0), "b")], read_at=day(3)) == {"inserted": 1}
    assert warehouse.con.execute("SELECT package_id FROM ops.packages ORDER BY 1").fetchall() == [
        ("p0001",),
        ("p0002",),
    ]


def _landed(package: str) -> Landed:
    return Landed(
        package=package, source="scripted", org="default", stream="deals", api_name="Deals",
        kind=CursorKind.INCREMENTAL, started_at=day(2), landed_at=day(2), cursor_before=None, cursor_after=None,
        received=1, pages=1, seconds=0.0, files=[], shape_hash="",
    )  # fmt: skip


def _checked() -> Checked:
    return Checked(
        checked_at=day(2), rules_hash="", received=1, accepted=1, quarantined=0, repeated=0, superseded=0
    )


def test_rows_that_do_not_add_up_are_found(warehouse: Warehouse) -> None:
    warehouse.load([row("1", day(0), "a")], read_at=day(1))
    assert unbalanced(warehouse.con) == []
    warehouse.con.execute("UPDATE ops.packages SET received = 2")
    assert unbalanced(warehouse.con) == [("p0001", 1, 0)]


def test_a_new_field_adds_a_column_and_a_vanished_one_goes_null(warehouse: Warehouse) -> None:
    warehouse.load(
        [row("1", day(0), "a")], read_at=day(1), more=", 5 AS \"新字段 'x'.y\"".replace("5", "5::BIGINT")
    )
    warehouse.load([row("2", day(0), "b")], read_at=day(2))
    got = warehouse.con.execute(
        "SELECT _record_id, \"新字段 'x'.y\" FROM raw_scripted.deals ORDER BY 1"
    ).fetchall()
    assert got == [("1", 5), ("2", None)]
    changes = warehouse.con.execute(
        "SELECT field, old_type, new_type, package_id FROM ops.schema_changes"
    ).fetchall()
    assert changes == [("新字段 'x'.y", None, "BIGINT", "p0001")]


def test_a_type_that_changes_widens_and_keeps_what_was_there(warehouse: Warehouse) -> None:
    for number, value in enumerate(
        ("true", "7::BIGINT", "1.25::DECIMAL(18,2)", "'x'", "{'id': '9', 'name': 'n'}")
    ):
        warehouse.load([row(str(number), day(0), "a")], read_at=day(number), more=f', {value} AS "Odd"')
    kept = warehouse.con.execute('SELECT _record_id, "Odd" FROM raw_scripted.deals ORDER BY 1').fetchall()
    assert kept == [("0", "1.00"), ("1", "7.00"), ("2", "1.25"), ("3", "x"), ("4", '{"id":"9","name":"n"}')]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("BOOLEAN", "BIGINT", "BIGINT"),
        ("BIGINT", "BOOLEAN", "BIGINT"),
        ("BIGINT", "DECIMAL(18,2)", "DECIMAL(38,2)"),
        ("DECIMAL(18,2)", "DECIMAL(18,4)", "DECIMAL(38,4)"),
        ("DECIMAL(18,2)", "DECIMAL(18,2)", "DECIMAL(18,2)"),
        ("DATE", "TIMESTAMPTZ", "VARCHAR"),
        ("STRUCT(id VARCHAR, name VARCHAR)", "VARCHAR", "VARCHAR"),
        ("VARCHAR", "BIGINT", "VARCHAR"),
    ],
)
def test_the_ladder(old: str, new: str, expected: str) -> None:
    assert widened(old, new) == expected


EVENTS = st.lists(
    st.tuples(st.sampled_from(["read", "bury"]), st.sampled_from("AB"), st.integers(0, 4)),
    min_size=1,
    max_size=8,
)


@given(events=EVENTS)
@settings(max_examples=25, deadline=None)
def test_content_follows_the_stamp_and_existence_the_read(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[str, str, int]]
) -> None:
    """A model of a dozen lines agrees with the fold: the newest stamp's content, the last read's existence."""
    warehouse = Warehouse(tmp_path_factory.mktemp("fold"))
    newest: dict[str, int] = {}
    alive: dict[str, bool] = {}
    for read, (what, key, stamp) in enumerate(events):
        if what == "read":
            warehouse.load([row(key, day(stamp), str(stamp))], read_at=day(100 + read))
            newest[key], alive[key] = max(newest.get(key, 0), stamp), True
        else:
            warehouse.bury(key, read_at=day(100 + read), at=day(stamp))
            alive = {k: v and k != key for k, v in alive.items()}
    restored_late = {k for k in newest if _restored_with_older_content(events, k)}
    got = warehouse.current()
    assert {k: v[1] for k, v in got.items()} == alive
    assert {k: v[0] for k, v in got.items() if k not in restored_late} == {
        k: str(v) for k, v in newest.items() if k not in restored_late
    }


def _restored_with_older_content(events: list[tuple[str, str, int]], key: str) -> bool:
    """A record that comes back from the dead with an older stamp is what the CRM says now, not what it was."""
    newest, dead = -1, False
    for what, k, stamp in events:
        if k != key:
            continue
        if what == "bury":
            dead = newest >= 0
        else:
            if dead and stamp < newest:
                return True
            newest, dead = max(newest, stamp), False
    return False


def test_money_keeps_its_scale(warehouse: Warehouse) -> None:
    warehouse.load([row("1", day(0), "a")], read_at=day(1), more=', 1234.5::DECIMAL(18,2) AS "Amount"')
    assert warehouse.con.execute('SELECT "Amount" FROM raw_scripted.deals').fetchone() == (
        Decimal("1234.50"),
    )


def of_org(warehouse: Warehouse, org: str) -> list[tuple[Any, ...]]:
    """Everything that the tables hold of an organisation."""
    found: list[tuple[Any, ...]] = []
    for table in ("raw_scripted.deals", "raw_scripted.deals__history"):
        found += warehouse.con.execute(f"SELECT * FROM {table} WHERE _org = ? ORDER BY ALL", [org]).fetchall()
    return found


@pytest.fixture
def two_orgs(warehouse: Warehouse) -> Warehouse:
    """The same two record ids in both; the second is deleted in both."""
    for org in ("north", "south"):
        warehouse.load([row("1", day(5), "a"), row("2", day(5), "b")], read_at=day(6), org=org)
        warehouse.load([row("2", day(5), "")], read_at=day(7), kind=CursorKind.DELETED, org=org)
    return warehouse


@pytest.mark.parametrize(
    ("kind", "rows"),
    [
        (CursorKind.INCREMENTAL, [row("1", day(8), "newer")]),
        (CursorKind.INCREMENTAL, [row("1", day(1), "older")]),
        (CursorKind.INCREMENTAL, [row("2", day(5), "b")]),
        (CursorKind.DELETED, [row("1", day(8), "")]),
        (CursorKind.SWEEP, [row("3", day(8), "")]),
        (CursorKind.SWEEP, [row("1", day(8), ""), row("2", day(8), "")]),
    ],
    ids=["newer", "older", "restored", "deleted", "gone", "swept"],
)
def test_organisations_that_share_record_ids_never_touch_each_other(
    two_orgs: Warehouse, kind: CursorKind, rows: list[dict[str, Any]]
) -> None:
    south, north = of_org(two_orgs, "south"), of_org(two_orgs, "north")
    two_orgs.load(rows, read_at=day(9), kind=kind, org="north")
    assert of_org(two_orgs, "south") == south
    assert of_org(two_orgs, "north") != north
    two_orgs.load(rows, read_at=day(9), kind=kind, org="south")
    assert [r[1:4] for r in of_org(two_orgs, "south")] == [r[1:4] for r in of_org(two_orgs, "north")]


def test_a_late_row_does_not_heed_the_deletions_of_another_organisation(warehouse: Warehouse) -> None:
    warehouse.load([row("1", day(5), "")], read_at=day(9), kind=CursorKind.DELETED, org="south")
    warehouse.load([row("1", day(5), "a")], read_at=day(6), org="north")
    assert warehouse.current() == {"1": ("a", True)}
