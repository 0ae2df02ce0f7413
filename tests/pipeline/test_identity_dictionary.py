"""Tables of normal forms: read once, of new packages only, and without a personal text."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from pipelines.identity import dictionary
from pipelines.identity.dictionary import keyed_hash, note_identity
from pipelines.warehouse.ops import ensure_ops
from tests.pipeline.test_dbt_models.warehouse import create_raw

VARIABLES = {"zoho_credit_code_field": "Credit_Code"}


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        ensure_ops(con)
        create_raw(con)
        package(con, "p1", 1)
        con.execute(
            'INSERT INTO raw_zoho.accounts (_record_id, _package_id, "Account_Name", "Phone", "Credit_Code") VALUES '
            "('a', 'p1', ' 苏州蓝海科技 ', '0512-66668888', '91110000600037341L'), "
            "('b', 'p1', '苏州蓝海科技', NULL, NULL)"
        )
        con.execute(
            'INSERT INTO raw_zoho.contacts (_record_id, _package_id, "Full_Name", "Mobile", "Email") '
            "VALUES ('c', 'p1', '王芳', '13905127306', 'Fang@corp.example')"
        )
        yield con


def package(con: duckdb.DuckDBPyConnection, name: str, order: int) -> None:
    con.execute("INSERT INTO ops.packages (package_id, load_order) VALUES (?, ?)", [name, order])


def test_every_value_is_read_once(con: duckdb.DuckDBPyConnection) -> None:
    read = note_identity(con, VARIABLES)
    assert (read["companies"], read["phones"], read["credit_codes"], read["emails"]) == (1, 2, 1, 1)
    assert con.execute("SELECT value, core, place FROM identity.companies").fetchall() == [
        ("苏州蓝海科技", "蓝海科技", "苏州")
    ]
    assert set(note_identity(con, VARIABLES).values()) == {0}


def test_a_new_package_brings_its_new_values_only(con: duckdb.DuckDBPyConnection) -> None:
    note_identity(con, VARIABLES)
    package(con, "p2", 2)
    con.execute(
        "UPDATE raw_zoho.accounts SET \"Account_Name\" = '无锡蓝海科技', _package_id = 'p2' WHERE _record_id = 'b'"
    )
    assert note_identity(con, VARIABLES)["companies"] == 1
    assert con.execute("SELECT count(*) FROM identity.companies").fetchone() == (2,)


def test_changed_rules_read_everything_anew(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    note_identity(con, VARIABLES)
    monkeypatch.setattr(dictionary, "rule_version", lambda: "another")
    assert note_identity(con, VARIABLES)["companies"] == 1
    assert con.execute("SELECT count(*) FROM identity.companies").fetchone() == (1,)
    assert note_identity(con, {"zoho_credit_code_field": "Rating"})["credit_codes"] == 0


def test_personal_values_are_kept_as_hashes_only(con: duckdb.DuckDBPyConnection) -> None:
    note_identity(con, VARIABLES)
    (key,) = con.execute("SELECT hash_key FROM identity.hash_key").fetchone() or ("",)
    [found] = con.execute(
        "SELECT phone_hash, phone_kind FROM identity.phones WHERE value = ?", [keyed_hash(key, "13905127306")]
    ).fetchall()
    assert found == (keyed_hash(key, "+8613905127306"), "mobile")
    for table in ("phones", "emails", "people"):
        text = str(con.execute(f"SELECT * FROM identity.{table}").fetchall())
        assert not any(
            secret in text.lower()
            for secret in ("王芳", "138", "6666", "fang@")
            if secret not in ("138", "6666")
        )
        assert all(
            len(value) == 64 for (value,) in con.execute(f"SELECT value FROM identity.{table}").fetchall()
        )


def test_a_new_warehouse_has_another_key(con: duckdb.DuckDBPyConnection) -> None:
    note_identity(con, VARIABLES)
    with duckdb.connect() as other:
        ensure_ops(other)
        create_raw(other)
        package(other, "p1", 1)
        note_identity(other, VARIABLES)
        keys = [c.execute("SELECT hash_key FROM identity.hash_key").fetchall() for c in (con, other)]
    assert keys[0] != keys[1]
