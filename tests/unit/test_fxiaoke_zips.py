"""Zips of exports: members are read as if they lay in the inbox, hostile ones are refused and stop no other."""

from __future__ import annotations

import hashlib
import os
import stat
import struct
import time
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.core.files.inbox import look_through
from connectors.core.files.limits import Limits
from connectors.fxiaoke.export_files.source import FxiaokeExport
from tests.unit.fxiaoke_workbooks import open_tame, pages, xlsx

HEADER = "客户名称（必填）,1级行业,负责人\n"
NAME = "客户对象导出结果_20260102.csv"
EVENING = (2026, 1, 5, 20, 0, 0)


def account(name: str = "甲") -> bytes:
    return f"{HEADER}{name},零售,乙\n".encode()


def zipped(path: Path, members: Mapping[str | zipfile.ZipInfo, bytes], **options: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for member, body in members.items():
            archive.writestr(member, body)
    os.utime(path, (0, datetime(2026, 2, 1, tzinfo=UTC).timestamp()))
    return path


def info(name: str, *, date: tuple[int, ...] = EVENING, mode: int = 0) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, date)
    member.compress_type = zipfile.ZIP_DEFLATED
    member.external_attr = mode << 16
    return member


def said(inbox: Path, **facts: object) -> dict[str, str]:
    return {p.where: p.what for p in open_tame(inbox, **facts).problems()}


def bodies(source: FxiaokeExport) -> dict[str, bytes]:
    return {page.request: page.body.read_bytes() for page in pages(source, "account_obj")}


def test_members_are_files_of_the_inbox_and_the_original_stays(tmp_path: Path):
    inbox = tmp_path / "inbox"
    book = xlsx(tmp_path / "b.xlsx", [["客户名称", "1级行业", "负责人"], ["丙", "制造", "丁"]]).read_bytes()
    archive = zipped(inbox / "sub" / "一月.zip", {f"导出/华东/{NAME}": account(), info("客户.xlsx"): book})
    before = archive.read_bytes()
    source = open_tame(inbox, cache=tmp_path / "cache")
    assert source.problems() == []
    found = pages(source, "account_obj")
    assert [(p.request, p.file_stamp) for p in found] == [
        (f"sub/一月.zip/导出/华东/{NAME}", datetime(2026, 1, 1, 16, tzinfo=UTC)),
        (
            "sub/一月.zip/客户.xlsx",
            datetime(2026, 1, 5, 12, tzinfo=UTC),
        ),  # of the member, in the office's zone
    ]
    assert [p.body.read_bytes() for p in found] == [account(), book]
    assert [p.sha256 for p in found] == [hashlib.sha256(b).hexdigest() for b in (account(), book)]
    for page in found:
        assert tmp_path / "cache" in page.body.parents
        assert stat.S_IMODE(page.body.stat().st_mode) == 0o600
        assert stat.S_IMODE(page.body.parent.stat().st_mode) == 0o700
    source.close()
    assert [p for p in (tmp_path / "cache").rglob("*") if p.is_file()] == []
    assert archive.read_bytes() == before


def test_the_same_bytes_are_one_package_zipped_or_not(tmp_path: Path):
    (tmp_path / NAME).write_bytes(account())
    zipped(tmp_path / "a.zip", {"客户对象导出结果_20260201.csv": account(), "x.csv": account("丙")})
    source = open_tame(tmp_path)
    assert sorted(hashlib.sha256(b).hexdigest() for b in bodies(source).values()) == sorted(
        hashlib.sha256(account(n)).hexdigest() for n in ("甲", "丙")
    )
    source.close()
    landed = {"account_obj": frozenset(hashlib.sha256(account(n)).hexdigest() for n in ("甲", "丙"))}
    later = open_tame(tmp_path, known_files=landed)
    assert (bodies(later), later.problems()) == ({}, [])
    assert not list((tmp_path / ".cache").rglob("*.csv")), "what is known is not kept unpacked"


