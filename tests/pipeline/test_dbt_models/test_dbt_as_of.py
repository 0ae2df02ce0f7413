"""As of any day, as known on any day: the history and its macro against a fold written in Python; the query that the
marts' README gives to readers, on a published file; month ends against builds of those days."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.warehouse.publish import PublishedColumn, PublishedTable, publish
from tests.pipeline.test_dbt_models.warehouse import PROJECT, Dbt, Warehouse

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
AS_OF = "select opportunity_key, amount, evidence_grade from {{ as_of(ref('fct_opportunity_history'), %s) }} as held"


@dataclass(frozen=True)
class Look:
    """A version that was read. gone: a deletion, said to have been at `stamp`. loaded: when it came in."""

    stamp: int
    read: int
    loaded: int
    amount: int
    gone: bool = False


# What happens to one record, day after day: read with a stamp so many days old, or gone so many days ago; loaded after
# so many days (0: at once; more: it waited in quarantine).
happenings = st.lists(
    st.tuples(st.booleans(), st.integers(0, 6), st.integers(0, 5), st.sampled_from([0, 0, 0, 2, 5])),
    min_size=1,
    max_size=7,
)


def looks(happened: list[tuple[bool, int, int, int]]) -> list[Look]:
    found: list[Look] = []
    for day, (gone, age, amount, wait) in enumerate(happened, 3):
        stamp = max(1, day - age)
        if gone:  # the tombstone carries what the warehouse holds then
            held = [look for look in found if not look.gone and look.loaded <= day]
            if not held:
                continue
            newest = max(held, key=lambda look: (look.stamp, look.read))
            found.append(Look(max(stamp, newest.stamp), day, day, newest.amount, gone=True))
        else:
            found.append(Look(stamp, day, day + wait, amount))
    return found


def folded(known: list[Look], day: int) -> tuple[int, bool] | None:
    """Amount at the end of a day, and whether it is rewound; None where the record is not there. Content by the
    newest stamp, existence by the newest look."""
    valid = [look for look in known if look.stamp <= day]
    if valid:
        if max(valid, key=lambda look: look.read).gone:
            return None
        alive = [look for look in valid if not look.gone]
        return max(alive, key=lambda look: (look.stamp, look.read)).amount, False
    alive = [look for look in known if not look.gone]
    return (min(alive, key=lambda look: (look.stamp, look.read)).amount, True) if alive else None


def moment(day: int) -> datetime:
    return BEGIN + timedelta(days=day)


class History:
    """The model's own SQL over versions that a test writes down."""

    def __init__(self, path: Path, dbt: Dbt) -> None:
        self.build = dbt.compiled("--select", "int_crm__opportunity_history")
        day = "'cast($day as date)'"
        self.known_at = dbt.compiled("--inline", AS_OF % f"{day}, known='cast($known as timestamptz)'")
        self.today = dbt.compiled("--inline", AS_OF % day)
        self.con = duckdb.connect(str(path))
        self.con.execute("SET TimeZone = 'UTC'")
        for table in ("int_crm__opportunity_versions_unioned", "int_crm__stage_visits"):
            self.con.execute(f"DELETE FROM intermediate.{table}")

    def holds(self, looks: list[Look]) -> None:
        self.con.execute("DELETE FROM intermediate.int_crm__opportunity_versions_unioned")
        for number, look in enumerate(looks):
            stamp = moment(look.stamp)
            self.con.execute(
                "INSERT INTO intermediate.int_crm__opportunity_versions_unioned "
                "(opportunity_key, source_system, source_stage, amount, created_at, modified_at, read_at, "
                "existed_at, loaded_at, deleted_at, way_rank, read_position) "
                "VALUES ('o', 'zoho', 'Qualification', ?, ?, ?, ?, ?, ?, ?, 1, ?)",
                [look.amount, moment(0), stamp, moment(look.read), moment(look.read), moment(look.loaded),
                 stamp if look.gone else None, number],
            )  # fmt: skip
        self.con.execute(f"CREATE OR REPLACE TABLE intermediate.int_crm__opportunity_history AS {self.build}")

    def at(self, day: int, known: int | None = None) -> tuple[int, bool] | None:
        of_day = {"day": moment(day).date()}
        query = self.today if known is None else self.known_at
        rows = self.con.execute(
            query, of_day | ({"known": moment(known)} if known is not None else {})
        ).fetchall()
        assert len(rows) <= 1, "one row per record at most"
        return (int(rows[0][1]), rows[0][2] == "rewound") if rows else None


