"""Data Docs: pages of the last results that open anywhere, without a network, and show no personal data."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest

from pipelines.quality import gx
from pipelines.quality.docs import build_docs, keep, page_of
from pipelines.quality.judge import judge
from pipelines.quality.model import RuleSet
from pipelines.quality.verdict import Verdict

RULES = RuleSet.model_validate(
    {
        "source": "zoho",
        "stream": "contacts",
        "grain": "one row per <contact>",
        "owner": "sales operations",
        "rules": [
            {
                "name": "title_is_short",
                "scope": "row",
                "severity": "quarantine",
                "expect": "expect_column_value_lengths_to_be_between",
                "with": {"column": "Title", "max_value": 5},
                "when": {"Active": [True]},
                "reason": "A long title & more is usually a pasted <signature>.",
            },
            {
                "name": "email_has_its_form",
                "scope": "row",
                "severity": "warn",
                "expect": "expect_column_values_to_match_regex",
                "with": {"column": "Email", "regex": r"^[^@\s]+@[^@\s]+$"},
                "reason": "Mail to it bounces, so the campaign costs more.",
            },
            {
                "name": "budget_is_kept",
                "scope": "row",
                "severity": "warn",
                "expect": "expect_column_values_to_not_be_null",
                "with": {"column": "Budget"},
                "reason": "Somebody wanted to know the budget.",
            },
            {
                "name": "there_are_two",
                "scope": "package",
                "severity": "block",
                "measure": "rows",
                "expect": "expect_column_values_to_be_between",
                "with": {"min_value": 2},
                "reason": "One contact is not an address book.",
            },
        ],
    }
)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE rows AS SELECT 1 AS _position, '5540230001' AS _record_id, "
            "'<script>alert(1)</script>' AS Title, 'li na' AS Email, true AS Active"
        )
        yield connection


@pytest.fixture
def verdict(con: duckdb.DuckDBPyConnection) -> Verdict:
    return judge(con, "rows", RULES, package_id="20260101T000000-1", pii={"Email"})


class _Resources(HTMLParser):
    """Everything a browser would fetch or follow."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        self.found += [v or "" for name, v in attrs if name in ("src", "href", "action", "data", "srcset")]


def test_pages_load_nothing_and_every_link_leads_to_a_page(tmp_path: Path, verdict: Verdict) -> None:
    keep(tmp_path, verdict)
    index = build_docs(tmp_path)
    assert index == tmp_path / "data_docs" / "index.html"
    pages = sorted((tmp_path / "data_docs").rglob("*"))
    assert [p.suffix for p in pages if p.is_file()] == [".html", ".html"]
    for page in (p for p in pages if p.is_file()):
        text = page.read_text("utf-8")
        assert not re.search(r"(https?:)?//\w|url\(|@import", text), page
        resources = _Resources()
        resources.feed(text)
        assert resources.scripts == 0
        for link in resources.found:
            target, _, anchor = link.partition("#")
            assert (page.parent / target).resolve().is_file() if target else f'id="{anchor}"' in text, link


def test_a_page_says_what_failed_why_and_who_owns_it(tmp_path: Path, verdict: Verdict) -> None:
    keep(tmp_path, verdict)
    build_docs(tmp_path)
    text = page_of(tmp_path, "zoho", "contacts", "20260101T000000-1").read_text("utf-8")
    for said in (
        "zoho.contacts",
        "one row per &lt;contact&gt;",
        "title_is_short (quarantine, sales operations)",
        "A long title &amp; more is usually a pasted &lt;signature&gt;.",
        "where Active is True",
        "1 unexpected values found",
        "budget_is_kept</code>: the package has no column Budget",
        "there_are_two (block, sales operations)",
        r"regex: ^[^@\s]+@[^@\s]+$",
    ):
        assert said in text, said
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text  # what a CRM holds is text, never markup
    assert "li na" not in text and "***" in text


def test_the_index_shows_the_newest_package_first_with_its_failures(
    tmp_path: Path, con: duckdb.DuckDBPyConnection
) -> None:
    for package in ("20260101-a", "20260102-b"):
        keep(tmp_path, judge(con, "rows", RULES, package_id=package, pii=()))
    text = build_docs(tmp_path).read_text("utf-8")
    assert 0 < text.index("20260102-b") < text.index("20260101-a")
    assert text.count("title_is_short") == 2 and 'class="badge block"' in text


def test_old_results_leave_with_their_pages(tmp_path: Path, con: duckdb.DuckDBPyConnection) -> None:
    for package in ("1", "2", "3"):
        keep(tmp_path, judge(con, "rows", RULES, package_id=package, pii=()))
        build_docs(tmp_path, kept=2)
    assert [p.stem for p in sorted(tmp_path.rglob("*.json"))] == ["2", "3"]
    assert sorted(p.stem for p in tmp_path.rglob("*.html")) == ["2", "3", "index"]


def test_nothing_new_costs_nothing(tmp_path: Path, verdict: Verdict, monkeypatch: pytest.MonkeyPatch) -> None:
    assert build_docs(tmp_path) is None
    keep(tmp_path, verdict)
    index = build_docs(tmp_path)
    monkeypatch.setattr(gx, "load", lambda: pytest.fail("the library was loaded"))
    assert build_docs(tmp_path) == index


def test_a_package_judged_again_gets_a_new_page(tmp_path: Path, con: duckdb.DuckDBPyConnection) -> None:
    for title in ("x" * 6, "y" * 6):
        con.execute("UPDATE rows SET Title = ?", [title])
        keep(tmp_path, judge(con, "rows", RULES, package_id="1", pii=()))
        build_docs(tmp_path)
    text = page_of(tmp_path, "zoho", "contacts", "1").read_text("utf-8")
    assert "yyyyyy" in text and "xxxxxx" not in text


def test_what_was_not_judged_is_not_kept(tmp_path: Path, con: duckdb.DuckDBPyConnection) -> None:
    con.execute("DELETE FROM rows")
    assert keep(tmp_path, judge(con, "rows", RULES, package_id="1")) is None
    assert list(tmp_path.iterdir()) == []


def test_the_kept_result_is_the_librarys_own_form(tmp_path: Path, verdict: Verdict) -> None:
    path = keep(tmp_path, verdict)
    data = json.loads(path.read_text("utf-8"))
    gx.load()
    from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResultSchema

    loaded = ExpectationSuiteValidationResultSchema().load(data)
    assert (loaded.success, loaded.statistics["evaluated_expectations"]) == (False, 3)
    assert [r.success for r in loaded.results] == [False, False, False]
    assert loaded.results[0].result["partial_unexpected_index_list"][0]["_position"] == 1
