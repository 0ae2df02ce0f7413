"""Every trap of tests/contract/README.md names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
_ROW = re.compile(r"^\| (?!trap |---)(?P<trap>.+?) \| (?P<tests>.+) \|$", re.MULTILINE)
_NAMED = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


def rows() -> list[tuple[str, list[tuple[str, str]]]]:
    """(trap, [(file, test)]) of each row of the table."""
    text = (TESTS / "contract" / "README.md").read_text("utf-8")
    return [
        (row["trap"], _NAMED.findall(row["tests"])) for row in _ROW.finditer(text) if row["trap"] != "---"
    ]


@pytest.mark.parametrize(("trap", "tests"), rows(), ids=lambda value: value if isinstance(value, str) else "")
def test_a_trap_is_covered_by_tests_that_exist(trap: str, tests: list[tuple[str, str]]):
    assert tests, f"no test is named for the trap {trap!r}"
    for file, name in tests:
        assert f"\ndef {name}(" in (TESTS / file).read_text("utf-8"), f"{file} has no {name} (trap {trap!r})"


def test_the_table_is_read():
    assert len(rows()) >= 20
