"""The schemas we ship, what makes a schema wrong (with its line), and the templates made from them."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner

from connectors.core.contract import FieldType
from connectors.core.errors import Problem
from connectors.inputs.schema import load_schema, load_schemas
from pipelines import cli
from tests.unit.inputs_files import cut, pages, sentences, source

GOOD = """\
label: {zh: 测试, en: Test}
about: {zh: 测, en: t}
grain: One row per day.
docs: connectors/inputs/README.md
key: [day]
columns:
  day:
    label: {zh: 日期, en: Date}
    type: date
    required: true
    about: {zh: 天, en: day}
  kind:
    label: {zh: 类型, en: Kind}
    type: text
    default: a
    values:
      a: {zh: 甲, en: A}
      b: {zh: 乙, en: B}
    about: {zh: 类, en: kind}
  amount:
    label: {zh: 金额, en: Amount}
    type: decimal(2)
    required_when: {kind: [b]}
    min: 0
    max: 10
    about: {zh: 额, en: amount}
  remark: remark
examples:
  - {day: 2026-01-01, remark: 示例}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "test_input.yml"
    path.write_text(text, "utf-8")
    return path


def test_a_schema_is_a_stream(tmp_path: Path) -> None:
    schema = load_schema(written(tmp_path, GOOD))
    stream = schema.stream
    assert (stream.source, stream.name, stream.label, stream.key) == ("inputs", "test_input", "测试", "day")
    assert [(f.name, f.type, f.scale, f.label) for f in stream.fields] == [
        ("day", FieldType.DATE, 0, "日期"),
        ("kind", FieldType.TEXT, 0, "类型"),
        ("amount", FieldType.DECIMAL, 2, "金额"),
        ("remark", FieldType.TEXT, 0, "备注"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("type: date", "type: day", 9, "'day' is no type"),
        ("type: date", "typ: date", 7, "columns.day.type: Field required (and 1 more)"),
        ("min: 0", "min: 11", 24, "the least is more than the most"),
        ("    min: 0\n", "    pattern: x\n", 24, "only a text column"),
        ("default: a", "default: c", 15, "the default 'c' is none of the values"),
        ("{kind: [b]}", "{kind: [c]}", 23, "'c' is no value of kind"),
        ("{kind: [b]}", "{sort: [b]}", 23, "'sort' is none of the columns"),
        ("key: [day]", "key: [days]", 5, "'days' is none of the columns"),
        ("key: [day]", "key: []", 5, "key"),
        ("grain: One row per day.\n", "", 1, "grain"),
        ("  remark: remark\n", "  remark: remarks\n", 27, "remark"),
        ("  remark: remark\n", "", 28, "'remark' is none of the columns"),
        ("{day: 2026-01-01, remark", "{date: 2026-01-01, remark", 29, "'date' is none of the columns"),
        ("label: {zh: 类型, en: Kind}", "label: {zh: 日期, en: Kind}", 12, "the label '日期' is that of day too"),
        ("    type: date\n", "    type: text\n    pii: true\n", 10, "a personal column can be emptied"),
        ("    min: 0\n", "    pii: true\n", 24, "only a free text is personal"),
        ("  kind:\n", "  day:\n", 12, "day is given twice"),
        ("columns:", "columns: [", 6, "connectors/inputs/schemas/test_input.yml"),
        ("label: {zh: 测试, en: Test}", "name: x", 1, "the name is that of the file"),
    ],
)  # fmt: skip
def test_a_wrong_schema_is_an_error_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, words: str
) -> None:
    assert old in GOOD
    with pytest.raises(Problem) as caught:
        load_schema(written(tmp_path, GOOD.replace(old, new, 1)))
    assert words in str(caught.value)
    if old != "columns:":  # where YAML itself breaks is for its parser to say
        assert caught.value.where.endswith(f"test_input.yml:{line}")


def test_two_schemas_do_not_share_a_name(tmp_path: Path) -> None:
    (tmp_path / "other.yml").write_text(GOOD, "utf-8")
    written(tmp_path, GOOD)
    with pytest.raises(Problem, match="is that of other too"):
        load_schemas(tmp_path)


def test_templates_are_read_by_the_source_that_they_are_for(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli.app, ["template", "--dir", str(tmp_path), "--json"])
    assert result.exit_code == 0
    files = [Path(f) for f in json.loads(result.stdout)["files"]]
    schemas = load_schemas()
    assert sorted(f.name for f in files) == sorted(f"{s.label.zh}.xlsx" for s in schemas)
    opened = source(tmp_path)
    [sentence] = sentences(opened)
    assert "nobody has filled in" in sentence
    for schema in schemas:
        assert pages(opened, schema.name) == []
        rows = [(row, "example") for row, _ in enumerate(schema.examples, 2)]
        assert cut(opened, schema.name, tmp_path / f"{schema.label.zh}.xlsx") == ([], rows)


def test_a_template_has_marks_drop_downs_formats_and_notes(tmp_path: Path) -> None:
    assert (
        CliRunner().invoke(cli.app, ["template", "销售目标", "workdays", "--dir", str(tmp_path)]).exit_code
        == 0
    )
    assert sorted(p.name for p in tmp_path.iterdir()) == ["工作日历.xlsx", "销售目标.xlsx"]
    book = openpyxl.load_workbook(tmp_path / "销售目标.xlsx")
    sheet = book["销售目标"]
    header = {cell.value: cell.column_letter for cell in sheet[1]}
    assert {"年度（年）（必填）", "期间（必填）", "目标值（必填）", "渠道", "备注"} <= header.keys()
    rules = {str(rule.sqref): rule.formula1 for rule in sheet.data_validations.dataValidation}
    place = rules[f"{header['期间（必填）']}2:{header['期间（必填）']}5000"]
    first, last = place.removeprefix("选项!").replace("$", "").split(":")
    assert [cell.value for (cell,) in book["选项"][first:last]][:4] == ["全年", "上半年", "下半年", "一季度"]
    assert book["选项"].sheet_state == "hidden"
    assert f"{header['锁定']}2:{header['锁定']}5000" in rules
    calendar = openpyxl.load_workbook(tmp_path / "工作日历.xlsx")
    assert calendar["工作日历"].column_dimensions["B"].number_format == "yyyy-mm-dd"
    assert calendar["工作日历"].column_dimensions["D"].number_format == "@"
    notes = {row[0]: row for row in book["填写说明"].iter_rows(values_only=True)}
    assert notes["期间"][1:4] == ("Period", "是 yes", "文字 text")
    assert notes["目标值"][4] == "0 … "
    assert notes["版本"][5] == "V1"


@pytest.mark.parametrize(("arguments", "code"), [(["nothing"], 2), (["targets"], 1)])
def test_templates_replace_nothing_and_know_their_names(
    tmp_path: Path, arguments: list[str], code: int, capsys
) -> None:
    kept = tmp_path / "销售目标.xlsx"
    kept.write_bytes(b"mine")
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as caught:
        patch.setattr("sys.argv", ["crm-warehouse", "template", *arguments, "--dir", str(tmp_path)])
        cli.main()
    assert caught.value.code == code
    assert kept.read_bytes() == b"mine"
    assert [p.name for p in tmp_path.iterdir()] == ["销售目标.xlsx"]


def test_the_allowed_values_of_a_column_are_its_fields_options() -> None:
    (targets,) = (schema.stream for schema in load_schemas() if schema.name == "targets")
    options = {field.name: field.options for field in targets.fields}
    assert options["status"] == ("draft", "submitted", "approved", "retired")
    assert options["axis"] == ("org", "product_line", "region", "customer_type") and options["team"] == ()
