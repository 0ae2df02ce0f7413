"""The one suite that every source passes. A new source is a `Case` in sources.py, never a test here."""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors import discover
from connectors.core.contract import (
    CursorKind,
    FieldType,
    Page,
    Shape,
    Source,
    Stream,
    Totals,
    Untold,
    Window,
)
from connectors.core.errors import Actor, Problem
from tests.contract.canonical import Delivered, delivered, rows_of
from tests.contract.sources import CASES, Case, Truth

pytestmark = pytest.mark.timeout(120)


class Opened:
    """A case with its source open, and what one full read of it delivered."""

    def __init__(self, case: Case, source: Source, truth: Truth) -> None:
        self.case, self.source, self.truth = case, source, truth
        self.streams = [stream for stream in source.streams() if stream.modelled]
        self._full: dict[tuple[str, CursorKind], Delivered] = {}

    def main(self, stream: Stream) -> CursorKind:
        """The read that brings records."""
        return self.source.kinds(stream)[0]

    def read(self, stream: Stream, kind: CursorKind, since: datetime | None = None) -> Delivered:
        """Read a window, as landing would."""
        shape = self.source.shape(stream, kind)
        return delivered(self.source, stream, shape, self.source.read(stream, Window(kind, since)))

    def full(self, stream: Stream, kind: CursorKind | None = None) -> Delivered:
        """Everything, read once per suite."""
        kind = kind or self.main(stream)
        if (stream.name, kind) not in self._full:
            self._full[stream.name, kind] = self.read(stream, kind)
        return self._full[stream.name, kind]

    def windowed(self) -> list[Stream]:
        """The streams for which a window makes a difference."""
        return [
            s
            for s in self.streams
            if self.main(s) is CursorKind.INCREMENTAL and s.name not in self.case.whole and self.full(s).keys
        ]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.name)
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    case: Case = request.param
    with case.open(request, tmp_path_factory.mktemp(case.name)) as source:
        yield Opened(case, source, case.truth(request))


def test_streams_are_declared_once(opened: Opened):
    declared = {s.name: s for s in discover()[opened.case.name].streams()}
    names = [s.name for s in opened.streams]
    assert names
    assert len(names) == len(set(names))
    for stream in opened.streams:
        assert stream == declared[stream.name]
        assert stream.source == opened.case.name
        assert stream.label
        assert stream.docs.startswith("https://") or not discover()[opened.case.name].crm
        kinds = opened.source.kinds(stream)
        assert kinds
        assert len(kinds) == len(set(kinds))


def test_shapes_survive_json_and_hold_key_stamp_and_declared_fields(opened: Opened):
    for stream in opened.streams:
        for kind in opened.source.kinds(stream):
            shape = opened.source.shape(stream, kind)
            assert Shape.from_json(json.loads(json.dumps(shape.to_json()))) == shape
            names = [f.name for f in shape.fields]
            assert len(names) == len(set(names))
            assert shape.key in names or kind is CursorKind.FILE, "a file's key is a column of its table"
            assert shape.stamp is None or shape.stamp in names
            if kind is not CursorKind.DELETED:
                assert {f.name for f in stream.fields} <= set(names)


def test_every_page_holds_as_many_records_as_it_says(opened: Opened):
    for stream in opened.streams:
        full = opened.full(stream)
        for page in full.pages:
            assert page.rows == len(list(rows_of(opened.source, stream, full.shape, page))), page.request


def test_a_full_read_is_the_truth_each_record_once(opened: Opened):
    for stream in opened.streams:
        full, truth = opened.full(stream), opened.truth.records(stream.name)
        assert len(full.keys) == len(set(full.keys)), stream.name
        assert set(full.keys) == set(truth), stream.name
        assert _differences(truth, full.records) == [], stream.name


