"""The floor: drain the Deals of a Zoho v8 server over `requests`, cut pages into records, load them with DuckDB.

It validates nothing, keeps nothing, and would lose data at the first fault: no honest pipeline can be cheaper.
Usage: python -m benchmarks.floor_records URL FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
import msgspec
import requests

TYPES = {"currency": "DECIMAL(18,2)", "double": "DOUBLE", "integer": "BIGINT", "boolean": "BOOLEAN", "date": "DATE",
          "datetime": "TIMESTAMPTZ", "percent": "DOUBLE", "lookup": "STRUCT(id VARCHAR, name VARCHAR)",
          "ownerlookup": "STRUCT(id VARCHAR, name VARCHAR)"}  # fmt: skip


class Info(msgspec.Struct):
    """What paging needs."""

    next_page_token: str | None = None


class Envelope(msgspec.Struct):
    """A page, its records uncut."""

    data: list[msgspec.Raw]
    info: Info


def signed_in(url: str) -> requests.Session:
    """A session that carries an access token."""
    session = requests.Session()
    session.trust_env = False
    token = session.post(
        f"{url}/oauth/v2/token",
        data={
            "grant_type": "refresh_token",
            "client_id": "sandbox-client",
            "client_secret": "sandbox-secret",
            "refresh_token": "sandbox-refresh-token-0123456789abcdef0123456789",
        },
        timeout=60,
    ).json()["access_token"]
    session.headers["Authorization"] = f"Zoho-oauthtoken {token}"
    return session


def main(url: str, folder: Path) -> int:
    """Load every deal; returns how many."""
    session = signed_in(url)
    fields = session.get(f"{url}/crm/v8/settings/fields", params={"module": "Deals"}, timeout=60).json()[
        "fields"
    ]
    names = {f["api_name"]: TYPES.get(f["data_type"], "VARCHAR") for f in fields}
    params = {"fields": ",".join(names), "per_page": 200, "sort_by": "Modified_Time", "sort_order": "asc"}
    decode = msgspec.json.Decoder(Envelope).decode
    lines = folder / "deals.jsonl"
    moment = newest = ""
    with lines.open("wb") as file:
        while True:
            answer = session.get(
                f"{url}/crm/v8/Deals",
                params=params,
                headers={"If-Modified-Since": moment} if moment else {},
                timeout=60,
            )
            if answer.status_code == 400 and b"PAGINATION_LIMIT_EXCEEDED" in answer.content:
                params.pop("page_token")
                moment = newest
                continue
            page = decode(answer.content)
            newest = msgspec.json.decode(page.data[-1])["Modified_Time"]
            file.write(b"".join(bytes(record) + b"\n" for record in page.data))
            if not page.info.next_page_token:
                break
            params["page_token"] = page.info.next_page_token
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in names.items())
    with duckdb.connect(str(folder / "floor.duckdb"), config={"threads": 2}) as con:
        con.execute(
            f"CREATE TABLE deals AS SELECT * FROM read_json('{lines}', format='newline_delimited', "
            f"columns={{{columns}}})"
        )
        row = con.execute("SELECT count(DISTINCT id) FROM deals").fetchone()
    return int(row[0]) if row else 0


if __name__ == "__main__":
    print(main(sys.argv[1], Path(sys.argv[2])))
