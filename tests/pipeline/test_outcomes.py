"""Blocked, set aside, failed: each is visible, nothing is lost, and the others go on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from connectors.core.contract import CursorKind, Field, FieldType
from connectors.core.errors import Problem
from pipelines import flow
from pipelines.check import personal_of
from pipelines.health import read_health
from pipelines.landing.decisions import drop
from pipelines.manifest import ACCEPTED
from pipelines.outcome import Status
from tests.pipeline.conftest import BLOCKING, RULES, Bench
from tests.pipeline.scripted import FIELDS, STREAM, Scripted, deal


def test_a_bad_row_is_set_aside_with_its_reason_and_the_rest_is_loaded(bench: Bench) -> None:
    bench.source.pages = [[deal("1", Amount=5), deal("2", Amount=-5), deal("3", Amount=7)]]
    report = bench.sync()
    assert report.ok
    assert [r[0] for r in bench.raw()] == ["1", "3"]
    package = bench.zone.packages()[0]
    with duckdb.connect() as con:
        rows = con.execute(
            f"SELECT _record_id, _faults[1].rule, _faults[1].reason FROM '{package.folder}/quarantined.parquet'"
        ).fetchall()
    assert rows == [("2", "amount_is_not_negative", "A negative amount would lower revenue.")]
    checked = package.checked
    assert (checked.received, checked.accepted, checked.quarantined, checked.balance()) == (3, 2, 1, 0)


def test_unfit_money_and_missing_keys_are_set_aside_by_themselves(bench: Bench) -> None:
    bench.source.pages = [[deal("1", Amount=100.005), {"Name": "no key"}, deal("3", Count=1.5)]]
    assert bench.sync().ok
    assert [r[0] for r in bench.raw()] == ["3"]
    folder = bench.zone.packages()[0].folder
    with duckdb.connect() as con:
        faults = con.execute(
            f"SELECT _position, _faults[1].rule, _faults[1].value FROM '{folder}/quarantined.parquet' ORDER BY 1"
        ).fetchall()
    assert faults == [(1_000_001, "fits_type", "100.005"), (1_000_002, "has_key", None)]


def test_a_blocked_package_waits_and_later_ones_wait_behind_it(bench: Bench) -> None:
    bench.rules.write_text(BLOCKING)
    bench.source.pages = [[deal("1", Amount=-1)]]
    first = bench.sync()
    assert not first.ok and first.outcomes[0].status is Status.BLOCKED
    assert "amount_is_not_negative" in first.sentences()[0] and "sync again" in first.sentences()[0]
    health = read_health(bench.settings.published)
    assert (health.ok, health.streams[0].status) == (False, "blocked")
    since = health.streams[0].since

    bench.source.pages = [[deal("2", "2026-03-02T10:00:00+08:00", Amount=2)]]
    second = bench.sync()
    assert second.outcomes[0].status is Status.BLOCKED
    assert len(bench.zone.pending()) == 2, "the later package is landed, and waits"
    reads = [w for w in bench.source.windows if w.kind is CursorKind.INCREMENTAL]
    assert reads[-1].since is not None, "the cursor moved with the bytes, not with the load"
    assert read_health(bench.settings.published).streams[0].since == since

    bench.rules.write_text(RULES.replace("min_value: 0", "min_value: -10"))
    third = bench.sync()
    assert third.ok, third.sentences()
    assert [r[0] for r in bench.raw()] == ["1", "2"]
    assert bench.zone.pending() == []


def test_a_fault_of_ours_is_an_outcome_with_a_place_for_its_traceback(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.source.pages = [[deal("1")]]
    bench.source.fail_after = 0
    bench.source.error = ZeroDivisionError("planted, with a secret in it")
    report = bench.sync()
    assert report.outcomes[0].status is Status.FAILED
    sentence = report.sentences()[0]
    assert "ZeroDivisionError" in sentence and "secret" not in sentence
    log = (bench.settings.home / "logs" / "crm-warehouse.log").read_text()
    assert "ZeroDivisionError" in log and "raise self.error" in log and "planted" not in log


def test_rows_that_do_not_add_up_fail_the_package(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines import check as check_room

    real = check_room.set_aside_unfit

    def lossy(con: duckdb.DuckDBPyConnection) -> None:
        real(con)
        con.execute("CREATE OR REPLACE VIEW fit AS SELECT * FROM winners WHERE _record_id <> '2'")

    monkeypatch.setattr(check_room, "set_aside_unfit", lossy)
    bench.source.pages = [[deal("1"), deal("2")]]
    report = bench.sync()
    assert report.outcomes[0].status is Status.FAILED
    assert "1 are unaccounted for" in report.sentences()[0]
    assert not list(bench.settings.landing.rglob("checked.json"))


def test_a_load_that_committed_before_a_crash_is_not_done_twice(bench: Bench) -> None:
    bench.source.pages = [[deal("1", Amount=1)]]
    bench.sync()
    package = bench.zone.packages()[0]
    receipt = json.loads((package.folder / "loaded.json").read_bytes())
    (package.folder / "loaded.json").unlink()  # the crash: committed, the receipt not yet written
    bench.source.pages = []
    assert bench.sync().ok
    assert json.loads((package.folder / "loaded.json").read_bytes()) == receipt
    with duckdb.connect(str(bench.settings.warehouse), read_only=True) as con:
        assert con.execute("SELECT count(*) FROM raw_scripted.deals__history").fetchone() == (1,)


def test_a_landed_package_that_was_never_checked_is_picked_up(bench: Bench) -> None:
    bench.source.pages = [[deal("1", Amount=1)]]
    bench.sync()
    package = bench.zone.packages()[0]
    for name in ("loaded.json", "checked.json", "accepted.parquet", "quarantined.parquet"):
        (package.folder / name).unlink()
    bench.settings.warehouse.unlink()
    bench.source.pages = []
    assert bench.sync().ok
    assert bench.raw()[0][0] == "1"


def test_a_second_run_is_told_who_is_at_work(bench: Bench) -> None:
    settings = bench.settings.model_copy(update={"lock_wait_seconds": 0.3})
    second = flow.lock(settings, "second")
    with flow.lock(settings, "the first run"), pytest.raises(Problem, match="the first run"):
        second.__enter__()
    with flow.lock(settings, "free again"):
        pass


def test_an_analyst_in_the_warehouse_is_named(bench: Bench) -> None:
    import subprocess
    import sys

    object.__setattr__(bench.settings, "lock_wait_seconds", 0.3)
    bench.source.pages = [[deal("1")]]
    bench.sync()
    code = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True); print('open', flush=True); "
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(bench.settings.warehouse)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as analyst:  # fmt: skip
        assert analyst.stdout is not None and analyst.stdin is not None
        assert analyst.stdout.readline() == "open\n"
        bench.source.pages = [[deal("2", "2026-03-02T10:00:00+08:00")]]
        report = bench.sync()
        analyst.stdin.close()
    assert str(analyst.pid) in report.sentences()[0]
    assert bench.sync().ok
    assert [r[0] for r in bench.raw()] == ["1", "2"]


def test_the_log_of_a_fault_holds_code_and_names_but_no_values(bench: Bench) -> None:
    """The engine quotes values of records in its messages; the log is read by people who may not see them."""

    class Talkative(RuntimeError):
        pass

    person = "Wang " + "138" + "0" * 8  # not spelled out, or the line of code itself would show it
    try:
        duckdb.execute("SELECT CAST(? AS INTEGER)", [person])
    except duckdb.Error as error:
        assert person in str(error)
        bench.source.error = Talkative(f"of {person}")
        bench.source.error.__cause__ = error
    bench.source.fail_after, bench.source.pages = 0, [[deal("1")]]
    assert not bench.sync().ok
    log = (bench.settings.home / "logs" / "crm-warehouse.log").read_text()
    assert person not in log
    for expected in ("ConversionException", "Talkative", "scripted.py", "raise self.error"):
        assert expected in log


@pytest.mark.parametrize(
    "odd", [deal("9", Amount=-5), deal("9", Amount="many"), deal("9", Count="?"), deal("1")]
)
def test_accepted_rows_look_alike_whatever_lies_beside_them(
    bench: Bench, tmp_path: Path, odd: dict[str, Any]
) -> None:
    """A package without anything odd is written once, any other twice."""
    whole = Bench(tmp_path / "whole", Scripted())
    rows = [deal("1", Amount=1.5, Count=7), deal("2", Name=None), deal("3", Owner={"id": "7", "name": "王"})]
    whole.source.pages, bench.source.pages = [rows], [[*rows, odd]]
    found = []
    for one in (whole, bench):
        assert one.sync().ok
        (package,) = one.zone.packages()
        query = f"SELECT * FROM '{package.rows(ACCEPTED)}' WHERE _position <= 1000003 AND _record_id <> '9'"
        with duckdb.connect() as con:
            names = [(n, t) for n, t, *_ in con.execute(f"DESCRIBE {query}").fetchall()]
            found.append((names, con.execute(f"{query} ORDER BY _position").fetchall()))
    (names, accepted), (beside, others) = found
    assert names == beside and len(accepted) == 3
    assert others == (accepted if odd["id"] == "9" else accepted[1:])


def test_the_sentence_of_a_blocked_package_names_what_helps(bench: Bench) -> None:
    """A repaired record comes in a package behind the blocked one, and what was dropped is not read again."""
    bench.rules.write_text(BLOCKING)
    bench.source.pages = [[deal("1", Amount=-1), deal("2", Amount=5)]]
    (sentence,) = bench.sync().sentences()
    (package,) = bench.zone.pending()
    drop_it = f"run `crm-warehouse quarantine drop {package.id}`, then `crm-warehouse sync --full`"
    assert f"repair the source and {drop_it}" in sentence
    assert f"`crm-warehouse quarantine release {package.id}`" in sentence and "change the rule" in sentence
    drop(bench.zone, package, None)
    bench.source.pages = [[deal("1", "2026-03-02T10:00:00+08:00", Amount=1), deal("2", Amount=5)]]
    with flow.lock(bench.settings, "test"):
        report = flow.sync(bench.settings, [(bench.spec, "default")], full=True)
    assert report.ok and bench.raw() == [("1", 1), ("2", 5)]


def test_personal_fields_are_those_that_the_newest_package_marks_too(bench: Bench) -> None:
    assert personal_of(bench.zone, STREAM) == set()
    bench.source.fields = (*FIELDS, Field("Second_Phone", FieldType.TEXT, pii=True))
    bench.source.pages = [[deal("1", Second_Phone="13800000000")]]
    bench.sync()
    assert personal_of(bench.zone, STREAM) == {"Second_Phone"}
    bench.source.deleted = [{"id": "1", "deleted_time": "2026-03-03T10:00:00+08:00"}]
    bench.source.pages = []
    bench.sync()
    assert personal_of(bench.zone, STREAM) == {"Second_Phone"}, "a list of deletes marks nothing"
    declared = replace(STREAM, fields=(Field("Phone", FieldType.TEXT, pii=True),))
    assert personal_of(bench.zone, declared) == {"Phone", "Second_Phone"}
