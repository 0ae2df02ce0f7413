"""Writes workbooks to be filled in: one per input, with drop-downs, an example row and a sheet of notes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from connectors.core.errors import Problem
from connectors.core.files.cells import letters
from connectors.inputs.cells import read
from connectors.inputs.schema import SOURCE, Column, Schema

NOTES, OPTIONS = "填写说明", "选项"
REQUIRED = "（必填）"
_ROWS = 5_000  # how far down the drop-downs go
_FORMATS = {"text": "@", "date": "yyyy-mm-dd", "integer": "0", "share": "0.######", "boolean": "@"}
_TYPES = {
    "text": "文字 text", "date": "日期 date, 2026-01-31", "integer": "整数 whole number",
    "share": "比例 share, 0.4 / 40%", "boolean": "是/否 yes/no",
}  # fmt: skip
_NOTE_HEADER = (
    "列 Column",
    "English",
    "必填 Required",
    "类型 Type",
    "可填 Values",
    "空白即 Default",
    "说明",
    "Description",
)
_BOLD, _GREY = Font(bold=True), Font(color="808080", italic=True)
_HEAD = PatternFill("solid", fgColor="DDEBF7")
_NEEDED = PatternFill("solid", fgColor="FCE4D6")
_WRAP = Alignment(wrap_text=True, vertical="top")


def write_templates(schemas: Sequence[Schema], folder: Path) -> list[Path]:
    """A workbook for each, `<label>.xlsx`; returns the paths. Raises Problem, before anything is written, where a
    file is in the way."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{schema.label.zh}.xlsx" for schema in schemas]
    for path in paths:
        if path.exists():
            raise Problem(
                f"the file {path.name} is there already, and what people filled in is never replaced",
                do="Take another folder (--dir), or rename the file",
                source=SOURCE,
                where=str(path),
            )
    for schema, path in zip(schemas, paths, strict=True):
        _workbook(schema).save(path)
    return paths


def header(column: Column) -> str:
    """A column's header in a template."""
    unit = f"（{column.unit}）" if column.unit else ""
    return f"{column.label.zh}{unit}{REQUIRED if column.required else ''}"


def _workbook(schema: Schema) -> Workbook:
    book = Workbook()
    _sheet_to_fill(schema, book.active)
    _notes(schema, book.create_sheet(NOTES))
    options = book.create_sheet(OPTIONS)
    options.sheet_state = "hidden"
    _drop_downs(schema, book.worksheets[0], options)
    return book


def _sheet_to_fill(schema: Schema, sheet: Worksheet) -> None:
    sheet.title = schema.label.zh
    sheet.freeze_panes = "A2"
    for index, (name, column) in enumerate(schema.columns.items()):
        cell = sheet.cell(1, index + 1, header(column))
        cell.font, cell.fill = _BOLD, _NEEDED if column.required else _HEAD
        dimension = sheet.column_dimensions[letters(index)]
        dimension.width = max(12, 2 * len(header(column)) + 2)
        dimension.number_format = _number_format(column)
        for row, example in enumerate(schema.examples, 2):
            cell = sheet.cell(row, index + 1, _example_cell(column, example.get(name)))
            cell.font, cell.number_format = _GREY, _number_format(column)


def _number_format(column: Column) -> str:
    return _FORMATS.get(column.type, "General")


def _example_cell(column: Column, given: object) -> object:
    """As a person would type it: numbers and dates as such, allowed values by their Chinese name."""
    if given is None:
        return None
    text = read(column, str(given))
    if column.values:
        return column.values[str(text)].zh
    if column.type == "date":
        return date.fromisoformat(str(text))
    return Decimal(str(text)) if column.is_number else str(given)


def _drop_downs(schema: Schema, sheet: Worksheet, options: Worksheet) -> None:
    for index, column in enumerate(schema.columns.values()):
        values = [value.zh for value in column.values.values()] or (
            ["是", "否"] if column.type == "boolean" else []
        )
        if not values:
            continue
        place = letters(options.max_column if options["A1"].value else 0)
        for row, value in enumerate(values, 1):
            options[f"{place}{row}"] = value
        # On a sheet of their own: a list inside the rule itself ends after 255 characters.
        rule = DataValidation(
            type="list",
            formula1=f"{OPTIONS}!${place}$1:${place}${len(values)}",
            allow_blank=not column.required,
        )
        rule.errorTitle, rule.error = "不在列表中 Not in the list", "、".join(values)[:250]
        rule.showErrorMessage = True
        rule.add(f"{letters(index)}2:{letters(index)}{_ROWS}")
        sheet.add_data_validation(rule)


def _notes(schema: Schema, sheet: Worksheet) -> None:
    lines = [
        (f"{schema.label.zh} · {schema.label.en}",),
        (schema.about.zh,),
        (schema.about.en,),
        (f"填好后放进 inbox/{SOURCE}/ 文件夹。When it is filled in, put it into the folder inbox/{SOURCE}/.",),
        ("备注以“示例”开头的行是示例，原样留着会被跳过；改成自己的数据时请清空备注。"
         " A row whose 备注 begins with 示例 is the example and is skipped; clear 备注 when you overwrite it.",),
        ("区分各行的列 What tells rows apart: " + "、".join(schema.columns[name].label.zh for name in schema.key),),
        (),
        _NOTE_HEADER,
    ]  # fmt: skip
    for line in (*lines, *(_note(column) for column in schema.columns.values())):
        sheet.append(line)
    for cell in (sheet["A1"], *sheet[len(lines)]):
        cell.font = _BOLD
    for place, width in zip("ABCDEFGH", (20, 22, 14, 26, 40, 12, 60, 60), strict=True):
        sheet.column_dimensions[place].width = width
    for row in sheet.iter_rows(min_row=len(lines) + 1):
        for cell in row:
            cell.alignment = _WRAP


def _note(column: Column) -> tuple[str, ...]:
    needed = "是 yes" if column.required else "视情况 sometimes" if column.required_when else ""
    values = "、".join(f"{value.zh} ({value.en})" for value in column.values.values())
    if column.min is not None or column.max is not None:
        values = f"{'' if column.min is None else column.min} … {'' if column.max is None else column.max}"
    default = column.values[column.default].zh if column.default in column.values else column.default or ""
    if column.type == "boolean":
        default = {"true": "是", "false": "否"}.get(default, default)
    kind = _TYPES.get(column.type, "数字 number")
    return column.label.zh, column.label.en, needed, kind, values, default, column.about.zh, column.about.en