@pytest.mark.parametrize("encoding", ["gbk", "utf-8"])
def test_names_in_either_encoding_tell_the_object(tmp_path: Path, encoding: str):
    """Chinese Windows writes GBK names without a mark; others write UTF-8, with or without one."""
    name = "客户对象导出结果_20260102.csv"
    raw = name.encode(encoding)
    path = zipped(tmp_path / "a.zip", {"x" * len(raw): "客户名称,负责人\n甲,乙\n".encode()})
    path.write_bytes(path.read_bytes().replace(b"x" * len(raw), raw))
    source = open_tame(tmp_path)
    assert source.problems() == []
    assert list(bodies(source)) == [f"a.zip/{name}"], "the header alone would not do"


LINK = stat.S_IFLNK | 0o777
FIFO = stat.S_IFIFO | 0o600


@pytest.mark.parametrize(
    ("member", "body", "says"),
    [
        (info("../客户.csv"), account("x"), "its name leads out of the archive"),
        (info("a/../../客户.csv"), account("x"), "its name leads out of the archive"),
        (info("/etc/客户.csv"), account("x"), "its name leads out of the archive"),
        (info("..\\客户.csv"), account("x"), "its name leads out of the archive"),
        (info("C:\\客户.csv"), account("x"), "its name leads out of the archive"),
        (info("客\r户.csv"), account("x"), "its name cannot be that of a file"),
        (info("客" * 90 + ".csv"), account("x"), "its name cannot be that of a file"),
        (info("客户.csv", mode=LINK), b"/etc/passwd", "this is a link, and links are not followed"),
        (info("客户.csv", mode=FIFO), b"", "this is no ordinary file"),
        (info("客户.csv"), b"", "the file is empty"),
        (info("客户.xlsx"), b"PK broken", "the workbook is damaged or incomplete"),
        (info("图.png"), b"\x89PNG\r\n\x1a\n\0\0\0", "the file is neither a workbook nor text"),
    ],
)
def test_a_bad_member_is_refused_and_stops_no_other(tmp_path: Path, member, body: bytes, says: str):
    inbox = tmp_path / "inbox"
    zipped(inbox / "a.zip", {member: body, NAME: account()})
    source = open_tame(inbox, cache=tmp_path / "cache")
    [problem] = source.problems()
    assert says in problem.what
    assert problem.where.startswith("a.zip/")
    assert list(bodies(source).values()) == [account()]
    source.close()
    left = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert left == [inbox / "a.zip"], "nothing was written anywhere else"


def test_folders_of_windows_are_none(tmp_path: Path):
    zipped(tmp_path / "a.zip", {"sub\\": b"", f"sub\\{NAME}": account()})
    source = open_tame(tmp_path)
    assert source.problems() == []
    assert list(bodies(source).values()) == [account()]


@pytest.mark.parametrize("flag", [0x20, 0x40])
def test_a_member_that_the_reader_does_not_take_stops_no_other(tmp_path: Path, flag: int):
    path = zipped(tmp_path / "a.zip", {"1.csv": account(), "2.csv": account("丙"), "3.csv": account("丁")})
    raw = bytearray(path.read_bytes())
    second = raw.index(b"PK\x01\x02", raw.index(b"PK\x01\x02") + 4)
    raw[second + 8] |= flag
    path.write_bytes(raw)
    assert said(tmp_path) == {"a.zip/2.csv": "the zip archive is damaged or incomplete here"}
    assert list(bodies(open_tame(tmp_path))) == ["a.zip/1.csv", "a.zip/3.csv"]


def test_a_local_name_that_is_no_text_stops_no_other(tmp_path: Path):
    path = zipped(tmp_path / "a.zip", {"1.csv": account(), "2.csv": account("丙"), "3.csv": account("丁")})
    raw = bytearray(path.read_bytes())
    second = raw.index(b"PK\x03\x04", 4)
    raw[second + 7] |= 0x08  # it says that its name is UTF-8
    raw[second + 30] = 0xFF
    path.write_bytes(raw)
    assert list(said(tmp_path)) == ["a.zip/2.csv"]
    assert len(bodies(open_tame(tmp_path))) == 2


