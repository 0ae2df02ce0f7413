"""What people read Fxiaoke with reads the sandbox, and what it reads is the company's truth.

It speaks the older generation, parses by its own idea of the answers, and pages by `total`, `offset` and `limit`: so
this holds the sandbox against code that works on real tenants, and not against us.
https://pypi.org/project/fxiaoke-python/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
import requests
from requests.adapters import HTTPAdapter

from sandbox.fxiaoke.openapi.schema import FieldFacts, objects
from tests.conftest import Sandbox
from tests.contract.fxiaoke_api_truth import STREAMS, FxiaokeApiTruth
from tests.contract.fxiaoke_client import APP, FIRST_OPEN

pytestmark = pytest.mark.slow

VENDOR = "https://open.fxiaoke.com"
# It knows objects of the tenant's own by names like object_abc__c; of this one it asks at the address of the others.
PRESET = [stream for stream, name in STREAMS.items() if not name.endswith("__c")]


class Rewriting(HTTPAdapter):
    """Sends what is meant for the vendor to a served company."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._to = urlsplit(url)

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> requests.Response:
        asked = urlsplit(request.url)
        request.url = urlunsplit((self._to.scheme, self._to.netloc, asked.path, asked.query, ""))
        return super().send(request, *args, **more)


@pytest.fixture(scope="module")
def company() -> Iterator[Sandbox]:
    """A company with several hundred deals, in which a week has passed."""
    served = Sandbox(seed=21, size=900)
    served.set(fxiaoke={"calls": 100_000})
    served.advance(7)
    yield served
    served.close()


@pytest.fixture(scope="module")
def api(company: Sandbox) -> Any:
    """The library, logged in at the company."""
    from fxiaoke.api import FxiaokeApi

    opened = FxiaokeApi.init(
        app_id=APP["appId"],
        app_secret=APP["appSecret"],
        permanent_code=APP["permanentCode"],
        open_user_id=FIRST_OPEN,
        timeout=30,
    )
    opened._session.requests.trust_env = False
    opened._session.requests.mount(VENDOR, Rewriting(company.url))
    return opened


@pytest.fixture(scope="module")
def truth(company: Sandbox) -> FxiaokeApiTruth:
    return FxiaokeApiTruth(company)


def test_it_logs_in_and_keeps_its_token(api: Any, company: Sandbox) -> None:
    granted = api._session.fresh_token()
    assert granted["corpId"] == "FSCID_sandbox" and granted["corpAccessToken"]
    assert api._session.fresh_token() == granted
    assert api._session.token_expired > datetime.now(UTC).timestamp() + 6600
    assert company.stats()["calls"]["/cgi/corpAccessToken/get/V2"] == 1


@pytest.mark.parametrize("name", STREAMS.values())
def test_it_describes_every_object(api: Any, name: str) -> None:
    from fxiaoke.baseObj import baseObj

    fields = baseObj(api, name).describe()["describe"]["fields"]
    told = {n: (f["type"], f["label"]) for n, f in fields.items() if n != "_id"}
    assert told == {n: (f.type, f.label) for n, f in objects()[name].fields.items()}
    options = {
        n: [(o.get("value", o.get("api_name")), o["label"]) for o in f["options"]]
        for n, f in fields.items()
        if "options" in f
    }
    assert options == {
        n: [tuple(pair) for pair in f.options.get("options", ())]
        for n, f in objects()[name].fields.items()
        if f.type in ("select_one", "select_many", "record_type")
    }


@pytest.mark.parametrize("stream", PRESET)
def test_it_pages_and_every_row_is_the_truth(api: Any, truth: FxiaokeApiTruth, stream: str) -> None:
    from fxiaoke.op_query import queryObj

    living = [{"field_name": "life_status", "field_values": ["invalid"], "operator": "N"}]
    cursor = queryObj(api, STREAMS[stream]).execute(filters=living, limit=50)
    rows = list(cursor)
    expected = truth.records(stream)
    assert cursor.total() == len(rows) == len(expected)
    fields = dict(objects()[STREAMS[stream]].fields)
    if stream == "personnel_obj":  # the log knows nobody's telephone or e-mail
        del fields["phone"], fields["email"]
    for row in rows:
        assert told(row, fields) == {n: v for n, v in expected[row["_id"]].items() if v is not None}


def test_it_reads_a_window_by_numbers_as_its_readers_do(api: Any, truth: FxiaokeApiTruth) -> None:
    from fxiaoke.op_query import queryObj

    stamps = sorted(r["last_modified_time"] for r in truth.records("new_opportunity_obj").values())
    low, high = stamps[len(stamps) // 3], stamps[len(stamps) // 2]
    window = {
        "field_name": "last_modified_time",
        "field_values": [int(low.timestamp() * 1000), int(high.timestamp() * 1000)],
        "operator": "BETWEEN",
    }
    living = {"field_name": "life_status", "field_values": ["invalid"], "operator": "N"}
    found = {row["_id"] for row in queryObj(api, "NewOpportunityObj").execute(filters=[window, living])}
    assert (
        found
        == {
            id
            for id, record in truth.records("new_opportunity_obj").items()
            if low <= record["last_modified_time"] <= high
        }
        != set()
    )


def test_a_refusal_reaches_it_as_one(api: Any) -> None:
    from fxiaoke.op_query import queryObj

    with pytest.raises(RuntimeError, match="15002"):
        queryObj(api, "NewOpportunityObj").execute(limit=101)


def told(row: Mapping[str, Any], fields: Mapping[str, FieldFacts]) -> dict[str, Any]:
    """A row of the library's as the truth says it: without companions and what is no field."""
    found = {name: read(facts, row[name]) for name, facts in fields.items() if name in row}
    others = {name: row[name] for name in (f"{field}__o" for field in fields) if name in row}
    return {**found, **others, "_id": row["_id"]}


def read(facts: FieldFacts, value: Any) -> Any:
    """A value on the wire, by the vendor's page of field types."""
    match facts.type:
        case "currency":
            return Decimal(value)
        case "number":
            return int(value)
        case "percentile":
            return float(value)
        case "date" | "date_time":
            return datetime.fromtimestamp(value / 1000, UTC)
        case "employee":
            (person,) = value
            return str(int(person.removeprefix("FSUID_"), 16))
        case "department":
            (department,) = value
            return department
    return str(int(value.removeprefix("FSUID_"), 16)) if facts.name == "user_id" else value
