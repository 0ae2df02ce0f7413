"""API credits: how many a sync may spend.

https://www.zoho.com/crm/developer/docs/api/v8/api-limits.html: a rolling 24 hours per organisation; the header
comes only once half of them are spent, and no page says what a refused call costs (we count it).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from connectors.core.allowance import Allowance, Reserve
from connectors.core.errors import Problem
from connectors.zoho.errors import RESERVE_REACHED

RESERVE, DAILY = "ZOHO_CREDIT_RESERVE", "ZOHO_DAILY_CREDITS"
DEFAULT_RESERVE = "10%"
HEADER = "X-API-CREDITS-REMAINING"
_RESERVE = re.compile(r"^(?P<number>\d{1,12})\s*(?P<share>%)?$")


def allowance(values: Mapping[str, str], memory: Path | None = None) -> Allowance:
    """What the settings leave to us. memory: a private file. Raises Problem naming the setting that is wrong."""
    text, daily = values.get(RESERVE) or DEFAULT_RESERVE, values.get(DAILY) or "0"
    match = _RESERVE.match(text.strip())
    if match is None or (match["share"] and int(match["number"]) > 100):
        raise _wrong(RESERVE, "a share such as 10% or a number of credits such as 5000")
    if not daily.strip().isdigit():
        raise _wrong(DAILY, "a number of credits such as 100000")
    number = int(match["number"])
    reserve = Reserve(share=number / 100) if match["share"] else Reserve(least=number)
    return Allowance(reserve, header=HEADER, stop=RESERVE_REACHED, daily=int(daily), memory=memory)


def _wrong(name: str, what: str) -> Problem:
    return Problem(f"the setting {name} is wrong", do=f"set it to {what}")
