"""A reader that never rests: `python -m tests.e2e.watcher PUBLISHED OUT` polls what readers open.

Ends when its standard input does, and writes to OUT: how often it looked, what each version showed, and every
look that a reader would have complained about.
"""

from __future__ import annotations

import json
import select
import sys
from pathlib import Path
from typing import Any

import duckdb

PAUSE = 0.05  # seconds between two looks
AGAIN = 40  # looks after which what seems unchanged is opened all the same


def shown(path: Path) -> dict[str, Any]:
    """What a published file shows: what it says about itself, the rows of every table, and money."""
    with duckdb.connect(str(path), read_only=True, config={"threads": 1}) as con:
        about = dict(con.execute("SELECT name, value FROM about").fetchall())
        tables = con.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE schema_name IN ('core', 'mart') ORDER BY ALL"
        ).fetchall()
        rows = {
            f"{s}.{t}": con.execute(f'SELECT count(*) FROM "{s}"."{t}"').fetchall()[0][0] for s, t in tables
        }
        facts = con.execute(
            "SELECT count(*), sum(CASE WHEN status = 'won' THEN amount END)::VARCHAR FROM core.fct_opportunity"
        ).fetchone()
        mart = con.execute(
            "SELECT sum(opportunity_count)::BIGINT, sum(CASE WHEN status = 'won' THEN amount END)::VARCHAR "
            "FROM mart.mart_funnel_asof"
        ).fetchone()
    return {
        "version": about["version"],
        "built_from": about["built_from"],
        "rows": rows,
        "facts": facts,
        "mart": mart,
    }


class Watch:
    """What was seen so far."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._facts = folder, []  # type: Path, list[tuple[int, ...]]
        self.looks, self.versions, self.complaints = 0, {}, []  # type: int, dict[str, dict[str, Any]], list[str]

    def look(self) -> None:
        """Open what a reader opens: the latest file, and the version that health names."""
        latest, health = self._folder / "bi.duckdb", self._folder / "health.json"
        if not latest.exists():
            if self.versions:
                self.complaints.append("bi.duckdb was there and is gone")
            return
        self.looks += 1
        if not self._is_changed(latest, health) and self.looks % AGAIN:
            return
        try:
            self._seen(shown(latest))
            if health.exists() and (published := json.loads(health.read_bytes())["published"]):
                named = shown(self._folder / published["path"])
                if named["version"] != published["version"]:
                    self.complaints.append(f"health names {published}, the file is {named['version']}")
                self._seen(named)
        except (duckdb.Error, OSError, ValueError, KeyError) as error:
            self.complaints.append(f"{type(error).__name__}: {str(error)[:300]}")

    def _is_changed(self, *files: Path) -> bool:
        """Whether other files lie there, or other bytes in them, than at the last look."""
        facts = [(f.stat().st_ino, f.stat().st_size, f.stat().st_mtime_ns) for f in files if f.exists()]
        changed, self._facts = facts != self._facts, facts
        return changed

    def _seen(self, now: dict[str, Any]) -> None:
        before = self.versions.setdefault(now["version"], now)
        if before != now:
            self.complaints.append(f"version {now['version']} showed {before}, then {now}")
        if now["facts"] != now["mart"]:
            self.complaints.append(f"version {now['version']}: facts {now['facts']}, mart {now['mart']}")


def main() -> None:
    """Look until standard input ends."""
    watch, out = Watch(Path(sys.argv[1])), Path(sys.argv[2])
    print("watching", flush=True)
    while not select.select([sys.stdin], [], [], PAUSE)[0]:
        watch.look()
    seen = {name: getattr(watch, name) for name in ("looks", "versions", "complaints")}
    out.write_text(json.dumps(seen, default=str))


if __name__ == "__main__":
    main()
