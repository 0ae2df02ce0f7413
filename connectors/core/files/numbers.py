"""Amounts and percents as people write them in Chinese spreadsheets, exactly (Decimal, never float)."""

from __future__ import annotations

import re
from decimal import Decimal

from connectors.core.files.normal import narrow

_NUMBER = re.compile(
    r"""(?P<open>\()?
    (?P<sign>[-+])?(?P<currency>¥|CNY|RMB|人民币)?(?P<sign2>[-+])?
    (?P<digits>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,2}(?:[ ][0-9]{3})+|[0-9]+)?
    (?P<fraction>\.[0-9]*)?(?P<exponent>E[-+]?[0-9]{1,2})?
    (?P<times>[千万亿]|百万|千万)?(?P<unit>%|元|圆|¥|CNY|RMB|人民币)?
    (?P<close>\))?""",
    re.VERBOSE | re.IGNORECASE,
)
_MOST_DIGITS = 60  # before or behind the point
_TIMES = {"千": 1_000, "万": 10_000, "百万": 1_000_000, "千万": 10_000_000, "亿": 100_000_000}
_SIGNS = str.maketrans("−–—\u00a0\u202f", "---  ")
_GAPS = re.compile(r"(?<![0-9.,])[ \t]+|[ \t]+(?![0-9.,])")  # around signs and units
_SEPARATORS = re.compile("[, ]")


def number(text: str) -> tuple[Decimal, bool] | None:
    """The number in a text, and whether the text names its own magnitude or currency; None if it is none.

    12.66% is 12.66, as Fxiaoke keeps percents. A currency other than the yuan is no number: amounts of two
    currencies must not meet in one column. A comma that does not part thousands is refused: 1,5 may be 1.5. So are
    several lines, and a space between groups that may each be a number: 300 400, but not 1 200 300.
    """
    folded = narrow(text).translate(_SIGNS).strip()
    match = _NUMBER.fullmatch(_GAPS.sub("", folded))
    if match is None or not (match["digits"] or (match["fraction"] or "").strip(".")):
        return None
    if bool(match["open"]) != bool(match["close"]) or (match["sign"] and (match["sign2"] or match["open"])):
        return None
    if match["currency"] and match["unit"] == "%":
        return None
    try:
        value = Decimal(
            f"{_SEPARATORS.sub('', match['digits'] or '0')}{match['fraction'] or ''}{match['exponent'] or ''}"
        )
    except ArithmeticError:
        return None
    if (
        abs(value.adjusted()) > _MOST_DIGITS
    ):  # 1E+900000 is no number of anything, and written out it fills a disk
        return None
    value *= _TIMES.get(match["times"] or "", 1)
    if match["open"] or "-" in (match["sign"], match["sign2"]):
        value = -value
    return value, bool(match["times"] or (match["unit"] and match["unit"] != "%"))


def plain(value: Decimal) -> str:
    """The shortest text of a number without an exponent: 1100040000, 0.5, -3."""
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def scaled(text: str, factor: int) -> str:
    """A cell under a header with a unit, in units of one; the text itself when it is no number.

    A cell that names its own unit (1.2万 under 金额（万元）) is not multiplied again.
    """
    found = number(text)
    if found is None:
        return text
    value, own_unit = found
    return plain(value if own_unit else value * factor)