def test_a_wide_space_in_a_name_is_a_space(tmp_path: Path):
    zipped(tmp_path / "a.zip", {"客户　一月.csv": account()})
    assert list(bodies(open_tame(tmp_path))) == ["a.zip/客户　一月.csv"]


def test_a_zip_in_a_zip_is_not_opened(tmp_path: Path):
    inner = zipped(tmp_path / "inner.zip", {NAME: account()})
    zipped(tmp_path / "in" / "a.zip", {"b.zip": inner.read_bytes(), NAME: account()})
    assert said(tmp_path / "in") == {"a.zip/b.zip": "a zip archive inside a zip archive is not opened"}


def test_a_password_is_named_per_member(tmp_path: Path):
    path = zipped(tmp_path / "a.zip", {NAME: account(), "b.csv": account("丙")})
    raw = bytearray(path.read_bytes())
    for mark, place in (
        (b"PK\x03\x04", 6),
        (b"PK\x01\x02", 8),
    ):  # the first local header, the first of the directory
        raw[raw.index(mark) + place] |= 1
    path.write_bytes(raw)
    assert said(tmp_path) == {f"a.zip/{NAME}": "it is protected by the archive's password"}
    assert len(bodies(open_tame(tmp_path))) == 1


def test_bombs_are_refused_in_bounded_time(tmp_path: Path):
    inbox = tmp_path / "inbox"
    zipped(inbox / "a.zip", {"big.csv": bytes(80 << 20), NAME: account()})
    zipped(inbox / "many.zip", {f"{n}.csv": b"x" for n in range(1_001)})
    zipped(inbox / "none.zip", {info("folder/"): b""})
    started = time.monotonic()
    found = said(inbox, cache=tmp_path / "cache")
    assert time.monotonic() - started < 10
    assert set(found) == {"a.zip/big.csv", "many.zip", "none.zip"}
    assert "times its size (a zip bomb)" in found["a.zip/big.csv"]
    assert found["many.zip"] == "the zip archive holds 1,001 files, more than 1,000"
    assert found["none.zip"] == "the zip archive is empty"


def look(inbox: Path, room: Path, limits: Limits) -> list[str]:
    return [p.what for p in look_through(inbox, "Asia/Shanghai", limits, room=room)[1]]


def test_what_the_archive_unpacks_to_in_all_is_bounded(tmp_path: Path):
    zipped(tmp_path / "in" / "a.zip", {f"{n}.csv": account(str(n)) * 100 for n in range(5)})
    [sentence] = look(tmp_path / "in", tmp_path / "room", Limits(unpacked_bytes=10_000))
    assert "the zip archive unpacks to" in sentence
    assert look(tmp_path / "in", tmp_path / "room2", Limits(file_bytes=5_000))[0].startswith(
        "the file has 0 MB"
    )


def repeated(path: Path, count: int) -> Path:
    """The zip with its one entry listed `count` times."""
    raw = path.read_bytes()
    start, end = raw.index(b"PK\x01\x02"), raw.rindex(b"PK\x05\x06")
    tail = bytearray(raw[end:])
    tail[8:12] = struct.pack("<HH", count % 65536, count % 65536)
    tail[12:16] = struct.pack("<I", (end - start) * count)
    path.write_bytes(raw[:start] + raw[start:end] * count + bytes(tail))
    return path


def test_a_table_of_contents_without_end_is_not_held_in_memory(tmp_path: Path):
    repeated(zipped(tmp_path / "a.zip", {"x" * 50 + ".csv": account()}), 100_000)
    started = time.monotonic()
    [sentence] = said(tmp_path).values()
    assert sentence.startswith("the zip's table of contents has 10,000,000 bytes")
    assert time.monotonic() - started < 5


def test_entries_that_share_their_bytes(tmp_path: Path):
    """A thousand entries of one and the same kernel: small here, huge there."""
    repeated(zipped(tmp_path / "a.zip", {"0.csv": account() * 20}), 50)
    [sentence] = said(tmp_path).values()
    assert sentence == "the files of the zip archive share their bytes (a zip bomb)"


