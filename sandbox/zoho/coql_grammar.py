"""COQL as text: cut into tokens and read into a query.

https://www.zoho.com/crm/developer/docs/api/v8/COQL-Overview.html, …/COQL-Limitations.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NoReturn

from sandbox.zoho import errors

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*")|(?P<number>-?\d+(?:\.\d+)?)(?![\w])"""
    r"""|(?P<word>[A-Za-z_$][\w.$#]*)|(?P<sign><=|>=|!=|[=<>(),])|(?P<junk>\S))"""
)
FUNCTIONS = frozenset({"count", "sum", "max", "min", "avg"})
SIGNS = frozenset({"=", "!=", ">", ">=", "<", "<="})
MAX_CRITERIA = 25


@dataclass(frozen=True, slots=True)
class Condition:
    """`field operator value`; the value is a text, or a list of texts for `in` and `between`."""

    field: str
    operator: str
    value: str | list[str] | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two conditions and `and` or `or` between them."""

    operator: str
    left: Condition | Pair
    right: Condition | Pair


@dataclass(frozen=True, slots=True)
class Item:
    """What is selected: a field, or an aggregate over one; `name` is its key in the answer."""

    name: str
    field: str
    function: str | None = None


@dataclass(slots=True)
class Query:
    """A parsed query. order: (field, descending)."""

    items: list[Item]
    module: str
    where: Condition | Pair
    groups: list[str] = field(default_factory=list)
    order: list[tuple[str, bool]] = field(default_factory=list)
    limit: int = 200
    offset: int = 0


def parse(text: str) -> Query:
    """The query of a text. Raises Refusal SYNTAX_ERROR with clause, line, column and what stands there."""
    return _Parser(text).query()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text, self._at, self._clause, self._criteria = text, 0, "select", 0
        self._tokens: list[tuple[str, str, int]] = []
        position = 0
        while text[position:].strip():
            found = _TOKEN.match(text, position)
            kind = found.lastgroup
            self._tokens.append((kind, found[kind], found.start(kind)))
            position = found.end()

    def query(self) -> Query:
        self._need("select")
        items = [self._item()]
        while self._take(","):
            items.append(self._item())
        self._clause = "from"
        self._need("from")
        module = self._name()
        self._clause = "where"
        self._need("where")
        query = Query(items, module, self._either())
        if self._take("group"):
            self._clause = "group by"
            self._need("by")
            query.groups = self._names()
        if self._take("order"):
            self._clause = "order by"
            self._need("by")
            query.order = [self._sorted()]
            while self._take(","):
                query.order.append(self._sorted())
        self._clause = "limit"
        if self._take("limit"):
            query.limit = self._count()
            if self._take(","):
                query.offset, query.limit = query.limit, self._count()
        if self._take("offset"):
            query.offset = self._count()
        if self._at < len(self._tokens):
            self._fail()
        return query

    def _item(self) -> Item:
        name = self._name()
        field, function = name, None
        if name.lower() in FUNCTIONS and self._take("("):
            function, field = name.lower(), self._name()
            self._need(")")
            name = f"{function.upper()}({field})"
        return Item(self._name() if self._take("as") else name, field, function)

    def _either(self) -> Condition | Pair:
        """A condition, or two of them: a third at the same level must be bracketed."""
        left = self._term()
        for operator in ("and", "or"):
            if self._take(operator):
                return Pair(operator, left, self._term())
        return left

    def _term(self) -> Condition | Pair:
        if self._take("("):
            inner = self._either()
            self._need(")")
            return inner
        self._criteria += 1
        if self._criteria > MAX_CRITERIA:
            raise errors.bad_request(
                "LIMIT_EXCEEDED", "criteria limit exceeded", limit=MAX_CRITERIA, clause="where"
            )
        return self._condition()

    def _condition(self) -> Condition:
        name = self._name()
        if self._take("is"):
            negated = self._take("not")
            self._need("null")
            return Condition(name, "is not null" if negated else "is null")
        negation = "not " if self._take("not") else ""
        if self._take("in"):
            self._need("(")
            values = [self._value()]
            while self._take(","):
                values.append(self._value())
            self._need(")")
            return Condition(name, f"{negation}in", values)
        if self._take("between"):
            low = self._value()
            self._need("and")
            return Condition(name, f"{negation}between", [low, self._value()])
        if self._take("like"):
            return Condition(name, f"{negation}like", self._value())
        sign = self._peek()
        if sign not in SIGNS or negation:
            self._fail()
        self._at += 1
        return Condition(name, sign, self._value())

    def _sorted(self) -> tuple[str, bool]:
        name = self._name()
        descending = self._take("desc")
        if not descending:
            self._take("asc")
        return name, descending

    def _names(self) -> list[str]:
        names = [self._name()]
        while self._take(","):
            names.append(self._name())
        return names

    def _name(self) -> str:
        """A field or module; one that is a reserved word stands in quotes."""
        kind, token, _ = self._here()
        if kind not in ("word", "text"):
            self._fail()
        self._at += 1
        return _unquoted(token) if kind == "text" else token

    def _value(self) -> str:
        kind, token, _ = self._here()
        if kind in ("sign", "junk") or (kind == "word" and token.lower() not in ("true", "false")):
            self._fail()
        self._at += 1
        return _unquoted(token) if kind == "text" else token

    def _count(self) -> int:
        kind, token, _ = self._here()
        if kind != "number" or not token.isdigit():
            self._fail()
        self._at += 1
        return int(token)

    def _peek(self) -> str:
        return self._tokens[self._at][1].lower() if self._at < len(self._tokens) else ""

    def _here(self) -> tuple[str, str, int]:
        if self._at >= len(self._tokens):
            self._fail()
        return self._tokens[self._at]

    def _take(self, word: str) -> bool:
        there = self._peek() == word
        self._at += there
        return there

    def _need(self, word: str) -> None:
        if not self._take(word):
            self._fail()

    def _fail(self) -> NoReturn:
        ended = self._at >= len(self._tokens)
        position = len(self._text) if ended else self._tokens[self._at][2]
        before = self._text[:position]
        raise errors.bad_request(
            "SYNTAX_ERROR", "error occurred while parsing the query", clause=self._clause,
            line=before.count("\n") + 1, column=position - (before.rfind("\n") + 1) + 1,
            near=self._text[position : position + 20],
        )  # fmt: skip


def _unquoted(token: str) -> str:
    return token[1:-1].replace(token[0] * 2, token[0])
