"""统一社会信用代码 (GB 32100-2015)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from unicodedata import normalize

from stdnum.cn import uscc

# Letters that the standard left out because people take them for digits.
_TAKEN_FOR = str.maketrans("IOSZ", "1052")
_KEPT = re.compile(r"[^0-9A-Z]")


@dataclass(frozen=True, slots=True)
class CreditCode:
    """is_checked: it has 18 places and its check digit is right."""

    code: str
    is_checked: bool


def credit_code(text: str) -> CreditCode | None:
    """A code as somebody typed it; None if nothing of it is one.

    I, O, S and Z, which no code has, are read as the digits that they look like if the check digit then agrees.
    """
    code = _KEPT.sub("", normalize("NFKC", text).upper())
    if not code or len(set(code)) < 3:
        return None
    for reading in (code, code.translate(_TAKEN_FOR)):
        if uscc.is_valid(reading):
            return CreditCode(reading, True)
    return CreditCode(code, False)