def test_a_damaged_member_is_named_and_the_rest_is_read(tmp_path: Path):
    path = zipped(tmp_path / "a.zip", {"b.csv": account("丙") * 50, NAME: account()})
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"b.csv") + 20] ^= 0xFF
    path.write_bytes(raw)
    assert said(tmp_path) == {"a.zip/b.csv": "the zip archive is damaged or incomplete"}
    assert list(bodies(open_tame(tmp_path)).values()) == [account()]


def test_what_file_managers_put_into_zips_is_passed_over(tmp_path: Path):
    zipped(
        tmp_path / "a.zip",
        {f"__MACOSX/._{NAME}": b"\0x", ".DS_Store": b"\0", f"~${NAME}": b"\0", NAME: account()},
    )
    assert said(tmp_path) == {}


def test_what_a_crash_left_unpacked_is_removed_a_day_later(tmp_path: Path):
    for name, age in (("old", 25 * 3600), ("young", 60)):
        left = tmp_path / ".cache" / "unpacked" / name
        left.mkdir(parents=True)
        (left / "x").write_bytes(b"x")
        os.utime(left, (0, time.time() - age))
    open_tame(tmp_path).problems()
    assert [p.name for p in (tmp_path / ".cache" / "unpacked").iterdir()] == ["young"]


@pytest.mark.parametrize(
    ("place", "full"),
    [
        ("full/a.csv", True),
        ("x/全量/y/a.csv", True),
        ("FULL/a.csv", True),
        ("full.csv", False),
        ("a/fully/a.csv", False),
    ],
)
def test_a_folder_declares_full_lists(tmp_path: Path, place: str, full: bool):
    (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / place).write_bytes(account())
    assert [page.full for page in pages(open_tame(tmp_path), "account_obj")] == [full]


def test_a_zip_among_full_lists_holds_full_lists_and_its_own_folders_declare_nothing(tmp_path: Path):
    zipped(tmp_path / "full" / "a.zip", {NAME: account()})
    assert [page.full for page in pages(open_tame(tmp_path), "account_obj")] == [True]
    zipped(tmp_path / "other" / "b.zip", {f"full/{NAME}": account("丙")})
    found = pages(open_tame(tmp_path), "account_obj")
    assert [page.full for page in found] == [True, False]


def test_a_list_in_a_zip_with_a_bad_member_is_no_list(tmp_path: Path):
    zipped(tmp_path / "full" / "a.zip", {NAME: account(), info("../b.csv"): account("丙")})
    source = open_tame(tmp_path)
    assert [page.full for page in pages(source, "account_obj")] == [False]
    assert any("may be a part of the list and cannot be read" in p.what for p in source.problems())


def test_a_file_that_is_still_being_copied_waits_and_a_settled_one_does_not(tmp_path: Path, monkeypatch):
    (tmp_path / "old.csv").write_bytes(account())
    os.utime(tmp_path / "old.csv", (0, 0))
    started = time.monotonic()
    assert len(pages(open_tame(tmp_path, settle=30), "account_obj")) == 1
    assert time.monotonic() - started < 5, "what is old is not waited for"

    slow = tmp_path / "客户对象导出结果_20260109.csv"
    slow.write_bytes(account("丙"))
    real = time.sleep

    def copying(seconds: float) -> None:
        assert 0 <= seconds <= 0.3
        with slow.open("ab") as file:
            file.write("丁,零售,乙\n".encode())
        real(seconds)

    monkeypatch.setattr(time, "sleep", copying)
    source = open_tame(tmp_path, settle=0.3)
    [problem] = source.problems()
    assert (problem.where, problem.what, problem.transient) == (
        slow.name,
        "the file is still being written",
        True,
    )
    assert len(pages(source, "account_obj")) == 1
    monkeypatch.setattr(time, "sleep", real)
    assert len(pages(open_tame(tmp_path, settle=0.3), "account_obj")) == 2, "complete now"
