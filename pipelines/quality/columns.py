"""From a rule's column reference to SQL, and from a rule's values to the unit that the SQL gives.

Great Expectations sees only numbers and texts, so that it compares right and cheaply: money as whole
smallest units, days and microseconds since 1970. pandas turns whole numbers into floats where a column has
empty cells, and Great Expectations turns bounds into floats; order against a bound below 2^53 survives
both, so larger bounds are refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from pipelines.quality.vocabulary import Kind
from pipelines.sql import literal, quote

_DECIMAL = re.compile(r"^DECIMAL\((?P<width>\d+),\s*(?P<scale>\d+)\)$")
_NARROWEST, _WIDEST = 18, 38  # digits: of what a BIGINT holds in any unit; of what a HUGEINT does
_WIDE_WHOLE = ("HUGEINT", "UHUGEINT", "UBIGINT")
_WHOLE = re.compile(r"^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$")
_BLANKS = (9, 10, 13, 32, 160, 0x3000)  # the last is the full-width space
_LIMIT = 2**53
_CENTS = 100  # money has two places; what has no room even so is a mistake in the rule
_EPOCH = date(1970, 1, 1)


class Unfit(ValueError):
    """A value of a rule that cannot be compared with its column."""


@dataclass(frozen=True, slots=True)
class Operand:
    """A column, or a part of one, in its own type.

    ref: as the rule names it. base: the column of the package. scale: digits after the point, None for a
        double. presence: SQL that is NULL where the value is, where that is cheaper than the value. width: digits
        that a number may have.
    """

    ref: str
    base: str
    sql: str
    kind: Kind
    scale: int | None = 0
    timezone: str = "UTC"
    presence: str = ""
    width: int = _NARROWEST

    def unit(self, scale: int | None = None) -> str:
        """SQL of the value as Great Expectations sees it; a decimal in units of 10^-scale."""
        match self.kind:
            case Kind.NUMBER if self.scale is None:
                return self.plain()
            case Kind.NUMBER:
                scale = self.scale if scale is None else scale
                if self.width > _NARROWEST:
                    return self._wide_unit(scale)
                if not scale:
                    return f"CAST({self.sql} AS BIGINT)"
                # Wide enough for 18 digits times the factor: the engine does not widen by itself.
                wide = f"CAST({self.sql} AS DECIMAL(19,{self.scale}))"
                units = f"{wide} * CAST({10**scale} AS DECIMAL({scale + 1},0))"
                return f"CAST({units} AS {'BIGINT' if scale == self.scale else 'HUGEINT'})"
            case Kind.DATE:
                return f"({self.sql} - DATE '1970-01-01')"
            case Kind.INSTANT:
                return f"epoch_us({self.sql})"
        return self.sql

    def _wide_unit(self, scale: int) -> str:
        """By its digits: 10^scale times a number of 38 digits is none that the engine multiplies."""
        assert self.scale is not None
        digits = f"replace(CAST({self.sql} AS VARCHAR), '.', '')"
        zeros = f" || '{'0' * (scale - self.scale)}'" if scale > self.scale else ""
        return f"CAST({digits}{zeros} AS HUGEINT)"

    def judged_by(self, values: Iterable[Any]) -> Operand:
        """The same as a double, to fifteen digits, where whole units have no room for it or for one of these values of
        a rule. How many places a number has is for the CRM to say: they must not stop a rule that was right before."""
        if self.kind is not Kind.NUMBER or self.scale is None:
            return self
        crowded = any(
            abs(value) * 10**self.scale >= _LIMIT > abs(value) * _CENTS
            for value in values
            if isinstance(value, int | Decimal) and not isinstance(value, bool)
        )
        return replace(self, scale=None) if crowded or self.width > _NARROWEST else self

    def present(self) -> str:
        """SQL: there is a value."""
        return f"{self.presence or self.sql} IS NOT NULL"

    def plain(self) -> str:
        """SQL of a number as a double, for comparing with another double. pandas takes NaN as no value."""
        return f"nullif(CAST({self.sql} AS DOUBLE), 'NaN'::DOUBLE)"

    def shown(self) -> str:
        """SQL of the value as a person reads it."""
        if self.kind is Kind.INSTANT:
            return f"strftime({self.sql} AT TIME ZONE {literal(self.timezone)}, '%Y-%m-%d %H:%M:%S')"
        return f"CAST({self.sql} AS VARCHAR)"

    def value(self, given: Any, *, up: bool | None = None) -> Any:
        """A value of a rule in the unit of `unit()`.

        up: where a fraction of the smallest unit goes, so that comparing stays exact; None keeps it.
        Raises Unfit when the value is of another kind than the column.
        """
        match self.kind:
            case Kind.TEXT if not isinstance(given, bool):
                return str(given)
            case Kind.NUMBER if isinstance(given, bool | int | Decimal):
                return _number(given, self.scale, up)
            case Kind.DATE:
                return (_day(given) - _EPOCH).days
            case Kind.INSTANT:
                return _microseconds(given, ZoneInfo(self.timezone))
        raise Unfit(f"{given!r} is not a {self.kind}, which {self.ref} is")

    def is_one_of(self, values: tuple[Any, ...]) -> str:
        """SQL: the column holds one of these values (None among them: or nothing)."""
        of = self.judged_by(values)
        filled = ", ".join(_literal(of.value(v)) for v in values if v is not None)
        tests = [f"{of.unit()} IN ({filled})"] if filled else []
        if None in values:
            tests.append(f"NOT ({self.present()})")
        return f"coalesce({' OR '.join(tests)}, false)"


def resolve(ref: str, columns: Mapping[str, str], timezone: str) -> Operand | None:
    """The operand that a reference names; None if the package has no such column.

    columns: name → engine type. `Owner.id` is a part of a lookup, `Owner` its id or else its name;
    `Created_Time.date` is the day of a point in time in `timezone`. Blank text is an empty value.
    """
    base, part = (ref, "") if ref in columns else (ref.rpartition(".")[0], ref.rpartition(".")[2])
    if base not in columns:
        return None
    name, engine = quote(base), columns[base]
    if engine.startswith("STRUCT"):
        texts = [f"{name}.{p}" for p in ((part,) if part else ("id", "name")) if p in ("id", "name")]
        return Operand(ref, base, f"coalesce({', '.join(map(_filled, texts))})", Kind.TEXT) if texts else None
    if engine == "TIMESTAMP WITH TIME ZONE" and part in ("", "date"):
        finite = _finite(name)
        if part:
            day = f"CAST({finite} AT TIME ZONE {literal(timezone)} AS DATE)"
            return Operand(ref, base, day, Kind.DATE, presence=finite)
        return Operand(ref, base, finite, Kind.INSTANT, timezone=timezone)
    if part:
        return None
    if match := _DECIMAL.match(engine):
        return Operand(ref, base, name, Kind.NUMBER, int(match["scale"]), width=int(match["width"]))
    if _WHOLE.match(engine):
        width = _WIDEST if engine in _WIDE_WHOLE else _NARROWEST
        return Operand(ref, base, name, Kind.NUMBER, width=width)
    if engine == "BOOLEAN":
        return Operand(ref, base, f"CAST({name} AS INTEGER)", Kind.NUMBER)
    if engine in ("DOUBLE", "FLOAT"):
        return Operand(ref, base, name, Kind.NUMBER, None)
    if engine == "DATE":
        return Operand(ref, base, _finite(name), Kind.DATE)
    return Operand(ref, base, _filled(f"CAST({name} AS VARCHAR)"), Kind.TEXT)


_WIDE = "".join(map(chr, range(0xFF01, 0xFF5F)))
_NARROW = "".join(map(chr, range(0x21, 0x7F)))


def loose(text: str) -> str:
    """SQL of a text without its width, case and blanks, in which people write one name differently."""
    narrow = f"translate({text}, {literal(_WIDE)}, {literal(_NARROW)})"
    return f"regexp_replace(lower({narrow}), '[\\s\u00a0\u3000]+', '', 'g')"


def members(text: str) -> str:
    """SQL of the texts in a list that is kept as JSON text, `["a"]` or `[{"id": "a", "name": …}]`; else the text
    alone."""
    one = "coalesce(json_extract_string(m, '$.id'), json_extract_string(m, '$'))"
    listed = (
        f"CASE WHEN starts_with({text}, '[') AND json_valid({text}) THEN from_json({text}, '[\"JSON\"]') END"
    )
    return f"coalesce(list_transform({listed}, lambda m: {one}), [{text}])"


def _finite(name: str) -> str:
    """The engine reads the word infinity as a date; somebody who typed it into a cell gave none."""
    return f"CASE WHEN isfinite({name}) THEN {name} END"


def _filled(text: str) -> str:
    """Blank text is no value. Only a text that begins with a blank is worth trimming, which is slow."""
    first = f"unicode({text}) NOT IN (-1, {', '.join(map(str, _BLANKS))})"
    blanks = " || ".join(f"chr({code})" for code in _BLANKS)
    return f"CASE WHEN {first} THEN {text} WHEN trim({text}, {blanks}) <> '' THEN {text} END"


def _literal(value: Any) -> str:
    return literal(value) if isinstance(value, str) else str(value)


def _number(given: bool | int | Decimal, scale: int | None, up: bool | None) -> int | float:
    if scale is None:
        return float(given)
    exact = Decimal(int(given) if isinstance(given, bool) else given) * 10**scale
    if abs(exact) >= _LIMIT:
        raise Unfit(f"{given} is too large to be compared exactly; 15 digits are safe")
    if exact == exact.to_integral_value():
        return int(exact)
    return float(exact) if up is None else math.ceil(exact) if up else math.floor(exact)


def _day(given: Any) -> date:
    try:
        moment = date.fromisoformat(given) if isinstance(given, str) else given
    except ValueError as error:
        raise Unfit(f"{given!r} is not a date like 2026-01-31") from error
    if type(moment) is not date:
        raise Unfit(f"{given!r} is not a date like 2026-01-31")
    return moment


def _microseconds(given: Any, timezone: ZoneInfo) -> int:
    try:
        moment = datetime.fromisoformat(given) if isinstance(given, str) else given
    except ValueError as error:
        raise Unfit(f"{given!r} is not a time like 2026-01-31 09:00:00") from error
    if type(moment) is date:
        moment = datetime.combine(moment, time())
    if not isinstance(moment, datetime):
        raise Unfit(f"{given!r} is not a time like 2026-01-31 09:00:00")
    moment = moment if moment.tzinfo else moment.replace(tzinfo=timezone)
    return (moment - datetime(1970, 1, 1, tzinfo=ZoneInfo("UTC"))) // timedelta(microseconds=1)