@pytest.fixture(scope="module")
def history(dbt: Dbt, company: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    path = tmp_path_factory.mktemp("history") / "warehouse.duckdb"  # the models name the database by the file
    shutil.copyfile(company.path, path)
    made = History(path, dbt)
    yield made
    made.con.close()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(happened=happenings)
def test_any_day_as_known_on_any_day_is_what_a_fold_of_the_looks_gives(
    history: History, happened: list[tuple[bool, int, int, int]]
) -> None:
    found = looks(happened)
    history.holds(found)
    end = max((look.loaded for look in found), default=0)
    for day in range(0, end + 1, 2):
        assert history.at(day) == folded(found, day), f"day {day}"
        for known in range(2, end + 1, 3):
            then = [look for look in found if look.loaded <= known]
            assert history.at(day, known) == folded(then, day), f"day {day} known at {known}"


README = (PROJECT / "models" / "marts" / "README.md").read_text("utf-8")
SECTION = README.partition("## As of any day")[2].partition("\n## ")[0]
TODAY, KNOWN = re.findall(r"```sql\n(.*?)```", SECTION, re.S)


@pytest.fixture(scope="module")
def reader(
    company: Warehouse, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A published copy of the company, as readers open it."""
    folder = tmp_path_factory.mktemp("published")
    warehouse = folder / "warehouse.duckdb"  # the views name the database by the file
    shutil.copyfile(company.path, warehouse)
    with duckdb.connect(str(warehouse), read_only=True) as con:
        described = con.execute("DESCRIBE core.fct_opportunity_history").fetchall()
    columns = tuple(PublishedColumn(c) for c, *_ in described)
    table = PublishedTable("core", "fct_opportunity_history", "", columns)
    path = publish(warehouse, folder, [table], {}, memory_limit="1GB").path
    with duckdb.connect(str(path), read_only=True) as con:
        yield con


def state(con: duckdb.DuckDBPyConnection, query: str) -> list[tuple[str, str, Decimal]]:
    return con.execute(
        f"SELECT h.source_id, q.stage, q.amount FROM ({query}) AS q "
        "JOIN (SELECT DISTINCT opportunity_key, source_id FROM core.fct_opportunity_history) AS h "
        "USING (opportunity_key) ORDER BY 1"
    ).fetchall()


def test_the_query_of_the_readme_gives_a_past_day_on_a_published_file(
    reader: duckdb.DuckDBPyConnection,
) -> None:
    """28 February. d6 was deleted on the 25th; d4 only in March; f1 and f2 came in March and tell of February."""
    assert state(reader, TODAY) == [
        ("d1", "won", Decimal("1000.00")),
        ("d2", "lost", Decimal("500.00")),
        ("d3", "qualification", Decimal("200.00")),
        ("d4", "won", Decimal("9999.00")),
        ("d5", "negotiation", Decimal("50.50")),
        ("f1", "won", Decimal("2000.00")),
        ("f2", "unknown", Decimal("0.00")),
    ]


def test_and_as_it_was_known_before_the_file_came_and_the_deletion_was_taken_back(
    reader: duckdb.DuckDBPyConnection,
) -> None:
    """What was known on 2 February noon (UTC) of that day: d1 not at all, d2 was gone, which 3 February took back."""
    at = "timestamp '2026-02-03 00:00' at time zone 'Asia/Shanghai'"
    query = KNOWN.replace("2026-03-01", "2026-02-03").replace("2026-03-05 00:00", "2026-02-02 20:00")
    assert at in query and state(reader, query) == []
    later = KNOWN.replace("2026-03-01", "2026-02-03").replace("2026-03-05 00:00", "2026-02-03 20:00")
    assert state(reader, later) == [("d2", "lost", Decimal("500.00"))]


def test_month_ends_are_those_days(company: Warehouse) -> None:
    """The view names its database, so it is read under that name."""
    with duckdb.connect() as con:
        con.execute(f"ATTACH '{company.path}' AS warehouse (READ_ONLY)")
        rows = con.execute(
            "SELECT s.snapshot_date, count(*), sum(s.amount) FILTER (s.status = 'open') "
            "FROM warehouse.core.fct_opportunity_snapshot s GROUP BY 1 ORDER BY 1"
        ).fetchall()
    assert rows == [
        (date(2026, 1, 31), 3, Decimal("1550.50")),  # d1 and d5 open; d2 was lost an hour into February
        (date(2026, 2, 28), 7, Decimal("250.50")),
        (date(2026, 3, 4), 8, Decimal("300.00")),  # not d4, deleted that day, nor f4, which is 作废
    ]
