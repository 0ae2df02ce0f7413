"""Fxiaoke's walks and their cursors where stamps are odd and reads are stopped: Fxiaoke in a list, and a real landing
zone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.core.contract import CursorKind, Page, Shape, Source, Stream, Usage, Window
from connectors.core.errors import Problem
from connectors.fxiaoke.api.api import Api
from connectors.fxiaoke.api.describe import FieldMeta, reading
from connectors.fxiaoke.api.query import read_records
from pipelines.landing.land import Landing, land
from pipelines.landing.zone import StreamZone

STREAM = Stream(
    source="fxiaoke", name="deals", api_name="DealObj", label="商机", docs="", fields=(), key="_id",
    stamp="last_modified_time",
)  # fmt: skip
METAS = {
    "_id": FieldMeta("text"),
    "last_modified_time": FieldMeta("date_time"),
    "life_status": FieldMeta("select_one"),
}
FOUND = reading(STREAM, METAS, "Asia/Shanghai", void="life_status", personal=False)
NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
FUTURE = 4_102_444_800_000  # 2100
OVERLAP = timedelta(minutes=5)


def ms(moment: datetime) -> int:
    return int(moment.timestamp()) * 1000


def record(id: str, at: Any = NOW, **more: Any) -> dict[str, Any]:
    return {"_id": id, "last_modified_time": ms(at) if isinstance(at, datetime) else at, **more}


class Fxiaoke(Api, Source):
    """records: what there is. left: calls until it is stopped. clock: its Date, NOW and later."""

    name, org = "fxiaoke", "default"
    legacy = False

    def __init__(self, *records: dict[str, Any]) -> None:
        self.records, self.left = list(records), 10**9
        self.clock, self.usage = NOW, Usage()
        self.windows: list[Window] = []

    def post(self, path: str, body: Mapping[str, Any], parse: Callable[[bytes], Any]) -> Any:
        self.left -= 1
        if self.left < 0:
            raise Problem("the day's calls are used up", do="wait", transient=True)
        info = body["data"]["search_query_info"]
        rows = [r for r in self.records if all(_holds(r, f) for f in info["filters"])]
        order = info["orders"][0]
        rows.sort(key=lambda r: _rank(r[order["fieldName"]]), reverse=not order["isAsc"])
        return parse(json.dumps({"errorCode": 0, "data": {"dataList": rows[: info["limit"]]}}).encode())

    def streams(self) -> tuple[Stream, ...]:
        return (STREAM,)

    def kinds(self, stream: Stream) -> tuple[CursorKind, ...]:
        return (CursorKind.INCREMENTAL,)

    def shape(self, stream: Stream, kind: CursorKind) -> Shape:
        return FOUND.shape

    def read(self, stream: Stream, window: Window) -> Iterator[Page]:
        self.windows.append(window)
        return read_records(self, stream, FOUND, window.since, window.resume)


def _rank(value: Any) -> tuple[str, Any]:
    return "" if isinstance(value, int) else type(value).__name__, value


def _holds(row: dict[str, Any], asked: dict[str, Any]) -> bool:
    value, wanted = row.get(asked["field_name"]), asked["field_values"][0]
    match asked["operator"]:
        case "GT":
            return value > wanted
        case "GTE":
            return not isinstance(value, int) or value >= int(wanted)
        case _:
            return value != wanted


@pytest.fixture
def zone(tmp_path: Path) -> StreamZone:
    return StreamZone(tmp_path / "landing" / "fxiaoke" / "default" / "deals")


def sync(crm: Fxiaoke, zone: StreamZone) -> Landing:
    return land(crm, STREAM, CursorKind.INCREMENTAL, zone, overlap=OVERLAP)


def cursor(zone: StreamZone) -> datetime | None:
    newest = zone.newest(CursorKind.INCREMENTAL)
    return newest.cursor_after if newest else None


def many(count: int, at: Any = NOW - timedelta(days=9)) -> list[dict[str, Any]]:
    return [record(f"{n:05}", at) for n in range(count)]


@pytest.mark.parametrize("count", [1, 250], ids=["one page", "a walk"])
@pytest.mark.parametrize("since", [None, NOW - timedelta(days=10)], ids=["full", "window"])
def test_a_stamp_of_the_future_promises_nothing(since: datetime | None, count: int) -> None:
    crm = Fxiaoke(*many(count), record("z", FUTURE))
    *_, last = read_records(crm, STREAM, FOUND, since)
    assert last.watermark == NOW - timedelta(days=9)


def test_where_all_that_is_new_is_of_the_future_a_walk_promises_its_beginning() -> None:
    *_, last = read_records(Fxiaoke(*many(150, FUTURE)), STREAM, FOUND, None)
    assert last.watermark == NOW
    (page,) = read_records(Fxiaoke(record("z", FUTURE)), STREAM, FOUND, NOW - OVERLAP)
    assert page.watermark is None


def test_a_change_behind_a_stamp_of_the_future_is_read(zone: StreamZone) -> None:
    crm = Fxiaoke(record("a", NOW - timedelta(hours=1)), record("z", FUTURE))
    sync(crm, zone)
    assert cursor(zone) == NOW - timedelta(hours=1)
    crm.records[0] = record("a", NOW)
    assert sync(crm, zone).packages and cursor(zone) == NOW
    assert sync(crm, zone).packages == (), "and what is known already is not landed again"


def test_a_cursor_that_ran_ahead_comes_back_with_what_it_passed_over(zone: StreamZone) -> None:
    crm = Fxiaoke(record("a", NOW - timedelta(hours=1)), record("z", FUTURE))
    crm.clock = datetime(2101, 1, 1, tzinfo=UTC)
    sync(crm, zone)
    assert cursor(zone) == datetime(2100, 1, 1, tzinfo=UTC)
    crm.clock = NOW
    crm.records += [record("b", NOW - timedelta(minutes=30))]
    assert sync(crm, zone).rows == 3
    assert cursor(zone) == NOW - timedelta(minutes=30)
    sync(crm, zone)
    assert crm.windows[-1].since == NOW - timedelta(minutes=35)


def test_a_mark_that_promises_the_future_begins_anew() -> None:
    crm = Fxiaoke(*many(150))
    (first, second) = read_records(crm, STREAM, FOUND, None, json.dumps(["00120", FUTURE]))
    assert (first.rows, second.rows, second.watermark) == (100, 50, NOW - timedelta(days=9))


@pytest.mark.parametrize("odd", [99_999_999_999_999_999, "99999999999999999", "soon", 1.5e300, [1], True, ""])
def test_an_odd_stamp_costs_its_promise_and_no_stream(odd: Any, zone: StreamZone) -> None:
    crm = Fxiaoke(record("a"), record("z", odd))
    assert sync(crm, zone).rows == 2 and cursor(zone) == NOW
    assert sync(crm, zone).packages == ()


def test_a_stopped_window_goes_on_behind_its_last_page(zone: StreamZone) -> None:
    crm = Fxiaoke(*many(1000))
    sync(crm, zone)
    crm.records = many(1000, NOW)
    for _ in range(2):
        crm.left = 6
        with pytest.raises(Problem):
            sync(crm, zone)
    crm.records[0] = record("00000", NOW + timedelta(seconds=9), told="behind the walk")
    crm.clock = NOW + timedelta(minutes=1)
    crm.left = 100
    sync(crm, zone)
    landed = [package.landed for package in zone.packages()]
    assert landed[0].received == 1000 and sum(p.received for p in landed[1:]) >= 1000
    assert [p.full for p in landed] == [True] + [False] * (len(landed) - 1)
    assert cursor(zone) == NOW + timedelta(seconds=9), "what changed behind its last page came too"
    assert landed[-1].last and landed[-2].cursor_after == NOW, "the promise is that of its beginning"


def test_a_stopped_read_whose_rest_is_void_ends(zone: StreamZone) -> None:
    """It began anew at each sync, found what it knew, and kept no word of having ended."""
    crm = Fxiaoke(*many(250))
    crm.left = 3  # the newest change and two pages, of which the second is held back
    with pytest.raises(Problem):
        sync(crm, zone)
    for row in crm.records[100:]:
        row["life_status"] = "invalid"
    crm.left = 10**9
    sync(crm, zone)
    assert cursor(zone) == NOW - timedelta(days=9)
    sync(crm, zone)
    assert crm.windows[-1].since == NOW - timedelta(days=9) - OVERLAP
