"""The list of all ids: by COQL in the order of ids, and by the ordinary list where COQL is refused."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from connectors.core.contract import CursorKind, Window
from connectors.core.errors import Problem
from tests.unit.test_zoho_records import Org, deals, opened, refusal, stamp  # noqa: F401
from tests.unit.wire import Answer, Request, Server, as_json

SWEEP = Window(CursorKind.SWEEP)
_QUERY = re.compile(
    r"^select id, Modified_Time from Deals where (?:id is not null|id > '(\d+)') order by id asc limit 0, (\d+)$"
)
COUNT = "select COUNT(id) from Deals where id is not null limit 0, 1"


class Queried(Org):
    """Answers COQL too. most: rows that one call may ask for; unlisted: records that are counted only."""

    most = 2_000
    unlisted = 0

    def __call__(self, request: Request) -> Answer:
        if request.path != "/crm/v8/coql":
            return super().__call__(request)
        self.asked.append(request)
        if answer := self.before(request):
            return answer
        assert request.headers["Content-Type"] == "application/json"
        query = json.loads(request.body)["select_query"]
        if query == COUNT:
            return as_json({"data": [{"COUNT(id)": len(self.deals) + self.unlisted}]})
        match = _QUERY.match(query)
        assert match, request.body
        rows = int(match[2])
        if rows > self.most:
            return refusal("LIMIT_EXCEEDED", limit=self.most)
        found = [d for d in sorted(self.deals, key=lambda d: int(d[0])) if int(d[0]) > int(match[1] or 0)]
        if not found:
            return Answer(204)
        data = [{"Modified_Time": stamp(second), "id": key} for key, second in found[:rows]]
        return as_json({"data": data, "info": {"count": len(data), "more_records": len(found) > rows}})


def sweep(source) -> list[str]:
    stream = next(s for s in source.streams() if s.name == "deals")
    assert source.can_sweep(stream)
    shape = source.shape(stream, CursorKind.SWEEP)
    assert [f.name for f in shape.fields] == ["id", "Modified_Time"] and shape.stamp is None
    before = datetime.now(UTC).replace(microsecond=0)
    pages = list(source.read(stream, SWEEP))
    assert all(page.watermark is None for page in pages[:-1]), "half a sweep promises nothing"
    for last in pages[-1:]:  # by the Date of the test's server, which is ours
        assert before <= last.watermark < before + timedelta(seconds=60) and last.watermark <= datetime.now(
            UTC
        )
    return [record["id"] for page in pages for record in json.loads(page.body)["data"]]


def test_every_id_comes_once_2000_at_a_call_for_3_credits(opened):  # noqa: F811
    org = Queried(deals(4_321)[::-1])
    with Server(org) as server:
        source = opened(server)
        assert sweep(source) == [key for key, _ in deals(4_321)]
    assert [r.path for r in org.asked] == ["/crm/v8/coql"] * (1 + 3)
    assert source._http._meter.usage.credits == 1 + 3 * 3 + 2, (
        "the count, and two calls for modules and fields"
    )


def test_a_delete_in_mid_walk_hides_no_other_record(opened):  # noqa: F811
    org = Queried(deals(2_500))

    def deleting(request: Request) -> None:
        if len(org.asked) == 3:
            org.deals = org.deals[100:]

    org.before = deleting
    with Server(org) as server:
        assert sweep(opened(server)) == [key for key, _ in deals(2_500)]


def test_what_is_deleted_before_it_is_listed_is_not_missed(opened):  # noqa: F811
    org = Queried(deals(2_500))

    def deleting(request: Request) -> None:
        if len(org.asked) == 2:
            org.deals = org.deals[100:]

    org.before = deleting
    with Server(org) as server:
        assert sweep(opened(server)) == [key for key, _ in deals(2_500)[100:]]


@pytest.mark.parametrize(("unlisted", "whole"), [(20, True), (21, False)])
def test_a_list_that_ends_before_the_count_is_none(opened, unlisted, whole):  # noqa: F811
    org = Queried(deals(900))
    org.unlisted = unlisted
    with Server(org) as server:
        if whole:
            assert len(sweep(opened(server))) == 900
        else:
            with pytest.raises(Problem, match="Zoho counts 921 records of Deals and gave 900"):
                sweep(opened(server))


def test_an_organisation_that_allows_fewer_rows_is_asked_for_fewer(opened):  # noqa: F811
    org = Queried(deals(450))
    org.most = 200
    with Server(org) as server:
        assert len(sweep(opened(server))) == 450
    assert len(org.asked) == 1 + 1 + 3


def test_a_module_without_records_is_an_empty_sweep(opened):  # noqa: F811
    with Server(Queried([])) as server:
        assert sweep(opened(server)) == []


@pytest.mark.parametrize("code", ["OAUTH_SCOPE_MISMATCH", "INVALID_MODULE", "INVALID_QUERY"])
def test_where_coql_is_refused_the_list_is_read_by_id(opened, code):  # noqa: F811
    org = Queried(deals(450))
    org.before = lambda request: refusal(code) if request.path == "/crm/v8/coql" else None
    with Server(org) as server:
        assert sweep(opened(server)) == [key for key, _ in deals(450)]
    listed = [r.query for r in org.asked if r.path == "/crm/v8/Deals"]
    assert {q["sort_by"] for q in listed} == {"id"} and {q["fields"] for q in listed} == {"Modified_Time"}


def test_a_list_that_ends_too_early_is_read_by_stamp_too(opened):  # noqa: F811
    org = Queried(deals(900))
    org.window = 600
    org.before = lambda request: refusal("INVALID_MODULE") if request.path == "/crm/v8/coql" else None
    with Server(org) as server:
        assert set(sweep(opened(server))) == {key for key, _ in deals(900)}


def test_a_passing_fault_is_no_reason_to_read_the_list(opened):  # noqa: F811
    org = Queried(deals(10))
    org.before = lambda request: refusal("INTERNAL_ERROR", 500) if request.path == "/crm/v8/coql" else None
    with Server(org) as server, pytest.raises(Problem) as caught:
        sweep(opened(server))
    assert caught.value.transient
    assert {r.path for r in org.asked} == {"/crm/v8/coql"}


def test_a_page_that_does_not_go_forward_ends_the_walk(opened):  # noqa: F811
    org = Queried(deals(3_000))
    first = [{"id": key, "Modified_Time": stamp(0)} for key, _ in deals(2_000)]
    same = as_json({"data": first, "info": {"count": 2_000, "more_records": True}})
    org.before = lambda request: same
    with Server(org) as server, pytest.raises(Problem, match="do not lie in the range"):
        sweep(opened(server))


def test_records_by_key_come_whole_and_those_gone_are_left_out(opened):  # noqa: F811
    org = Queried(deals(250), fields=60)
    with Server(org) as server:
        source = opened(server)
        stream = next(s for s in source.streams() if s.name == "deals")
        keys = (*[key for key, _ in deals(250)[::2]], "1")
        pages = list(source.read(stream, Window(CursorKind.BACKFILL, keys=keys)))
    found: dict[str, set[str]] = {}
    for page in pages:
        for record in json.loads(page.body)["data"]:
            found.setdefault(record["id"], set()).update(record)
    assert found.keys() == {key for key, _ in deals(250)[::2]}
    assert all(names >= set(org.names) for names in found.values())
