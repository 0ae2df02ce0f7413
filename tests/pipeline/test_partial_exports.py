"""People export the columns of the view they look at: what a file has no column for stays as it was known."""

from __future__ import annotations

from pathlib import Path

from tests.pipeline.test_full_lists import Home, _no_rules  # noqa: F401

WIDE = ("唯一性ID", "客户编号", "客户名称", "1级行业", "年营业额", "负责人", "战区", "最后修改时间")
ROWS = (
    'SELECT name, industry_level1, annual_revenue::VARCHAR, owner.name, "战区", account_no, _number, '
    "last_modified_time::VARCHAR FROM raw_fxiaoke_export.account_obj ORDER BY _record_id"
)
FIRST = ("甲公司", "零售", "1200.50", "张伟", "华东", "KH1", "KH1", "2026-11-01 02:00:00+00")


def known(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.put(
        "20261102", [("id1", "KH1", "甲公司", "零售", "1200.5", "张伟", "华东", "2026-11-01 10:00:00")], WIDE
    )
    home.sync()
    assert home.query(ROWS) == [FIRST]
    return home


def test_columns_that_a_file_lacks_stay_and_empty_cells_empty(tmp_path: Path) -> None:
    home = known(tmp_path)
    header = ("唯一性ID", "客户名称", "1级行业", "最后修改时间")
    home.put("20261104", [("id1", "甲公司（新）", "", "2026-11-03 10:00:00")], header)
    home.sync()
    changed = ("甲公司（新）", None, *FIRST[2:7], "2026-11-03 02:00:00+00")
    assert home.query(ROWS) == [changed]
    assert home.query(
        ROWS.replace("account_obj", "account_obj__history").replace("_record_id", "_modified_at")
    ) == [
        FIRST,
        changed,
    ]
    home.assert_rebuilt_alike()


def test_a_file_without_stamps_says_nothing_of_when_the_record_was_changed(tmp_path: Path) -> None:
    home = known(tmp_path)
    home.put("20261104", [("id1", "甲公司（新）")], ("唯一性ID", "客户名称"))
    home.sync()
    assert home.query(ROWS) == [("甲公司（新）", *FIRST[1:7], None)]
    assert home.query("SELECT _modified_at::VARCHAR FROM raw_fxiaoke_export.account_obj") == [
        ("2026-11-03 16:00:00+00",)
    ]


def test_a_new_record_has_nothing_to_keep(tmp_path: Path) -> None:
    home = known(tmp_path)
    home.put("20261104", [("id2", "乙公司")], ("唯一性ID", "客户名称"))
    home.sync()
    assert home.query(ROWS) == [FIRST, ("乙公司", *[None] * 7)]
