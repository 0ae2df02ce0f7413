"""The vendor's words, and a tenant's own on top of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors import discover
from connectors.core.contract import CursorKind
from connectors.core.errors import Problem
from connectors.fxiaoke.export_files.columns import meaning
from connectors.fxiaoke.export_files.labels import load_vocabulary
from tests.unit.fxiaoke_workbooks import cut, open_tame, pages, sentence, stream, xlsx

STREAMS = discover()["fxiaoke_export"].streams()
BASE = load_vocabulary(STREAMS, {})


def test_every_label_leads_to_a_declared_field_and_every_declared_field_has_a_label():
    for words in BASE.objects.values():
        declared = {f.name for f in words.stream.fields}
        assert set(words.fields.values()) == declared, words.stream.name
        assert set(words.called) <= declared
        assert set(words.shown) == declared, "each has a label for people"
        assert words.identity()
    assert not BASE.others & {n for words in BASE.objects.values() for n in words.names}


@pytest.mark.parametrize(
    ("name", "label", "field", "part", "factor"),
    [
        ("new_opportunity_obj", "客户名称（必填）", "account_id", "name", 1),
        ("new_opportunity_obj", "客户名称_唯一性ID（必填）", "account_id", "id", 1),
        ("new_opportunity_obj", "赢率(%)", "probability", "", 1),
        ("new_opportunity_obj", "赢率（％）", "probability", "", 1),
        ("new_opportunity_obj", "商机金额（元）", "amount", "", 1),
        ("new_opportunity_obj", "商机金额(万元)（必填）", "amount", "", 10_000),
        ("new_opportunity_obj", "负责人所在部门", "owner_department", "name", 1),
        ("account_obj", "客户名称", "name", "", 1),
        ("account_obj", "年营业额（亿元）", "annual_revenue", "", 100_000_000),
        ("account_obj", "员工人数（人）", "employee_count", "", 1),
        ("contact_obj", "客户名称", "account_id", "name", 1),
        ("personnel_obj", "直属上级_唯一性ID", "leader", "id", 1),
    ],
)
def test_what_a_label_means(name: str, label: str, field: str, part: str, factor: int):
    found = meaning(label, BASE.objects[name], BASE)
    assert found is not None
    assert (found.field, found.part, found.factor) == (field, part, factor)


@pytest.mark.parametrize(
    "label", ["商机金额（港币）", "商机金额（不含税）", "商机名称（万元）", "备注", "商机名称_唯一性ID", ""]
)
def test_what_no_label_means(label: str):
    assert meaning(label, BASE.objects["new_opportunity_obj"], BASE) is None


def test_a_tenant_s_words(tmp_path: Path):
    (tmp_path / "labels.yml").write_text(
        "商机:\n  names: 项目\n  number: [项目编码]\n  fields:\n    name: [项目名称]\n    amount: 合同额\n"
        "    account_id: 甲方\n    lost_reason: 商机来源\n",
        "utf-8",
    )
    header = ["项目名称（必填）", "项目编码", "甲方", "甲方_唯一性ID", "合同额（万元）", "商机来源", "负责人"]
    xlsx(
        tmp_path / "项目对象导出结果_20260102.xlsx", [header, ["丙", "P-1", "丁", "a9", "1.5", "价格", "戊"]]
    )
    source = open_tame(tmp_path)
    assert source.problems() == []
    [page] = pages(source, "new_opportunity_obj")
    _, _, [row] = cut(source, "new_opportunity_obj", page.body)
    assert (row["_record_id"], row["name"], row["amount"]) == ("number:P-1", "丙", "15000")
    assert (row["account_id.name"], row["account_id.id"]) == ("丁", "a9")
    assert row["lost_reason"] == "价格", "a tenant may give a vendor's word to another field"
    assert row["项目编码"] == "P-1"


def test_a_system_label_that_a_tenant_gives_to_a_field_speaks_for_the_object():
    override = {"new_opportunity_obj": {"fields": {"lost_reason": ["业务类型"]}}}
    words = load_vocabulary(STREAMS, override).objects["new_opportunity_obj"]
    assert words.fields["业务类型"] == "lost_reason"
    assert "业务类型" in words.own
    assert "业务类型" not in BASE.objects["new_opportunity_obj"].own


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("商机: [", "line 1 is not valid YAML"),
        ("- 商机", "the file must be a list of `name: value` lines"),
        ("项目: {}", "'项目' is no object; known are 商机 (new_opportunity_obj), 客户 (account_obj)"),
        ("商机: 项目", "商机 must be a list of `name: value` lines"),
        ("商机: {field: {}}", "商机 has 'field'; possible are names, number, fields"),
        (
            "商机: {fields: {betrag: 金额}}",
            "商机.fields has 'betrag', which is no field of 商机; known are _id, account_id",
        ),
        ("商机: {fields: {amount: [1]}}", "商机.fields.amount must be a text or a list of texts"),
        ("商机: {names: {a: b}}", "商机.names must be a text or a list of texts"),
        ("商机: {fields: {amount: 金额, probability: '金 额（必填）'}}", "to both amount and probability"),
        ("商机: {}\nnew_opportunity_obj: {}", "商机 is listed twice"),
        (b"\xff\xfe\xff", "the file is not UTF-8 text"),
        ("a" * (2 << 20), "larger than 1 MB"),
    ],
)
def test_wrong_words_stop_the_inbox_and_say_where(tmp_path: Path, text: str | bytes, says: str):
    xlsx(tmp_path / "商机对象导出结果_20260102.xlsx", [["商机名称", "商机金额"], ["甲", "1"]])
    (tmp_path / "labels.yml").write_bytes(text.encode() if isinstance(text, str) else text)
    source = open_tame(tmp_path)
    assert says in sentence(source)
    assert "nothing in the inbox is read until they are right (labels.yml)" in sentence(source)
    assert pages(source, "new_opportunity_obj") == []
    deals = stream(source, "new_opportunity_obj")
    assert source.shape(deals, CursorKind.FILE).fields, "empty raw tables are still declared"
    with pytest.raises(Problem) as caught:
        source.tabulate(tmp_path / "商机对象导出结果_20260102.xlsx", deals)
    assert (caught.value.source, caught.value.stream) == ("fxiaoke_export", "new_opportunity_obj")


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "{}"])
def test_an_empty_file_of_words_is_fine(tmp_path: Path, text: str):
    (tmp_path / "labels.yml").write_text(text)
    assert open_tame(tmp_path).problems() == []
