"""The warehouse against the truth of the sandbox's Fxiaoke, read by its API: after a full sync, after weeks, after
faults, and after a sweep. Codes and what they are called are compared apart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import zstandard

from connectors import discover
from pipelines import flow
from pipelines.doctor import examine
from pipelines.fold import rebuild
from pipelines.landing import standing
from pipelines.outcome import Status, SyncReport
from pipelines.settings import Settings, load_settings, selected
from pipelines.sql import quote
from pipelines.upkeep.forget import Record, erase
from pipelines.upkeep.verify import audit
from pipelines.warehouse.ops import unbalanced
from tests.conftest import Sandbox
from tests.contract.fxiaoke_api_truth import STREAMS, FxiaokeApiTruth
from tests.contract.fxiaoke_client import FIRST_OPEN

QUERY, CUSTOM_QUERY = "/cgi/crm/v2/data/query", "/cgi/crm/custom/v2/data/query"
pytestmark = pytest.mark.timeout(240)


class Home:
    """A home that follows a served tenant."""

    def __init__(self, sandbox: Sandbox, settings: Settings) -> None:
        self.sandbox, self.settings = sandbox, settings

    def sync(self, **options: Any) -> SyncReport:
        with flow.lock(self.settings, "test"):
            return flow.sync(self.settings, selected(self.settings, ["fxiaoke"]), **options)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as con:
            con.execute("SET TimeZone = 'UTC'")
            return con.execute(sql).fetchall()

    def rows(self, stream: str) -> dict[str, dict[str, Any]]:
        """Living rows by id."""
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as con:
            con.execute("SET TimeZone = 'UTC'")
            cursor = con.execute(f"SELECT * FROM raw_fxiaoke.{quote(stream)} WHERE _deleted_at IS NULL")
            names = [name for name, *_ in cursor.description or ()]
            return {
                row["_record_id"]: row
                for row in (dict(zip(names, r, strict=True)) for r in cursor.fetchall())
            }

    def landed(self) -> bytes:
        """Everything that was ever landed, decompressed."""
        found = b""
        for path in sorted(self.settings.landing.rglob("*.zst")):
            with path.open("rb") as file:
                found += zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True).read()
        return found

    def _silently_restored(self, stream: str, truth: FxiaokeApiTruth) -> set[str]:
        """Buried, and alive again under the stamp we know: no increment can see that, only a sweep."""
        table = f"raw_fxiaoke.{quote(stream)}"
        buried = self.query(f"SELECT _record_id, _modified_at FROM {table} WHERE _deleted_at IS NOT NULL")
        records = truth.records(stream)
        return {key for key, at in buried if key in records and records[key]["last_modified_time"] == at}

    def assert_equals_truth(self, *, labels: bool = True, swept: bool = True) -> None:
        truth = FxiaokeApiTruth(self.sandbox)
        for stream in STREAMS:
            expected, called, got = truth.records(stream), truth.labels(stream), self.rows(stream)
            if not swept:
                unseen, lost = self._silently_restored(stream, truth), truth.lost(stream)
                expected = {key: record for key, record in expected.items() if key not in unseen}
                got = {key: row for key, row in got.items() if key not in lost}
            assert got.keys() == expected.keys(), f"{stream}: lost or invented records"
            for key, record in expected.items():
                wrong = {
                    name: (value, got[key][name])
                    for name, value in record.items()
                    if not _same(value, got[key][name]) and name not in counted_silently(record, got[key])
                }
                assert wrong == {}, f"{stream} {key}"
                if labels:
                    names = {
                        n: (got[key][n] or {}).get("name")
                        for n, label in called[key].items()
                        if label is not ...
                    }
                    assert names == {n: label for n, label in called[key].items() if label is not ...}, (
                        stream,
                        key,
                    )
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as con:
            assert unbalanced(con) == []


def counted_silently(record: Mapping[str, Any], got: Mapping[str, Any]) -> set[str]:
    """作废 and its end are counted in `version` and may leave the stamp: then nothing shows that it moved."""
    return {"version"} if record["last_modified_time"] == got["last_modified_time"] else set()


def _same(expected: Any, got: Any) -> bool:
    if isinstance(got, dict):
        got = got["id"]
    match expected:
        case None:
            return got in (None, "")
        case bool():
            return got is expected
        case Decimal() | int() | float():
            return Decimal(str(expected)) == Decimal(str(got))
        case list():
            return [one["id"] for one in json.loads(got)] == expected
        case datetime() | date():
            return got == expected
    return got == expected


@pytest.fixture
def start(
    fresh_sandbox: Callable[..., Sandbox], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Home]]:
    """A factory of homes; `settings` beside those of the sandbox, `switches` of its Fxiaoke."""

    def begin(size: int = 200, switches: dict[str, Any] | None = None, **settings: str) -> Home:
        sandbox = fresh_sandbox(seed=11, size=size)
        sandbox.set(fxiaoke={"tokens": 1000, "calls": 100_000, **(switches or {})})
        own = {**sandbox.fxiaoke, **settings, "CRM_WAREHOUSE_HOME": str(tmp_path / "home")}
        for name, value in own.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        return Home(sandbox, load_settings())

    yield begin


@pytest.mark.slow
def test_full_then_weeks_of_increments(start):
    home = start(switches={"invalid_stamps": True})
    first = home.sync()
    assert first.ok, first.sentences()
    assert {o.stream: o.status for o in first.outcomes} == dict.fromkeys(STREAMS, Status.LOADED)
    home.assert_equals_truth()
    for _ in range(3):
        home.sandbox.advance(12)
        report = home.sync()
        assert report.ok, report.sentences()
        home.assert_equals_truth(swept=False)
    assert home.sync(sweep=True).ok
    home.assert_equals_truth()
    buried = home.query(
        "SELECT count(*) FROM raw_fxiaoke.new_opportunity_obj WHERE _deletion_evidence = 'deleted_list'"
    )
    assert buried[0][0] > 0, "the company must make deals void for this to mean anything"


@pytest.mark.slow
def test_the_older_generation_brings_the_same_but_for_the_form_of_people(start):
    home = start(size=60, FXIAOKE_AUTH="legacy", FXIAOKE_USER_ID=FIRST_OPEN)
    report = home.sync()
    assert report.ok, report.sentences()
    truth = FxiaokeApiTruth(home.sandbox)
    deals, got = truth.records("new_opportunity_obj"), home.rows("new_opportunity_obj")
    assert got.keys() == deals.keys()
    for key, deal in deals.items():
        assert got[key]["amount"] == deal.get("amount")
        assert got[key]["owner"]["id"] == f"FSUID_{int(deal['owner']):032X}"


@pytest.mark.slow
def test_what_is_made_void_or_comes_back_without_a_stamp_is_seen_by_a_sweep(start):
    home = start(size=120)  # the harder case: neither moves the stamp
    first, contact, other = list(FxiaokeApiTruth(home.sandbox).records("contact_obj"))[:3]
    # A void record with a late stamp: the next look at the void ones begins behind those of the other two.
    home.sandbox.step(3600)
    home.sandbox.act("edit", "contacts", crm="fxiaoke", id=first, changes={"job_title": "总经理"})
    home.sandbox.act("delete", "contacts", crm="fxiaoke", id=first)
    assert home.sync().ok
    home.sandbox.step(3600)
    home.sandbox.act("delete", "contacts", crm="fxiaoke", id=contact)
    home.sandbox.act("delete", "contacts", crm="fxiaoke", id=other, permanent=True)
    assert home.sync().ok
    assert {contact, other} <= home.rows("contact_obj").keys(), "no increment can see that"
    assert home.sync(sweep=True).ok
    home.assert_equals_truth()
    home.sandbox.step(60)
    home.sandbox.act("restore", "contacts", crm="fxiaoke", id=contact)
    assert home.sync(sweep=True).ok
    home.assert_equals_truth()
    assert contact in home.rows("contact_obj")


def test_void_records_that_are_hidden_are_missed_by_nobody(start):
    home = start(size=120, switches={"invalid_shown": False})
    assert home.sync().ok
    home.assert_equals_truth()


def test_a_sync_in_which_nothing_changed_writes_nothing(start):
    home = start(size=60)
    assert home.sync().ok
    before = {p: p.stat().st_mtime_ns for p in home.settings.landing.rglob("*") if p.is_file()}
    home.sandbox.stats(reset=True)
    report = home.sync()
    assert report.ok and not report.changed
    assert {o.status for o in report.outcomes} == {Status.UNCHANGED}
    after = {p: p.stat().st_mtime_ns for p in home.settings.landing.rglob("*") if p.is_file()}
    written = {p for p, at in after.items() if before.get(p) != at}
    kept = (".json", ".zst", ".parquet")
    assert not [p for p in written if p.suffix in kept and "runs" not in p.name and p.name != standing.NAME]
    assert home.sandbox.stats()["total"] <= 2 + 6 * len(STREAMS)


@pytest.mark.slow
def test_passing_faults_cost_no_record(start):
    home = start(size=120)
    for code in (-1, 50009, 14001, 20016):
        home.sandbox.fault("error_code", code=code, path=QUERY)
    for kind in ("html", "truncated", "truncated_json", "duplicate_row", "disorder", "token_revoked"):
        home.sandbox.fault(kind, path=QUERY, skip=1)
    home.sandbox.fault("error_code", code=30004, path=CUSTOM_QUERY)
    report = home.sync()
    assert report.ok, report.sentences()
    assert home.sandbox.stats()["faults_left"] == 0
    home.assert_equals_truth()


def test_people_who_can_no_longer_be_seen_are_not_taken_for_deleted(start):
    home = start(size=60, FXIAOKE_OBJECTS="PersonnelObj,DepartmentObj")
    assert home.sync().ok
    people = home.rows("personnel_obj").keys()
    assert people
    home.sandbox.set(fxiaoke={"unshared": ["PersonnelObj"]})
    report = home.sync(sweep=True)
    assert not report.ok and any(
        "nothing was marked as deleted" in sentence for sentence in report.sentences()
    )
    assert home.rows("personnel_obj").keys() == people


@pytest.mark.slow
def test_short_pages_in_the_middle_are_not_taken_for_the_end(start):
    home = start(size=120, switches={"short_page": 7})
    report = home.sync(sweep=True)
    assert report.ok, report.sentences()
    home.assert_equals_truth()


@pytest.mark.slow
def test_codes_have_names_where_the_record_does_not_say_them_and_numbers_may_be_numbers(start):
    home = start(size=60, switches={"companions": False, "numbers": "json", "strings": True})
    report = home.sync()
    assert report.ok, report.sentences()
    home.assert_equals_truth(labels=False)
    expected = FxiaokeApiTruth(home.sandbox).labels("new_opportunity_obj")
    for key, row in home.rows("new_opportunity_obj").items():
        assert row["sales_stage"]["name"] == expected[key]["sales_stage"]
        assert row["record_type"]["name"] == "预设业务类型"
        assert row["account_id"]["name"] is None
    called = FxiaokeApiTruth(home.sandbox).labels("account_obj")
    for key, row in home.rows("account_obj").items():
        areas = {name: (row[name] or {}).get("name") for name in ("country", "province", "city")}
        assert areas == {name: called[key][name] for name in areas}
    topics = {(one["id"], one["name"]) for row in home.rows("visit_report_c").values()
              for one in json.loads(row["topics__c"] or "[]")}  # fmt: skip
    assert topics == {("t1", "报价"), ("t2", "交期"), ("t3", "售后")}
    # A name that was known stays when the next answer lacks it, and is no version of its own.
    home.sandbox.set(fxiaoke={"companions": True})
    assert home.sync(full=True).ok
    versions = home.query("SELECT count(*) FROM raw_fxiaoke.new_opportunity_obj__history")
    home.sandbox.set(fxiaoke={"companions": False})
    assert home.sync(full=True).ok
    home.assert_equals_truth()
    assert home.query("SELECT count(*) FROM raw_fxiaoke.new_opportunity_obj__history") == versions


def test_telephones_and_mails_of_employees_are_never_kept_unless_wanted(start, monkeypatch):
    home = start(size=60)
    assert home.sync(sweep=True).ok
    assert b"corp.example" not in home.landed(), "the e-mail of an employee"
    assert b"17000001000" not in home.landed(), "the telephone of an employee"
    assert b"@customer.example" in home.landed(), "contacts are kept: the CRM is about them"
    assert "email" not in home.rows("personnel_obj")[next(iter(home.rows("personnel_obj")))]
    named = {
        (r["what"], r["name"])
        for path in home.settings.landing.rglob("landed.json")
        for r in json.loads(path.read_text())["redactions"]
    }
    assert ("source", "owner__r.phone") in named and ("source", "email") in named
    monkeypatch.setenv("FXIAOKE_PERSONAL_DATA", "on")
    assert home.sync(full=True).ok
    first = min(home.rows("personnel_obj").values(), key=lambda row: row["user_id"])
    assert (first["email"], first["phone"]) == ("u1000@corp.example", "17000001000")


def test_what_an_unwanted_code_is_called_goes_with_it(start):
    home = start(size=60, CRM_WAREHOUSE_UNWANTED_FIELDS="fxiaoke.account_obj.province")
    assert home.sync(streams=["account_obj", "department_obj"]).ok
    assert "江苏省" in str(FxiaokeApiTruth(home.sandbox).labels("account_obj"))
    assert "江苏省".encode() not in home.landed() and "苏州市".encode() in home.landed()
    assert {row["province"] for row in home.rows("account_obj").values()} == {None}


@pytest.mark.slow
def test_who_is_erased_leaves_no_name_beside_a_reference(start):
    home = start(size=60)
    assert home.sync().ok
    deals = home.rows("new_opportunity_obj")
    account = next(deal["account_id"] for deal in deals.values())
    spec = discover()["fxiaoke"]
    told = f'"account_id__r":"{account["name"]}"'.encode()
    assert told in home.landed()
    with flow.lock(home.settings, "test"):
        done = erase(home.settings, spec, "default", [Record("account_obj", account["id"])])
    assert done.ok, done.sentences
    assert told not in home.landed()
    after = home.rows("new_opportunity_obj")
    for key, deal in deals.items():
        reference = deal["account_id"]
        expected = {"id": account["id"], "name": None} if reference["id"] == account["id"] else reference
        assert after[key]["account_id"] == expected, key
    assert home.sync(full=True).ok  # Fxiaoke still says the name
    assert told not in home.landed()


@pytest.mark.slow
def test_the_warehouse_is_made_again_from_the_landing_zone_alone(start):
    home = start(size=60)
    assert home.sync().ok
    home.sandbox.advance(5)
    assert home.sync(sweep=True).ok
    tables = [f"raw_fxiaoke.{name}{end}" for name in STREAMS for end in ("", "__history")]
    before = {table: home.query(f"SELECT * FROM {table} ORDER BY ALL") for table in tables}
    assert all(before.values())
    with flow.lock(home.settings, "test"):
        rebuild(home.settings)
        assert audit(home.settings).wrong == []
    assert {table: home.query(f"SELECT * FROM {table} ORDER BY ALL") for table in tables} == before


def test_a_stopped_full_read_goes_on_where_it_stood(start):
    home = start(size=900, FXIAOKE_OBJECTS="NewOpportunityObj")
    home.sandbox.fault("error_code", code=15002, path=QUERY, skip=4)  # the newest change, then pages
    report = home.sync()
    assert [o.status for o in report.outcomes] == [Status.FAILED]
    assert len(home.rows("new_opportunity_obj")) == 200, (
        "the third page was held back: it might have been the last"
    )
    home.sandbox.stats(reset=True)
    report = home.sync()
    assert report.ok, report.sentences()
    records = FxiaokeApiTruth(home.sandbox).records("new_opportunity_obj")
    pages = -(-(len(records) - 200) // 100)
    void = 3  # the newest of the void ones, their page, and its empty end
    since = 2  # what changed behind the pages that were read before, and its empty end
    assert home.sandbox.stats()["calls"][QUERY] == pages + 1 + since + void + 1, (
        "the rest, its end, and the total"
    )
    assert home.rows("new_opportunity_obj").keys() == records.keys()


def test_a_stopped_read_whose_rest_is_gone_hides_no_later_change(start):
    """It would go on behind its last page for ever, find nothing there, and never read what changes."""
    home = start(size=450, FXIAOKE_OBJECTS="NewOpportunityObj")
    home.sandbox.fault("error_code", code=15002, path=QUERY, skip=3)  # the newest change, then pages
    assert not home.sync().ok
    held = sorted(home.rows("new_opportunity_obj"))
    assert len(held) == 100
    rest = FxiaokeApiTruth(home.sandbox).records("new_opportunity_obj").keys() - set(held)
    home.sandbox.set(fxiaoke={"unseen": sorted(rest)})
    for stage in ("需求确定", "谈判审核"):
        home.sandbox.step(3600)
        home.sandbox.act("edit", "deals", crm="fxiaoke", id=held[0], changes={"sales_stage": stage})
        assert home.sync().ok
        assert home.rows("new_opportunity_obj")[held[0]]["sales_stage"]["name"] == stage


def test_each_stage_that_was_seen_is_in_history_with_the_moment_of_its_beginning(start):
    """What Fxiaoke says of a stage (its own moment) and what two versions say (they differ) are both there: a stage
    that began and ended between two syncs is in neither."""
    home = start(size=60, FXIAOKE_OBJECTS="NewOpportunityObj")
    assert home.sync().ok
    deal = next(iter(home.rows("new_opportunity_obj")))
    began = []
    for stages in (("需求确定",), ("方案/报价", "谈判审核"), ()):
        home.sandbox.step(3600)
        for stage in stages:
            home.sandbox.step(60)
            home.sandbox.act("edit", "deals", crm="fxiaoke", id=deal, changes={"sales_stage": stage})
            began.append((stage, datetime.fromisoformat(home.sandbox.clock())))
        home.sandbox.step(600)  # and something else a while later
        home.sandbox.act("edit", "deals", crm="fxiaoke", id=deal, changes={"remark": f"{len(began)}"})
        assert home.sync().ok
    table = "raw_fxiaoke.new_opportunity_obj__history"
    found = home.query(
        f"SELECT sales_stage.name, stg_changed_time, sales_stage.id, _modified_at > stg_changed_time FROM {table} "
        f"WHERE _record_id = '{deal}' ORDER BY _read_at OFFSET 1"
    )
    seen = [began[0], began[2], began[2]]  # 方案/报价 was over before anybody looked
    assert [row[:2] for row in found] == seen
    assert [row[2:] for row in found] == [("2", True), ("4", True), ("4", True)]
    kinds = home.query(
        "SELECT DISTINCT data_type FROM duckdb_columns() WHERE schema_name = 'raw_fxiaoke' "
        "AND column_name = 'stg_changed_time'"
    )
    assert kinds == [("TIMESTAMP WITH TIME ZONE",)]
    # What paging leaves in a record is no column and makes no version.
    assert b'"searchAfterId"' in home.landed() and b'"total_num"' in home.landed()
    own = "('total_num', 'searchAfterId', 'package', 'tenant_id')"
    assert home.query(f"SELECT column_name FROM duckdb_columns() WHERE column_name IN {own}") == []
    assert home.query("SELECT count(*) FROM raw_fxiaoke.new_opportunity_obj WHERE _extra IS NOT NULL") == [
        (0,)
    ]


def test_people_and_departments_are_the_organisation_tree(start):
    home = start(size=60, FXIAOKE_OBJECTS="PersonnelObj,DepartmentObj")
    assert home.sync().ok
    people = home.sandbox.truth("fxiaoke", "users")["records"]
    departments = home.sandbox.truth("fxiaoke", "departments")["records"]
    told = {
        (
            p["name"],
            (people[p["leader"]]["name"] if p["leader"] else None),
            p["main_department"],
            parent["name"],
        )
        for p in people.values()
        for d in departments.values()
        if d["name"] == p["main_department"]
        for parent in [departments[d["parent_id"]] if d["parent_id"] else {"name": None}]
    }
    found = home.query(
        "SELECT p.name, l.name, d.name, u.name FROM raw_fxiaoke.personnel_obj p "
        "LEFT JOIN raw_fxiaoke.personnel_obj l ON l.user_id = p.leader.id "
        "LEFT JOIN raw_fxiaoke.department_obj d ON d._id = p.main_department.id "
        "LEFT JOIN raw_fxiaoke.department_obj u ON u._id = d.parent_id.id"
    )
    assert set(found) == told and len(found) == len(people)
    assert {row[3] for row in found} == {"全公司"}
    assert home.query("SELECT count(*) FROM raw_fxiaoke.personnel_obj WHERE leader IS NOT NULL")[0][0] > 0


@pytest.mark.slow
def test_exports_and_the_api_of_one_tenant_sync_beside_each_other(start):
    """Files first, the API later; then both in one command."""
    home = start(size=60)
    inbox = home.settings.inbox("fxiaoke_export")
    inbox.mkdir(parents=True, exist_ok=True)
    home.sandbox.exports(inbox, ids="all")
    chosen = [source for source in selected(home.settings, None) if source[0].name.startswith("fxiaoke")]
    assert [spec.name for spec, _ in chosen] == ["fxiaoke", "fxiaoke_export"]
    with flow.lock(home.settings, "test"):
        assert flow.sync(home.settings, chosen[1:]).ok
        before = home.query("SELECT * FROM raw_fxiaoke_export.new_opportunity_obj ORDER BY ALL")
        report = flow.sync(home.settings, chosen)
    assert report.ok, report.sentences()
    home.assert_equals_truth()
    assert home.query("SELECT * FROM raw_fxiaoke_export.new_opportunity_obj ORDER BY ALL") == before
    both = home.query(
        "SELECT count(*) FROM raw_fxiaoke.new_opportunity_obj a JOIN raw_fxiaoke_export.new_opportunity_obj e "
        "USING (_record_id) WHERE a._deleted_at IS NULL AND a.name = e.name AND a.amount IS NOT DISTINCT FROM e.amount"
    )
    assert both == [(len(home.rows("new_opportunity_obj")),)], "one record by both ways has one id"


def test_rights_and_quota_are_named_with_who_must_act(start):
    home = start(size=60, switches={"denied": ["ProductObj", "visit_report__c"], "hidden": ["ContactObj"]})
    report = home.sync()
    failed = {o.stream: o.messages[0] for o in report.outcomes if o.status is Status.FAILED}
    assert failed.keys() == {"product_obj", "visit_report_c"}
    assert "Next (CRM administrator)" in failed["product_obj"] and "15003" in failed["product_obj"]
    assert "FXIAOKE_OBJECTS_EXCEPT=visit_report__c" in failed["visit_report_c"]
    assert any("sees no object ContactObj" in sentence for sentence in report.sentences())
    bad = [f.sentence for f in examine(["fxiaoke"]) if not f.ok]
    assert len(bad) == 3
    home.sandbox.set(fxiaoke={"denied": [], "hidden": [], "daily": 1})
    home.sandbox.stats(reset=True)
    report = home.sync()
    assert not report.ok
    assert any("Beijing time" in sentence for sentence in report.sentences())
    assert home.sandbox.stats()["total"] <= 2, "nobody asks on once the day is used up"


def test_a_budget_of_our_own_ends_the_sync_before_the_vendor_does(start):
    home = start(size=60, FXIAOKE_DAILY_CALLS="10")
    report = home.sync()
    assert any("FXIAOKE_DAILY_CALLS" in sentence for sentence in report.sentences())
    calls = home.sandbox.stats()["calls"]
    assert sum(count for path, count in calls.items() if path.startswith("/cgi/crm/")) == 10


def test_the_doctor_knows_that_people_need_a_sharing_rule(start):
    home = start(size=60)
    good = examine(["fxiaoke"])
    assert [f.sentence for f in good if not f.ok] == []
    assert any("visit_report__c" in f.sentence for f in good)
    home.sandbox.set(fxiaoke={"unshared": ["PersonnelObj"]})
    (bad,) = [f.sentence for f in examine(["fxiaoke"]) if not f.ok]
    assert "sees nobody" in bad and "data sharing rule" in bad
    home.sandbox.set(fxiaoke={"denied": ["PersonnelObj"], "unshared": []})
    (bad,) = [f.sentence for f in examine(["fxiaoke"]) if not f.ok]
    assert "data sharing rule" in bad


WRONG: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "secret": ({"FXIAOKE_APP_SECRET": "s3cret-of-a-test"}, ("Check FXIAOKE_APP_SECRET",)),
    "app": ({"FXIAOKE_APP_ID": "FSAID_other"}, ("Check FXIAOKE_APP_ID, FXIAOKE_APP_SECRET",)),
    "permanent code": (
        {"FXIAOKE_PERMANENT_CODE": "s3cret-of-a-test"},
        ("FXIAOKE_PERMANENT_CODE against the app in the Fxiaoke console",),
    ),
    "user": ({"FXIAOKE_USER_ID": "7"}, ("Set FXIAOKE_USER_ID to a CRM administrator",)),
    "user of the other generation": (
        {"FXIAOKE_AUTH": "legacy"},
        ("FXIAOKE_USER_ID does not fit", "openUserId (FSUID_…)"),
    ),
    "generation": ({"FXIAOKE_AUTH": "basic"}, ("FXIAOKE_AUTH is 'basic'", "Set it to oauth", "legacy")),
    "web page for an address": (
        {"FXIAOKE_BASE_URL": "https://www.fxiaoke.com"},
        ("is no API server", "Set it to https://open.fxiaoke.com"),
    ),
    "address with a path": (
        {"FXIAOKE_BASE_URL": "https://open.fxiaoke.com/cgi"},
        ("holds more than a host", "Leave the path out"),
    ),
    "foreign address": ({"FXIAOKE_BASE_URL": "https://open.fxiaoke.example"}, ("open.fxiaoke.example",)),
    "object": (
        {"FXIAOKE_OBJECTS": "default,ProductsObj"},
        ("FXIAOKE_OBJECTS names", "Write ProductObj instead"),
    ),
    "object that is left out": (
        {"FXIAOKE_OBJECTS_EXCEPT": "NoObj"},
        ("FXIAOKE_OBJECTS_EXCEPT names", "Take it out"),
    ),
    "budget": ({"FXIAOKE_DAILY_CALLS": "many"}, ("FXIAOKE_DAILY_CALLS", "a number of calls such as")),
    "void field": ({"FXIAOKE_VOID_FIELD": "gone"}, ("FXIAOKE_VOID_FIELD", "life_status or is_deleted")),
    "personal data": ({"FXIAOKE_PERSONAL_DATA": "yes"}, ("FXIAOKE_PERSONAL_DATA", "off or on")),
    "one that is missing": ({"FXIAOKE_APP_SECRET": ""}, ("FXIAOKE_APP_SECRET",)),
}


def test_the_doctor_says_what_to_do_about_each_wrong_setting(start, monkeypatch):
    home = start(size=60)
    for what, (settings, told) in WRONG.items():
        with monkeypatch.context() as patch:
            for name, value in settings.items():
                patch.setenv(name, value)
            bad = [finding.sentence for finding in examine(["fxiaoke"]) if not finding.ok]
        assert len(bad) == 1, (what, bad)
        assert all(words in bad[0] for words in told), (what, bad[0])
        assert "Next (" in bad[0] and "s3cret" not in bad[0], (what, bad[0])
    home.sandbox.set(fxiaoke={"generations": "legacy"})
    (bad,) = [finding.sentence for finding in examine(["fxiaoke"]) if not finding.ok]
    assert "Next (CRM administrator)" in bad


def test_a_second_organisation_has_its_name_in_its_settings(start, monkeypatch):
    home = start(size=60)
    for name, value in home.sandbox.fxiaoke.items():
        if name.startswith("FXIAOKE_"):
            monkeypatch.setenv(name.replace("FXIAOKE_", "FXIAOKE__EMEA__"), value)
    assert [(spec.name, org) for spec, org in selected(home.settings, ["fxiaoke"])] == [
        ("fxiaoke", "default"), ("fxiaoke", "emea"),
    ]  # fmt: skip
    assert home.sync(streams=["department_obj"]).ok
    assert home.query("SELECT _org, count(*) FROM raw_fxiaoke.department_obj GROUP BY 1 ORDER BY 1") == [
        ("default", 5), ("emea", 5),
    ]  # fmt: skip


@pytest.mark.slow
def test_the_command_line_syncs_it(start):
    home = start(size=60)
    command = Path(sys.executable).with_name("crm-warehouse")
    done = subprocess.run(
        [command, "sync", "--source", "fxiaoke"],
        capture_output=True,
        text=True,
        env=os.environ,
        timeout=180,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    home.assert_equals_truth()
