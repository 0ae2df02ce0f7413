"""The canonical text of a cell that does not cast as it stands."""

from __future__ import annotations

import json
import re

from connectors.core.contract import Field, FieldType
from connectors.core.files.dates import moment
from connectors.core.files.normal import narrow
from connectors.core.files.numbers import number, plain

NOTHING = frozenset({"", "-", "--", "—", "——", "/", "无", "n/a", "na", "null", "none"})
_SEPARATORS = re.compile(r"[|｜;；,，、\n]")  # what exports and people put between several values of a cell
TRUE = frozenset({"是", "true", "1", "yes", "y", "真", "√"})
FALSE = frozenset({"否", "false", "0", "no", "n", "假", "×"})


def parse(field: Field, text: str) -> str | None:
    """Canonical text: 1234.5, 2024-08-22, 2024-08-22 14:05:00, true, ["a", "b"] of several values; "" for a cell that
    means nothing; None for one that cannot be read as this field's type."""
    folded = narrow(text).strip().casefold()
    if folded in NOTHING:
        return ""
    match field.type:
        case FieldType.BOOLEAN:
            return "true" if folded in TRUE else "false" if folded in FALSE else None
        case FieldType.INTEGER | FieldType.EPOCH_MS:
            found = number(text)
            return plain(found[0]) if found and found[0] == found[0].to_integral_value() else None
        case FieldType.DECIMAL | FieldType.DOUBLE:
            found = number(text)
            return plain(found[0]) if found else None
        case FieldType.DATE:
            day = moment(text)
            return day.date().isoformat() if day else None
        case FieldType.DATETIME:
            when = moment(text)
            return when.isoformat(" ") if when else None
        case FieldType.JSON:
            parts = (part.strip() for part in _SEPARATORS.split(text))
            return json.dumps([part for part in parts if part], ensure_ascii=False)
        case _:
            return text.strip()
