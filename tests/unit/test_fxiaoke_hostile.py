"""Files made to harm: refused with a sentence, in bounded memory and time, and nothing else suffers."""

from __future__ import annotations

import time
import zipfile
import zlib
from pathlib import Path

import pytest

from connectors.core.errors import Problem
from connectors.core.files.archive import blocks, check_archive
from connectors.core.files.limits import HEAD_ROWS, Limits
from connectors.core.files.probe import look, open_grid
from connectors.core.files.sheet_list import SheetPart, first_visible
from connectors.core.files.sheet_scan import first_rows, scan
from tests.unit.fxiaoke_workbooks import SHEET, open_inbox, pages, rewrite, with_cells, xlsx

GOOD = [["客户名称", "1级行业", "负责人"], ["甲", "零售", "乙"]]


def refused(path: Path, limits: Limits | None = None) -> str:
    started = time.monotonic()
    with pytest.raises(Problem) as caught:
        look(path, limits or Limits())
    assert time.monotonic() - started < 20
    return str(caught.value)


def cell(place: str, text: str = "x") -> bytes:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'.encode()


def row(number: int, *cells: bytes) -> bytes:
    return f'<row r="{number}">'.encode() + b"".join(cells) + b"</row>"


PREFIXED_FAR_APART = (
    b"<x:row r='1'><x:c r='A1'><x:v>1</x:v></x:c><x:c r='XFD900000'><x:v>1</x:v></x:c></x:row>"
)
PREFIXED_AMONG_OTHERS = row(1, cell("A1"), b'<x:c r="XFD900000"><x:v>1</x:v></x:c>') + row(
    900_000, cell("A900000")
)
UNPLACED_FAR_APART = (
    b'<row r="1"><c><v>1</v></c>' + b"<c/>" * 200_000 + b"<c><v>1</v></c></row>" + row(99_999, cell("A99999"))
)


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        (row(1, cell("A1")) + row(1048576, cell("XFD1048576")), "more than 702 columns"),
        (row(1, cell("A1")) + row(1048576, cell("ZZ1048576")), "spans 1,048,576 rows|needs more than"),
        (row(1, cell("A1")) + row(2, cell("ZZ1048576")), "spans 1,048,576 rows|needs more than"),
        (row(1, cell("A1"), cell("A99999999")), "spans 99,999,999 rows|needs more than|damaged"),
        (row(1, cell("A1")) + row(9, cell("A4294967295")), "needs more than|damaged"),
        (PREFIXED_AMONG_OTHERS, "needs more than|damaged|spans"),
        (PREFIXED_FAR_APART, "needs more than|damaged|spans"),
        (UNPLACED_FAR_APART, "needs more than|spans"),
    ],
)
def test_a_few_cells_far_apart_do_not_take_all_memory(tmp_path: Path, cells: bytes, says: str):
    text = refused(with_cells(tmp_path / "1.xlsx", cells), Limits(memory_bytes=1 << 30, seconds=15))
    assert any(part in text for part in says.split("|")), text


def test_a_hostile_file_stops_no_good_one(tmp_path: Path):
    with_cells(tmp_path / "bomb.xlsx", row(1, cell("A1")) + row(1048576, cell("XFD1048576")))
    xlsx(tmp_path / "客户对象导出结果_20260102.xlsx", GOOD)
    source = open_inbox(tmp_path)
    assert [p.where for p in source.problems()] == ["bomb.xlsx"]
    assert len(pages(source, "account_obj")) == 1


def test_a_zip_bomb_by_its_own_account(tmp_path: Path):
    path = rewrite(xlsx(tmp_path / "1.xlsx", GOOD), SHEET, lambda xml: xml + b" " * (8 << 20))
    assert "times its size (a zip bomb)" in refused(path, Limits(ratio_from=1 << 20))
    assert "more than 1,000,000" in refused(path, Limits(unpacked_bytes=1_000_000))


def test_too_many_parts_and_parts_of_one_name(tmp_path: Path):
    many = xlsx(tmp_path / "many.xlsx", GOOD)
    with zipfile.ZipFile(many, "a") as archive:
        for number in range(2_001):
            archive.writestr(f"xl/media/{number}", b"")
    assert "parts, more than 2,000" in refused(many)
    twice = xlsx(tmp_path / "twice.xlsx", GOOD)
    with pytest.warns(UserWarning), zipfile.ZipFile(twice, "a") as archive:
        archive.writestr("xl/workbook.xml", b"<workbook/>")
    assert "two parts of the same name" in refused(twice)


def test_an_odd_packing_is_refused(tmp_path: Path):
    path = xlsx(tmp_path / "1.xlsx", GOOD)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_LZMA) as archive:
        archive.writestr("xl/extra.xml", b"x")
    assert "packed in a way" in refused(path)


def test_a_part_that_is_larger_than_it_says_is_found_out(tmp_path: Path):
    path = tmp_path / "1.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b"x" * 100_000)
    # Size and checksum as of its beginning: a reader that trusts them sees nothing wrong.
    lies = {100_000: 10, zlib.crc32(b"x" * 100_000): zlib.crc32(b"x" * 11)}
    lying = path.read_bytes()
    for truth, lie in lies.items():
        lying = lying.replace(truth.to_bytes(4, "little"), lie.to_bytes(4, "little"))
    path.write_bytes(lying)
    with zipfile.ZipFile(path) as archive:
        assert archive.getinfo("a").file_size == 10
        with pytest.raises(Problem, match="part a is larger than it says"):
            list(blocks(archive, "a"))