def test_totals_and_lists_of_ranges_are_the_truth(opened: Opened):
    """Of all records and of both halves of them, in the order of ids that the source says it has."""
    for stream in opened.streams:
        source, truth = opened.source, opened.truth.records(stream.name)
        if source.can_total(stream):
            assert isinstance(source.totals(stream), Untold)
            continue
        ids = sorted(truth, key=int if source.numbers_as_ids else str)
        middle, money = ids[len(ids) // 2], [f.name for f in stream.fields if f.type is FieldType.DECIMAL][:2]
        for after, until, inside in (
            ("", "", ids), ("", middle, ids[: len(ids) // 2 + 1]), (middle, "", ids[len(ids) // 2 + 1 :]),
            (ids[0], middle, ids[1 : len(ids) // 2 + 1]),
        ):  # fmt: skip
            found = source.totals(stream, money, after, until)
            assert isinstance(found, Totals) and found.rows == len(inside), (stream.name, after, until)
            for name, value in found.sums.items():
                filled = [truth[id][name] for id in inside if truth[id].get(name) is not None]
                assert value == sum(filled, Decimal(0)), (stream.name, name)
            assert set(found.sums) == set(money) or found.untold
            listing = source.listed(stream, money, after, until)
            assert [one.id for one in listing.records] == inside[: source.listed_at_once], stream.name
            for one in listing.records:
                assert one.values == {name: truth[one.id].get(name) for name in money}, (stream.name, one.id)
                assert one.stamp == truth[one.id].get(stream.stamp or ""), (stream.name, one.id)


def _differences(truth: Any, found: dict[str, dict[str, Any]]) -> list[tuple[str, str, Any, Any]]:
    """(key, field, expected, delivered), the first few."""
    differences = [
        (key, name, value, found[key].get(name))
        for key, record in truth.items()
        for name, value in record.items()
        if found[key].get(name) != value
    ]
    return differences[:5]


def test_more_records_than_numbered_pages_reach_arrive_all(opened: Opened):
    if not opened.case.long:
        pytest.skip("this source has no pages")
    stream = next(s for s in opened.streams if s.name == opened.case.long)
    full = opened.full(stream)
    pages = [p for p in full.pages if p.chunk == 0]
    assert len(pages) >= 3
    assert sum(p.rows for p in pages) > 2000
    assert len(set(full.keys)) == len(opened.truth.records(stream.name))
    marks = [p.watermark for p in pages[:-1] if p.watermark]
    assert len(set(marks)) > 1, "a long read must be divisible into packages that each move the cursor"


def test_a_window_delivers_what_changed_since_its_first_moment_included(opened: Opened):
    for stream in opened.windowed():
        full = opened.full(stream)
        stamps = sorted(r[full.shape.stamp] for r in full.records.values())
        for since in (stamps[0], stamps[len(stamps) // 2], stamps[-1], stamps[-1] - timedelta(seconds=1)):
            window = opened.read(stream, CursorKind.INCREMENTAL, since.astimezone(UTC))
            assert set(window.keys) == opened.truth.changed_since(stream.name, since), (stream.name, since)
            assert len(window.keys) == len(set(window.keys))


def test_a_window_in_which_nothing_changed_delivers_nothing(opened: Opened):
    for stream in opened.windowed():
        full = opened.full(stream)
        newest = max(r[full.shape.stamp] for r in full.records.values())
        after = newest.astimezone(UTC) + timedelta(seconds=1)
        assert opened.read(stream, CursorKind.INCREMENTAL, after).keys == [], stream.name


def test_watermarks_promise_only_what_was_delivered(opened: Opened):
    for stream in opened.streams:
        for kind in opened.source.kinds(stream):
            _judge_watermarks(opened, stream, opened.full(stream, kind))


def _judge_watermarks(opened: Opened, stream: Stream, full: Delivered) -> None:
    promised = newest = None
    for page in full.pages:
        stamps = [
            row[full.shape.stamp]
            for row in rows_of(opened.source, stream, full.shape, page)
            if full.shape.stamp and row.get(full.shape.stamp)
        ]
        if promised and stamps and page.chunk == 0:
            assert min(stamps) >= promised, "a record came after the promise that it had been delivered"
        newest = max([*stamps, *([newest] if newest else [])], default=None)
        if page.watermark is not None:
            assert page.watermark.utcoffset() == timedelta(0)
            assert newest is not None
            assert page.watermark <= newest
            assert promised is None or page.watermark >= promised
            promised = page.watermark
    if full.pages and isinstance(full.pages[-1].body, bytes) and newest is not None:
        assert promised == newest, "without a promise at its end, a read never moves the cursor"


def test_reading_again_from_many_threads_gives_the_same_bytes(opened: Opened):
    def again(stream: Stream) -> list[tuple[Any, ...]]:
        kind = opened.main(stream)
        return [_content(p, opened.case) for p in opened.source.read(stream, Window(kind))]

    with ThreadPoolExecutor(4) as pool:
        second = list(pool.map(again, opened.streams))
    for stream, pages in zip(opened.streams, second, strict=True):
        assert pages == [_content(p, opened.case) for p in opened.full(stream).pages], stream.name


def _content(page: Page, case: Case) -> tuple[Any, ...]:
    body = (
        re.sub(case.unlike, b"", page.body)
        if isinstance(page.body, bytes)
        else (page.body.name, page.body.read_bytes())
    )
    return (body, page.rows, page.chunk, page.request, page.watermark, page.file_stamp)


def test_the_deleted_list_is_the_truth(opened: Opened):
    listed = [s for s in opened.streams if CursorKind.DELETED in opened.source.kinds(s)]
    if not listed:
        pytest.skip("this source lists no deletes")
    seen = 0
    for stream in listed:
        full = opened.full(stream, CursorKind.DELETED)
        assert len(full.keys) == len(set(full.keys))
        assert set(full.keys) == opened.truth.deleted(stream.name), stream.name
        assert not set(full.keys) & set(opened.full(stream).keys)
        seen += len(full.keys)
    assert seen, "the truth holds no delete, so this proves nothing"


@pytest.mark.parametrize(
    ("case", "fault"),
    [pytest.param(case, fault, id=f"{case.name}: {fault}") for case in CASES for fault in case.broken],
)
def test_a_fault_is_a_sentence_for_someone(
    case: Case, fault: str, request: pytest.FixtureRequest, tmp_path: Path
):
    with pytest.raises(Problem) as caught, case.broken[fault](request, tmp_path) as source:
        _use(source)
    problem = caught.value
    text = str(problem)
    assert problem.source == case.name
    assert problem.actor in Actor
    assert len(problem.what) > 10
    assert len(problem.do) > 10
    assert problem.do[0].isupper()
    assert not problem.do.endswith(".")
    assert not [secret for secret in case.secrets if secret in text + repr(problem.__dict__)]
    again = pickle.loads(pickle.dumps(problem))
    assert (str(again), again.__dict__) == (text, problem.__dict__)


def _use(source: Source) -> None:
    """All that a sync would do, until something raises."""
    for problem in source.problems():
        raise problem
    for stream in source.streams():
        for kind in source.kinds(stream):
            shape = source.shape(stream, kind)
            for page in source.read(stream, Window(kind)):
                list(rows_of(source, stream, shape, page))
