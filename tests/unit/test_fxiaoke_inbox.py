"""Which files of an inbox are read, in which order, and which are passed over."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors import discover
from connectors.core.contract import CursorKind, Window
from connectors.core.files.inbox import look_through
from connectors.core.files.limits import Limits
from connectors.core.files.stamps import file_stamp
from connectors.fxiaoke.export_files.source import FxiaokeExport
from tests.unit.fxiaoke_workbooks import open_inbox, pages, sentence, stream, xlsx

HEADER = ["客户名称（必填）", "1级行业", "负责人"]


def account(path: Path, name: str = "甲") -> Path:
    return xlsx(path, [HEADER, [name, "零售", "乙"]], sheet="客户数据")


def test_a_missing_inbox_and_one_that_is_a_file(tmp_path: Path):
    missing = open_inbox(tmp_path / "nowhere")
    assert "the inbox folder does not exist" in sentence(missing)
    assert len(missing.streams()) == 9
    assert pages(missing, "account_obj") == []
    (tmp_path / "file").write_text("x")
    assert "the inbox folder is a file" in sentence(open_inbox(tmp_path / "file"))


def test_an_empty_inbox_is_no_problem_of_the_source(tmp_path: Path):
    assert open_inbox(tmp_path).problems() == []


def test_oldest_export_first_from_sub_folders_too(tmp_path: Path):
    account(tmp_path / "客户对象导出结果_20260301.xlsx", "三")
    account(tmp_path / "a" / "b" / "客户对象导出结果_20260101120000.xlsx", "一")
    undated = account(tmp_path / "c" / "客户.xlsx", "二")
    os.utime(undated, (0, datetime(2026, 2, 1, tzinfo=UTC).timestamp()))
    found = pages(open_inbox(tmp_path), "account_obj")
    assert [(page.request, page.file_stamp) for page in found] == [
        ("a/b/客户对象导出结果_20260101120000.xlsx", datetime(2026, 1, 1, 4, tzinfo=UTC)),
        ("c/客户.xlsx", datetime(2026, 2, 1, tzinfo=UTC)),
        ("客户对象导出结果_20260301.xlsx", datetime(2026, 2, 28, 16, tzinfo=UTC)),
    ]


@pytest.mark.parametrize(
    ("name", "stamp"),
    [
        ("客户对象导出结果_20171231235900.xlsx", datetime(2017, 12, 31, 15, 59, tzinfo=UTC)),
        ("客户对象导出结果_20171231235900123.xlsx", datetime(2017, 12, 31, 15, 59, tzinfo=UTC)),
        ("客户对象导出结果_201712312359.xlsx", datetime(2017, 12, 31, 15, 59, tzinfo=UTC)),
        ("客户对象导出结果_20171231.xlsx", datetime(2017, 12, 30, 16, tzinfo=UTC)),
        ("客户对象导出结果_20171231 (2).xlsx", datetime(2017, 12, 30, 16, tzinfo=UTC)),
        ("客户_20170101_20171231.csv", datetime(2017, 12, 30, 16, tzinfo=UTC)),
        ("客户对象导出结果_20171331.xlsx", datetime(2026, 1, 1, tzinfo=UTC)),
        ("客户_2017123112.xlsx", datetime(2026, 1, 1, tzinfo=UTC)),
        ("客户20171231.xlsx", datetime(2026, 1, 1, tzinfo=UTC)),
        ("客户对象导出结果_20990130.xlsx", datetime(2026, 1, 1, tzinfo=UTC)),  # later than the file: mistyped
        ("客户对象导出结果_20260102.xlsx", datetime(2026, 1, 1, 16, tzinfo=UTC)),  # a day of clock skew
    ],
)
def test_when_an_export_was_made(name: str, stamp: datetime):
    modified = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    assert file_stamp(name, modified, "Asia/Shanghai") == stamp


def test_a_file_of_the_future_was_made_now():
    assert file_stamp("客户.csv", 4e11, "Asia/Shanghai") <= datetime.now(UTC)


def test_the_time_in_a_name_is_of_the_context_s_zone():
    modified = datetime(2026, 7, 2, tzinfo=UTC).timestamp()
    written = file_stamp("x_20260701120000.xlsx", modified, "Europe/Berlin")
    assert written == datetime(2026, 7, 1, 10, tzinfo=UTC)
    assert written.utcoffset() == datetime.now(UTC).utcoffset()


def test_known_files_and_twins_are_one_page_or_none(tmp_path: Path):
    known = account(tmp_path / "客户对象导出结果_20260101.xlsx", "旧")
    digest = hashlib.sha256(known.read_bytes()).hexdigest()
    new = account(tmp_path / "客户对象导出结果_20260201.xlsx", "新")
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "副本_20260301.xlsx").write_bytes(new.read_bytes())
    (tmp_path / "旧副本.xlsx").write_bytes(known.read_bytes())
    source = open_inbox(tmp_path, known_files={"account_obj": frozenset({digest})})
    assert [page.request for page in pages(source, "account_obj")] == ["客户对象导出结果_20260201.xlsx"]
    assert source.problems() == []
    assert source.usage.bytes == new.stat().st_size


def test_twins_that_cannot_be_read_are_both_named(tmp_path: Path):
    for name in ("a.xlsx", "b.xlsx"):
        (tmp_path / name).write_bytes(b"PK nothing")
    assert [p.where for p in open_inbox(tmp_path).problems()] == ["a.xlsx", "b.xlsx"]


def test_locks_unfinished_downloads_hidden_files_and_labels_are_passed_over(tmp_path: Path):
    for name in (
        "~$客户.xlsx",
        "a.xlsx.crdownload",
        "b.tmp",
        "c.XLSX.PART",
        ".hidden",
        ".DS_Store",
        "Thumbs.db",
    ):
        (tmp_path / name).write_bytes(b"\0junk")
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "x.xlsx").write_bytes(b"junk")
    (tmp_path / "labels.yml").write_text("{}")
    assert open_inbox(tmp_path).problems() == []


def test_links_are_refused_and_not_followed(tmp_path: Path):
    inbox, outside = tmp_path / "inbox", tmp_path / "outside"
    inbox.mkdir()
    account(outside / "客户对象导出结果_20260101.xlsx")
    (inbox / "file.xlsx").symlink_to(outside / "客户对象导出结果_20260101.xlsx")
    (inbox / "folder").symlink_to(outside)
    (inbox / "broken.xlsx").symlink_to(tmp_path / "nothing")
    os.mkfifo(inbox / "pipe.csv")
    source = open_inbox(inbox)
    said = {p.where: p.what for p in source.problems()}
    link = "this is a link, and links are not followed"
    assert said == {
        "file.xlsx": link, "folder": link, "broken.xlsx": link, "pipe.csv": "this is no ordinary file",
    }  # fmt: skip
    assert pages(source, "account_obj") == []


def test_a_file_beyond_the_size_limit_is_not_opened(tmp_path: Path):
    huge = tmp_path / "客户对象导出结果_20260101.xlsx"
    with huge.open("wb") as file:
        file.truncate((512 << 20) + 1)
    assert "the file has 512 MB, more than 512" in sentence(open_inbox(tmp_path))
    huge.write_bytes(b"12345")
    assert [len(found) for found in look_through(tmp_path, "UTC", Limits(file_bytes=5))] == [1, 0]
    assert [len(found) for found in look_through(tmp_path, "UTC", Limits(file_bytes=4))] == [0, 1]


def test_a_file_that_grows_while_it_is_read_is_left_for_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = account(tmp_path / "客户对象导出结果_20260101.xlsx")
    digest = hashlib.file_digest

    def slow(file: object, name: str) -> object:
        with path.open("ab") as more:
            more.write(b"x")
        return digest(file, name)

    monkeypatch.setattr(hashlib, "file_digest", slow)
    source = open_inbox(tmp_path)
    assert "the file is still being written" in sentence(source)
    assert source.problems()[0].transient


def test_a_name_that_is_no_text(tmp_path: Path):
    name = os.fsdecode("客户.csv".encode("gbk"))
    (tmp_path / name).write_text("客户名称,1级行业\n甲,零售\n")
    text = sentence(open_inbox(tmp_path))
    assert "the name of the file or of its folder is not valid text" in text
    assert text.encode(), "it can be printed"


def test_a_file_nobody_may_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = account(tmp_path / "客户对象导出结果_20260101.xlsx")
    real = Path.open

    def refused(self: Path, *args: object, **kwargs: object) -> object:
        if self == path:
            raise PermissionError(13, "Permission denied")
        return real(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", refused)
    assert "the file cannot be read: permission denied" in sentence(open_inbox(tmp_path))


def test_the_source_says_what_it_is(tmp_path: Path):
    account(tmp_path / "客户对象导出结果_20260101.xlsx")
    source = open_inbox(tmp_path)
    accounts = stream(source, "account_obj")
    assert isinstance(source, FxiaokeExport)
    assert source.kinds(accounts) == (CursorKind.FILE,)
    shape = source.shape(accounts, CursorKind.FILE)
    assert (shape.key, shape.stamp, shape.records) == ("_record_id", "last_modified_time", "")
    assert [f.name for f in shape.fields] == [f.name for f in accounts.fields]
    assert next(f.label for f in shape.fields if f.name == "industry_level1") == "1级行业"
    first = list(source.read(accounts, Window(CursorKind.FILE)))
    assert first == list(source.read(accounts, Window(CursorKind.FILE))), "a source can be read again"


def test_listing_the_sources_loads_no_spreadsheet_reader():
    look = "import sys, connectors; connectors.discover()['fxiaoke_export'].streams()"
    code = f"{look}; print('python_calamine' in sys.modules)"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
    assert discover()["fxiaoke_export"].settings == ()
