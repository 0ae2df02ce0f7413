"""统一社会信用代码 (GB 32100-2015)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from unicodedata import normalize

from stdnum.cn import uscc

from pipelines.identity.text import is_filler

# Letters that the standard left out because people take them for digits.
_TAKEN_FOR = str.maketrans("IOSZ", "1052")
_KEPT = re.compile(r"[^0-9A-Z]")
_PLACES = {18, 15}  # of today's code, and of the registration and tax numbers before it
_LEAST_DIGITS = 8  # 登记管理部门, 机构类别 and the six of the region


@dataclass(frozen=True, slots=True)
class CreditCode:
    """is_checked: it has 18 places and its check digit is right."""

    code: str
    is_checked: bool


def credit_code(text: str) -> CreditCode | None:
    """A code as somebody typed it; None if it cannot be one, or only fills the field.

    I, O, S and Z, which no code has, are read as the digits that they look like if the check digit then agrees.
    """
    code = _KEPT.sub("", normalize("NFKC", text).upper())
    if len(code) not in _PLACES or is_filler(code):
        return None
    for reading in (code, code.translate(_TAKEN_FOR)):
        if uscc.is_valid(reading):
            return CreditCode(reading, True)
    digits = sum(place.isdigit() for place in code.translate(_TAKEN_FOR))
    return CreditCode(code, False) if digits >= _LEAST_DIGITS and code.isascii() else None
