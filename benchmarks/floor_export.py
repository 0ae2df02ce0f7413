"""The floor of an export file: merely reading it. A workbook into Python's rows by python-calamine, a csv into a table
of a DuckDB file by `read_csv` with everything detected.

Usage: python -m benchmarks.floor_export FILE FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path


def main(file: Path, folder: Path) -> int:
    """Read every row; returns how many, without the header."""
    if file.suffix == ".xlsx":
        from python_calamine import CalamineWorkbook

        return len(CalamineWorkbook.from_path(file).get_sheet_by_index(0).to_python()) - 1
    import duckdb

    with duckdb.connect(str(folder / "floor.duckdb"), config={"threads": 2}) as con:
        con.execute("CREATE TABLE rows AS SELECT * FROM read_csv(?)", [str(file)])
        row = con.execute("SELECT count(*) FROM rows").fetchone()
    return int(row[0]) if row else 0


if __name__ == "__main__":
    print(main(Path(sys.argv[1]), Path(sys.argv[2])))
