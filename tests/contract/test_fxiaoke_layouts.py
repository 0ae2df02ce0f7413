"""The same records in every layout in which files come: always the sandbox's truth."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.core.contract import CursorKind, Window
from tests.conftest import Sandbox
from tests.contract.canonical import delivered
from tests.contract.fxiaoke_truth import FxiaokeTruth
from tests.unit.fxiaoke_workbooks import open_tame

SAME = [
    ("xlsx", "lying", "none"),
    ("xlsx", "titled", "none"),
    ("xls", "report", "none"),
    ("xlsb", "plain", "none"),
    ("csv-plain", "units", "none"),
    ("csv-gb18030", "report", "zip-gbk"),
]
MORE = [
    *(("xlsx", layout, "none") for layout in ("tips", "totals", "hidden", "units", "report")),
    ("xls", "plain", "none"),
    ("xlsb", "titled", "none"),
    ("csv", "totals", "none"),
    ("csv", "plain", "zip"),
    ("xls", "titled", "zip-gbk"),
]


@pytest.mark.parametrize(
    ("format", "layout", "pack"), [*SAME, *(pytest.param(*one, marks=pytest.mark.slow) for one in MORE)]
)
def test_each_layout_delivers_the_truth(
    sandbox: Sandbox, tmp_path: Path, format: str, layout: str, pack: str
) -> None:
    inbox = tmp_path / "inbox"
    written = sandbox.exports(inbox, format=format, layout=layout, pack=pack)
    assert len(written) == len(list(inbox.iterdir())) == (6 if pack == "none" else 1)
    truth = FxiaokeTruth(sandbox)
    with open_tame(inbox, cache=tmp_path / "cache") as source:
        assert [str(p) for p in source.problems()] == []
        for stream in source.streams():
            pages = list(source.read(stream, Window(CursorKind.FILE)))
            shape = source.shape(stream, CursorKind.FILE)
            found = delivered(source, stream, shape, pages).records
            expected = truth.records(stream.name)
            assert set(found) == set(expected), stream.name
            for key, record in expected.items():
                assert {name: found[key].get(name) for name in record} == record, (stream.name, key)


@pytest.mark.parametrize(
    ("layout", "says", "files"),
    [
        ("template", "is an import template (sheet", 6),
        ("result", "is the result of an import (sheet 失败结果)", 1),
        ("shell", "an empty shell: the header of 商机 and no row below it", 1),
        ("checkins", "a report of Fxiaoke (外勤签到), not an export", 1),
        ("statistics", "a report of Fxiaoke (日志统计), not an export", 1),
    ],
)
def test_what_is_no_export_is_named_as_what_it_is(
    sandbox: Sandbox, tmp_path: Path, layout: str, says: str, files: int
) -> None:
    sandbox.exports(tmp_path, layout=layout)
    problems = open_tame(tmp_path).problems()
    assert len(problems) == files
    assert all(says in str(problem) for problem in problems), list(map(str, problems))
