"""Plans for whole modules, bulk jobs that go wrong, and archives without what must not be kept."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.core.contract import Field, FieldType, Page, Shape, Usage
from connectors.core.errors import Problem
from connectors.core.hosts import HostList
from connectors.core.http import BadBody, HttpClient
from connectors.core.http import Policy as Timing
from connectors.core.limits import Limiter, Meter
from connectors.zoho import declared
from connectors.zoho.api import Api
from connectors.zoho.auth import Credentials, keeper
from connectors.zoho.bulk import Bulk, opened
from connectors.zoho.fields import FieldMeta, Reading, reading
from connectors.zoho.full import read_full
from connectors.zoho.plan import Way, plan, wish_of, without
from pipelines.landing.archives import archived_rows
from pipelines.landing.redaction.archives import forget_archive, redacted_archive
from pipelines.landing.redaction.redact import Found, Policy, cleaned
from tests.unit.wire import Answer, Request, Server, as_json

DEALS = next(stream for stream in declared() if stream.name == "deals")
LEADS = next(stream for stream in declared() if stream.name == "leads")


def of(fields: int, *odd: FieldMeta) -> Reading:
    names = ["Created_Time", "Modified_Time", *(f"F{n}" for n in range(fields - 2 - len(odd)))]
    return reading(DEALS, [*(FieldMeta(api_name=name, data_type="text") for name in names), *odd])


@pytest.mark.parametrize(
    ("rows", "fields", "way", "credits"),
    [
        (5_000, 35, Way.RECORDS, 25),  # coql would take 9: not worth losing names
        (15_000, 35, Way.COQL, 24),  # records 75
        (40_000, 35, Way.BULK, 50),  # coql 60
        (1_000_000, 35, Way.BULK, 250),
        (15_000, 120, Way.BULK, 50),  # three chunks by records: 75 + 2 × 150
        (100, 120, Way.RECORDS, 3),
    ],
)
def test_the_cheapest_way_is_taken_where_it_is_worth_it(rows, fields, way, credits):
    found = plan(DEALS, of(fields), rows)
    assert (found.way, found.credits) == (way, credits)
    assert f"{rows:,} rows by {way}: about" in str(found)


def test_what_bulk_files_do_not_carry_closes_bulk():
    tags = FieldMeta(api_name="Tag", data_type="text", json_type="jsonarray")
    rivals = FieldMeta(api_name="Rivals", data_type="multiselectpicklist", json_type="jsonarray")
    assert plan(DEALS, of(35, rivals), 1_000_000).way is Way.BULK
    found = plan(DEALS, of(35, rivals, tags), 1_000_000)
    assert (found.way, found.credits) == (Way.RECORDS, 5_000)
    assert "no bulk: its files do not carry Tag as lists do" in str(found)
    assert "no coql: it does not carry Tag as lists do" in str(found)
    refused = without(plan(DEALS, of(60), 1_000_000), Way.BULK, "refused", DEALS, of(60))
    assert refused.way is Way.RECORDS and "no coql: a query names at most 50 fields" in str(refused)
    assert plan(LEADS, of(35), 1_000_000, Way.BULK).way is Way.COQL, "a wish opens nothing"
    stampless = replace(of(35), shape=replace(of(35).shape, stamp=None))
    assert plan(DEALS, stampless, 1_000_000).way is Way.RECORDS


def test_a_way_that_was_refused_is_not_taken_again():
    first = plan(DEALS, of(35), 1_000_000)
    second = without(first, Way.BULK, "refused (X)", DEALS, of(35))
    third = without(second, Way.COQL, "refused (Y)", DEALS, of(35))
    assert [p.way for p in (first, second, third)] == [Way.BULK, Way.COQL, Way.RECORDS]
    assert "no bulk: refused (X)" in str(third) and "no coql: refused (Y)" in str(third)


def test_wishes():
    assert [wish_of({}), wish_of({"ZOHO_FULL_READ": "Bulk "})] == [None, Way.BULK]
    with pytest.raises(Problem, match="ZOHO_FULL_READ"):
        wish_of({"ZOHO_FULL_READ": "fast"})


def archive(*rows: list[str], header: tuple[str, ...] = ("Id", "Name", "Email", "Owner")) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *rows])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("1.csv", text.getvalue())
    return packed.getvalue()


ANN, BEN = ["1", "Ann", "a@x.example", "9"], ["2", "Ben", "", "9"]


def spoilt(packed: bytes) -> bytes:
    """An archive whose last line does not have the checksum that it should."""
    at = packed.index(b"PK\x01\x02") - 3
    return packed[:at] + bytes([packed[at] ^ 0xFF]) + packed[at + 1 :]


class Jobs:
    """One bulk job: its states in order, then its file."""

    def __init__(self, states: list[str], file: bytes = b"") -> None:
        self.states, self.file, self.naps = states, file, list[float]()

    @staticmethod
    def api(url: str, folder: Path) -> Api:
        http = HttpClient(
            hosts=HostList(frozenset(), loopback=True),
            limiter=Limiter(2),
            meter=Meter(Usage()),
            policy=Timing(attempts=2, first_pause=0),
        )
        return Api(http, keeper(Credentials("c", "s", "r", url, url), http, folder))

    def __call__(self, request: Request) -> Answer:
        if request.path == "/oauth/v2/token":
            return as_json({"access_token": "t", "expires_in": 3600})
        if request.method == "POST":
            query = json.loads(request.body)["query"]
            assert query == {"module": {"api_name": "Deals"}, "fields": ["Name", "Email"], "page": 1}
            return as_json({"data": [{"code": "ADDED_SUCCESSFULLY", "details": {"id": "77"}}]}, 201)
        if request.path.endswith("/result"):
            return Answer(200, self.file, {"Content-Type": "application/zip"})
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        result = {"count": 2, "more_records": False, "page": 1}
        return as_json({"data": [{"id": "77", "state": state, "result": result}]})


def batches(jobs: Jobs, tmp_path: Path, **more):
    with Server(jobs) as server:
        bulk = Bulk(
            jobs.api(server.url, tmp_path), "Deals", ["Name", "Email"], sleep=jobs.naps.append,
            patience=Timing(attempts=2, first_pause=0), **more,
        )  # fmt: skip
        return list(bulk.batches())


def test_a_job_is_waited_for_ever_more_slowly(tmp_path):
    jobs = Jobs(["ADDED", "QUEUED", *["IN PROGRESS"] * 10, "COMPLETED"], archive(ANN, BEN))
    (batch,) = batches(jobs, tmp_path)
    assert (batch.job, batch.rows, batch.archive) == ("77", 2, jobs.file)
    assert jobs.naps == [3.0, 6.0, 12.0, 24.0, *[30.0] * 9]


@pytest.mark.parametrize(
    ("states", "file", "sentence"),
    [
        (["QUEUED", "FAILURE"], b"", "bulk job 77 failed"),
        (["COMPLETED"], archive(["1"], header=("Id", "Name")), "lacks Email"),
        (["COMPLETED"], b"<html>", "it is not a ZIP of one CSV"),
        (["COMPLETED"], archive(ANN), "it announces 2 records and holds 1"),
        (["COMPLETED"], archive(ANN, BEN, BEN), "it announces 2 records and holds 3"),
        (["COMPLETED"], archive(ANN, BEN[:3]), "its record 2 has 3 cells for 4 columns"),
        (["COMPLETED"], spoilt(archive(ANN, BEN)), "it is not a ZIP of one CSV"),
    ],
)
def test_a_job_that_goes_wrong_is_a_sentence(tmp_path, states, file, sentence):
    with pytest.raises(Problem, match=sentence):
        batches(Jobs(states, file), tmp_path)


def test_a_job_that_never_ends_is_given_up_after_an_hour(tmp_path):
    jobs = Jobs(["QUEUED"])
    with pytest.raises(Problem, match="did not end within an hour") as caught:
        batches(jobs, tmp_path, clock=lambda: sum(jobs.naps))
    assert caught.value.transient and 3_600 <= sum(jobs.naps) < 3_660


class Counted(Jobs):
    """Bulk jobs of one module that COQL counts. Each job: its records, and whether more follow."""

    newest = "2026-01-02T03:04:05+00:00"

    def __init__(self, counted: int, *jobs: tuple[int, bool]) -> None:
        super().__init__([])
        self.counted, self.jobs, self.asked = counted, list(jobs), list[dict]()

    def __call__(self, request: Request) -> Answer:
        if request.path == "/crm/v8/coql":
            return as_json({"data": [{"COUNT(id)": self.counted, "MAX": self.newest}]})
        if request.path == "/crm/bulk/v8/read":
            self.asked.append(json.loads(request.body)["query"])
            return as_json({"data": [{"details": {"id": str(len(self.asked))}}]}, 201)
        if not request.path.startswith("/crm/bulk/"):
            return super().__call__(request)
        rows, more = self.jobs[len(self.asked) - 1]
        if request.path.endswith("/result"):
            return Answer(200, archive(*[ANN] * rows, header=("Id", "Created_Time", "Modified_Time", "F0")))
        result = {"count": rows, "more_records": more, "next_page_token": "next" if more else None}
        return as_json({"data": [{"state": "COMPLETED", "result": result}]})


def read(jobs: Counted, tmp_path: Path, resume: str = "") -> list[Page]:
    pages: list[Page] = []
    with Server(jobs) as server:
        try:
            for page in read_full(jobs.api(server.url, tmp_path), DEALS, of(3), Way.BULK, resume):
                pages.append(page)
        except Problem as problem:
            assert problem.transient
            pages.append(Page(str(problem).encode(), 0))
    return pages


@pytest.mark.parametrize(("counted", "whole"), [(2_020, True), (2_021, False)])
def test_a_read_that_ends_before_the_count_does_not_end_the_module(tmp_path, monkeypatch, counted, whole):
    monkeypatch.setattr("connectors.zoho.bulk._FIRST_PAUSE", 0.0)
    first, last = read(Counted(counted, (1_000, True), (1_000, False)), tmp_path)
    assert first.rows == 1_000 and first.watermark is None
    if whole:
        assert (last.rows, last.watermark) == (1_000, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    else:
        assert b"Zoho counts 2,021 records of Deals and gave 2,000" in last.body


def test_a_stamp_of_the_future_is_not_promised(tmp_path, monkeypatch):
    monkeypatch.setattr("connectors.zoho.bulk._FIRST_PAUSE", 0.0)
    jobs = Counted(1_000, (1_000, False))
    jobs.newest = "2090-01-01T00:00:00+00:00"
    (only,) = read(jobs, tmp_path)
    assert only.watermark <= datetime.now(UTC)


def test_a_read_that_goes_on_counts_what_it_had(tmp_path, monkeypatch):
    monkeypatch.setattr("connectors.zoho.bulk._FIRST_PAUSE", 0.0)
    first, _ = read(Counted(2_000, (1_000, True), (1_000, False)), tmp_path)
    rest = Counted(2_000, (1_000, False))
    (last,) = read(rest, tmp_path, first.resume)
    assert last.rows == 1_000 and last.watermark and rest.asked[0]["page_token"] == "next"


def test_a_read_that_cannot_go_on_begins_anew(tmp_path, monkeypatch):
    monkeypatch.setattr("connectors.zoho.bulk._FIRST_PAUSE", 0.0)
    first, _ = read(Counted(2_000, (1_000, True), (1_000, False)), tmp_path)
    anew = Counted(2_000, (500, False), (1_000, True), (1_000, False))
    pages = read(anew, tmp_path, first.resume)
    assert [p.rows for p in pages] == [1_000, 1_000] and pages[-1].watermark
    assert [q.get("page_token") for q in anew.asked] == ["next", None, "next"]


def test_a_file_that_would_not_end_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr("connectors.zoho.bulk._LARGEST_FILE", 10)
    with pytest.raises(Problem, match=r"its file would have \d+ bytes"):
        batches(Jobs(["COMPLETED"], archive(ANN, BEN)), tmp_path)


def test_lines():
    with opened(archive(["1", "a"], header=("id", "A\nB"))) as lines:
        assert list(lines) == [["id", "A\nB"], ["1", "a"]]
    with pytest.raises(BadBody), opened(b"PK\x03\x04"):
        pass


SHAPE = Shape(
    "data", "id", "Modified_Time", tuple(Field(n, FieldType.TEXT) for n in ("id", "Name", "Email", "Owner"))
)


def cells(packed: bytes) -> list[list[str]]:
    with zipfile.ZipFile(io.BytesIO(packed)) as file:
        return list(csv.reader(io.StringIO(file.read("1.csv").decode(), newline="")))


def test_an_erased_person_leaves_an_archive_and_everybody_else_stays(tmp_path):
    given = archive(["1", "Ann\n陈", "a@x.example", "9"], ["2", "Ben, Esq.", "b@x.example", "9"])
    found: Found = set()
    policy = Policy(erased=frozenset({"1"}), keep=frozenset({"id", "Owner"}))
    assert cells(redacted_archive(given, SHAPE, policy, found))[1:] == [
        ["1", "", "", "9"],
        ["2", "Ben, Esq.", "b@x.example", "9"],
    ]
    assert found == {("record", "1")}
    path, target = tmp_path / "rows-0001.csv.zip", tmp_path / "rows-0001.1.csv.zip"
    path.write_bytes(given)
    assert forget_archive(path, target, SHAPE, policy) == found
    assert archived_rows(target) == 2 and target.stat().st_mode & 0o777 == 0o600
    assert forget_archive(target, tmp_path / "again.csv.zip", SHAPE, policy) == set()
    assert not (tmp_path / "again.csv.zip").exists()


def test_unwanted_fields_never_reach_the_disk():
    page = Page(archive(["1", "Ann", "a@x.example", "9"], ["2", "Ben", "", "9"]), 2, archive=True)
    found: Found = set()
    kept = cleaned(page, SHAPE, Policy(unwanted=frozenset({"Email"})), found, redacted_archive)
    assert cells(kept.body)[1:] == [["1", "Ann", "", "9"], ["2", "Ben", "", "9"]]
    assert found == {("field", "Email")}
    assert cleaned(page, SHAPE, Policy(referred=frozenset({"9"})), set(), redacted_archive) is page, (
        "ids stay"
    )
    with pytest.raises(Problem, match="cannot be searched for personal data"):
        cleaned(
            replace(page, body=b"no"), SHAPE, Policy(unwanted=frozenset({"Email"})), set(), redacted_archive
        )