def test_a_damaged_part_is_found_before_anything_is_landed(tmp_path: Path):
    path = xlsx(tmp_path / "1.xlsx", [*GOOD, *([f"名{i}", "零售", "乙"] for i in range(500))])
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(SHEET)
    body = bytearray(path.read_bytes())
    body[info.header_offset + 1000] ^= 0xFF
    path.write_bytes(body)
    assert "damaged or incomplete" in refused(path)


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/_rels/workbook.xml.rels"])
def test_entities_of_its_own(tmp_path: Path, part: str):
    entities = b'<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c SYSTEM "file:///etc/hostname">]>'
    path = rewrite(xlsx(tmp_path / "1.xlsx", GOOD), part, lambda xml: xml.replace(b"<", entities + b"<", 1))
    assert "declares its own XML entities" in refused(path)


def test_a_sheet_with_entities_brings_nothing_from_outside(tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text("topsecret")
    doctype = f'<!DOCTYPE a [<!ENTITY e SYSTEM "{secret.as_uri()}">]>'.encode()
    path = with_cells(tmp_path / "1.xlsx", row(1, cell("A1", "&e;")))
    rewrite(path, SHEET, lambda xml: xml.replace(b"<worksheet", doctype + b"<worksheet", 1))
    try:
        assert "topsecret" not in str(look(path, Limits()).head)
    except Problem as problem:
        assert "topsecret" not in str(problem)


def test_names_that_climb_out_of_the_archive_are_never_written(tmp_path: Path):
    path = xlsx(tmp_path / "in" / "客户对象导出结果_20260102.xlsx", GOOD)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../evil", b"x")
    assert len(pages(open_inbox(tmp_path / "in"), "account_obj")) == 1
    assert {p.name for p in tmp_path.iterdir()} == {"in"}


def test_a_reader_that_does_not_end_is_ended(tmp_path: Path):
    path = with_cells(tmp_path / "1.xlsx", b"".join(row(i, b"<c><v>1</v></c>") for i in range(1, 20_000)))
    assert "takes more than 0" in refused(path, Limits(seconds=0))


def test_a_broken_workbook_deep_inside(tmp_path: Path):
    path = with_cells(
        tmp_path / "1.xlsx", row(1, cell("A1")) + b'<row r="2"><c r="B2" t="s"><v>99999</v></c></row>'
    )
    try:
        assert look(path, Limits()).last_row == 2
    except Problem as problem:
        assert "damaged" in str(problem)
    cut_short = rewrite(xlsx(tmp_path / "2.xlsx", GOOD), SHEET, lambda xml: xml[: len(xml) // 2])
    assert "damaged or incomplete" in refused(cut_short)


def quick(path: Path, limits: Limits | None = None):
    limits = limits or Limits()
    with zipfile.ZipFile(path) as archive:
        check_archive(archive, limits)
        part = first_visible(archive, limits)
        assert part == SheetPart("Sheet1", SHEET)
        return scan(archive, part, limits)


def test_the_quick_look_and_the_reader_agree(tmp_path: Path):
    rows = [
        ["a"] * 30,
        *([f"{x}-{y}" if (x * y) % 7 else None for x in range(30)] for y in range(700)),
        [],
        [None, "z"],
        [],
        [],
    ]
    path = xlsx(tmp_path / "1.xlsx", rows)
    found = quick(path)
    assert found is not None
    assert (found.last_row, found.columns) == (703, 30)
    seen = look(path, Limits())
    assert (seen.last_row, len(seen.head), seen.head[0]) == (703, HEAD_ROWS, ("a",) * 30)


@pytest.mark.parametrize(
    "cells",
    [
        b"<row r='1'><c r='A1'><v>1</v></c></row>",
        b"<row><c><v>1</v></c></row>",
        b'<row r="1"><c s="0" r="A1"><v>1</v></c></row>',
        b'<row r="1"><c><v>1</v></c></row>',
        b'<x:row r="1"><x:c r="A1"><x:v>1</x:v></x:c></x:row>',
        row(1, cell("A1"), b'<x:c r="XFD9"><x:v>1</x:v></x:c>'),
        row(1, cell("A1"), cell("A20")),
        b"",
    ],
)
def test_unusual_xml_is_left_to_the_reader(tmp_path: Path, cells: bytes):
    assert quick(with_cells(tmp_path / "1.xlsx", cells)) is None


@pytest.mark.parametrize(
    ("cells", "last"),
    [
        (row(1, cell("A1")) + b'<row r="2" spans="1:3"><c r="A2" s="1"/></row><row r="3"/>', 1),
        (row(1, cell("A1")) + b'<row spans="1:3" r="4"><c r="B4" t="str"><v></v></c></row>', 4),
        (row(1, cell("A1")) + row(2, cell("A2", "")), 2),
        (row(3, cell("AB3")), 3),
    ],
)
def test_the_last_row_is_that_of_the_reader(tmp_path: Path, cells: bytes, last: int):
    path = with_cells(tmp_path / "1.xlsx", cells)
    found = quick(path)
    assert found is not None
    assert found.last_row == last
    assert len(list(open_grid(path).rows())) == last


def test_first_rows_keep_what_fits():
    xml = b"<worksheet><sheetData>" + b"".join(row(i) for i in range(1, 6)) + b"</sheetData></worksheet>"
    assert first_rows(xml, 9) == xml
    assert first_rows(xml, 2) == b"<worksheet><sheetData>" + row(1) + row(2) + b"</sheetData></worksheet>"
    assert first_rows(xml[:-40], 9).endswith(b"</row></sheetData></worksheet>")
    assert first_rows(b"<worksheet><sheetData><row>", 9) == b""
