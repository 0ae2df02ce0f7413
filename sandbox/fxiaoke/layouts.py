"""The rows of an export as they may lie in a file: title and hints around them, other signs for nothing, units."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path

from sandbox.company.words import read_yaml
from sandbox.fxiaoke.sheets import REQUIRED, Sheet

_FACTORS = {"千元": 1_000, "万元": 10_000}
_HINTS = ("", "此项必填,文本字段类型", "查找关联字段类型\n关联对象主属性", "文本字段类型,最大位数100")


@dataclass(frozen=True, slots=True)
class Layout:
    """See `layouts.yml`."""

    above: Sequence[Sequence[str]] = ()
    tips: bool = False
    blank: str = ""
    no_relation: str = ""
    padded: bool = False
    totals: bool = False
    units: dict[str, str] = field(default_factory=dict)
    hidden_first: bool = False
    lying: bool = False
    named: str = "{label}数据"


@cache
def layouts() -> dict[str, Layout]:
    """Every layout of an object's records."""
    return {
        name: Layout(**facts) for name, facts in read_yaml(Path(__file__).with_name("layouts.yml")).items()
    }


def laid_out(
    layout: Layout, sheet: Sheet, moment: datetime, header: Sequence[str], rows: Iterable[Sequence[str]]
) -> Iterator[list[str]]:
    """All rows of the file, top to bottom."""
    for row in layout.above:
        yield [cell.format(label=sheet.label, moment=f"{moment:%Y-%m-%d %H:%M}") for cell in row]
    relations = {c.label for c in sheet.columns if "to" in c.options} | {"创建人", "最后修改人"}
    labels = [head.removesuffix(REQUIRED) for head in header]
    yield [_headed(layout, head, label) for head, label in zip(header, labels, strict=True)]
    if layout.tips:
        yield [_HINTS[place % len(_HINTS)] for place in range(len(header))]
    count = 0
    for row in rows:
        count += 1
        yield [
            _cell(layout, label, text, relation=label in relations)
            for label, text in zip(labels, row, strict=True)
        ]
    if layout.totals:
        yield []
        yield ["合计", *[""] * (len(header) - 2), f"共{count}条"]


def _headed(layout: Layout, head: str, label: str) -> str:
    unit = layout.units.get(label)
    return f"{label.removesuffix('（元）')}（{unit}）" if unit else head


def _cell(layout: Layout, label: str, text: str, *, relation: bool) -> str:
    if not text:
        text = layout.no_relation if relation and layout.no_relation else layout.blank
    elif label in layout.units:
        text = f"{Decimal(text) / _FACTORS[layout.units[label]]:f}"
    return f"{text} " if layout.padded and text else text
