"""The floor: drain one object of a Fxiaoke server over `requests`, as fast as its rate allows.

It keeps nothing, judges nothing and loads nothing, and would lose data at the first fault: nothing that keeps to the
vendor's rate (100 calls in 20 seconds of each endpoint) can end sooner.
Usage: python -m benchmarks.floor_fxiaoke URL OBJECT
"""

from __future__ import annotations

import sys
import time
from collections import deque
from typing import Any

import msgspec
import requests

QUERY = "/cgi/crm/v2/data/query"
CALLS, SECONDS = 100, 20.0
PAGE = 100
TOO_FAST = 30004


class Row(msgspec.Struct, rename={"id": "_id"}):
    """What paging needs of a record."""

    id: str


class Data(msgspec.Struct):
    """A page's records."""

    dataList: list[Row]


class Reply(msgspec.Struct):
    """A page; without data where it was refused."""

    errorCode: int
    data: Data | None = None


def signed_in(url: str) -> requests.Session:
    """A session that carries an access token."""
    session = requests.Session()
    session.trust_env = False
    grant = session.post(
        f"{url}/oauth2.0/token?thirdTraceId=1",
        json={
            "appId": "FSAID_sandbox",
            "appSecret": "sandbox-app-secret",
            "permanentCode": "sandbox-permanent-code",
            "grantType": "app_secret",
        },
        timeout=60,
    ).json()
    session.headers.update(
        {"authorization": f"Bearer {grant['accessToken']}", "x-fs-ea": grant["ea"], "x-fs-userid": "1000"}
    )
    return session


def body_of(name: str, after: str) -> dict[str, Any]:
    """The next page behind a record, void records (作废) left out: what the product asks for."""
    beyond = [{"field_name": "_id", "operator": "GT", "field_values": [after]}] if after else []
    living = {"field_name": "life_status", "operator": "N", "field_values": ["invalid"]}
    info = {
        "limit": PAGE,
        "offset": 0,
        "filters": [living, *beyond],
        "orders": [{"fieldName": "_id", "isAsc": True}],
    }
    return {
        "data": {
            "dataObjectApiName": name,
            "find_explicit_total_num": False,
            "search_query_info": info,
        }
    }


def main(url: str, name: str) -> int:
    """Read every record; returns how many."""
    session, decode = signed_in(url), msgspec.json.Decoder(Reply).decode
    starts: deque[float] = deque(maxlen=CALLS)
    rows, after = 0, ""
    while True:
        if len(starts) == CALLS:
            time.sleep(max(0.0, starts[0] + SECONDS - time.monotonic()))
        starts.append(time.monotonic())
        answer = session.post(f"{url}{QUERY}?thirdTraceId=1", json=body_of(name, after), timeout=60)
        reply = decode(answer.content)
        if reply.errorCode == TOO_FAST:  # its window began a moment after ours
            time.sleep(0.1)
            continue
        assert reply.data is not None, answer.text
        if not reply.data.dataList:
            return rows
        rows += len(reply.data.dataList)
        after = reply.data.dataList[-1].id


if __name__ == "__main__":
    print(main(sys.argv[1], sys.argv[2]))
