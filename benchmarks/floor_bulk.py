"""The floor of a bulk load: ask for the Deals of a Zoho v8 server as one file, fetch it, unzip it, load it with
DuckDB.

It validates nothing, keeps nothing, and would lose data at the first fault: no honest pipeline can be cheaper.
Usage: python -m benchmarks.floor_bulk URL FOLDER
"""

from __future__ import annotations

import sys
import time
import zipfile
from pathlib import Path

import duckdb
import requests

from benchmarks.floor_records import TYPES, signed_in

_REFERENCES = ("lookup", "ownerlookup", "userlookup")


def main(url: str, folder: Path) -> int:
    """Load every deal; returns how many."""
    session = signed_in(url)
    fields = session.get(f"{url}/crm/v8/settings/fields", params={"module": "Deals"}, timeout=60).json()[
        "fields"
    ]
    kinds = {f["api_name"]: f["data_type"] for f in fields}
    files, page = list[Path](), 1
    while True:
        query = {"query": {"module": {"api_name": "Deals"}, "page": page}}
        job = session.post(f"{url}/crm/bulk/v8/read", json=query, timeout=60).json()["data"][0]["details"][
            "id"
        ]
        while (state := _state(session, url, job))["state"] != "COMPLETED":
            time.sleep(0.2)
        archive = folder / f"{page}.zip"
        with (
            session.get(f"{url}/crm/bulk/v8/read/{job}/result", stream=True, timeout=600) as answer,
            archive.open("wb") as file,
        ):
            for piece in answer.iter_content(1 << 20):
                file.write(piece)
        with zipfile.ZipFile(archive) as zipped:
            files.append(Path(zipped.extract(zipped.namelist()[0], folder)).rename(folder / f"{page}.csv"))
        if not state["result"]["more_records"]:
            break
        page += 1
    with files[0].open(encoding="utf-8") as file:
        names = file.readline().strip().split(",")
    columns = ", ".join(
        f"'{name}': '{'VARCHAR' if kinds.get(name) in _REFERENCES else TYPES.get(kinds.get(name, ''), 'VARCHAR')}'"
        for name in names
    )
    with duckdb.connect(str(folder / "floor.duckdb"), config={"threads": 2}) as con:
        con.execute("SET TimeZone = 'Asia/Shanghai'")
        con.execute(
            f"CREATE TABLE deals AS SELECT * FROM read_csv({[str(f) for f in files]}, columns={{{columns}}}, "
            "header=true, auto_detect=false, delim=',', quote='\"', escape='\"')"
        )
        row = con.execute(f'SELECT count(DISTINCT "{names[0]}") FROM deals').fetchone()
    return int(row[0]) if row else 0


def _state(session: requests.Session, url: str, job: str) -> dict:  # type: ignore[type-arg]
    return session.get(f"{url}/crm/bulk/v8/read/{job}", timeout=60).json()["data"][0]


if __name__ == "__main__":
    print(main(sys.argv[1], Path(sys.argv[2])))
