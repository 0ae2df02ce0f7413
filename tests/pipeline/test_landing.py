"""Packages: whole or not at all, cursors that never run ahead, reads that bring nothing new leave nothing."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import sleep

import msgspec
import pytest

from connectors.core.contract import CursorKind, Field, FieldType, Page, Window
from connectors.core.errors import Problem
from pipelines.landing.land import Landing, land
from pipelines.landing.pages import read_pages
from pipelines.landing.zone import StreamZone
from pipelines.manifest import FORMAT, LANDED, Landed, read_manifest
from tests.pipeline.scripted import STREAM, Scripted, deal, moment, page

OVERLAP = timedelta(minutes=5)


def read(source: Scripted, zone: StreamZone, *, full: bool = False, max_rows: int = 200_000) -> Landing:
    return land(source, STREAM, CursorKind.INCREMENTAL, zone, overlap=OVERLAP, full=full, max_rows=max_rows)


def at(minute: int, second: int = 0) -> str:
    return f"2026-03-01T10:{minute:02d}:{second:02d}+08:00"


def test_bytes_are_kept_as_they_came(tmp_path: Path) -> None:
    source, zone = Scripted(), StreamZone(tmp_path / "s")
    body = (
        '{"data": [{"id":"1",  "Name":"名\\u00e9", "Modified_Time":"2026-03-01T10:00:00+08:00"}],"info":{}}'
    )
    source.pages = [body.encode()]
    package = read(source, zone).packages[0]
    assert [bytes(line.body).decode() for line in read_pages(package.folder / "pages-0001.jsonl.zst")] == [
        body
    ]


def test_packages_are_private(tmp_path: Path) -> None:
    source, zone = Scripted(), StreamZone(tmp_path / "org" / "s")
    source.pages = [[deal("1")]]
    package = read(source, zone).packages[0]
    folders = [package.folder, zone.folder, zone.folder.parent]
    assert {stat.S_IMODE(f.stat().st_mode) for f in folders} == {0o700}
    assert {stat.S_IMODE(f.stat().st_mode) for f in package.folder.iterdir()} == {0o600}


def test_the_cursor_is_the_newest_stamp_and_the_next_read_overlaps(tmp_path: Path) -> None:
    source, zone = Scripted(), StreamZone(tmp_path / "s")
    source.pages = [[deal("1", at(0)), deal("2", at(20))], [deal("3", at(40))]]
    landed = read(source, zone).packages[0].landed
    assert (landed.cursor_before, landed.cursor_after, landed.received) == (None, moment(at(40)), 3)
    read(source, zone)
    assert [w.since for w in source.windows] == [None, moment(at(35))]


def test_an_idle_read_leaves_no_package(tmp_path: Path) -> None:
    source, zone = Scripted(), StreamZone(tmp_path / "s")
    source.pages = [[deal("1", at(0)), deal("2", at(38)), deal("3", at(40))]]
    read(source, zone)
    source.pages = [[deal("2", at(38)), deal("3", at(40))]]
    again = read(source, zone)
    assert (again.packages, again.rows, again.known_again) == ((), 2, 2)
    assert len(zone.packages()) == 1 and len(list(zone.folder.iterdir())) == 1


def test_a_stream_that_is_read_whole_leaves_no_package_while_nothing_changes(tmp_path: Path) -> None:
    source, zone = Scripted(), StreamZone(tmp_path / "s")
    source.pages = [[deal("1", at(0)), deal("2", at(40))]]
    stream = replace(STREAM, whole=True)

    def again() -> int:
        return len(land(source, stream, CursorKind.INCREMENTAL, zone, overlap=OVERLAP).packages)

    assert [again(), again()] == [1, 0]
    source.pages = [[deal("1", at(0), Name="renamed"), deal("2", at(40))]]
    assert [again(), again()] == [1, 0]
    assert {w.since for w in source.windows} == {None}


def test_an_idle_read_of_a_wide_module_leaves_no_package(tmp_path: Path) -> None:
    source, zone = Scripted(), StreamZone(tmp_path / "s")
    source.pages = [[deal("1", at(1))], (1, [{"id": "1", "Amount": 4}])]
    read(source, zone)
    assert read(source, zone).packages == ()
    source.pages = [[deal("1", at(1))], (1, [{"id": "1", "Amount": 5}])]
    assert len(read(source, zone).packages) == 1, "a change in a further chunk is a change"


def test_the_tail_of_a_long_wide_read_is_its_end(tmp_path: Path) -> None:
    """Only the last field chunk carries the watermark: the chunks before it must grow old with it."""
    source, zone = Scripted(), StreamZone(tmp_path / "s")
    for minute in range(0, 60, 2):
        keys = [str(100 * minute + i) for i in range(3)]
        source.pages += [[deal(k, at(minute)) for k in keys], (1, [{"id": k, "Amount": 1} for k in keys])]
    pages = list(source.read(STREAM, Window(CursorKind.INCREMENTAL)))
    groups = [
        (replace(base, watermark=None), replace(chunk, watermark=base.watermark))
        for base, chunk in zip(pages[::2], pages[1::2], strict=True)
    ]
    source.read = lambda stream, window: iter([p for group in groups for p in group])  # type: ignore[method-assign]
    tail = read(source, zone).packages[0].landed.tail
    assert {key.split("#")[0] for key in tail} == {str(100 * m + i) for m in (54, 56, 58) for i in range(3)}
    assert {key.split("#")[1] for key in tail} == {"0", "1"}


@pytest.mark.parametrize(
    "now",
    [
        [deal("2", at(38)), deal("3", at(40), Name="changed without a new stamp")],
        [deal("2", at(38)), deal("3", at(40)), deal("4", at(40))],
        [deal("2", at(38)), deal("3", at(41))],
    ],
)
def test_anything_new_makes_a_package(tmp_path: Path, now: list[dict[str, object]]) -> None:
    source, zone = Scripted(), StreamZone(tmp_path / "s")
    source.pages = [[deal("1", at(0)), deal("2", at(38)), deal("3", at(40))]]
    read(source, zone)
    source.pages = [now]
    assert len(read(source, zone).packages) == 1


def test_an_empty_read_leaves_no_package_and_keeps_the_cursor(tmp_path: Path) -> None:
    source, zone = Scripted(), StreamZone(tmp_path / "s")
    source.pages = [[deal("1", at(40))]]
    read(source, zone)
    source.pages = []
    assert read(source, zone).packages == ()
    read(source, zone)
    assert source.windows[-1].since == moment(at(35))


def test_a_long_read_is_a_chain_and_a_crash_costs_the_package_in_flight(tmp_path: Path) -> None:
    source, zone = Scripted(), StreamZone(tmp_path / "s")
    source.pages = [[deal(f"{p}{i}", at(p, i)) for i in range(10)] for p in range(5)]
    source.fail_after = 3
    with pytest.raises(RuntimeError, match="line went dead"):
        read(source, zone, max_rows=20)
    assert [p.landed.received for p in zone.packages()] == [20]
    assert zone.packages()[-1].landed.cursor_after == moment(at(1, 9))
    assert len(list(zone.folder.iterdir())) == 1, "the package in flight left a trace"
    source.fail_after = None
    read(source, zone)
    assert source.windows[-1].since == moment(at(1, 9)) - OVERLAP


def test_a_package_starts_when_its_first_page_was_asked_for(tmp_path: Path) -> None:
    """Existence is ordered by it: a record deleted while the page was on its way must stay deleted."""
    source, zone = Scripted(), StreamZone(tmp_path / "s")
    asked: list[datetime] = []

    def slowly(stream: object, window: object) -> Iterator[Page]:
        for number in range(4):
            asked.append(datetime.now(UTC))
            sleep(0.01)
            yield page([deal(str(number), at(number))])

    source.read = slowly  # type: ignore[method-assign]
    packages = read(source, zone, max_rows=2).packages
    assert [p.landed.received for p in packages] == [2, 2]
    assert packages[0].landed.started_at <= asked[0] and packages[1].landed.started_at <= asked[2]
    assert packages[1].landed.started_at > asked[1]


def test_field_chunks_are_never_cut_from_their_page(tmp_path: Path) -> None:
    source, zone = Scripted(), StreamZone(tmp_path / "s")
    source.pages = [
        [deal("1", at(1)), deal("2", at(1))], (1, [{"id": "1"}, {"id": "2"}]),
        [deal("3", at(2)), deal("4", at(2))], (1, [{"id": "3"}, {"id": "4"}]),
    ]  # fmt: skip
    packages = read(source, zone, max_rows=2).packages
    assert [p.landed.received for p in packages] == [2, 2]
    for package in packages:
        assert [line.chunk for line in read_pages(package.folder / "pages-0001.jsonl.zst")] == [0, 1]


def test_a_full_read_does_not_move_the_cursor_back(tmp_path: Path) -> None:
    source, zone = Scripted(), StreamZone(tmp_path / "s")
    source.pages = [[deal("1", at(40))]]
    read(source, zone)
    source.pages = [[deal("0", at(3))]]
    landed = read(source, zone, full=True).packages[0].landed
    assert source.windows[-1].since is None
    assert landed.cursor_after == moment(at(40))


def test_package_ids_sort_in_time_even_when_the_clock_steps_back(tmp_path: Path) -> None:
    zone = StreamZone(tmp_path / "s")
    times = [moment(at(30)), moment(at(10)), moment(at(10)), moment(at(50))]
    ids = [zone.new_package(CursorKind.INCREMENTAL, t).id for t in times]
    assert ids == sorted(ids) and len(set(ids)) == 4


def test_fields_that_change_while_a_package_is_read_are_decoded_with_the_union(tmp_path: Path) -> None:
    source, zone = Scripted(), StreamZone(tmp_path / "s")
    source.pages = [[deal("1")]]
    shapes = [(Field("id", FieldType.TEXT), Field("Old", FieldType.INTEGER)),
              (Field("id", FieldType.TEXT), Field("Old", FieldType.TEXT), Field("New", FieldType.TEXT))]  # fmt: skip

    def shape(stream: object, kind: object) -> object:
        source.fields = shapes.pop(0)
        return Scripted.shape(source, STREAM, CursorKind.INCREMENTAL)

    source.shape = shape  # type: ignore[method-assign]
    package = read(source, zone).packages[0]
    assert [(f.name, f.type) for f in package.shape.fields] == [
        ("id", "text"),
        ("Old", "text"),
        ("New", "text"),
    ]


def test_folders_without_a_manifest_are_swept(tmp_path: Path) -> None:
    source, zone = Scripted(), StreamZone(tmp_path / "s")
    source.pages = [[deal("1")]]
    kept = read(source, zone).packages[0]
    zone.new_package(CursorKind.INCREMENTAL, moment(at(59)))
    assert zone.sweep_unfinished() == 1
    assert [p.id for p in zone.packages()] == [kept.id]


def test_a_damaged_or_newer_manifest_is_a_sentence(tmp_path: Path) -> None:
    source, zone = Scripted(), StreamZone(tmp_path / "s")
    source.pages = [[deal("1")]]
    package = read(source, zone).packages[0]
    landed = package.landed
    path = package.folder / LANDED
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(landed, format=FORMAT + 1)))
    with pytest.raises(Problem, match=r"newer crm-warehouse.*upgrade"):
        read_manifest(path, Landed)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(Problem, match="cannot be read"):
        read_manifest(path, Landed)
