"""Rich texts: whole, of the version that the other fields are of, and cut only where Zoho gives nothing else."""

from __future__ import annotations

import json

import pytest

from connectors.core.contract import CursorKind, Window
from connectors.zoho.fields import parse_fields, reading
from connectors.zoho.plan import Way, plan
from tests.unit.test_zoho_records import FULL, Org, deals, drain, opened, refusal, stamp, stream  # noqa: F401
from tests.unit.wire import Answer, Request, as_json

LONG = "<p>" + "长" * 900 + "</p>"


class Rich(Org):
    """Deals with a rich text `Letter`, which differs with the second of change; without one below `first`."""

    def __init__(self, count: int, fields: int = 3, first: int = 0) -> None:
        super().__init__(deals(count), fields)
        self.first, self.given = first, True

    def letter(self, key: str) -> str:
        return f"{dict(self.deals)[key]}:{LONG}"

    def __call__(self, request: Request) -> Answer:
        if request.path == "/crm/v8/settings/fields":
            rich = {"api_name": "Letter", "data_type": "textarea", "textarea": {"type": "rich_text"}}
            plain = {"api_name": "Plain", "data_type": "textarea", "textarea": {"type": "large"}}
            metas = [{"api_name": name, "data_type": "text"} for name in self.names]
            return as_json({"fields": [*metas, rich, plain]})
        return super().__call__(request)

    def records(self, request: Request) -> Answer:
        if request.path == "/crm/v8/Deals/actions/fetch_full_data":
            assert request.query["fields"] == "Letter"
            if not self.given:
                return refusal("INVALID_URL_PATTERN", 404)
            ids = request.query["ids"].split(",")
            there = [key for key in ids if key in dict(self.deals) and dict(self.deals)[key] >= self.first]
            data = [{"id": key, "Letter": self.letter(key)} for key in there]
            return as_json({"data": data}) if data else Answer(204)
        answer = super().records(request)
        if request.query["fields"] == "Letter":
            rows = json.loads(answer.body)["data"]
            data = [{"id": row["id"], "Letter": self.letter(row["id"])[:500]} for row in rows]
            return as_json({"data": data, "info": {"more_records": False}})
        assert "Letter" not in request.query["fields"].split(",")
        return answer


def letters(pages, chunk: int) -> dict[str, str | None]:
    rows = [row for page in pages if page.chunk == chunk for row in json.loads(page.body)["data"]]
    return {row["id"]: row.get("Letter") for row in rows}


@pytest.mark.parametrize(("fields", "chunk"), [(3, 1), (120, 3)])
def test_they_come_whole_behind_the_other_fields(opened, fields, chunk):  # noqa: F811
    org = Rich(250, fields)
    pages = drain(opened, org)
    assert letters(pages, chunk) == {key: org.letter(key) for key, _ in org.deals}
    assert sum(page.rows for page in pages if page.chunk == 0) == 250
    assert [page.watermark is not None for page in pages].count(True) == 2, "once a page's last part is out"
    assert pages[-1].watermark


def test_a_record_without_any_is_still_in_the_chunk(opened):  # noqa: F811
    org = Rich(250, first=200)
    found = letters(drain(opened, org), 1)
    assert found == {key: org.letter(key) if second >= 200 else None for key, second in org.deals}


def test_a_record_that_changes_meanwhile_is_read_again(opened):  # noqa: F811
    org = Rich(10)

    def edited(request: Request) -> None:
        if len(org.asked) == 2:  # the page is out, its letters are being asked for
            org.deals = [(key, second + 1000) for key, second in org.deals]

    org.before = edited
    pages = drain(opened, org)
    assert set(letters(pages, 1).values()) == {f"{n}:{LONG}" for n in range(1000, 1010)}
    stamps = {row["Modified_Time"] for p in pages if p.chunk == 0 for row in json.loads(p.body)["data"]}
    assert stamps == {stamp(second) for second in range(1000, 1010)}


def test_by_key_they_come_whole_too(opened):  # noqa: F811
    org = Rich(10)
    keys = [key for key, _ in org.deals[:3]]
    pages = drain(opened, org, window=Window(CursorKind.BACKFILL, keys=(*keys, "1")))
    assert letters(pages, 1) == {key: org.letter(key) for key in keys}


def test_a_zoho_that_does_not_give_them_is_asked_once_and_the_cut_ones_do(opened, caplog):  # noqa: F811
    org = Rich(250)
    org.given = False
    found = letters(drain(opened, org), 1)
    assert found == {key: org.letter(key)[:500] for key, _ in org.deals}
    assert [r.path for r in org.asked].count("/crm/v8/Deals/actions/fetch_full_data") == 1
    assert "does not give Letter whole (INVALID_URL_PATTERN)" in caplog.text


def test_a_module_with_them_is_read_by_records_only():
    rich = {"api_name": "Letter", "data_type": "textarea", "textarea": {"type": "rich_text"}}
    stamps = [{"api_name": name, "data_type": "datetime"} for name in ("Created_Time", "Modified_Time")]
    found = reading(stream("deals"), parse_fields(json.dumps({"fields": [*stamps, rich]}).encode()))
    assert found.rich == ("Letter",) and "Letter" not in found.chunks[0]
    chosen = plan(stream("deals"), found, 1_000_000)
    assert chosen.way is Way.RECORDS and "no bulk: they may cut Letter" in str(chosen)
    assert chosen.credits == 5_000 + 2 * 10_000
