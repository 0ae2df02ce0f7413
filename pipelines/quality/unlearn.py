"""Taking rows out of kept evidence: what a Data Docs page showed of them is shown no more."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from pipelines.files import write_atomic
from pipelines.quality.docs import page_of


def unlearn(home_docs: Path, source: str, stream: str, package_id: str, positions: Collection[int]) -> bool:
    """Forget the sample values of these rows of a package; its page is rendered anew by the next `build_docs`.

    Returns whether any evidence of the package was kept.
    """
    path = home_docs / "validations" / source / stream / f"{package_id}.json"
    if not path.is_file():
        return False
    evidence = json.loads(path.read_text("utf-8"))
    for result in evidence["results"]:
        _forget(result["result"], positions)
    write_atomic(path, json.dumps(evidence, ensure_ascii=False, indent=1).encode())
    page_of(home_docs, source, stream, package_id).unlink(missing_ok=True)
    return True


def _forget(result: dict[str, Any], positions: Collection[int]) -> None:
    values, rows = result["partial_unexpected_list"], result["partial_unexpected_index_list"]
    if len(values) == len(rows):  # else it is one measured fact, not a value of any row
        result["partial_unexpected_list"] = [
            "(erased)" if row["_position"] in positions else value
            for value, row in zip(values, rows, strict=True)
        ]
