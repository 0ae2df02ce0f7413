"""Walking Fxiaoke's records while a bad day happens to them: nothing is lost, nothing is promised too early."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors import discover
from connectors.core.contract import CursorKind, Page, Source, SourceContext, Stream, Usage, Window
from connectors.core.errors import Problem
from connectors.core.http import HttpClient
from connectors.core.limits import Meter
from connectors.fxiaoke.api.api import POLICY
from connectors.fxiaoke.api.clouds import hosts
from connectors.fxiaoke.api.pace import Pace
from connectors.fxiaoke.api.source import FxiaokeApi
from tests.conftest import Sandbox
from tests.contract.fxiaoke_api_truth import FxiaokeApiTruth

QUERY = "/cgi/crm/v2/data/query"
pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def begin(fresh_sandbox: Callable[..., Sandbox], tmp_path: Path) -> Iterator[Callable[..., tuple]]:
    """A tenant of its own, its deals as a stream, and a reader of them."""
    opened: list[Source] = []

    def start(size: int = 600, **switches: Any) -> tuple[Sandbox, Source, Stream]:
        served = fresh_sandbox(seed=5, size=size)
        served.set(fxiaoke={"calls": 100_000, **switches})
        context = SourceContext("default", served.fxiaoke, tmp_path, tmp_path / "cache", allow_loopback=True)
        opened.append(discover()["fxiaoke"].open(context))
        return served, opened[-1], next(s for s in opened[-1].streams() if s.name == "new_opportunity_obj")

    yield start
    for source in opened:
        source.close()


def rows_of(page: Page) -> dict[str, dict[str, Any]]:
    return {row["_id"]: row for row in json.loads(page.body)["data"]["dataList"]}


def stage(served: Sandbox, id: str, label: str) -> datetime:
    """Move a deal; gives the moment."""
    served.step(1)
    served.act("edit", "deals", crm="fxiaoke", id=id, changes={"sales_stage": label})
    return datetime.fromisoformat(served.clock()).astimezone(UTC)


@pytest.mark.parametrize("since", [None, datetime(2025, 1, 1, tzinfo=UTC)], ids=["full", "window"])
def test_what_changes_behind_the_walk_is_not_promised(begin, since):
    served, source, deals = begin()
    truth = sorted(FxiaokeApiTruth(served).records("new_opportunity_obj"))
    pages = source.read(deals, Window(CursorKind.INCREMENTAL, since))
    seen: dict[str, dict[str, Any]] = {}
    first, second = next(pages), next(pages)
    passed, ahead = min(rows_of(first)), truth[-1]
    behind = stage(served, passed, "谈判审核")
    stage(served, ahead, "谈判审核")
    rest = list(pages)
    for page in (first, second, *rest):
        seen |= rows_of(page)
    assert seen.keys() == set(truth), "each record came"
    assert seen[passed]["last_modified_time"] < behind.timestamp() * 1000
    assert seen[ahead]["sales_stage__r"] == "谈判审核"
    assert [p.watermark for p in (first, second, *rest[:-1])] == [None] * (len(rest) + 1)
    promised = rest[-1].watermark
    assert promised < behind, "what was changed behind the walk would never be read again"
    again = {}
    for page in source.read(deals, Window(CursorKind.INCREMENTAL, promised)):
        again |= rows_of(page)
    assert again[passed]["last_modified_time"] == behind.timestamp() * 1000


def test_one_page_promises_what_it_holds_and_what_comes_in_between_is_delivered(begin):
    served, source, deals = begin(size=60)
    truth = FxiaokeApiTruth(served).records("new_opportunity_obj")
    assert 0 < len(truth) < 100
    newest = max(record["last_modified_time"] for record in truth.values())
    served.stats(reset=True)
    pages = list(source.read(deals, Window(CursorKind.INCREMENTAL, datetime(2025, 1, 1, tzinfo=UTC))))
    assert [(p.rows, p.watermark) for p in pages] == [(len(truth), newest)]
    assert served.stats()["calls"][QUERY] == 2, "the page and its empty end"


def test_rows_that_come_twice_cost_none_and_disorder_is_no_page(begin):
    served, source, deals = begin()
    truth = FxiaokeApiTruth(served).records("new_opportunity_obj")
    served.fault("duplicate_row", path=QUERY, skip=2)
    served.fault("disorder", path=QUERY, skip=4)
    found: list[str] = []
    for page in source.read(deals, Window(CursorKind.INCREMENTAL)):
        found += [row["_id"] for row in json.loads(page.body)["data"]["dataList"]]
    assert served.stats()["faults_left"] == 0
    assert set(found) == truth.keys() and len(found) == len(truth) + 1


def test_void_records_among_the_living_stop_the_read_with_a_sentence(begin):
    served, source, deals = begin(size=120, invalid_field=False)  # is_deleted alone tells them
    assert FxiaokeApiTruth(served).deleted("new_opportunity_obj")
    with pytest.raises(Problem, match="FXIAOKE_VOID_FIELD"):
        list(source.read(deals, Window(CursorKind.INCREMENTAL)))


def test_another_field_may_tell_what_is_void(fresh_sandbox, tmp_path: Path):
    served = fresh_sandbox(seed=5, size=120)
    served.set(fxiaoke={"invalid_field": False})
    values = {**served.fxiaoke, "FXIAOKE_VOID_FIELD": "is_deleted"}
    context = SourceContext("default", values, tmp_path, tmp_path / "cache", allow_loopback=True)
    truth = FxiaokeApiTruth(served)
    with discover()["fxiaoke"].open(context) as source:
        deals = next(s for s in source.streams() if s.name == "new_opportunity_obj")
        living = [id for p in source.read(deals, Window(CursorKind.INCREMENTAL)) for id in rows_of(p)]
        void = [id for p in source.read(deals, Window(CursorKind.DELETED)) for id in rows_of(p)]
    assert set(living) == truth.records("new_opportunity_obj").keys()
    assert set(void) == truth.deleted("new_opportunity_obj") != set()


def test_a_sweep_lists_the_living_with_their_stamps_and_nothing_else(begin):
    served, source, deals = begin()
    truth = FxiaokeApiTruth(served).records("new_opportunity_obj")
    pages = list(source.read(deals, Window(CursorKind.SWEEP)))
    found = {id: row for page in pages for id, row in rows_of(page).items()}
    assert found.keys() == truth.keys()
    assert {page.watermark for page in pages} == {None}
    for id, row in found.items():
        assert set(row) == {"_id", "last_modified_time"}
        assert row["last_modified_time"] == truth[id]["last_modified_time"].timestamp() * 1000


def test_a_sweep_that_ends_before_the_count_is_none(begin):
    served, source, deals = begin()
    pages = source.read(deals, Window(CursorKind.SWEEP))
    next(pages)
    # The rest is gone from one page to the next: a right was taken away while it was listed.
    for id in sorted(FxiaokeApiTruth(served).records("new_opportunity_obj"))[200:]:
        served.act("delete", "deals", crm="fxiaoke", id=id)
    with pytest.raises(Problem) as caught:
        list(pages)
    assert caught.value.code == "TOO_FEW" and caught.value.transient


def test_records_are_read_by_their_keys_and_what_is_gone_is_left_out(begin):
    served, source, deals = begin()
    truth = FxiaokeApiTruth(served)
    living, void = sorted(truth.records("new_opportunity_obj")), sorted(truth.deleted("new_opportunity_obj"))
    keys = (*living[:150], *void, "no-such-id")
    pages = list(source.read(deals, Window(CursorKind.BACKFILL, keys=keys)))
    assert [id for page in pages for id in rows_of(page)] == living[:150]
    assert all(page.rows <= 100 for page in pages)


def test_a_full_read_goes_on_behind_any_page_and_keeps_its_promise(begin):
    served, source, deals = begin()
    pages = list(source.read(deals, Window(CursorKind.INCREMENTAL)))
    truth = FxiaokeApiTruth(served).records("new_opportunity_obj")
    newest = max(record["last_modified_time"] for record in truth.values())
    assert len(pages) == -(-len(truth) // 100) >= 4
    assert pages[-1].watermark == newest and pages[-1].resume == ""
    moved = stage(served, min(truth), "谈判审核")
    for at, page in enumerate(pages[:-1]):
        rest = list(source.read(deals, Window(CursorKind.INCREMENTAL, resume=page.resume)))
        assert [p.rows for p in rest] == [p.rows for p in pages[at + 1 :]]
        assert rest[-1].watermark == newest < moved, "the promise is that of the read that was stopped"


def test_the_pace_of_an_endpoint_is_kept_so_that_no_call_is_refused(fresh_sandbox, tmp_path: Path):
    served = fresh_sandbox(seed=5, size=600)
    served.set(fxiaoke={"calls": 10, "seconds": 1.0})
    allowed, meter = hosts(served.url, loopback=True), Meter(Usage())
    made: dict[str, HttpClient] = {}

    def client(path: str) -> HttpClient:
        pace = Pace(calls=10, seconds=1.1)
        return made.setdefault(path, HttpClient(hosts=allowed, limiter=pace, meter=meter, policy=POLICY))

    context = SourceContext("default", served.fxiaoke, tmp_path, tmp_path / "cache", allow_loopback=True)
    with FxiaokeApi(context, discover()["fxiaoke"].streams(), client) as source:
        deals = next(s for s in source.streams() if s.name == "new_opportunity_obj")
        walks = [list(source.read(deals, Window(CursorKind.INCREMENTAL))) for _ in range(3)]
    asked = 3 * (1 + len(walks[0]) + 1)  # the newest change, the pages, the empty end
    assert asked > 20
    assert served.stats()["calls"][QUERY] == asked, "one that was refused is asked again"
    for made_client in made.values():
        made_client.close()


def test_people_and_departments_are_read_whether_they_are_listed_or_not(begin):
    served, source, _ = begin(size=60, unlisted=["PersonnelObj", "DepartmentObj", "ProductObj"])
    names = {stream.name for stream in source.streams()}
    assert {"personnel_obj", "department_obj"} <= names and "product_obj" not in names
    assert source.problems() == ()
    truth = FxiaokeApiTruth(served)
    for name in ("personnel_obj", "department_obj"):
        stream = next(s for s in source.streams() if s.name == name)
        pages = source.read(stream, Window(CursorKind.INCREMENTAL))
        assert {id for page in pages for id in rows_of(page)} == truth.records(name).keys()


@pytest.mark.parametrize("wanted", ["off", "on"])
def test_a_reference_to_a_person_holds_telephone_and_mail_only_where_they_are_wanted(
    fresh_sandbox, tmp_path: Path, wanted: str
):
    served = fresh_sandbox(seed=5, size=60)
    values = {**served.fxiaoke, "FXIAOKE_PERSONAL_DATA": wanted}
    context = SourceContext("default", values, tmp_path, tmp_path / "cache", allow_loopback=True)
    with discover()["fxiaoke"].open(context) as source:
        deals = next(s for s in source.streams() if s.name == "new_opportunity_obj")
        (page,) = source.read(deals, Window(CursorKind.INCREMENTAL))
    people = [row["owner__r"] for row in rows_of(page).values()]
    assert people
    for person in people:
        number = person["id"]
        expected = (f"u{number}@corp.example", f"1700000{number}") if wanted == "on" else (None, None)
        assert (person["email"], person["phone"]) == expected
    assert ("owner__r.email" in page.redacted) is (wanted == "off")
